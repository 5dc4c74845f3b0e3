"""A site of its own for a benchmark: PostgreSQL with fsync, members with tokens, real web processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Site:
    """Where everything is. `groups`: id and the tokens of its members."""

    folder: Path
    addresses: Any
    groups: list[tuple[str, list[str]]] = field(default_factory=list)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None


def split_cores() -> tuple[set[int], set[int]]:
    """Return the cores of the servers and of the client: one each, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, {cores[1]}) if len(cores) > 1 else (set(cores), set(cores))


@contextmanager
def database() -> Iterator[Site]:
    """Run a PostgreSQL of this benchmark's own and prepare the product's tables in it."""
    from cencomm.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="cencomm-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = EmbeddedPostgres(folder)
        try:
            addresses = cluster.start()
            os.environ |= {
                "CENCOMM_DATA": name,
                "CENCOMM_SECRET_KEY": "benchmark-" + "x" * 50,
                "CENCOMM_PLAIN_HTTP": "1",
                "CENCOMM_POSTS_PER_MINUTE": "100000000",
                "CENCOMM_SOCKET_ITEMS_PER_SECOND": "1000000",
                "DJANGO_SETTINGS_MODULE": "cencomm.settings",
                "DATABASE_URL": addresses.url("cencomm", "postgres"),
                "CEN_DATABASE_URL": addresses.url("cen", "postgres"),
            }
            import django
            from django.core.management import call_command

            django.setup()
            for alias in ("default", "cen"):
                call_command("migrate", database=alias, verbosity=0, skip_checks=True)
            with open(os.devnull, "w") as nowhere:
                call_command("grant_application_roles", stdout=nowhere)
            yield Site(folder, addresses)
        finally:
            from django.db import connections

            with contextlib.suppress(Exception):
                connections.close_all()
            cluster.remove()


def fill(site: Site, *, groups: int, members: int) -> None:
    """Make operations, each with members of its own, and a token for each member."""
    from django.utils import timezone

    from accounts.actions import create_administration, create_officer, create_token
    from groups.models import ClosedUserGroup, EpochKey, GroupCountry, Membership
    from simplified_forms.actions import create_starting_templates
    from vault import keystore

    administration = create_administration(country="NG", name="Benchmark Customs")
    today = timezone.now().date()
    for number in range(groups):
        group = ClosedUserGroup.objects.create(
            code=f"BENCH{number}", name="Bench", phase="operational", starts_on=today, ends_on=today + timedelta(9)
        )
        keystore().create_group_key(group.pk)
        EpochKey.objects.create(group=group, epoch=1, wrapped=keystore().new_epoch_key(group.pk, 1))
        create_starting_templates(group)
        GroupCountry.objects.create(group=group, country="NG")
        tokens = []
        for member in range(members):
            officer = create_officer(
                email=f"o{number}-{member}@bench.invalid", name=f"O{member}", administration=administration,
                password=None,
            )  # fmt: skip
            Membership.objects.create(group=group, officer=officer, role="officer", country="NG")
            _token, secret = create_token(officer=officer, name="bench", scopes=["messages:read", "messages:write"])
            tokens.append(secret)
        site.groups.append((str(group.pk), tokens))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web_process(site: Site, **environment: str) -> Iterator[int]:
    """Run one web process of the product; yield its port."""
    port = free_port()
    variables = {
        **os.environ,
        "DATABASE_URL": site.addresses.url("cencomm", "cencomm_app"),
        "CEN_DATABASE_URL": site.addresses.url("cen", "cen_app"),
        **environment,
    }
    with (
        open(site.folder / f"web-{port}.log", "wb") as log,
        running([sys.executable, "-m", "cencomm", "serve", "--port", str(port)], env=variables, log=log) as process,
    ):
        site.port, site.process = port, process
        wait_for_port(port, process)
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=20).close()
        yield port


@contextmanager
def running(
    command: list[str], *, env: dict[str, str] | None = None, log: Any = None, cwd: Path = ROOT
) -> Iterator[Any]:
    """Run a process until the end of the block."""
    out = log or subprocess.DEVNULL
    process = subprocess.Popen(command, env=env, cwd=cwd, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: Any) -> None:
    """Return when somebody listens there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"{process.args[0]} ended with {process.returncode}"
            raise RuntimeError(message)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    message = "the server was not ready in time"
    raise RuntimeError(message)


def memory_kib(pid: int) -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
