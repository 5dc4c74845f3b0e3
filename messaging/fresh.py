"""What this process has just committed, serialised, for its own hub: it need not read back what it wrote.

Kept only for groups that somebody follows here, after the commit, until the hub has taken it; never the only copy:
whatever is not here is read from the database. What must not live here: who gets it (`delivery.hub`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

MAX_BYTES = 1024 * 1024  # of one group


def serialised(item: Mapping[str, Any]) -> bytes:
    """Return an item as bytes that take no more room than they have.

    orjson's own stay in a buffer of 8 KiB or more: that matters where a thousand of them are remembered.
    """
    return bytes(memoryview(orjson.dumps(item)))


class FreshItem(NamedTuple):
    """One event, as every client gets it."""

    seq: int
    raw: bytes


class Fresh:
    """The newest items of followed groups, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[UUID, tuple[UUID | None, OrderedDict[int, bytes]]] = {}
        self._followers: dict[UUID, int] = {}

    def follow(self, group_id: UUID) -> None:
        """Keep what comes for a group from now on; once for each hub that follows it."""
        with self._lock:
            self._followers[group_id] = self._followers.get(group_id, 0) + 1

    def unfollow(self, group_id: UUID) -> None:
        """Keep nothing more, once nobody follows."""
        with self._lock:
            left = self._followers.get(group_id, 0) - 1
            if left > 0:
                self._followers[group_id] = left
            else:
                self._followers.pop(group_id, None)
                self._groups.pop(group_id, None)

    def forget(self, group_id: UUID) -> None:
        """Drop what is kept of a group whose key is gone."""
        with self._lock:
            self._groups.pop(group_id, None)

    def is_followed(self, group_id: UUID) -> bool:
        """Whether it is worth while to keep anything of a group."""
        return group_id in self._followers

    def put(self, group_id: UUID, epoch: UUID, items: Sequence[FreshItem]) -> None:
        """Keep committed items; the oldest go."""
        with self._lock:
            if group_id not in self._followers:
                return
            known, kept = self._groups.get(group_id, (None, OrderedDict()))
            if known != epoch:
                kept = OrderedDict()
            for item in items:
                kept[item.seq] = item.raw
            size = sum(map(len, kept.values()))
            while kept and size > MAX_BYTES:
                size -= len(kept.popitem(last=False)[1])
            self._groups[group_id] = (epoch, kept)

    def take(self, group_id: UUID, epoch: UUID | None, after: int) -> list[FreshItem]:
        """Return the items that follow a position without a gap, and forget them and those before."""
        with self._lock:
            known, kept = self._groups.get(group_id, (None, OrderedDict()))
            if known is None or known != epoch:
                return []
            found = []
            while (raw := kept.pop(after + 1, None)) is not None:
                after += 1
                found.append(FreshItem(after, raw))
            for seq in [seq for seq in kept if seq <= after]:
                del kept[seq]
            return found


fresh = Fresh()
