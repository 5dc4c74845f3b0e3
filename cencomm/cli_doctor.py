"""`bin/cencomm doctor`: checks everything that can be wrong and says how to mend it. It changes nothing."""

from __future__ import annotations

import argparse
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cencomm import embedded, environment
from cencomm.attachment import attached, is_external
from cencomm.cli_test import missing_programs
from cencomm.data_folder import DataFolder, DataFolderError
from cencomm.embedded import EmbeddedPostgres, EmbeddedPostgresError
from cencomm.translations import stale_translations

GOOD, NOTE, BAD = "ok", "note", "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and how to mend it."""

    grade: str
    text: str
    mend: str = ""


def run_doctor(options: argparse.Namespace) -> int:
    """Print each finding; the exit code is 1 when something is wrong."""
    folder = DataFolder(options.data)
    wrong = 0
    for finding in findings(folder, options.port):
        print(f"{finding.grade:>5}  {finding.text}", flush=True)
        if finding.mend:
            print(f"       → {finding.mend}", flush=True)
        wrong += finding.grade == BAD
    print(f"{wrong} wrong." if wrong else "Nothing is wrong.", flush=True)
    return 1 if wrong else 0


def findings(folder: DataFolder, port: int) -> Iterator[Finding]:
    """Give the findings of every check, in the order in which a start needs them."""
    yield from check_program()
    yield from check_machine(port, running=folder.is_locked())
    yield from check_folder(folder)
    if folder.is_new and not is_external():
        yield Finding(NOTE, f"No data in {folder.path} yet.", "bin/cencomm up prepares it.")
        return
    yield from check_running(folder)


