"""A site of its own for a benchmark: members with tokens or sessions, real web processes, Redis.

What must not live here: the database, see `benchmarks.databases`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.databases import Databases, own_databases
from cencomm.orphans import die_with_parent
from tests.cencomm.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Site:
    """Where everything is. `groups`: id and what each member signs in with, a token or a session's key."""

    databases: Databases
    groups: list[tuple[str, list[str]]] = field(default_factory=list)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        """The folder that goes when the benchmark ends."""
        return self.databases.folder

    @property
    def addresses(self) -> Any:
        """The addresses of the product's databases."""
        return self.databases.addresses


def split_cores() -> tuple[set[int], set[int]]:
    """Return the cores of the servers and of the client: one each, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, {cores[1]}) if len(cores) > 1 else (set(cores), set(cores))


@contextmanager
def database() -> Iterator[Site]:
    """Run a PostgreSQL of this benchmark's own, which peers can reach, and prepare the product's tables in it."""
    with own_databases(for_peers=True) as databases:
        yield Site(databases)


def fill(site: Site, *, groups: int, members: int, session_every: int = 0) -> None:
    """Make operations, each with members of its own, and a token for each member.

    `session_every`: of so many members the last signs in as a browser does, with a session's cookie; 1 is all.
    """
    from django.db import transaction

    from accounts.actions import create_administration

    administration = create_administration(country="NG", name="Benchmark Customs")
    for number in range(groups):
        with transaction.atomic():
            site.groups.append(_group(number, administration, members, session_every))


def _group(number: int, administration: Any, members: int, session_every: int) -> tuple[str, list[str]]:
    from django.utils import timezone

    from accounts.actions import create_officer, create_token
    from groups.models import ClosedUserGroup, EpochKey, GroupCountry, Membership
    from simplified_forms.actions import create_starting_templates
    from vault import keystore

    today = timezone.now().date()
    group = ClosedUserGroup.objects.create(
        code=f"BENCH{number}", name="Bench", phase="operational", starts_on=today, ends_on=today + timedelta(9)
    )
    keystore().create_group_key(group.pk)
    EpochKey.objects.create(group=group, epoch=1, wrapped=keystore().new_epoch_key(group.pk, 1))
    create_starting_templates(group)
    GroupCountry.objects.create(group=group, country="NG")
    credentials = []
    for member in range(members):
        officer = create_officer(
            email=f"o{number}-{member}@bench.invalid",
            name=f"O{member}",
            administration=administration,
            password=None,
        )
        Membership.objects.create(group=group, officer=officer, role="officer", country="NG")
        if session_every and member % session_every == session_every - 1:
            credentials.append(session_of(officer))
        else:
            _token, secret = create_token(officer=officer, name="bench", scopes=["messages:read", "messages:write"])
            credentials.append(secret)
    return str(group.pk), credentials


def session_of(officer: Any) -> str:
    """Return the key of a session of this officer that has passed the second factor."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django_otp import DEVICE_ID_SESSION_KEY

    from accounts.actions import open_session
    from accounts.models import AuthenticatorDevice
    from accounts.session_store import SessionStore

    device = AuthenticatorDevice.objects.create(user=officer, confirmed=True, name="authenticator", sealed_key=b"")
    store = SessionStore()
    store[SESSION_KEY] = str(officer.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = officer.get_session_auth_hash()
    store[DEVICE_ID_SESSION_KEY] = device.persistent_id
    store.create()
    open_session(officer, session_key=str(store.session_key), verified=True)
    return str(store.session_key)


def cookie_of(session: str) -> str:
    """Return the header by which a browser shows a session."""
    from django.conf import settings

    return f"{settings.SESSION_COOKIE_NAME}={session}"


def _environment(site: Site, more: dict[str, str]) -> dict[str, str]:
    """Return what a web process gets: the roles that own nothing."""
    databases = {
        "DATABASE_URL": site.addresses.url("cencomm", "cencomm_app"),
        "CEN_DATABASE_URL": site.addresses.url("cen", "cen_app"),
    }
    return {**os.environ, **databases, **more}


@contextmanager
def web_process(site: Site, **environment: str) -> Iterator[int]:
    """Run one web process of the product; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "cencomm", "serve", "--port", str(port)]
    with (
        open(site.folder / f"web-{port}.log", "wb") as log,
        running(command, env=_environment(site, environment), log=log) as process,
    ):
        site.port, site.process = port, process
        wait_for_port(port, process)
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=20).close()
        yield port


@contextmanager
def web_processes(site: Site, count: int, redis_url: str, **environment: str) -> Iterator[int]:
    """Run what ships: `up` with so many web processes behind one port, its worker, Redis between them."""
    port = free_port()
    command = [sys.executable, "-m", "cencomm", "up", "--data", str(site.folder), "--port", str(port), "--no-demo"]
    variables = _environment(site, {"REDIS_URL": redis_url, **environment})
    with (
        open(site.folder / f"up-{port}.log", "w+b") as log,
        running([*command, "--workers", str(count)], env=variables, log=log) as process,
    ):
        site.port, site.process = port, process
        deadline = time.monotonic() + 180
        while b"is ready at" not in Path(log.name).read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"up did not start: {Path(log.name).read_text()[-1500:]}"
                raise RuntimeError(message)
            time.sleep(0.2)
        yield port


@contextmanager
def redis(site: Site) -> Iterator[str]:
    """Run a Redis that keeps nothing; yield its address."""
    found = shutil.which("redis-server")
    if not found:
        message = "redis-server is not installed"
        raise RuntimeError(message)
    port = free_port()
    command = [found, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(site.folder)]
    with running(command) as process:
        wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def running(
    command: list[str], *, env: dict[str, str] | None = None, log: Any = None, cwd: Path = ROOT
) -> Iterator[Any]:
    """Run a process until the end of the block."""
    out = log or subprocess.DEVNULL
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
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
