"""How log lines are written: identifiers, kinds of failure, places in the code. Never what a failure quotes.

An exception's message often holds what was being worked on: the value that could not be read, the row that was
refused. So of an exception only its type and the lines of the code are written. What must not live here: levels
and handlers (settings.LOGGING).
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from types import TracebackType

# The secret of an invitation stands in the path of its link.
_SECRET = re.compile(r"(/invitation/)[A-Za-z0-9_-]{20,}")

type ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class ReticentFormatter(logging.Formatter):
    """Writes a traceback without the messages of its exceptions, and paths without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(r"\1…", super().format(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        return "" if ei[1] is None else "\n".join(_lines(ei[1]))


def _lines(error: BaseException) -> Iterator[str]:
    """Yield the chain of exceptions, the first one first, as Python's own traceback does."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    for one in reversed(chain):
        for frame in traceback.extract_tb(one.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        yield f"{type(one).__module__}.{type(one).__qualname__}{_told(one)}"


def _told(error: BaseException) -> str:
    """Return what may be said of an exception beside its type: the system's own words, PostgreSQL's own codes."""
    diagnosis = getattr(error, "diag", None)
    if diagnosis is not None:
        return "".join(f" {part}" for part in (diagnosis.sqlstate, diagnosis.constraint_name) if part)
    if isinstance(error, OSError) and error.strerror:
        return f" {error.strerror}"
    return ""
