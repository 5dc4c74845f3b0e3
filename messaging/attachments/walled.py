"""Starts the children that look at what strangers send, and says what their ends mean. One way for all of them.

A child is a program of its own (`redraw`, `examine`) that goes behind the walls of `confinement` before it reads a
byte. It gets nothing of ours: no environment, no file, two pipes. What must not live here: what is said over them.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from messaging.attachments.confinement import NOT_CONFINED, TOO_LARGE, UNREADABLE, missing_walls
from messaging.attachments.refusing import Later, Reason, Refused, Undecided

logger = logging.getLogger("cencomm.messaging")
_USED_UP = (-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV)  # its seconds; or in a library that got no memory
_STOPPED = (
    -signal.SIGTERM,
    -signal.SIGINT,
    -signal.SIGHUP,
)  # by whoever stops us: behind the walls no one sends any


@contextmanager
def walled_child(program: Path, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of ours on what a stranger sent, until the end of the block at the longest."""
    _tell_what_is_missing()
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", str(program), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
        cwd="/",
    ) as child:
        assert child.stdin is not None  # noqa: S101
        try:
            yield child
        finally:
            child.kill()
            with suppress(BrokenPipeError):  # of what it never read
                child.stdin.close()


def require_sound_end(code: int, *, late: bool, too_much: Reason) -> None:
    """Raise Refused unless a child came to its end by itself, `too_much` for what it had no room for.

    Later where it could not be walled in or was stopped: that is not the file's fault. Undecided where it was
    killed, by the kernel for want of memory or by anybody: once may be chance.
    """
    if late:
        raise Refused(Reason.DAMAGED)
    if code == TOO_LARGE or code in _USED_UP:
        raise Refused(too_much)
    if code == NOT_CONFINED or code in _STOPPED:
        raise Later
    if code == -signal.SIGKILL:
        raise Undecided
    if code != 0:
        # UNREADABLE, or an end that nobody foresaw: either way nothing came of it.
        raise Refused(Reason.DAMAGED if code == UNREADABLE else Reason.CHECK_FAILED)


@cache
def _tell_what_is_missing() -> None:
    """Say once in a process which walls the kernel does not give; `cencomm.checks` says it before a start."""
    if missing := missing_walls():
        logger.warning("files: this kernel gives no %s", ", no ".join(missing))
