"""What clients send, taken apart: the items of a frame, identifiers, positions. Whatever is malformed is BadFrame.

What must not live here: what an item means (`conversation`, `verbs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from messaging.delivery.errors import BadFrame
from messaging.delivery.feeds import Place
from messaging.limits import HIGHEST

MAX_ITEMS = 100


def items_of(text: str) -> list[dict[str, Any]]:
    """Return the items of a frame: one object, or a list of them. Raises BadFrame."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadFrame from None
    items = data if isinstance(data, list) else [data]
    if not items or len(items) > MAX_ITEMS or not all(isinstance(item, dict) for item in items):
        raise BadFrame
    return items


def uuid_of(value: object) -> UUID:
    """Return an identifier. Raises BadFrame."""
    try:
        return UUID(str(value))
    except ValueError:
        raise BadFrame from None


def places_of(item: Mapping[str, Any]) -> dict[UUID, Place]:
    """Return the groups of a "follow", each with its place. Raises BadFrame."""
    groups = item.get("groups")
    if not isinstance(groups, dict):
        raise BadFrame
    return {uuid_of(name): _place(value) for name, value in groups.items()}


def _place(value: object) -> Place:
    """Return position and epoch; both are None for whoever has none."""
    if not value:
        return None, None
    if not isinstance(value, dict):
        raise BadFrame
    after, epoch = value.get("after"), value.get("epoch")
    if after is None:
        return None, None
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after <= HIGHEST or epoch is None:
        raise BadFrame
    return after, uuid_of(epoch)
