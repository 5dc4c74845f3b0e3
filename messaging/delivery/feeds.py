"""What a process knows of the groups that are followed here: who follows, how far, and the newest events.

What must not live here: the database, wake-ups, when something is delivered (`hub`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol
from uuid import UUID

from messaging.delivery.outbox import Frame, Outbox
from messaging.delivery.reads import Batch, Item
from messaging.queries.events import LATEST

RECENT_ITEMS = 1000
RECENT_BYTES = 1024 * 1024

type Place = tuple[int | None, UUID | None]  # a client's position and its epoch; both None for the newest events


class Client(Protocol):
    """What the hub needs of a socket."""

    @property
    def officer_id(self) -> UUID: ...
    @property
    def session_id(self) -> UUID | None: ...
    @property
    def token_id(self) -> UUID | None: ...
    @property
    def outbox(self) -> Outbox: ...
    def put(self, one: Frame) -> None: ...
    def close(self, code: int) -> None: ...


@dataclass(eq=False, slots=True)
class Follower:
    """One socket in one group: up to where everything has been queued for it, and whether it is live."""

    client: Client
    group_id: UUID
    membership_id: UUID | None = None
    position: int = 0
    live: bool = False
    ended: bool = False
    catching_up: asyncio.Task[None] | None = None


@dataclass(eq=False, slots=True)
class Feed:
    """What this process knows of one group's stream while somebody here follows it."""

    group_id: UUID
    head: int | None = None
    epoch: UUID | None = None
    target: int = 0
    heard: int = 0
    committed_at: float = 0.0
    followers: set[Follower] = field(default_factory=set)
    recent: deque[Item] = field(default_factory=deque)
    recent_bytes: int = 0
    tails: dict[int, Batch] = field(default_factory=dict)
    tail_bytes: int = 0
    readings: dict[Place, asyncio.Task[Batch]] = field(default_factory=dict)
    being_read: bool = False

    def remember(self, items: Iterable[Item]) -> None:
        """Keep the newest items for those who reconnect: a storm then costs the database nothing."""
        self._cut_tails()
        for item in items:
            self.recent.append(item)
            self.recent_bytes += len(item.raw)
        while self.recent and (self.recent_bytes > RECENT_BYTES or len(self.recent) > RECENT_ITEMS):
            self.recent_bytes -= len(self.recent.popleft().raw)

    def learn(self, batch: Batch) -> None:
        """Keep what one reader had to fetch, where it reaches further back than what is remembered, to the head."""
        items = batch.items
        if not items or batch.last != self.head or batch.epoch != self.epoch:
            return
        if self.recent and self.recent[0].seq <= items[0].seq:
            return
        self.recent.clear()
        self.recent_bytes = 0
        self.remember(items)

    def since(self, position: int | None, epoch: UUID | None) -> Batch | None:
        """Return everything from a position to the head, the same for all who stand there; None if that is not all
        remembered. Without a position: the newest events.
        """
        if self.head is None or self.epoch is None:
            return None
        if position is None:
            position, epoch = max(0, self.head - LATEST), self.epoch
        if epoch != self.epoch or not 0 <= position <= self.head:
            return None
        found = self.tails.get(position)
        if found is None:
            missed = self.head - position
            if missed and (not self.recent or self.recent[0].seq > position + 1):
                return None
            items = list(islice(self.recent, len(self.recent) - missed, None)) if missed else []
            found = Batch(self.epoch, self.head, self.head, items, restart=False)
            self._keep_tail(position, found)
        return found

    def forget(self) -> None:
        """Drop what was remembered."""
        self._cut_tails()
        self.recent.clear()
        self.recent_bytes = 0

    def _keep_tail(self, position: int, tail: Batch) -> None:
        size = sum(len(item.raw) for item in tail.items)
        if self.tail_bytes + size > RECENT_BYTES or len(self.tails) >= RECENT_ITEMS:
            self._cut_tails()
        self.tails[position] = tail
        self.tail_bytes += size

    def _cut_tails(self) -> None:
        self.tails.clear()
        self.tail_bytes = 0
