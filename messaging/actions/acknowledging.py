"""Acknowledging a message: a receipt by one officer, once, however often it is sent."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

import audit
from groups.access import Right
from groups.errors import NotAllowed
from groups.gates import hold_group
from groups.models import Membership
from groups.phases import PhaseAct, permits
from messaging.errors import MessageUnknown
from messaging.events import NewEvent, append_events
from messaging.models import Acknowledgement, Event, Message


def acknowledge_message(membership: Membership, *, message_id: UUID) -> Acknowledgement:
    """Return the member's receipt of a message; the first one counts, a repetition changes nothing.

    Raises NotAllowed, Stranger, MessageUnknown, OperationClosed, PhaseForbids.
    """
    if not membership.has(Right.ACKNOWLEDGE):
        raise NotAllowed
    message = Message.objects.filter(group_id=membership.group_id, pk=message_id).only("pk").first()
    if message is None:
        raise MessageUnknown
    return _given(membership, message_id) or _acknowledge(membership, message_id)


def _given(membership: Membership, message_id: UUID) -> Acknowledgement | None:
    return Acknowledgement.objects.filter(message_id=message_id, officer_id=membership.officer_id).first()


@transaction.atomic
def _acknowledge(membership: Membership, message_id: UUID) -> Acknowledgement:
    group = hold_group(membership, Right.ACKNOWLEDGE)
    given = _given(membership, message_id)
    if given is not None:
        return given
    permits(group, PhaseAct.ACKNOWLEDGE)
    now = timezone.now()
    entry = NewEvent(
        type=Event.Type.ACKNOWLEDGED,
        at=now,
        actor=membership.officer_id,
        message_id=message_id,
        data={"country": membership.country},
    )
    [seq] = append_events(group, [entry])
    receipt = Acknowledgement.objects.create(
        group_id=group.pk,
        message_id=message_id,
        officer_id=membership.officer_id,
        country=membership.country,
        seq=seq,
        at=now,
    )
    audit.record(
        audit.Action.MESSAGE_ACKNOWLEDGED,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"message:{message_id}",
        seq=seq,
    )
    return receipt
