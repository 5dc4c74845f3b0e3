"""Acknowledging a message: a receipt by one officer, once, however often it is sent.

When a warning goes to hundreds, they all acknowledge within seconds: receipts that arrive while others are written
go together into the next transaction, as posts do (`office`). What must not live here: who may (`receipts`).
"""

from __future__ import annotations

from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection

from groups.models import Membership
from messaging.actions.office import Office
from messaging.actions.receipts import Receipt, Slip, give_shared, give_together

THREADS = 1


@cache
def receipts_office() -> Office[Slip, Receipt]:
    """Return where this process's receipts wait for their group's transaction; as many as posts at most."""
    limit = settings.CENCOMM_LIMITS["posts_waiting"]
    return Office(limit=limit, send=give_together, share=give_shared, threads=THREADS, name="receipts")


def acknowledge_message(membership: Membership, *, message_id: UUID) -> Receipt:
    """Return the member's receipt of a message; the first one counts, a repetition changes nothing.

    Raises NotAllowed, Stranger, MessageUnknown, OperationClosed, PhaseForbids, Busy.
    """
    return give_receipt(Slip(membership.officer_id, membership.group_id, message_id))


def give_receipt(slip: Slip) -> Receipt:
    """Do the same for whoever was looked up as a member of the message's group (`queries.groups_of_receipts`)."""
    if not connection.in_atomic_block:
        return receipts_office().post(slip)
    # Within somebody's transaction nobody else's receipt may depend on it.
    [answer] = give_together([slip])
    if isinstance(answer, Exception):
        raise answer
    return answer
