"""One message with everything around it: its thread, who acknowledged, its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from groups.models import Membership
from messaging.conditions import in_thread
from messaging.errors import MessageUnknown
from messaging.models import Acknowledgement, Message, StatusMove
from messaging.presentation import time_json
from messaging.queries.events import reason_of
from messaging.queries.opening import Opened, messages_of, opened

MAX_THREAD = 500


@dataclass(frozen=True, slots=True)
class Detail:
    """A message, the messages of its thread in order (itself among them), receipts and history as JSON."""

    message: Opened
    thread: list[Opened]
    acknowledgements: list[dict[str, Any]]
    history: list[dict[str, Any]]


def group_of_message(message_id: UUID) -> UUID:
    """Return the group of a message, for the gate to ask about. Raises MessageUnknown. It proves no access."""
    group_id = Message.objects.filter(pk=message_id).values_list("group_id", flat=True).first()
    if group_id is None:
        raise MessageUnknown
    return group_id


def detail_of(membership: Membership, message_id: UUID) -> Detail:
    """Return a message with thread, receipts, history. Raises MessageUnknown, NotAllowed, KeyDestroyed."""
    message = messages_of(membership).filter(pk=message_id).first()
    if message is None:
        raise MessageUnknown
    rows = list(messages_of(membership).filter(in_thread(message.thread)).order_by("seq")[:MAX_THREAD])
    if all(row.pk != message_id for row in rows):
        rows.append(message)
    thread = opened(membership, rows)
    own = next(found for found in thread if found.message.pk == message_id)
    return Detail(own, thread, _acknowledgements(message), history_of(membership, message))


def _acknowledgements(message: Message) -> list[dict[str, Any]]:
    rows = Acknowledgement.objects.filter(message=message).select_related("officer").order_by("seq")
    return [
        {
            "officer": {"id": str(row.officer_id), "name": row.officer.name},
            "country": row.country,
            "at": time_json(row.at),
        }
        for row in rows
    ]


def history_of(membership: Membership, message: Message) -> list[dict[str, Any]]:
    """Return what happened to a message, oldest first: sent, status moves with reasons, corrections."""
    if message.group_id != membership.group_id:
        raise MessageUnknown
    entries: list[dict[str, Any]] = [
        {
            "what": "sent",
            "at": time_json(message.sent_at),
            "officer": {"id": str(message.sender_id), "name": message.sender.name},
            "country": message.country,
        }
    ]
    moves = StatusMove.objects.filter(message=message).select_related("officer").order_by("seq")
    entries += [
        {
            "what": "status",
            "at": time_json(move.at),
            "officer": {"id": str(move.officer_id), "name": move.officer.name} if move.officer else None,
            "country": move.country,
            "from": move.from_status,
            "to": move.to_status,
            "reason": reason_of(membership.group, move),
        }
        for move in moves
    ]
    correction = Message.objects.filter(supersedes=message).select_related("sender").first()
    if correction is not None:
        entries.append(
            {
                "what": "superseded",
                "at": time_json(correction.sent_at),
                "officer": {"id": str(correction.sender_id), "name": correction.sender.name},
                "country": correction.country,
                "message": str(correction.pk),
                "reference": correction.reference,
            }
        )
    return sorted(entries, key=lambda entry: str(entry["at"]))
