"""Rows of the queue, put in and written back in one statement however many there are. No decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import batched
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson
from django.db import connection

from exports.models import Batch, Resolution, Transfer
from groups.models import Membership

MANY = 10_000  # rows of one statement, which must end well before its time is up
_QUEUE = """
INSERT INTO exports_transfer (
    id, group_id, batch_id, message, withdrawal, source_reference, source_version, confirmed_digest,
    state, attempts, cen_reference, outcome, reason_code, reason_fields
)
SELECT id, %s, %s, message, withdrawal, source_reference, source_version, confirmed_digest,
    'queued', 0, '', '', '', '[]'
FROM unnest(%s::uuid[], %s::uuid[], %s::bool[], %s::text[], %s::int[], %s::bytea[])
    AS new (id, message, withdrawal, source_reference, source_version, confirmed_digest)
ON CONFLICT DO NOTHING
"""
_DECISIONS = """
INSERT INTO exports_resolution (group_id, decided_by_id, message, kind, about)
SELECT %s, %s, message, kind, about
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (message, kind, about)
ON CONFLICT DO NOTHING
"""
_RECEIPTS = """
UPDATE exports_transfer AS held SET
    state = new.state, attempts = held.attempts + 1,
    cen_reference = new.cen_reference, cen_version = new.cen_version,
    outcome = new.outcome, reason_code = new.reason_code, reason_fields = new.reason_fields,
    finished_at = new.finished_at
FROM json_populate_recordset(NULL::exports_transfer, %s::json) AS new
WHERE held.id = new.id
"""


class NewTransfer(NamedTuple):
    """One record that goes into the queue."""

    message: UUID
    withdrawal: bool
    source_reference: str
    source_version: int
    confirmed_digest: bytes


def queue_transfers(batch: Batch, transfers: Sequence[NewTransfer]) -> None:
    """Put new rows into the queue; a record that is there already stays there once."""
    with connection.cursor() as cursor:
        for part in batched(transfers, MANY):
            columns = [list(column) for column in zip(*part, strict=True)]
            cursor.execute(_QUEUE, [batch.group_id, batch.pk, [uuid4() for _ in part], *columns])


def record_decisions(membership: Membership, decisions: Sequence[tuple[UUID, Resolution.Kind, str]]) -> int:
    """Store decisions on blocked rows (message, kind, about) in this member's name; return how many were new."""
    made = 0
    with connection.cursor() as cursor:
        for part in batched(decisions, MANY):
            messages, kinds, abouts = zip(*part, strict=True)
            values = [list(messages), [str(kind) for kind in kinds], list(abouts)]
            cursor.execute(_DECISIONS, [membership.group_id, membership.pk, *values])
            made += int(cursor.rowcount)
    return made


@dataclass(slots=True)
class Claimed:
    """One row of the queue that a turn holds locked, and what became of it. Its first fields are read by name."""

    id: UUID
    message: UUID
    source_reference: str
    source_version: int
    confirmed_digest: bytes
    state: str = Transfer.State.QUEUED
    outcome: str = ""
    cen_reference: str = ""
    cen_version: int | None = None
    reason_code: str = ""
    reason_fields: Sequence[Sequence[str]] = ()
    finished_at: datetime | None = None


READ = ("id", "message", "source_reference", "source_version", "confirmed_digest")
_WRITTEN = ("id", *(one.name for one in fields(Claimed) if one.name not in READ))


def write_receipts(claimed: Sequence[Claimed]) -> None:
    """Store state, receipt and reasons of rows that the caller holds locked, and that one more attempt was made."""
    rows = [{name: getattr(one, name) for name in _WRITTEN} for one in claimed]
    with connection.cursor() as cursor:
        cursor.execute(_RECEIPTS, [orjson.dumps(rows).decode()])