def check_program() -> Iterator[Finding]:
    """Python, the environment, the translations."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(GOOD, f"Python {version} ({sys.executable})")
    if environment.is_current("base"):
        yield Finding(GOOD, "The environment holds the pinned packages.")
    else:
        yield Finding(BAD, "The environment does not match requirements/base.txt.", "Run bin/cencomm help.")
    if stale_translations():
        yield Finding(NOTE, "Translations are not compiled.", "bin/cencomm up compiles them.")


def check_machine(port: int, *, running: bool) -> Iterator[Finding]:
    """Clock, port, PostgreSQL's programs, what tests need."""
    now = datetime.now(tz=UTC)
    written = datetime.fromtimestamp(Path(__file__).stat().st_mtime, tz=UTC)
    if now.year < 2026 or (written - now).total_seconds() > 86400:
        text = f"The clock says {now:%Y-%m-%d %H:%M} UTC, before this program was written: codes will not match."
        yield Finding(BAD, text, "Set the clock (timedatectl set-ntp true).")
    else:
        yield Finding(GOOD, f"The clock says {now:%Y-%m-%d %H:%M} UTC.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            yield Finding(GOOD, f"Port {port} is free.")
        except OSError:
            text = f"Port {port} is taken" + (", perhaps by the CENcomm that runs now." if running else ".")
            yield Finding(NOTE, text, "Choose another: bin/cencomm up --port N.")
    if not is_external():
        yield check_binaries()
    missing = missing_programs()
    if missing:
        text = f"Not on this machine: {', '.join(missing)}. Only tests need them; some are skipped."
        yield Finding(NOTE, text, "apt install chromium redis-server nginx-light")


def check_binaries() -> Finding:
    """Whether PostgreSQL's programs run here."""
    try:
        program = embedded.package_binaries() / "postgres"
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (EmbeddedPostgresError, OSError, subprocess.CalledProcessError) as error:
        return Finding(BAD, f"PostgreSQL's programs do not run: {error}", "Delete .venv and run bin/cencomm help.")
    return Finding(GOOD, f"{done.stdout.strip()} is at hand.")


def check_folder(folder: DataFolder) -> Iterator[Finding]:
    """Rights, version, space, keys of the data folder."""
    if not folder.path.exists():
        return
    checks: dict[str, Callable[[], None]] = {
        f"The data folder {folder.path} is ours.": folder.check_access,
        "Its layout is known.": folder.check_version,
        "The disk has space.": folder.check_space,
    }
    for text, check in checks.items():
        try:
            check()
            yield Finding(GOOD, text)
        except DataFolderError as error:
            yield Finding(BAD, str(error))
            return
    keys = folder.path / "keys"
    private = [folder.path, keys, folder.secret_key_file, *sorted(keys.rglob("*"))]
    exposed = [path for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in exposed:
        mode = "700" if path.is_dir() else "600"
        yield Finding(BAD, f"Others may read {path}.", f"chmod {mode} {path}")
    if not exposed:
        yield Finding(GOOD, "Keys and secrets are readable by their owner only.")
    if not folder.is_new and not (keys / "root.key").exists() and not os.environ.get("CENCOMM_ROOT_KEY_URI"):
        text = "The root key is missing: nothing that was sealed can be read."
        yield Finding(BAD, text, f"Restore {keys} from the backup of the keys (docs/operations.md).")
    yield from check_clusters()


def check_clusters() -> Iterator[Finding]:
    """As root: clusters below SYSTEM_HOME whose data folder is gone."""
    if os.geteuid() != 0:
        return
    for origin in sorted(embedded.SYSTEM_HOME.glob("clusters/*/origin")):
        folder = origin.read_text().strip()
        if not Path(folder).exists():
            mend = f"If that folder will not come back: rm -r {origin.parent}"
            yield Finding(NOTE, f"{origin.parent} belongs to the data folder {folder}, which is gone.", mend)


def check_running(folder: DataFolder) -> Iterator[Finding]:
    """Databases, their schema and roles, Redis, the worker: with the product running or stopped."""
    running = folder.is_locked()
    try:
        with attached(folder):
            yield from check_databases()
            yield from check_key_agent()
            yield from check_companions(running=running)
            yield check_files()
            yield check_mail()
    except (DataFolderError, EmbeddedPostgresError) as error:
        log = "" if is_external() else f"Its log: {EmbeddedPostgres(folder.path).log}"
        yield Finding(BAD, f"The database does not start: {error}", log)


def check_databases() -> Iterator[Finding]:
    """Both databases answer, hold this program's tables, and the application's role is weak."""
    import django

    django.setup()
    from django.db import connections

    from cencomm import health
    from cencomm.checks import check_drawing, check_hosts, check_keys, check_roles, check_secret_key

    for alias in connections:
        if not health.database_answers(alias):
            yield Finding(
                BAD, f"The database {alias} does not answer.", "Does the server run? Is DATABASE_URL right?"
            )
            return
        yield Finding(GOOD, f"The database {alias} answers.")
    if all(health.is_migrated(alias) for alias in connections):
        yield Finding(GOOD, "The tables are those of this program.")
    else:
        yield Finding(BAD, "Migrations are missing.", "bin/cencomm up applies them, or: manage prepare_databases")
    serious = [*check_secret_key(None), *check_hosts(None), *check_keys(None)]
    serious += check_roles(None, list(connections))
    for message in serious:
        yield Finding(BAD, message.msg, message.hint or "")
    if not serious:
        yield Finding(GOOD, "The application's roles own nothing; hosts and keys are safe.")
    for message in check_drawing(None):
        yield Finding(NOTE, message.msg, message.hint or "")


def check_key_agent() -> Iterator[Finding]:
    """Who holds the root key, and how far apart from the processes that use it."""
    from vault import AgentKeyStore, KeyStoreUnavailable, keystore

    store = keystore()
    if not isinstance(store, AgentKeyStore):
        yield Finding(NOTE, "No key agent runs: this command reads the root key itself, as web processes then do.")
        return
    try:
        apart = store.state()["apart"]
    except KeyStoreUnavailable:
        yield Finding(BAD, "The key agent does not answer: only groups that are open go on.", "See logs/keys.log.")
        return
    if apart:
        yield Finding(GOOD, "The key agent runs as a user of its own.")
    else:
        yield Finding(
            NOTE,
            "The key agent runs as the same user as the web processes, which could read the root key as well.",
            "Start as root, or as the data centre does: docs/operations.md, The key agent.",
        )


def check_companions(*, running: bool) -> Iterator[Finding]:
    """Redis where it is configured, and the worker where the product runs."""
    from django.conf import settings

    from cencomm import health

    if settings.REDIS_URL:
        answers = health.redis_answers()
        mend = "" if answers else "Start it, or unset REDIS_URL on one machine."
        yield Finding(GOOD if answers else BAD, f"Redis {'answers' if answers else 'does not answer'}.", mend)
    if health.worker_alive():
        yield Finding(GOOD, "A worker is alive.")
    elif running:
        yield Finding(BAD, "No worker's heart beat in the last minute.", "See logs/worker.log.")
    else:
        yield Finding(NOTE, "No worker runs, as CENcomm is stopped.")


def check_files() -> Finding:
    """Where files lie: of a bucket, whether writing, reading, listing and removing work."""
    from django.conf import settings

    from messaging.attachments.bucket import BadPlace, BucketStorage, access_keys, configured
    from messaging.attachments.errors import StorageUnavailable
    from vault import SealBroken

    if not settings.CENCOMM_S3_URL:
        return Finding(GOOD, f"Files lie in the folder {settings.CENCOMM_ATTACHMENTS}.")
    try:
        place = configured()
        access_keys(place.credentials)
        BucketStorage(place).try_out()
    except BadPlace as failure:
        return Finding(BAD, str(failure), "docs/operations.md, Files.")
    except (StorageUnavailable, SealBroken):
        text = f"The bucket {place.bucket} at {place.endpoint} does not take, give, list and remove files."
        return Finding(BAD, text, "The log says what it answered: rights of the access key, address, certificate?")
    return Finding(GOOD, f"Files lie in the bucket {place.bucket} at {place.endpoint}; it takes and gives.")


def check_mail() -> Finding:
    """Whether the mail server, where one is named, is spoken to over TLS and lets us in. Nothing is sent."""
    from django.conf import settings
    from django.core.mail import mailers

    from accounts.letters import NOWHERE

    if settings.MAILERS["default"]["BACKEND"] == NOWHERE:
        mend = (
            "CENCOMM_EMAIL_HOST: officers are told then what was done to their accounts (docs/operations.md, Mail)."
        )
        return Finding(NOTE, "No mail is sent.", mend)
    server = mailers["default"]
    try:
        server.open()
        server.close()
    except OSError as failure:
        text = f"The mail server cannot be used: {type(failure).__name__}."
        return Finding(BAD, text, "Address, certificate, STARTTLS, name and password? docs/operations.md, Mail.")
    return Finding(GOOD, "The mail server is spoken to over TLS.")
