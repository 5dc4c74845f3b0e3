"""Keeps the processes of one machine alive: starts them, restarts who dies, replaces one by another, stops them.

What must not live here: what those processes are. `cencomm.cli_up` says that.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from cencomm.orphans import die_with_parent
from cencomm.privileges import without_capabilities

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 60.0
LOG_LIMIT = 10 * 1024 * 1024
SETTLE_SECONDS = 3.0  # how long one that says nothing must live to count as ready
TURN = 0.1


@dataclass(slots=True)
class Child:
    """One process that shall run: its command, where it writes, how long it may take to stop.

    `tells_ready`: it gets a pipe (`--ready FD`) and writes into it when it can take its place. `confined`: started
    by root, it has none of root's capabilities.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    grace_seconds: float = 15
    pass_fds: tuple[int, ...] = ()
    tells_ready: bool = False
    confined: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    pause: float = FIRST_PAUSE
    deaths: int = 0
    due: float = 0
    ready_fd: int | None = None
    ready: bool = False

    def start(self) -> None:
        """Start the process, in a session of its own: a Ctrl-C reaches it only through the supervisor."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        command, fds = list(self.command), self.pass_fds
        telling = self._open_pipe()
        if telling is not None:
            command, fds = [*command, "--ready", str(telling)], (*fds, telling)
        try:
            self.process = subprocess.Popen(  # noqa: S603
                command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                pass_fds=fds,
                start_new_session=True,
                preexec_fn=self._arrangement(),  # noqa: PLW1509
            )
        finally:
            os.close(handle)
            if telling is not None:
                os.close(telling)
        self.started = time.monotonic()

    def _arrangement(self) -> Callable[[], None]:
        dying = die_with_parent(signal.SIGTERM)
        return without_capabilities(dying) if self.confined and os.geteuid() == 0 else dying

    def _open_pipe(self) -> int | None:
        self.forget_pipe()
        self.ready = False
        if not self.tells_ready:
            return None
        self.ready_fd, telling = os.pipe()
        os.set_blocking(self.ready_fd, False)
        return telling

    def forget_pipe(self) -> None:
        """Listen no more whether it is ready."""
        if self.ready_fd is not None:
            os.close(self.ready_fd)
            self.ready_fd = None

    def is_ready(self) -> bool:
        """Whether the process said that it can take its place; who says nothing must have lived for a while."""
        if not self.tells_ready:
            return self.is_running() and time.monotonic() - self.started >= SETTLE_SECONDS
        if self.ready_fd is not None:
            try:
                told = os.read(self.ready_fd, 64)
            except BlockingIOError:
                return False
            self.ready = bool(told)
            self.forget_pipe()
        return self.ready and self.is_running()

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-1500:].strip() if self.log.exists() else "(nothing)"


@dataclass(slots=True)
class Supervisor:
    """Children in the order of their start; they are stopped in the opposite order, one after the other.

    `beside`: looks after what is not a child but must live as well; it is called at every turn.
    """

    say: Callable[[str], None]
    beside: Callable[[], None] = lambda: None
    children: list[Child] = field(default_factory=list)
    passing: list[Child] = field(default_factory=list)  # successors that are not ready yet, and who leaves
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
        self.beside()
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

    def replace(self, child: Child, *, within: float) -> bool:
        """Start another process in the place of a child, and let the old one go when the new one is ready.

        False when the new one does not become ready within so many seconds: then the old one stays.
        """
        successor = dataclasses.replace(
            child, process=None, pause=FIRST_PAUSE, deaths=0, due=0, ready_fd=None, ready=False
        )
        self.passing.append(successor)
        successor.start()
        deadline = time.monotonic() + within
        while not successor.is_ready():
            if not successor.is_running() or time.monotonic() > deadline:
                ended = (
                    describe(successor.process) if not successor.is_running() else f"not ready in {within:.0f} s"
                )
                self.say(f"The new {child.name} process did not start ({ended}); the old one stays.")
                self.passing.remove(successor)
                _end(successor, kill=True)
                return False
            self._turn()
        self.children[self.children.index(child)] = successor
        self.passing.remove(successor)
        self.passing.append(child)
        _end(child)
        deadline = time.monotonic() + child.grace_seconds
        while child.is_running() and time.monotonic() < deadline:
            self._turn()
        self._wait_for(child, seconds=0)
        self.passing.remove(child)
        return True

    def _turn(self) -> None:
        self.tend()
        time.sleep(TURN)

    def stop(self) -> None:
        """Stop every child, last first: politely, then those who did not within their grace by force.

        Who was started later may need who was there: the worker, what web processes answer, and they Redis. Web
        processes leave together.
        """
        everybody = [*self.passing, *reversed(self.children)]
        for _are_web, leaving in groupby(everybody, key=lambda child: child.tells_ready):
            together = list(leaving)
            for child in together:
                _end(child)
            told_at = time.monotonic()
            for child in together:
                self._wait_for(child, seconds=max(0.0, told_at + child.grace_seconds - time.monotonic()))

    def _wait_for(self, child: Child, *, seconds: float) -> None:
        if not child.is_running() or child.process is None:
            return
        try:
            child.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.say(f"The {child.name} process did not stop within {child.grace_seconds:.0f} s; ending it.")
            child.process.kill()
            child.process.wait()


def _end(child: Child, *, kill: bool = False) -> None:
    child.forget_pipe()
    if child.process is not None and child.process.poll() is None:
        if kill:
            child.process.kill()
            child.process.wait()
        else:
            child.process.terminate()


def describe(process: subprocess.Popen[bytes] | None) -> str:
    """Return how a process ended, in words."""
    code = process.returncode if process else None
    if code is None:
        return "not started"
    if code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}"
