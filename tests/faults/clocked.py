"""A web process whose wall clock can be moved: `time.time` and `django.utils.timezone.now`, all the product asks.

    python -m tests.faults.clocked FILE serve --port 8000

The file holds by how many seconds the clock is wrong; it is looked at ten times a second. The monotonic clock, and
the clocks of PostgreSQL and Redis, go on as they are, as when one machine of several is set. (libfaketime does the
same below Python, but disturbs waits on the monotonic clock.) What must not live here: anything of the product.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOK_SECONDS = 0.1


class Clock:
    """By how much this process's wall clock is wrong now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._looked = 0.0
        self._shift = 0.0
        self._time = time.time

    @property
    def shift(self) -> float:
        """The seconds to add."""
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            with contextlib.suppress(OSError, ValueError):  # it may be being written just now
                self._shift = float(self._file.read_text())
        return self._shift

    def time(self) -> float:
        """Return what `time.time` shall say."""
        return self._time() + self.shift

    def now(self) -> datetime:
        """Return what `timezone.now` shall say."""
        return datetime.now(tz=UTC) + timedelta(seconds=self.shift)


def main(words: Sequence[str]) -> int:
    """Set the clock, then run the product's command."""
    clock = Clock(Path(words[0]))
    time.time = clock.time
    import django.utils.timezone

    django.utils.timezone.now = clock.now
    from cencomm.cli import main as run

    return run(list(words[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
