"""Many rows of one table by PostgreSQL's COPY: the statement that does not grow with the rows.

The object way costs several times as much for each row; it stays for the few. What must not live here: decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection, models
from django.db.models.expressions import RawSQL

from messaging.models import Event, Message, StatusMove

MANY = 20
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
        Message.objects.bulk_create(messages)
        return
    _copy(Message, _MESSAGE_COLUMNS, (_values(message, _MESSAGE_COLUMNS) for message in messages))
    for message in messages:
        message._state.adding, message._state.db = False, connection.alias


def insert_events(rows: Sequence[EventRow]) -> None:
    """Insert new entries of a stream."""
    if len(rows) < MANY:
        Event.objects.bulk_create([Event(**row._asdict()) for row in rows])
        return
    _copy(Event, EventRow._fields, ([_plain(value) for value in row] for row in rows))


def insert_moves(rows: Sequence[MoveRow]) -> None:
    """Insert new status moves."""
    if len(rows) < MANY:
        StatusMove.objects.bulk_create([StatusMove(**row._asdict()) for row in rows])
        return
    _copy(StatusMove, MoveRow._fields, rows)


def these(ids: Iterable[UUID]) -> RawSQL:
    """Return identifiers for an `__in` lookup as one parameter, however many they are."""
    return RawSQL("SELECT unnest(%s::uuid[])", [list(ids)])


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
    return [_plain(held[column]) for column in columns]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value) if isinstance(value, str) else value
