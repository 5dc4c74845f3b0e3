"""Work that many share waits for nobody: within `keys_at_hand` no other machine or process is asked for a key.

What must not live here: which keys are at hand (`sealers`), asking for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_only = ContextVar("keys_at_hand", default=False)


class KeyNotAtHand(Exception):
    """A key has to be fetched, by work that waits for nobody: it is done again where one waits, and told nobody."""


@contextmanager
def keys_at_hand() -> Iterator[None]:
    """Have whatever would have to be asked for in this block, by this thread, raise KeyNotAtHand at once."""
    before = _only.set(True)
    try:
        yield
    finally:
        _only.reset(before)


def require_asking() -> None:
    """Raise KeyNotAtHand where nobody may be asked."""
    if _only.get():
        raise KeyNotAtHand
