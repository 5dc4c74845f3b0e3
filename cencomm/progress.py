"""What the person at the terminal sees while a long command works: calm lines, one per step."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLOW = 3.0


def say(text: str = "") -> None:
    """Print a line now."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say that a step begins, and how long it took when that was long enough to wonder."""
    terminal = sys.stdout.isatty()
    sys.stdout.write(f"{text} …" + ("" if terminal else "\n"))
    sys.stdout.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException:
        if terminal:
            say()
        raise
    seconds = time.monotonic() - started
    if terminal:
        say(f" {seconds:.1f} s" if seconds >= 0.1 else " done")
    elif seconds > SLOW:
        say(f"  took {seconds:.0f} s")
