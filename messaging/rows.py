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

from groups.models import ClosedUserGroup
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
        columns, values = _rows(_MESSAGE_COLUMNS, [_values(one, _MESSAGE_COLUMNS) for one in messages])
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {Message._meta.db_table} {columns}", values)
    else:
        _copy(Message, _MESSAGE_COLUMNS, (_values(message, _MESSAGE_COLUMNS) for message in messages))
    for message in messages:
        message._state.adding, message._state.db = False, connection.alias


def insert_events(group_id: UUID, rows: Sequence[EventRow], *, head: int) -> None:
    """Insert new entries of a group's stream and move its head: one statement for the few."""
    plain = [[_plain(value) for value in row] for row in rows]
    move = f"UPDATE {ClosedUserGroup._meta.db_table} SET head = %s WHERE id = %s"  # noqa: S608
    if len(rows) < MANY:
        columns, values = _rows(EventRow._fields, plain)
        move = f"WITH entries AS (INSERT INTO {Event._meta.db_table} {columns}) {move}"
    else:
        _copy(Event, EventRow._fields, plain)
        values = []
    with connection.cursor() as cursor:
        cursor.execute(move, [*values, head, group_id])


def insert_moves(rows: Sequence[MoveRow]) -> None:
    """Insert new status moves."""
    if len(rows) < MANY:
        StatusMove.objects.bulk_create([StatusMove(**row._asdict()) for row in rows])
        return
    _copy(StatusMove, MoveRow._fields, rows)


def _rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return what follows the table's name in an INSERT of a few rows, and its parameters."""
    places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
    return f"({', '.join(columns)}) VALUES {places}", [value for row in rows for value in row]


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
