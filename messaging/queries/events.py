"""The event stream, read from a position: everything after it in order, or a clear "start afresh". Never a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from groups.access import Right
from groups.errors import NotAllowed
from groups.models import ClosedUserGroup, Membership
from groups.queries import sealer_for
from messaging.attachments.facts import states_of
from messaging.content import reason_place
from messaging.kinds import ANSWERS, Status
from messaging.models import Event, Message, StatusMove
from messaging.presentation import event_item
from messaging.queries.answers import answered_versions
from messaging.queries.moved import moved_after
from messaging.queries.opening import Opened, open_for_delivery, told_broken
from vault import SealBroken

MAX_PAGE = 500
LATEST = 100


@dataclass(frozen=True, slots=True)
class EventPage:
    """A run of events without gaps. `restart`: the position cannot be served, fetch afresh from the latest page."""

    epoch: UUID
    head: int
    items: Sequence[dict[str, Any]] = field(default_factory=list)
    last: int = 0
    restart: bool = False


def events_after(
    membership: Membership, *, after: int, epoch: UUID | None = None, limit: int = MAX_PAGE
) -> EventPage:
    """Return the events after a position. Raises NotAllowed, KeyDestroyed.

    A position of another epoch, or one that the group has not reached, is answered by `restart`.
    """
    _require_read(membership)
    group = ClosedUserGroup.objects.get(pk=membership.group_id)
    return page_from(group, after=after, epoch=epoch, limit=limit)


def latest_events(membership: Membership, *, limit: int = LATEST) -> EventPage:
    """Return the newest events, for whoever has no position yet. Raises NotAllowed, KeyDestroyed."""
    _require_read(membership)
    group = ClosedUserGroup.objects.get(pk=membership.group_id)
    return page_for_delivery(group.pk, after=max(0, group.head - limit), limit=limit)


def page_from(group: ClosedUserGroup, *, after: int | None, epoch: UUID | None, limit: int = MAX_PAGE) -> EventPage:
    """Return what a reader of the group at this position gets; without one the newest events."""
    if after is None:
        return page_for_delivery(group.pk, after=max(0, group.head - LATEST))
    if (epoch is not None and epoch != group.stream_epoch) or not 0 <= after <= group.head:
        return EventPage(group.stream_epoch, group.head, restart=True)
    return page_for_delivery(group.pk, after=after, limit=limit)


def page_for_delivery(group_id: UUID, *, after: int, limit: int = MAX_PAGE) -> EventPage:
    """Return events of a group; whoever calls this decides by membership who gets to see them (the hub)."""
    return pages_for_delivery({group_id: after}, limit=limit)[group_id]


def pages_for_delivery(places: Mapping[UUID, int], *, limit: int = MAX_PAGE) -> dict[UUID, EventPage]:
    """Return events of several groups, each after its position; what is rare is asked for each group by itself."""
    found = moved_after(places, limit=min(max(limit, 1), MAX_PAGE))
    messages = (message for moved in found for message in moved.messages)
    opened: dict[UUID, dict[UUID | None, Opened]] = {moved.group.pk: {} for moved in found}
    for one in open_for_delivery((moved.group for moved in found), messages):
        opened[one.message.group_id][one.message.pk] = one
    return {
        moved.group.pk: _page(moved.group, moved.events, opened[moved.group.pk], after=places[moved.group.pk])
        for moved in found
    }


def _page(
    group: ClosedUserGroup, events: Sequence[Event], opened: Mapping[UUID | None, Opened], *, after: int
) -> EventPage:
    reasons = _reasons(group, events)
    answered = _answered(events, opened)
    files = states_of(group, (event.data["attachment"] for event in events if event.type == Event.Type.ATTACHMENT))
    items = [
        event_item(
            event,
            opened=opened.get(event.message_id) if event.type == Event.Type.MESSAGE else None,
            reason=reasons.get(event.data.get("move", ""), ""),
            answered=answered.get(event.seq, {}),
            attachment=files.get(event.data.get("attachment", "")),
        )
        for event in events
    ]
    last = events[-1].seq if events else after
    return EventPage(group.stream_epoch, max(group.head, last), items, last)


def _answered(
    events: Sequence[Event], opened: Mapping[UUID | None, Opened]
) -> dict[int, dict[UUID, Sequence[str]]]:
    """Return, for events by which an answer came, went or changed, who has answered its questions by now."""
    asked: dict[int, set[UUID]] = {}
    others: dict[UUID, int] = {}  # messages whose own question counts too, and the event that is about them
    for event in events:
        if event.type == Event.Type.STATUS and event.data.get("to") == Status.WITHDRAWN and event.message_id:
            others[event.message_id] = event.seq
        found = opened.get(event.message_id) if event.type == Event.Type.MESSAGE else None
        if found is None or found.message.kind not in ANSWERS:
            continue
        message = found.message
        asked[event.seq] = {message.in_reply_to_id} if message.in_reply_to_id else set()
        if message.supersedes_id:
            others[message.supersedes_id] = event.seq
    if others:
        rows = Message.objects.filter(pk__in=others, kind__in=ANSWERS, in_reply_to__isnull=False)
        for pk, question in rows.values_list("pk", "in_reply_to_id"):
            asked.setdefault(others[pk], set()).add(question)
    versions = answered_versions(set().union(*asked.values()))
    return {
        seq: {version: by for question in questions for version, by in versions[question].items()}
        for seq, questions in asked.items()
    }


def _reasons(group: ClosedUserGroup, events: Sequence[Event]) -> dict[str, str]:
    """Return the opened reasons of status moves, by the move's id as the event names it."""
    ids = [event.data["move"] for event in events if event.data.get("move")]
    if not ids:
        return {}
    moves = StatusMove.objects.filter(group_id=group.pk, pk__in=ids, sealed_reason__isnull=False)
    return {str(move.pk): reason_of(group, move) for move in moves}


def reason_of(group: ClosedUserGroup, move: StatusMove) -> str:
    """Return the reason of a status move, "" where none was given."""
    if move.sealed_reason is None or move.key_epoch is None:
        return ""
    place = reason_place(move.pk, str(move.officer_id))
    try:
        return sealer_for(group, move.key_epoch).open(move.sealed_reason, place).decode()
    except SealBroken:
        told_broken(move.message_id)
        return ""


def _require_read(membership: Membership) -> None:
    if not membership.has(Right.READ):
        raise NotAllowed
