"""Receipts over sockets: those that come together are looked up by one question and given in one transaction.

No thread waits for any of them. What must not live here: what a receipt is (`actions.receipts`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from groups.errors import Stranger
from messaging import actions
from messaging.delivery.desk import Desk
from messaging.delivery.frames_in import uuid_of
from messaging.errors import MessageUnknown
from messaging.queries import groups_of_receipts

type Places = Desk[tuple[UUID, UUID], UUID | None]


async def acknowledge(officer_id: UUID, item: Mapping[str, Any]) -> dict[str, Any]:
    """Acknowledge the message of an item. A stranger is told the same as of a message that never was."""
    message_id = uuid_of(item.get("message"))
    try:
        group_id = await _places().ask((officer_id, message_id))
        if group_id is None:
            raise Stranger
        receipt = await actions.receipts_office().hand_in_here(actions.Slip(officer_id, group_id, message_id))
    except Stranger:
        raise MessageUnknown from None
    return {"op": "acknowledged", "message": str(message_id), "seq": receipt.seq}


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, Places] = WeakKeyDictionary()


def _places() -> Places:
    loop = asyncio.get_running_loop()
    if loop not in _desks:
        _desks[loop] = Desk(groups_of_receipts)
    return _desks[loop]
