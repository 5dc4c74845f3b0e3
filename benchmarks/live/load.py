"""The ways of loading a group: so many messages in flight, or so many a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from benchmarks.live.wire import Member, Swarm, connected


class Crowd:
    """Connected members of one group of one system."""

    def __init__(self, swarm: Swarm, members: Sequence[Member], senders: int) -> None:
        self.swarm = swarm
        self.members = members
        self.senders = members[:senders]

    @classmethod
    async def gather(cls, port: int, factory: Callable[[Swarm, int], Member], *, size: int, senders: int) -> Crowd:
        """Connect so many members, twenty at a time."""
        swarm = Swarm(size)
        members: list[Member] = []
        for first in range(0, size, 20):
            wanted = range(first, min(first + 20, size))
            members += await asyncio.gather(
                *(connected(port, lambda number=number: factory(swarm, number)) for number in wanted)  # type: ignore[misc]
            )
        return cls(swarm, members, senders)

    async def in_flight(self, window: int, seconds: float) -> float:
        """Keep so many messages in flight; return deliveries per second, the first fifth left out."""
        swarm = self.swarm
        sent = swarm.complete
        stop = False

        def send() -> None:
            nonlocal sent
            if not stop:
                self.senders[sent % len(self.senders)].post()
                sent += 1

        swarm.on_complete = send
        for _ in range(window):
            send()
        await asyncio.sleep(seconds / 5)
        began, before = time.perf_counter(), swarm.complete
        await asyncio.sleep(seconds)
        rate = (swarm.complete - before) / (time.perf_counter() - began)
        stop = True
        await self._drained(sent)
        swarm.on_complete = None
        return rate * swarm.size

    async def at_rate(self, per_second: float, seconds: float) -> list[float]:
        """Send so many a second; return the seconds from each send to its last receipt."""
        swarm = self.swarm
        base = len(swarm.completed_at)
        sent_at: list[float] = []
        began = time.perf_counter()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            sent_at.append(time.perf_counter())
            self.senders[number % len(self.senders)].post()
        await self._drained(base + len(sent_at))
        done = swarm.completed_at[base:]
        return [at - sent for sent, at in zip(sent_at, done, strict=False)]

    async def _drained(self, count: int) -> None:
        deadline = time.perf_counter() + 15
        while self.swarm.complete < count and time.perf_counter() < deadline:
            await asyncio.sleep(0.02)

    def leave(self) -> None:
        """Disconnect everybody."""
        for member in self.members:
            member.transport.abort()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that so great a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
