"""Sending one message: the one write path, for every kind.

A replay (the same id again) is answered before anything else is asked: who was told "sent" once is told so again,
also when the group has closed meanwhile. The quick way (`together`) takes what is clean; whatever is in doubt is
done here again, alone, from a fresh reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Officer
from groups.access import Right
from groups.gates import hold_group, member_of
from groups.models import Membership
from groups.queries import sealer_for
from messaging.actions.inserting import insert_prepared
from messaging.actions.preparing import Preparation, Prepared
from messaging.drafts import Draft
from messaging.errors import ConflictingReplay
from messaging.models import Message
from problems import Refusal


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is in the stream; `created` is False when it was there before (a replay)."""

    message: Message
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Parcel:
    """A draft on its way: who sends it, where, what was said (for replays), in which language to refuse it.

    `membership` is the gate's, where the caller passed it; without one the sender has only been signed in.
    """

    officer: Officer
    group_id: UUID
    draft: Draft
    said: bytes
    language: str | None
    membership: Membership | None = None


def send_alone(parcel: Parcel) -> Posted:
    """Send one draft in a transaction of its own, with everything read afresh.

    Raises NotAllowed, Stranger, OperationClosed, PhaseForbids, NoTemplate, FormChanged, InvalidMessage, NotYours,
    ConflictingReplay.
    """
    membership = member_of(parcel.officer, parcel.group_id, Right.SEE_GROUP)
    earlier = earlier_message(membership, parcel.draft, parcel.said)
    if earlier is not None:
        return Posted(earlier, created=False)
    prepared = Preparation(membership, now=timezone.now()).prepare(parcel.draft, parcel.said)
    try:
        return Posted(_insert_one(prepared), created=True)
    except IntegrityError:
        # Somebody, most likely the same client over another connection, was first by a moment.
        earlier = earlier_message(membership, parcel.draft, parcel.said)
        if earlier is None:
            raise
        return Posted(earlier, created=False)


@transaction.atomic
def _insert_one(prepared: Prepared) -> Message:
    group = hold_group(prepared.membership, prepared.rule.right)
    # Whoever was named may have left while the lock was waited for.
    Preparation(prepared.membership, now=timezone.now()).check_addressees(prepared.draft.addressed_to)
    [result] = insert_prepared(group, [prepared], now=timezone.now())
    if isinstance(result, Refusal):
        raise result
    return result


def earlier_message(membership: Membership, draft: Draft, said: bytes) -> Message | None:
    """Return the message that was sent under this id with this content, None if the id is free.

    Raises ConflictingReplay for other content, another sender, another group: all alike, so that an id tells
    nothing about groups that are not one's own.
    """
    message = Message.objects.filter(pk=draft.id).first()
    if message is None:
        return None
    if message.sender_id != membership.officer_id or message.group_id != membership.group_id:
        raise ConflictingReplay
    if not same_content(membership, message, said):
        raise ConflictingReplay
    return message


def same_content(membership: Membership, message: Message, said: bytes) -> bool:
    """Whether the message was sent with exactly this content, without opening it."""
    return sealer_for(membership.group, message.key_epoch).digest(said) == bytes(message.digest)
