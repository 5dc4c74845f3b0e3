"""Keeps the processes of one machine alive: starts them, restarts them when they die, stops them in order.

What must not live here: what those processes are. `cencomm.cli_up` says that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cencomm.orphans import die_with_parent

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 60.0
LOG_LIMIT = 10 * 1024 * 1024


@dataclass(slots=True)
class Child:
    """One process that shall run: its command, where it writes, how long it may take to stop."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    grace_seconds: float = 15
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    pause: float = FIRST_PAUSE
    deaths: int = 0
    due: float = 0

    def start(self) -> None:
        """Start the process, in a session of its own: a Ctrl-C reaches it only through the supervisor."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.process = subprocess.Popen(  # noqa: S603
                list(self.command),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                pass_fds=self.pass_fds,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        finally:
            os.close(handle)
        self.started = time.monotonic()

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-1500:].strip() if self.log.exists() else "(nothing)"


@dataclass(slots=True)
class Supervisor:
    """Children in the order of their start; they are stopped in the opposite order."""

    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def add(self, child: Child) -> None:
        """Start a child and keep it."""
        self.children.append(child)
        child.start()

    def request_stop(self, *_signal: object) -> None:
        """Note that everything shall stop; fit to be a signal handler."""
        self.stopping = True

    def tend(self) -> None:
        """Look once after every child: restart who died, after a pause that doubles with each early death."""
        now = time.monotonic()
        for child in self.children:
            if child.is_running():
                if now - child.started > HEALTHY_AFTER:
                    child.pause = FIRST_PAUSE
            elif child.due == 0:
                child.deaths += 1
                child.due = now + child.pause
                self.say(f"The {child.name} process ended ({describe(child.process)}); starting it again.")
                child.pause = min(child.pause * 2, LONGEST_PAUSE)
            elif now >= child.due:
                child.due = 0
                child.start()

    def stop(self) -> None:
        """Stop every child, last first: politely, then after its grace by force."""
        for child in reversed(self.children):
            process = child.process
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(child.grace_seconds)
            except subprocess.TimeoutExpired:
                self.say(f"The {child.name} process did not stop within {child.grace_seconds:.0f} s; ending it.")
                process.kill()
                process.wait()


def describe(process: subprocess.Popen[bytes] | None) -> str:
    """Return how a process ended, in words."""
    code = process.returncode if process else None
    if code is None:
        return "not started"
    if code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}"
