"""Many rows of one table by PostgreSQL's COPY: the statement that does not grow with the rows.

The object way costs several times as much for each row; it stays for the few. What must not live here: decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState

from groups.models import ClosedUserGroup
from messaging.models import Event, Message, StatusMove

MANY = 100
_MESSAGE_COLUMNS = tuple(field.attname for field in Message._meta.concrete_fields)


class EventRow(NamedTuple):
    """One entry of a stream, as its row."""

    group_id: UUID
    seq: int
    type: str
    at: datetime
    actor: UUID | None
    message_id: UUID | None
    data: dict[str, Any]


class MoveRow(NamedTuple):
    """One change of a status that needs no reason, as its row."""

    id: UUID
    group_id: UUID
    message_id: UUID
    from_status: str
    to_status: str
    officer_id: UUID | None
    country: str
    seq: int
    at: datetime


def insert_messages(messages: Sequence[Message]) -> None:
    """Insert new messages. Raises IntegrityError when an identifier is taken."""
    if len(messages) < MANY:
        rows = [_values(one, _MESSAGE_COLUMNS) for one in messages]
        with connection.cursor() as cursor:
            cursor.execute(*_insert(Message, _MESSAGE_COLUMNS, rows))
    else:
        _copy(
            Message,
            _MESSAGE_COLUMNS,
            (list(map(_plain, _values(message, _MESSAGE_COLUMNS))) for message in messages),
        )
    for message in messages:
        message._state.adding, message._state.db = False, connection.alias


def insert_events(group_id: UUID, rows: Sequence[EventRow], *, head: int) -> None:
    """Insert new entries of a group's stream and move its head: one statement for the few."""
    move = f"UPDATE {ClosedUserGroup._meta.db_table} SET head = %s WHERE id = %s"  # noqa: S608
    if len(rows) < MANY:
        statement, values = _insert(Event, EventRow._fields, rows)
        move = f"WITH entries AS ({statement}) {move}"
    else:
        _copy(Event, EventRow._fields, ([_plain(value) for value in row] for row in rows))
        values = []
    with connection.cursor() as cursor:
        cursor.execute(move, [*values, head, group_id])


def insert_moves(rows: Sequence[MoveRow]) -> None:
    """Insert new status moves."""
    if len(rows) < MANY:
        StatusMove.objects.bulk_create([StatusMove(**row._asdict()) for row in rows])
        return
    _copy(StatusMove, MoveRow._fields, rows)


def _insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[str]]:
    """Return the INSERT of a few rows with its one parameter: a statement that is always the same."""
    table, names = model._meta.db_table, ", ".join(columns)
    values = [dict(zip(columns, row, strict=True)) for row in rows]
    statement = (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)"  # noqa: S608
    )
    return statement, [orjson.dumps(values, default=_hex).decode()]


def _hex(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    return str(value)


def as_written[M: models.Model](model: type[M], row: Mapping[str, Any], **related: models.Model) -> M:
    """Return an object of a row that was just written, all columns by name, with what it relates to at hand.

    `Model.from_db` gives the same, but looks every column up through its descriptor: ten times the work.
    """
    made = model.__new__(model)
    made.__dict__.update(row)
    made._state = ModelState()
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    made._state.fields_cache.update(related)
    return made


@contextmanager
def one_round_trip() -> Iterator[None]:
    """Send the few statements of this block together; what speaks against one is raised at the end of the block.

    Inside a transaction only, and without COPY, which PostgreSQL does not pipeline.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def _copy(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _values(row: models.Model, columns: Sequence[str]) -> list[Any]:
    held = row.__dict__
    return [held[column] for column in columns]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value) if isinstance(value, str) else value
