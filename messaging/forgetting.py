"""What was opened leaves the memory of this process when its group's key is destroyed, wherever that happened.

What must not live here: the keys, and how their end is noticed (`vault.sealers`).
"""

from __future__ import annotations

from uuid import UUID

from messaging.delivery.hub import hubs
from messaging.fresh import fresh
from messaging.queries.seized import forget_sums


def forget_opened(group_id: UUID) -> None:
    """Drop what hubs, sums and the newest items hold of a group; from any thread."""
    fresh.forget(group_id)
    forget_sums(group_id)
    for loop, hub in hubs().items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(hub.forget, group_id)
