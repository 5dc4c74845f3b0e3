"""One statement in one round trip, under a lock or without: prepared once for a connection, straight to libpq.

psycopg's pipeline and its cursors cost as much as the statement that they send; here the way to the database and
back is a few calls. A connection that is left in the middle of them is closed: nobody could tell what comes next.
What must not live here: statements beside the lock, and what follows from their rows.
"""

from __future__ import annotations

import hashlib
import select
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, transaction
from psycopg import Connection, errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg_pool import PoolTimeout

# The rows' locks come first and by themselves: the statement that follows sees everything that was committed before
# it. Whose they are it reads in a setting of the transaction. It is planned once for a connection, and not for
# tables that were small then.
_HOLD_TEXT = b"""
WITH held AS MATERIALIZED (
  SELECT id FROM groups_closedusergroup WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE%b
)
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
       set_config('cencomm.held', coalesce((SELECT string_agg(id::text, ',') FROM held), ''), true)
"""
HELD = "unnest(string_to_array(current_setting('cencomm.held'), ',')::uuid[]) AS of_held (id)"
_LOST = "the connection to the database was lost"
_BUSY = "the connection is in the middle of a statement: ask nothing meanwhile"
_DONE = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
# What is prepared was thrown away, or a table has changed since: both are told before anything is done.
_FORGOTTEN = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)
_ENDED = (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow)


class _Gone(errors.OperationalError):
    """What was prepared on this connection is not as it was; nothing was done."""


class Statement(NamedTuple):
    """A statement with places $1, $2 …"""

    name: bytes
    text: bytes


_HOLD = Statement(b"cencomm_hold", _HOLD_TEXT % b"")
_HOLD_FREE = Statement(b"cencomm_hold_free", _HOLD_TEXT % b" SKIP LOCKED")

type Asked = tuple[Statement, list[bytes]]
type Meanwhile = Callable[[list[Any]], object]


class Beside(NamedTuple):
    """A question asked under the same lock, after the statement; `take` gets its rows before `meanwhile` does."""

    statement: Statement
    values: Sequence[str]
    take: Callable[[list[Any]], object]


def run_under_lock(
    statement: Statement,
    groups: Collection[UUID],
    values: Sequence[str],
    *,
    wait: bool = True,
    meanwhile: Meanwhile | None = None,
    beside: Beside | None = None,
) -> list[Any]:
    """Lock the rows of groups, then run a statement, in which HELD gives those that are locked; return its rows.

    One round trip. Committed when this returns, unless the caller has a transaction open. Without `wait` a group
    whose row another transaction holds is left out. `meanwhile` gets the rows while the disk writes: for work that
    nobody is told of, as the commit may still fail, and that asks the database nothing (ProgrammingError). What it
    raises is raised when all of that has ended: it may be committed.
    """
    asked = [_given(_HOLD if wait else _HOLD_FREE, [array(groups)]), _given(statement, values)]
    take = [meanwhile]
    if beside is not None:
        asked.append(_given(beside.statement, beside.values))
        take.append(beside.take)
    return _prepared(lambda connection: _run(connection, asked, take)[0])


def read_prepared(statement: Statement, values: Sequence[str]) -> list[Any]:
    """Run a statement that only reads, and return its rows."""
    return _prepared(lambda connection: _run(connection, [_given(statement, values)], [None])[0])


def array(values: Iterable[object]) -> str:
    """Return identifiers or numbers as PostgreSQL writes an array."""
    return f"{{{','.join(map(str, values))}}}"


def is_lost(failure: Exception) -> bool:
    """Whether nothing but the connection of this thread is at fault: over another the same may go well."""
    if not isinstance(failure, OperationalError):
        return isinstance(failure, InterfaceError)
    raw = connections[DEFAULT_DB_ALIAS].connection
    cause = failure.__cause__
    return isinstance(cause, (*_ENDED, _Gone)) or (not isinstance(cause, PoolTimeout) and (not raw or raw.closed))


def _prepared(run: Callable[[Any], list[Any]]) -> list[Any]:
    """Run; once more where what this connection had prepared is not as it was: nothing was done then."""
    try:
        return _apart(run)
    except OperationalError as failure:
        if not isinstance(failure.__cause__, _Gone):
            raise
        return _apart(run)


def _apart(run: Callable[[Any], list[Any]]) -> list[Any]:
    """Within somebody's transaction a failure must not end it."""
    connection = connections[DEFAULT_DB_ALIAS]  # once: each look through `django.db.connection` costs
    if connection.in_atomic_block:
        with transaction.atomic():
            return run(connection)
    connection.ensure_connection()
    return run(connection)


def _given(statement: Statement, values: Sequence[str]) -> Asked:
    return statement, [value.encode() for value in values]


