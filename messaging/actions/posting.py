"""Sending one message: the one write path, for every kind.

A replay (the same id again) is answered before anything else is asked: who was told "sent" once is told so again,
also when the group has closed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from groups.gates import hold_group
from groups.models import Membership
from groups.queries import sealer_for
from messaging import limits
from messaging.actions.inserting import insert_prepared
from messaging.actions.preparing import Preparation, Prepared, said_by
from messaging.drafts import Draft
from messaging.errors import ConflictingReplay
from messaging.models import Message
from problems import Refusal


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is in the stream; `created` is False when it was there before (a replay)."""

    message: Message
    created: bool


def post_message(membership: Membership, *, draft: Draft) -> Posted:
    """Send one message; the answer comes after the commit.

    The same id with the same content answers the first message again. Raises TooFast, MessageTooLarge, NotAllowed,
    Stranger, OperationClosed, PhaseForbids, NoTemplate, FormChanged, InvalidMessage, NotYours, ConflictingReplay.
    """
    limits.take_post(membership.officer_id)
    said = said_by(draft)
    earlier = earlier_message(membership, draft, said)
    if earlier is not None:
        return Posted(earlier, created=False)
    now = timezone.now()
    prepared = Preparation(membership, now=now).prepare(draft, said)
    try:
        return Posted(_insert_one(prepared), created=True)
    except IntegrityError:
        # Somebody, most likely the same client over another connection, was first by a moment.
        earlier = earlier_message(membership, draft, said)
        if earlier is None:
            raise
        return Posted(earlier, created=False)


@transaction.atomic
def _insert_one(prepared: Prepared) -> Message:
    group = hold_group(prepared.membership, prepared.rule.right)
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


RELATED = ("sender", "administration", "template")
