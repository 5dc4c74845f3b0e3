"""One process of a site under test: started, killed, paused, held down, started again as a supervisor would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cencomm.orphans import die_with_parent

PAUSE_SECONDS = 0.3


@dataclass(eq=False)
class Program:
    """A command that shall run. `held`: it stays down until it is let go. `starts`: how often it was started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    user: int | None = None
    group: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    held: bool = False
    paused: bool = False
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    due: float = field(default=0.0)

    def start(self) -> None:
        """Start it; it dies with this process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=self.user,
                group=self.group,
                extra_groups=[] if self.user is not None else None,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),  # noqa: PLW1509
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        """The process's number; 0 when there is none."""
        return self.process.pid if self.process is not None and self.process.poll() is None else 0

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_all(self) -> None:
        """End it and the processes that it has started, without a word, and without waiting."""
        for number in (self.pid, *_children(self.pid)) if self.pid else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def kill(self) -> None:
        """End it without a word."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(30)

    def pause(self) -> None:
        """Stop it in the middle of what it does."""
        self.paused = True
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.paused = False
        self.signal(signal.SIGCONT)

    def tend(self) -> bool:
        """Start it again if it died and is not held down; return whether it was started now."""
        if self.pid or self.held:
            return False
        now = time.monotonic()
        if not self.due:
            self.due = now + PAUSE_SECONDS
        if now < self.due:
            return False
        self.due = 0.0
        self.start()
        return True

    def stop(self, *, seconds: float = 15) -> None:
        """End it for good: politely, then by force."""
        self.held = True
        if self.process is None:
            return
        self.resume()
        self.signal(self.stop_signal)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""


def _children(parent: int) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = file.read_text().rpartition(")")[2].split()
            if int(after_name[1]) == parent:
                found.append(int(file.parent.name))
    return found
