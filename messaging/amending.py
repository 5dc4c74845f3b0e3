"""Who may correct, return, validate or withdraw which message: the rights table applied to one message."""

from __future__ import annotations

from groups.access import Right
from groups.models import Membership
from messaging.models import Message


def is_sender(membership: Membership, message: Message) -> bool:
    """Whether the member wrote the message."""
    return message.sender_id == membership.officer_id


def validates(membership: Membership, message: Message) -> bool:
    """Whether the member checks messages of this one's country: its contact point, or the coordination unit."""
    if membership.has(Right.VALIDATE_ALL):
        return True
    return membership.has(Right.VALIDATE_OWN_COUNTRY) and message.country == membership.country


def may_amend(membership: Membership, message: Message) -> bool:
    """Whether the member may correct or withdraw the message: its sender, or who checks its country's."""
    return is_sender(membership, message) or validates(membership, message)
