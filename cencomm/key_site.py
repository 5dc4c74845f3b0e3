"""The key agent of one machine: how `up` starts and replaces it.

What must not live here: what the agent does (`key_agent`), where it listens (`key_place`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cencomm import privileges
from cencomm.attachment import python_command
from cencomm.cli_errors import CommandRefused
from cencomm.key_place import VARIABLE, agent_socket, is_ours
from cencomm.supervisor import Child, Supervisor
from vault import files

SYSTEM_USER = "cencomm-keys"
READY_WITHIN_SECONDS = 60.0
# What the agent does not need, and so does not get.
_WITHHELD = (
    "DATABASE_URL", "CEN_DATABASE_URL", "CENCOMM_OWNER_DATABASE_URL", "CEN_OWNER_DATABASE_URL",
    "CENCOMM_SECRET_KEY", "REDIS_URL", "CENCOMM_METRICS_TOKEN",
)  # fmt: skip
# What only the agent needs, and so nobody else gets.
_ITS_OWN = ("CENCOMM_ROOT_KEY_URI", "CENCOMM_ROOT_KEY_FILE_PATH", "CENCOMM_KEY_STORE", "CENCOMM_KEY_RECORD")


@contextmanager
def running_agent(
    data: Path, logs: Path, environment: dict[str, str], say: Callable[[str], None]
) -> Iterator[Supervisor | None]:
    """Run the agent while the block runs, and let `environment` name it; None where it names another already.

    As root it runs under a system user of its own. Raises CommandRefused where it does not become ready, and where
    others could take its place.
    """
    if environment.get(VARIABLE):
        yield None
        return
    _take_place(agent_socket(data).parent, data)
    supervisor = Supervisor(say=say)
    child = _child(data, logs, environment)
    try:
        supervisor.add(child)
        _wait_for(child)
        environment[VARIABLE] = str(agent_socket(data))
        for name in _ITS_OWN:
            environment.pop(name, None)
        yield supervisor
    finally:
        supervisor.stop()


def replace_agent(supervisor: Supervisor | None) -> str:
    """Let a new agent take the running one's place; return "" or why it did not. Nobody is refused meanwhile."""
    for child in [] if supervisor is None else list(supervisor.children):
        if supervisor is not None and not supervisor.replace(child, within=READY_WITHIN_SECONDS):
            return f"The new {child.name} process did not start; its last words:\n{child.last_words()}"
    return ""


def _child(data: Path, logs: Path, environment: Mapping[str, str]) -> Child:
    withheld = {name for stem in _WITHHELD for name in (stem, f"{stem}_FILE")}
    words = ["--socket", str(agent_socket(data)), "--allow", str(os.geteuid())]
    if os.geteuid() == 0 and privileges.system_user(SYSTEM_USER) is not None:
        words += ["--user", SYSTEM_USER]
    return Child(
        "keys",
        python_command("keys", "agent", *words),
        {name: value for name, value in environment.items() if name not in withheld},
        logs / "keys.log",
        tells_ready=True,
    )


def _take_place(folder: Path, data: Path) -> None:
    files.make_folder(folder)
    if data in folder.parents:
        folder.chmod(0o700)  # as everything in there; a copy may have come with other rights
    if not is_ours(folder):
        message = f"The key agent does not listen in {folder}, which others can write to: remove it."
        raise CommandRefused(message, code=78)


def _wait_for(child: Child) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not child.is_ready():
        if not child.is_running() or time.monotonic() > deadline:
            message = f"The key agent does not start; its last words:\n{child.last_words()}"
            raise CommandRefused(message, code=78)
        time.sleep(0.02)
