"""What a client asks over its socket, done by the ordinary actions. Synchronous; runs in the thread pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone, translation

from accounts.actions import see_session
from accounts.models import Officer, OfficerSession
from groups.access import Right
from groups.gates import member_of
from messaging import actions
from messaging.delivery.errors import BadFrame
from messaging.delivery.frames_in import uuid_of
from messaging.presentation import time_json
from messaging.schemas import message_of


def parcel_of(officer: Officer, item: Mapping[str, Any]) -> actions.Parcel:
    """Return the message of an item as what the post office takes; no database. Raises BadFrame, InvalidMessage,
    MessageTooLarge.
    """
    group_id = uuid_of(item.get("group"))
    with translation.override(officer.language):
        draft = message_of(item.get("message"))
        said = actions.said_by(draft)
    return actions.Parcel(officer=officer, group_id=group_id, draft=draft, said=said, language=officer.language)


def posted_item(posted: actions.Posted) -> dict[str, Any]:
    """Return the answer to a post, as the protocol says."""
    message = posted.message
    return {
        "op": "posted",
        "id": str(message.pk),
        "group": str(message.group_id),
        "seq": message.seq,
        "reference": message.reference,
        "sent_at": time_json(message.sent_at),
        "created": posted.created,
    }


def mark_read(officer: Officer, item: Mapping[str, Any]) -> None:
    """Remember how far the officer has read."""
    seq = item.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool):
        raise BadFrame
    actions.mark_seen(member_of(officer, uuid_of(item.get("group")), Right.READ), seq=seq)


def session_lives(session_id: UUID) -> bool:
    """Note that a session is in use; False if it has ended."""
    now = timezone.now()
    session = OfficerSession.objects.filter(pk=session_id).first()
    if session is None or not session.is_live(now):
        return False
    see_session(session, now=now)
    return True
