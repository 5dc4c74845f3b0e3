"""Has a document looked through by a child process that can hurt nobody: `examine` under limits of memory and time.

A packed file is read from its end and in any order: the child asks for a part at a time over its pipe, and never
has the whole. What must not live here: reading what strangers wrote; this process looks at no byte of it.
"""

from __future__ import annotations

import io
import math
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from messaging.attachments.examine import ASK, KINDS, MOST_AT_ONCE
from messaging.attachments.office import MAX_ENTRIES
from messaging.attachments.refusing import Reason, Refused
from messaging.attachments.walled import require_sound_end, walled_child

PROGRAM = Path(__file__).with_name("examine.py")
MEMORY_BYTES = 192 * 1024 * 1024  # less than the largest file: it cannot be held whole
CPU_SECONDS = 120
WALL_SECONDS = 180.0  # of the child's own time: it does not answer for a store that is slow
LOOK_SECONDS = 0.2
MAX_TOLD = 200
MAX_TURNS = 12  # back to an earlier place: each pass over the file opens each piece of it once more
_REASONS = {Reason.NOT_ALLOWED, Reason.DAMAGED, Reason.BOMB, Reason.ACTIVE_CONTENT, Reason.ENCRYPTED}


def examined(file: io.RawIOBase, kind: str) -> str:
    """Return the media type of a document that seems to be of a kind: pdf, office, text.

    Raises Refused; Later where no child can be walled in; and whatever reading the file raises.
    """
    size = file.seek(0, io.SEEK_END)
    with walled_child(PROGRAM, kind, size, MEMORY_BYTES, CPU_SECONDS) as child, Clock(child) as clock:
        told = _Talk(child, file, size, clock).until_its_end()
        with clock.runs():
            child.wait()
    require_sound_end(child.returncode, late=clock.late, too_much=Reason.BOMB)
    return _believed(told, kind)


class _Talk:
    """One child's questions about one file: answered until it says what it found, ends, or has used up its time."""

    def __init__(self, child: subprocess.Popen[bytes], file: io.RawIOBase, size: int, clock: Clock) -> None:
        self._child, self._file, self._size, self._clock = child, file, size, clock

    def until_its_end(self) -> bytes:
        """Return what it says at last, bounded."""
        # Each entry of a packed file asks a few times, each part of it once: whoever asks on and on is taken over.
        # So is who turns back again and again: what is read from the store is a few times the file at most.
        turns = end = 0
        for _asked in range(8 * MAX_ENTRIES + 4 * (self._size // MOST_AT_ONCE)):
            ask = self._heard(ASK.size)
            if len(ask) < ASK.size:
                return b""
            place, length = ASK.unpack(ask)
            if not length:
                return self._heard(MAX_TOLD + 1)
            turns += place < end
            if length > MOST_AT_ONCE or place + length > self._size or turns > MAX_TURNS:
                break
            self._answer(place, length)
            end = place + length
        raise Refused(Reason.CHECK_FAILED)

    def _heard(self, length: int) -> bytes:
        assert self._child.stdout is not None  # noqa: S101
        with self._clock.runs():
            return self._child.stdout.read(length)

    def _answer(self, place: int, length: int) -> None:
        assert self._child.stdin is not None  # noqa: S101
        self._file.seek(place)
        while length:
            part = self._file.read(length) or b""
            if not part:
                raise EOFError  # the file is shorter than it said: no child's fault
            length -= len(part)
            with self._clock.runs(), suppress(BrokenPipeError):  # it has ended: the next read tells
                self._child.stdin.write(part)
                self._child.stdin.flush()


class Clock(threading.Thread):
    """Ends a child that takes too long while it is waited for: what a store takes to answer is not its time."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.late = False
        self._child, self._ended = child, threading.Event()
        self._spent, self._since = 0.0, math.inf

    @property
    def running(self) -> bool:
        """Whether it is the child that is waited for."""
        return self._since < math.inf

    @contextmanager
    def runs(self) -> Iterator[None]:
        """Wait for the child."""
        began = self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = math.inf
            self._spent += time.monotonic() - began

    def run(self) -> None:
        """Look at the time now and then."""
        while not self._ended.wait(LOOK_SECONDS):
            if self._spent + max(0.0, time.monotonic() - self._since) > WALL_SECONDS:
                self.late = True
                self._child.kill()

    def __enter__(self) -> Self:
        """Begin,"""
        self.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        """and end."""
        self._ended.set()
        self.join()


def _believed(told: bytes, kind: str) -> str:
    """Return what the child found; it may have been taken over, so it can say no more than there is to be said."""
    verdict, _, what = told.decode("ascii", "replace").partition(" ")
    if verdict == "refused" and what in _REASONS:
        raise Refused(Reason(what))
    if verdict != "is" or what not in KINDS[kind]:
        raise Refused(Reason.CHECK_FAILED)
    return what
