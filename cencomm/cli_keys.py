"""`bin/cencomm keys …`: the key agent, and backups of the key store apart from the database's."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cencomm.cli_errors import CommandRefused
from cencomm.data_folder import DataFolder
from cencomm.key_place import VARIABLE, agent_answers, agent_socket

if TYPE_CHECKING:
    from vault.configured import AnyKeyStore


def add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser) -> None:
    """Declare the command and its parts."""
    keys = commands.add_parser("keys", help="run the key agent; back up, restore and prune the key store")
    parts = keys.add_subparsers(dest="keys_command", required=True, metavar="PART")
    agent = parts.add_parser("agent", help="run the key agent: the one process that can use the root key")
    agent.add_argument("--socket", metavar="FILE", help="where it listens (default: CENCOMM_KEY_AGENT)")
    agent.add_argument(
        "--allow", metavar="UID", default="", help="users that it answers, by number (default: its own)"
    )
    agent.add_argument("--user", metavar="NAME", help="started as root, the system user that it becomes")
    agent.add_argument("--group-access", action="store_true", help="let the socket's group connect as well")
    agent.add_argument("--ready", type=int, help=argparse.SUPPRESS)
    backup = parts.add_parser("backup", parents=[data], help="copy the key store; delete copies older than 35 days")
    backup.add_argument("--to", required=True, metavar="DIR", help="where copies are kept, far from the database's")
    restore = parts.add_parser("restore", parents=[data], help="put back what the key store lacks")
    restore.add_argument("file", metavar="FILE", help="what `keys backup` made, at most 35 days ago")
    prune = parts.add_parser("prune", help="delete copies that are older than 35 days")
    prune.add_argument("folder", metavar="DIR")
    parts.add_parser("status", parents=[data], help="say which root keys wrap how many keys, and who holds them")


def run_keys(options: argparse.Namespace) -> int:
    """Run one part of the command."""
    from vault import KeyStoreUnavailable
    from vault.backups import BackupRefused

    parts = {
        "agent": _run_agent, "backup": _back_up, "restore": _restore, "prune": _prune, "status": _print_status,
    }  # fmt: skip
    try:
        return parts[options.keys_command](options)
    except BackupRefused as refused:
        raise CommandRefused(str(refused)) from refused
    except KeyStoreUnavailable as refused:
        raise CommandRefused(refused.sentence, code=69) from refused
    except OSError as error:
        message = f"{error.filename or 'That'} cannot be used: {error.strerror or error}."
        raise CommandRefused(message, code=74) from error


def _settings(options: argparse.Namespace) -> Any:
    """Return the settings for a data folder, without any database."""
    if getattr(options, "data", None):
        os.environ["CENCOMM_DATA"] = str(DataFolder(options.data).path)
    elif not os.environ.get("CENCOMM_DATA"):
        os.environ["CENCOMM_DATA"] = str(DataFolder(None).path)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    from django.conf import settings

    return settings


def _run_agent(options: argparse.Namespace) -> int:
    from cencomm.key_agent import Places, Terms, run_agent
    from vault.agent.limits import Rates

    settings = _settings(options)
    place = options.socket or settings.CENCOMM_KEY_AGENT
    if not place:
        message = "Name the socket: --socket FILE, or CENCOMM_KEY_AGENT."
        raise CommandRefused(message, code=64)
    allowed = options.allow or os.environ.get("CENCOMM_KEY_AGENT_ALLOW", "") or str(os.geteuid())
    if not all(part.strip().isdigit() for part in allowed.split(",")):
        message = f"{allowed} is no list of user numbers, as in --allow 10001."
        raise CommandRefused(message, code=64)
    return run_agent(
        Places(
            root_file=Path(settings.CENCOMM_ROOT_KEY_FILE),
            uri=settings.CENCOMM_ROOT_KEY_URI,
            store=Path(settings.CENCOMM_KEY_STORE),
            record=Path(settings.CENCOMM_KEY_RECORD),
            socket=Path(place).absolute(),
        ),
        Terms(
            allowed=frozenset(int(part) for part in allowed.split(",")),
            rates=Rates.of(
                burst=int(os.environ.get("CENCOMM_KEY_BURST", "2000")),
                per_minute=int(os.environ.get("CENCOMM_KEYS_PER_MINUTE", "600")),
            ),
            user=options.user,
            socket_mode=0o660 if options.group_access else 0o600,
            ready=options.ready,
        ),
    )


def _back_up(options: argparse.Namespace) -> int:
    from vault import KeyStoreUnavailable
    from vault.backups import back_up, prune

    settings = _settings(options)
    backup, contents = back_up(Path(settings.CENCOMM_KEY_STORE), Path(options.to))
    print(f"{contents.keys} keys and {contents.destroyed} marks of destroyed ones: {backup.path}")
    if contents.roots:
        print(f"It opens only with the root key {contents.roots[0]}: keep a copy of that at another place.")
        with suppress(KeyStoreUnavailable):  # an agent that has stopped cannot say it
            print(f"That root key lies in {_store(options).where}.")
    for path in prune(Path(options.to)):
        print(f"Older than 35 days, deleted: {path}")
    return 0


def _prune(options: argparse.Namespace) -> int:
    from vault.backups import backups_in, prune

    for path in prune(Path(options.folder)):
        print(f"Older than 35 days, deleted: {path}")
    print(f"{len(backups_in(Path(options.folder)))} copies are left.")
    return 0


def _restore(options: argparse.Namespace) -> int:
    from vault.backups import contents_of, restore

    settings = _settings(options)
    file = Path(options.file)
    done = restore(file, Path(settings.CENCOMM_KEY_STORE))
    print(
        f"{done.keys} keys were put back, {done.present} were there; {done.destroyed} stay destroyed "
        f"({done.marks} marks were put back)."
    )
    for root in contents_of(file).roots:
        print(f"They open with the root key {root}.")
    count = _destroy_again(options)
    print(
        f"{count} of them belonged to archived groups and were destroyed again."
        if count is not None
        else "The worker destroys the keys of archived groups among them within 15 minutes."
    )
    return 0


def _destroy_again(options: argparse.Namespace) -> int | None:
    """Destroy what an archiving destroyed since the backup; None where no database can be asked from here."""
    from cencomm.attachment import attached, is_external

    folder = DataFolder(options.data)
    if folder.is_new and not is_external():
        return None
    with attached(folder):
        import django
        from django.db import DatabaseError

        django.setup()
        from groups.keys import destroy_keys_of_archived

        try:
            return destroy_keys_of_archived()
        except (DatabaseError, OSError):
            return None


def _store(options: argparse.Namespace) -> AnyKeyStore:
    """Return the key store, behind its agent where one answers."""
    place = agent_socket(DataFolder(options.data).path)
    if not os.environ.get(VARIABLE) and agent_answers(place):
        os.environ[VARIABLE] = str(place)
    _settings(options)
    from vault import keystore

    return keystore()


def _print_status(options: argparse.Namespace) -> int:
    store, settings = _store(options), _settings(options)
    from vault import AgentKeyStore

    if isinstance(store, AgentKeyStore):
        apart = store.state()["apart"]
        print(f"A key agent holds the root key: {settings.CENCOMM_KEY_AGENT}")
        print(f"It runs as {'a user of its own' if apart else 'the same user as this command'}.")
    else:
        print("No key agent: each process reads the root key itself.")
    print(f"The root key lies in {store.where}.")
    for root, count in store.root_keys().items():
        print(f"Root key {root.hex()} wraps {count} keys.")
    return 0