def _run(connection: Any, asked: Sequence[Asked], take: Sequence[Meanwhile | None]) -> list[list[Any]]:
    """Return the rows of the last statements, as many as `take` them: the last one's first, before the commit."""
    raw: Connection[Any] = connection.connection
    rows: list[list[Any]] = []

    def load(results: Sequence[PGresult]) -> None:
        loading = Transformer(raw)
        for result in results[-len(take) :]:
            loading.set_pgresult(result)
            rows.append(loading.load_rows(0, result.ntuples, tuple))
        with _shut(raw):
            for found, of_these in zip(reversed(rows), reversed(take), strict=True):
                if of_these is not None:
                    of_these(found)

    try:
        with connection.wrap_database_errors, raw.lock:
            _Line.of(raw).exchange(asked, load)
    finally:
        if raw.closed:
            connection.close()  # who has a transaction open must know that it is over
    return rows


@contextmanager
def _shut(raw: Connection[Any]) -> Iterator[None]:
    """Refuse what this thread asks of its connection: it would wait for the lock that it holds itself."""
    lock, raw.lock = raw.lock, _Shut()  # type: ignore[assignment]
    try:
        yield
    finally:
        raw.lock = lock


class _Shut:
    """In the place of a connection's lock."""

    def __enter__(self) -> NoReturn:
        raise errors.ProgrammingError(_BUSY)

    def __exit__(self, *_failure: object) -> None:
        pass


class _Line:
    """One connection, and which statements it has prepared."""

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._names: dict[Statement, bytes] = {}  # under which name each is prepared here
        self._generation = 0
        self._reading, self._both = select.poll(), select.poll()
        self._reading.register(pgconn.socket, select.POLLIN)
        self._both.register(pgconn.socket, select.POLLIN | select.POLLOUT)

    @classmethod
    def of(cls, raw: Connection[Any]) -> _Line:
        """Return the line of a connection; it goes with it."""
        line = getattr(raw, "cencomm_line", None)
        if line is None:
            line = raw.cencomm_line = cls(raw.pgconn)  # type: ignore[attr-defined]
        return line

    def exchange(self, statements: Sequence[Asked], take: Callable[[Sequence[PGresult]], None]) -> None:
        """Send statements as one transaction, and `take` their results before that has ended.

        Raises what spoke against the first, or against the end.
        """
        try:
            self._exchange(statements, take)
        except BaseException as failure:
            if self._pgconn.pipeline_status != PipelineStatus.OFF:
                self._give_up(is_lost=isinstance(failure, errors.Error))
            raise

    def _give_up(self, *, is_lost: bool) -> None:
        """Close the connection; what the server still does for it holds the group no longer.

        Of one that is lost nobody is told: over a network that is gone that may wait for ever.
        """
        if not is_lost:
            with suppress(errors.Error):
                self._pgconn.get_cancel().cancel()
        self._pgconn.finish()

    def _exchange(self, statements: Sequence[Asked], take: Callable[[Sequence[PGresult]], None]) -> None:
        pgconn = self._pgconn
        sent: list[tuple[Statement, bool]] = []  # of what each result will be, and whether it is to be prepared
        pgconn.enter_pipeline_mode()
        for statement, values in statements:
            name = self._names.get(statement)
            if name is None:
                name = self._name(statement)
                pgconn.send_prepare(name, statement.text)
                sent.append((statement, True))
            pgconn.send_query_prepared(name, values)
            sent.append((statement, False))
        pgconn.send_flush_request()  # the rows come while the end, which waits for the disk, is under way
        pgconn.pipeline_sync()
        while pgconn.flush():
            if self._both.poll()[0][1] & ~select.POLLOUT:
                pgconn.consume_input()
        results = [self._next() for _ in sent]
        failure = self._note(sent, results)
        try:
            if failure is None:
                take([result for (_statement, is_new), result in zip(sent, results, strict=True) if not is_new])
        finally:
            # Outside of a transaction they are one by themselves: it is committed once its end has come.
            while (end := self._next()).status != ExecStatus.PIPELINE_SYNC:
                failure = failure or errors.error_from_result(end)
            pgconn.exit_pipeline_mode()
        if failure is not None:
            raise failure

    def _note(self, sent: Sequence[tuple[Statement, bool]], results: Sequence[PGresult]) -> Exception | None:
        """Keep in mind what has been prepared; return the first failure."""
        for (statement, is_new), result in zip(sent, results, strict=True):
            if result.status not in _DONE:
                return self._failure(result, is_new=(statement, True) in sent)
            if is_new:
                self._names[statement] = self._name(statement)
        return None

    def _name(self, statement: Statement) -> bytes:
        return b"%b_%d" % (_stem(statement), self._generation)

    def _failure(self, result: PGresult, *, is_new: bool) -> Exception:
        failure = errors.error_from_result(result)
        if isinstance(failure, _FORGOTTEN) and not is_new:
            self._names.clear()
            self._generation += 1
            return _Gone("what was prepared on this connection is not as it was")
        return failure

    def _next(self) -> PGresult:
        """Return the next result; other threads run until it comes."""
        pgconn = self._pgconn
        while True:
            while pgconn.is_busy():
                self._reading.poll()
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is not None:
                return result
            if pgconn.status != ConnStatus.OK:
                raise errors.OperationalError(_LOST)


@cache
def _stem(statement: Statement) -> bytes:
    """Return the name under which a statement is prepared: one of this text alone, whatever else is prepared."""
    return b"%b_%b" % (statement.name, hashlib.sha256(statement.text).hexdigest()[:12].encode())
