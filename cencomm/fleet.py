"""What `up` runs beside the database: web processes behind one listener, the worker, Redis between several.

Here too: how they are replaced one after the other, so that a new program or a fresh start costs nobody a
message. What must not live here: how one process is kept alive (`supervisor`), how it leaves (`web_server`).
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cencomm.attachment import from_environment, python_command
from cencomm.data_folder import write_private
from cencomm.embedded_redis import redis_child, wait_for_redis
from cencomm.supervisor import Child, Supervisor

RESTART_SIGNAL = signal.SIGUSR1
READY_WITHIN_SECONDS = 120.0
WEB_GRACE_SECONDS = 25.0  # sockets leave within 8, answers end within 8


@dataclass(slots=True)
class Fleet:
    """The processes of one machine, behind one listening socket."""

    host: str
    port: int
    listener: int
    environment: dict[str, str]
    data: Path
    logs: Path
    say: Callable[[str], None]
    beside: Callable[[], None] = lambda: None
    confined: bool = False
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(say=self.say, beside=self.beside)

    def start(self, *, workers: int) -> None:
        """Start everything."""
        self.start_web(workers=workers)
        command = python_command("manage", "work")
        self.supervisor.add(
            Child("worker", command, self.environment, self.logs / "worker.log", confined=self.confined)
        )

    def start_web(self, *, workers: int) -> None:
        """Start the web processes; several get a Redis of our own where none is named."""
        if workers > 1 and not from_environment(self.environment, "REDIS_URL"):
            child, address = redis_child(self.data, self.logs)
            self.supervisor.add(child)
            wait_for_redis(child, address)
            self.environment["REDIS_URL"] = address
        where = ("--host", self.host, "--port", str(self.port), "--listener", str(self.listener))
        for number in range(1, workers + 1):
            name = "web" if number == 1 else f"web-{number}"
            self.supervisor.add(
                Child(
                    name,
                    python_command("serve", *where),
                    self.environment,
                    self.logs / f"{name}.log",
                    grace_seconds=WEB_GRACE_SECONDS,
                    pass_fds=(self.listener,),
                    tells_ready=True,
                    confined=self.confined,
                )
            )

    @property
    def web(self) -> list[Child]:
        """The web processes."""
        return [child for child in self.supervisor.children if child.tells_ready]

    def restart(self) -> str:
        """Replace web processes and worker one after the other; return "" or why it went no further."""
        for child in [one for one in self.supervisor.children if one.name != "redis"]:
            if not self.supervisor.replace(child, within=READY_WITHIN_SECONDS):
                return f"The new {child.name} process did not start; its last words:\n{child.last_words()}"
            self.say(f"The {child.name} process was replaced.")
        return ""


class RestartAsked:
    """Notes the signal by which `bin/cencomm restart` asks."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, _number: int, _frame: object) -> None:
        self._asked = True

    def take(self) -> bool:
        """Whether it was asked since the last time."""
        asked, self._asked = self._asked, False
        return asked


def last_restart(file: Path) -> Mapping[str, Any]:
    """Return how the last restart that was asked for went: `count`, and `problem`, empty when it went well."""
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {"count": 0, "problem": ""}


def note_restart(file: Path, problem: str) -> None:
    """Note for who asked how a restart went."""
    count = int(last_restart(file)["count"]) + 1
    write_private(file, json.dumps({"count": count, "problem": problem, "at": time.time()}) + "\n")
