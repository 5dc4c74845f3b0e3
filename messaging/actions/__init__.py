"""Every write of messaging, gathered under one name: `from messaging import actions`."""

from messaging.actions.acknowledging import acknowledge_message, give_receipt, receipts_office
from messaging.actions.importing import Outcome, post_messages
from messaging.actions.office import office, post_message
from messaging.actions.posting import Parcel, Posted
from messaging.actions.preparing import said_by
from messaging.actions.receipts import Receipt, Slip
from messaging.actions.seen import mark_seen
from messaging.actions.status import Moves, mark_transferred, move_status, move_status_many

__all__ = [
    "Moves",
    "Outcome",
    "Parcel",
    "Posted",
    "Receipt",
    "Slip",
    "acknowledge_message",
    "give_receipt",
    "mark_seen",
    "mark_transferred",
    "move_status",
    "move_status_many",
    "office",
    "post_message",
    "post_messages",
    "receipts_office",
    "said_by",
]
