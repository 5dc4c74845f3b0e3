"""Every write of messaging, gathered under one name: `from messaging import actions`."""

from messaging.actions.acknowledging import acknowledge_message
from messaging.actions.importing import Outcome, post_messages
from messaging.actions.posting import Posted, post_message
from messaging.actions.seen import mark_seen
from messaging.actions.status import mark_transferred, move_status

__all__ = [
    "Outcome",
    "Posted",
    "acknowledge_message",
    "mark_seen",
    "mark_transferred",
    "move_status",
    "post_message",
    "post_messages",
]
