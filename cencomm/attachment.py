"""The databases of a data folder for one short command: those of a running `up`, or started and stopped around it.

`DATABASE_URL` in the environment wins: then nothing is started. What must not live here: `up` itself.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cencomm.data_folder import DataFolder, DataFolderBusy, DataFolderError
from cencomm.embedded import EmbeddedPostgres
from cencomm.key_place import VARIABLE as AGENT
from cencomm.key_place import agent_answers, agent_socket

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("DATABASE_URL", "CEN_DATABASE_URL")


def is_external(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names databases of its own."""
    return any(environment.get(name) or environment.get(f"{name}_FILE") for name in NAMES)


def child_environment(folder: DataFolder, databases: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that works on this data folder."""
    environment = {
        **os.environ,
        "CENCOMM_DATA": str(folder.path),
        "DJANGO_SETTINGS_MODULE": "cencomm.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        **databases,
    }
    if folder.demo_file.exists():
        environment["CENCOMM_DEMO"] = "1"
    return environment


def python_command(*arguments: str) -> list[str]:
    """Return the command of one of this program's own processes."""
    return [sys.executable, "-P", "-m", "cencomm", *arguments]


def from_environment(environment: Mapping[str, str], name: str) -> str:
    """Return the variable NAME, or what the file that NAME_FILE names holds, or nothing."""
    file = environment.get(f"{name}_FILE")
    return Path(file).read_text().strip() if file else environment.get(name, "")


def addresses_in(environment: Mapping[str, str]) -> list[str]:
    """Return the addresses of both databases that a process with this environment uses."""
    found = [from_environment(environment, name) for name in NAMES]
    if not all(found):
        missing = NAMES[found.index("")]
        message = f"{missing} is not set: both databases must be named, or none for the embedded ones."
        raise DataFolderError(message)
    return found


def owner_addresses() -> dict[str, str]:
    """Return the owners' addresses of external databases, from CENCOMM_OWNER_DATABASE_URL and CEN_OWNER_…."""
    sources = ("CENCOMM_OWNER_DATABASE_URL", "CEN_OWNER_DATABASE_URL")
    found = {name: from_environment(os.environ, source) for name, source in zip(NAMES, sources, strict=True)}
    return {name: address for name, address in found.items() if address}


@contextmanager
def attached(folder: DataFolder, *, owner: bool = False) -> Iterator[None]:
    """Set this process's environment so that Django reaches the folder's databases, while the block runs."""
    if is_external():
        addresses = owner_addresses() if owner else {}
        os.environ.update(_with_agent(folder, child_environment(folder, addresses)))
        _mark_owner(owner=owner)
        yield
        return
    if folder.is_new:
        message = f"There is no data in {folder.path} yet: run bin/cencomm up once, or name the folder: --data DIR."
        raise DataFolderError(message)
    folder.check_access()
    folder.check_version()
    postgres = EmbeddedPostgres(folder.path)
    os.environ.update(_with_agent(folder, child_environment(folder, postgres.addresses.environment(owner=owner))))
    _mark_owner(owner=owner)
    with ExitStack() as stack:
        try:
            stack.enter_context(folder.locked("command"))
        except DataFolderBusy:
            _wait_for(postgres, folder)
        else:
            stack.callback(postgres.stop)
            postgres.start()
        stack.callback(_close_connections)
        yield


def _with_agent(folder: DataFolder, environment: dict[str, str]) -> dict[str, str]:
    """Name the key agent of a running `up`; without one the command reads the keys itself."""
    place = agent_socket(folder.path)
    if not environment.get(AGENT) and agent_answers(place):
        environment[AGENT] = str(place)
    return environment


def _mark_owner(*, owner: bool) -> None:
    if owner:
        os.environ["CENCOMM_AS_OWNER"] = "1"


def _wait_for(postgres: EmbeddedPostgres, folder: DataFolder) -> None:
    deadline = time.monotonic() + 60
    while not postgres.is_running():
        if time.monotonic() > deadline or not folder.is_locked():
            message = f"{folder.path} is in use but its database does not run: run bin/cencomm doctor."
            raise DataFolderError(message)
        time.sleep(0.2)


def _close_connections() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool:
            close_pool()
