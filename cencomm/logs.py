"""How log lines are written: identifiers, kinds of failure, places in the code. Never what a failure quotes.

An exception's message often holds what was being worked on: the value that could not be read, the row that was
refused. So of an exception only its type and the lines of the code are written. What others' packages say is
written as far as it cannot hold what was sent: Django quotes paths, hosts and origins, asyncio the arguments of a
callback, a client of a protocol its frames. What must not live here: levels and handlers (settings.LOGGING).
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from uuid import UUID

from django.utils.functional import empty

# Ours say identifiers only; these two say addresses of databases, and jobs by number.
_TRUSTED = ("cencomm", "psycopg.pool", "procrastinate")
# What these say without arguments is said in constant sentences.
_CONSTANT = ("uvicorn",)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

type ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

logger = logging.getLogger("cencomm.process")
# The request that is being answered, in every line that it leaves; `cencomm.asgi` gives it a number.
request_number: ContextVar[str] = ContextVar("request_number", default="")


class ReticentFormatter(logging.Formatter):
    """Writes a traceback without the messages of its exceptions, and of others' lines what nobody sent.

    Times are UTC, to the millisecond.
    """

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        number = request_number.get()
        record.message = _said(record) + (f" request={number}" if number else "")
        return super().formatMessage(record)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        return "" if ei[1] is None else "\n".join(_lines(ei[1]))


def address_of(request: Any) -> str:
    """Return the address of a request as a log may hold it: of its parts only numbers and identifiers.

    A part in words may be the secret of a link or what somebody was looking for; so may an address that we do not
    have, and every query string.
    """
    match = getattr(request, "resolver_match", None)
    if match is None:
        return "(no address of ours)"

    def filled(part: re.Match[str]) -> str:
        value = match.kwargs.get(part[2])
        return str(value) if isinstance(value, int | UUID) or _UUID.fullmatch(str(value)) else part[0]

    return "/" + re.sub(r"<(\w+:)?(\w+)>", filled, match.route)


def hold_back() -> None:
    """Let this process, and every thread of it, fail with our lines: Python itself would quote the exception."""
    sys.excepthook = _process_failed
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread_failed


def _process_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, KeyboardInterrupt):
        logger.critical("the process failed", exc_info=(kind, error, trace))


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    if found.exc_value is not None:
        logger.error("an exception could not be raised", exc_info=found.exc_value)


def _thread_failed(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        logger.error("a thread failed", exc_info=found.exc_value)


def _said(record: logging.LogRecord) -> str:
    """Return what may be written of a record's message."""
    if _is_of(record, _TRUSTED):
        return record.getMessage()
    request = getattr(record, "request", None)
    if request is not None:
        method = getattr(request, "method", "")
        status = getattr(record, "status_code", "")
        return f"{status} {method if method in _METHODS else '?'} {address_of(request)}{_asker(request)}".strip()
    if isinstance(record.msg, str) and (record.args or _is_of(record, _CONSTANT)):
        return record.msg.strip()  # the sentence, without what would be put into it
    return f"{record.module}:{record.lineno} in {record.funcName}"


def _asker(request: Any) -> str:
    """Return who asked, as far as that was found out by then: a line never asks the database."""
    user = getattr(request, "__dict__", {}).get("user")
    key = None if getattr(user, "_wrapped", None) is empty else getattr(user, "pk", None)
    return f" officer={key}" if isinstance(key, UUID) else ""


def _is_of(record: logging.LogRecord, loggers: tuple[str, ...]) -> bool:
    return record.name.startswith(tuple(f"{name}." for name in loggers)) or record.name in loggers


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
