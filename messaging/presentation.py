"""Messages and events as JSON: one shape for API, socket and pages. Pure; nothing in it depends on who reads.

What must not live here: opening, rights. What depends on the reader (unread, mine) the client knows by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from messaging.models import Event

if TYPE_CHECKING:  # the queries write what they read in these shapes
    from messaging.queries.opening import Opened, Receipts

type Answered = Mapping[UUID, Sequence[str]]


def time_json(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the millisecond."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message_json(opened: Opened) -> dict[str, Any]:
    """Return one message as every client gets it.

    `acknowledgements` is null unless one is wanted: expected and done per country, and who has given one.
    `answered_by`: countries that sent feedback to a warning, or a reply to a request. `attachments`: files as
    `attachments.facts.state_json` gives them, the same for every reader. `unreadable` is true
    where the seal is broken, and missing elsewhere; `confirmed` is there where the sender confirmed something.
    """
    message = opened.message
    broken = {"unreadable": True} if opened.unreadable else {}
    confirmed = {"confirmed": list(opened.confirmed)} if opened.confirmed else {}
    return {
        **broken,
        **confirmed,
        "id": str(message.pk),
        "group": str(message.group_id),
        "seq": message.seq,
        "reference": message.reference,
        "kind": message.kind,
        "subject": opened.subject,
        "body": opened.body,
        "language": message.language,
        "priority": message.priority,
        "sender": {"id": str(message.sender_id), "name": message.sender.name},
        "administration": {
            "id": str(message.administration_id),
            "name": message.administration.name,
            "country": message.administration.country,
        },
        "country": message.country,
        "addressed_to": message.addressed_to,
        "in_reply_to": _text(message.in_reply_to_id),
        "thread": str(message.thread),
        "due_at": time_json(message.due_at),
        "acknowledge": message.acknowledge,
        "acknowledgements": _receipts_json(opened.receipts),
        "answered_by": list(opened.answered_by),
        "handling": message.handling,
        "grading": _grading_json(message.grading_source, message.grading_information),
        "attachments": list(opened.attachments),
        "template": {"id": str(message.template_id), "version": message.template.version},
        "status": message.status,
        "exercise": message.exercise,
        "supersedes": _text(message.supersedes_id),
        "superseded_by": _text(opened.superseded_by),
        "sent_at": time_json(message.sent_at),
    }


def event_json(
    event: Event,
    *,
    opened: Opened | None,
    reason: str,
    answered: Answered,
    attachment: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one event: `type`, `at`, `actor`, and by type

    - message: `message`, as `message_json` gives it
    - acknowledged: `message` (id), `country`
    - status: `message` (id), `from`, `to`, `country`, `reason`
    - attachment: `message` (id), `attachment`, as messages hold it
    - member, phase, country, settings: what `groups.announcements.Change` says

    `answered` stands where an answer came, was corrected or withdrawn: who has answered each version of its
    question.
    """
    result: dict[str, Any] = {"type": event.type, "at": time_json(event.at), "actor": _text(event.actor)}
    if answered:
        result["answered"] = {str(asked): list(countries) for asked, countries in answered.items()}
    data: Mapping[str, Any] = {name: value for name, value in event.data.items() if name != "move"}
    if event.type == Event.Type.MESSAGE:
        return {**result, "message": message_json(opened) if opened else _text(event.message_id)}
    if event.message_id is not None:
        result["message"] = str(event.message_id)
    if event.type == Event.Type.STATUS:
        result["reason"] = reason
    if event.type == Event.Type.ATTACHMENT:
        return {**result, "attachment": attachment}
    return {**result, **data}


def event_item(
    event: Event,
    *,
    opened: Opened | None = None,
    reason: str = "",
    answered: Answered = MappingProxyType({}),
    attachment: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one event as an item of a frame, and of the list that `GET …/events` answers."""
    return {
        "op": "event",
        "group": str(event.group_id),
        "seq": event.seq,
        "event": event_json(event, opened=opened, reason=reason, answered=answered, attachment=attachment),
    }


def _receipts_json(receipts: Receipts | None) -> dict[str, Any] | None:
    if receipts is None:
        return None
    return {
        "expected": dict(sorted(receipts.expected.items())),
        "done": dict(sorted(receipts.done.items())),
        "officers": [str(officer) for officer in receipts.officers],
    }


def _grading_json(source: str, information: str) -> dict[str, str] | None:
    return {"source": source, "information": information} if source else None


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
