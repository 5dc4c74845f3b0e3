"""The one door into the audit trail: `record`, inside the transaction of the act itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import connection, transaction

from audit.actions import Action
from audit.models import Entry

MAX_DETAILS = 20
MAX_TEXT = 200


class OutsideTransactionError(RuntimeError):
    """An audit entry was recorded outside the transaction of its act."""


def record(
    action: Action,
    *,
    actor: UUID | None,
    group: UUID | None = None,
    subject: str = "",
    **details: str | int | bool | None,
) -> None:
    """Insert one entry in the caller's transaction: both are kept, or neither.

    `subject` names what was acted on (`message:<uuid>`); `details` are identifiers and words of fixed lists,
    never content. Raises OutsideTransactionError where no transaction is open.
    """
    _check(details)
    Entry.objects.create(action=action, actor=actor, group=group, subject=subject, details=details)


def record_many(
    action: Action,
    *,
    actor: UUID | None,
    group: UUID | None = None,
    subjects: Iterable[str],
    **details: str | int | bool | None,
) -> None:
    """Insert one entry for each subject, as `record` does, in a few statements."""
    _check(details)
    Entry.objects.bulk_create(
        (Entry(action=action, actor=actor, group=group, subject=subject, details=details) for subject in subjects),
        batch_size=1000,
    )


def record_each(
    action: Action,
    *,
    group: UUID | None = None,
    leaves: Sequence[tuple[UUID | None, str, Mapping[str, str | int | bool | None]]],
) -> None:
    """Insert one entry for each (actor, subject, details), as `record` does, in one statement."""
    if not leaves:
        return
    values: list[str | UUID | None] = []
    for actor, subject, details in leaves:
        _check(details)
        values += [str(action), actor, group, subject, json.dumps(dict(details))]
    places = ", ".join(["(%s, %s, %s, %s, %s)"] * len(leaves))
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO {Entry._meta.db_table} (action, actor, "group", subject, details) VALUES {places}',  # noqa: S608
            values,
        )


def entries_from(source: str) -> str:
    """Return the statement that inserts an entry for each row of a query: action, actor, group, subject, details.

    For acts whose rows one statement writes, with the entries in it: both are kept, or neither. What holds for
    `record` holds for what the query gives.
    """
    return f'INSERT INTO {Entry._meta.db_table} (action, actor, "group", subject, details) {source}'


def _check(details: Mapping[str, str | int | bool | None]) -> None:
    if not connection.in_atomic_block:
        raise OutsideTransactionError
    if len(details) > MAX_DETAILS or any(isinstance(v, str) and len(v) > MAX_TEXT for v in details.values()):
        message = "audit details are identifiers, not content"
        raise ValueError(message)


def record_now(
    action: Action,
    *,
    actor: UUID | None,
    group: UUID | None = None,
    subject: str = "",
    **details: str | int | bool | None,
) -> None:
    """Record an act that has no transaction of its own (a read, a refused sign-in)."""
    with transaction.atomic():
        record(action, actor=actor, group=group, subject=subject, **details)
