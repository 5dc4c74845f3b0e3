"""Reads of the trail: entries by filters, their proofs, the sealed leaves, what a witness asks.

What must not live here: who may read (the callers' gates), names of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.checkpoints import Proof, read_checkpoint, written_proof, written_request
from audit.leaves import COLUMNS, entry_of
from audit.merkle import consistency_proof, inclusion_proof
from audit.models import Checkpoint, Entry, Leaf
from audit.sealing import newest_state, read_node

CHUNK = 5_000


class Filters(NamedTuple):
    """What to look for; an empty one matches everything. `source` is the first word of an action."""

    source: str = ""
    action: str = ""
    actor: UUID | None = None
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def entries(filters: Filters, *, group: UUID | None) -> QuerySet[Entry]:
    """Return the entries of one group, or those that belong to none, newest first; each says if it is sealed."""
    wanted = Q(group=group) if group is not None else Q(group__isnull=True)
    if filters.source:
        wanted &= Q(action__startswith=f"{filters.source}:")
    if filters.action:
        wanted &= Q(action=filters.action)
    if filters.actor is not None:
        wanted &= Q(actor=filters.actor)
    if filters.subject:
        wanted &= Q(subject__endswith=filters.subject)
    if filters.since is not None:
        wanted &= Q(at__gte=filters.since)
    if filters.until is not None:
        wanted &= Q(at__lt=filters.until)
    sealed = Exists(Leaf.objects.filter(entry_id=OuterRef("pk")))
    return Entry.objects.filter(wanted).annotate(is_sealed=sealed).order_by("-id")


def proof_of(entry_id: int) -> str | None:
    """Return the proof, as text, that an entry stands in the newest signed tree; None while it is not sealed.

    Raises TrailBroken where the tree lacks what the proof needs.
    """
    leaf = Leaf.objects.filter(entry_id=entry_id).values_list("position", flat=True).first()
    found = newest_state()
    if leaf is None or found is None:
        return None
    state, note = found
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM audit_entry e WHERE e.id = %s", [entry_id])  # noqa: S608
        row = cursor.fetchone()
    if row is None:
        return None
    return written_proof(Proof(entry_of(row).leaf, leaf, inclusion_proof(read_node, leaf, state.size), note))


def sealed_leaves() -> Iterator[bytes]:
    """Return the bytes of every sealed entry in the order of the tree."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id ORDER BY l.position"  # noqa: S608
        )
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                yield entry_of(row).leaf


def witness_request(since: int) -> str | None:
    """Return what a witness that knows the log at `since` leaves needs, None if the log is not so long."""
    found = newest_state()
    if found is None or not 0 <= since <= found[0].size:
        return None
    state, note = found
    return written_request(since, consistency_proof(read_node, since, state.size), note)


def newest_signature() -> tuple[int, datetime, str] | None:
    """Return of the newest checkpoint the size, the time, and the root in hexadecimal; None before the first."""
    newest = Checkpoint.objects.order_by("-size").values_list("size", "at", "note").first()
    return (newest[0], newest[1], read_checkpoint(newest[2]).root.hex()) if newest is not None else None
