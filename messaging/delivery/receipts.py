"""Receipts over sockets: those that come together are looked up by one question and given in one transaction.

No thread waits for any of them. What must not live here: what a receipt is (`actions.receipts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from groups.errors import Stranger
from messaging import actions
from messaging.delivery.desk import Desk
from messaging.delivery.frames_in import uuid_of
from messaging.delivery.per_loop import PerLoop
from messaging.delivery.reads import in_hub_thread
from messaging.errors import MessageUnknown
from messaging.queries import groups_of_receipts


async def acknowledge(
    officer_id: UUID, item: Mapping[str, Any], *, follows: Callable[[UUID], bool]
) -> dict[str, Any]:
    """Acknowledge the message of an item. A stranger is told the same as of a message that never was.

    A group that the item names, and that this socket `follows`, is taken at its word: whether the message is there,
    and whether its officer still is, is decided under the group's lock. Nobody gets to the lock of a group that he
    does not follow before it is known that he is a member.
    """
    message_id = uuid_of(item.get("message"))
    named = uuid_of(item["group"]) if item.get("group") is not None else None
    try:
        if named is not None and follows(named):
            group_id: UUID | None = named
        else:
            group_id = await _places().ask((officer_id, message_id))
        if named not in {None, group_id}:
            raise MessageUnknown
        if group_id is None:
            raise Stranger
        receipt = await actions.receipts_office().hand_in_here(actions.Slip(officer_id, group_id, message_id))
    except Stranger:
        raise MessageUnknown from None
    return {"op": "acknowledged", "message": str(message_id), "seq": receipt.seq}


type Places = Desk[tuple[UUID, UUID], UUID | None]
_places: PerLoop[Places] = PerLoop(lambda: Desk(groups_of_receipts, run=in_hub_thread))
