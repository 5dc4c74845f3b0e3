"""The write side of the event stream: one numbered entry per change, under the group's row lock.

Because the lock is held until commit, number order is commit order and there are no gaps. What must not live here:
reads (`queries.events`), rights, content.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from groups.announcements import Change
from groups.models import ClosedUserGroup
from messaging.models import Event
from messaging.rows import EventRow, insert_events
from messaging.wakeups import GroupMoved, wake_ups


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An entry before it has its number. `data` holds identifiers and words of fixed lists only."""

    type: Event.Type
    at: datetime
    actor: UUID | None
    message_id: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def append_events(group: ClosedUserGroup, entries: Sequence[NewEvent]) -> list[int]:
    """Append entries to the stream of a group whose row the caller holds locked; return their numbers.

    One wake-up goes out once the transaction has committed.
    """
    if not entries:
        return []
    first = group.head + 1
    rows = [
        EventRow(group.pk, seq, entry.type.value, entry.at, entry.actor, entry.message_id, dict(entry.data))
        for seq, entry in enumerate(entries, first)
    ]
    group.head += len(rows)
    insert_events(group.pk, rows, head=group.head)
    head = group.head
    transaction.on_commit(lambda: wake_ups().publish(GroupMoved(group.pk, head, time.time())))
    return [row.seq for row in rows]


def append_change(group: ClosedUserGroup, change: Change) -> None:
    """Put a change of the group itself (member, phase, country, settings) into its stream: a listener of groups."""
    data = {name: str(value) if isinstance(value, UUID) else value for name, value in change.data.items()}
    append_events(group, [NewEvent(type=Event.Type(change.type), at=timezone.now(), actor=change.actor, data=data)])
