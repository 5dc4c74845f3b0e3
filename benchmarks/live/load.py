"""The ways of loading a group: so many messages in flight, or so many a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import batched

from benchmarks.live.wire import Member, Swarm, connected

PATIENCE = 40.0

type Factory = Callable[[Swarm, int, int], Member]  # of which group, its number there


class Crowd:
    """Connected members of one system, in one group or in many: one swarm each."""

    def __init__(self, swarms: Sequence[Swarm], members: Sequence[Sequence[Member]], senders: int) -> None:
        self.swarms = swarms
        self.members = members
        self.senders = [group[:senders] for group in members]
        self.size = swarms[0].size
        self.posted = 0

    @classmethod
    async def gather(cls, port: int, factory: Factory, *, groups: int, size: int, senders: int) -> Crowd:
        """Connect so many members to each of so many groups, twenty at a time."""
        swarms = [Swarm(size) for _ in range(groups)]
        places = [(group, number) for group in range(groups) for number in range(size)]
        members: list[list[Member]] = [[] for _ in swarms]
        for part in batched(places, 20):
            found = await asyncio.gather(
                *(
                    connected(port, lambda group=group, number=number: factory(swarms[group], group, number))  # type: ignore[misc]
                    for group, number in part
                )
            )
            for (group, _number), member in zip(part, found, strict=True):
                members[group].append(member)
        return cls(swarms, members, senders)

    @property
    def complete(self) -> int:
        """How many messages the last member of their group has."""
        return sum(swarm.complete for swarm in self.swarms)

    def post(self) -> Swarm:
        """Post the next message: groups take turns, and in each its senders."""
        turn, group = divmod(self.posted, len(self.swarms))
        senders = self.senders[group]
        sender = senders[turn % len(senders)]
        if sender.lost:
            message = f"the server closed a sender's socket: {sender.buffer[-80:]!r}"
            raise ConnectionError(message)
        sender.post()
        self.posted += 1
        return self.swarms[group]

    async def in_flight(self, window: int, seconds: float) -> float:
        """Keep so many messages in flight; return deliveries per second, the first fifth left out."""
        stop = False

        def send() -> None:
            if not stop:
                self.post()

        for swarm in self.swarms:
            swarm.on_complete = send
        for _ in range(window):
            send()
        await asyncio.sleep(seconds / 5)
        began, before = time.perf_counter(), self.complete
        await asyncio.sleep(seconds)
        while self.complete == before and time.perf_counter() < began + PATIENCE:  # slower than that: wait for one
            await asyncio.sleep(0.02)
        rate = (self.complete - before) / (time.perf_counter() - began)
        stop = True
        await self._drained()
        for swarm in self.swarms:
            swarm.on_complete = None
        return rate * self.size

    async def each_once(self, window: int) -> None:
        """Let everybody who posts do so once, so many messages in flight."""
        left = sum(map(len, self.senders))

        def send() -> None:
            nonlocal left
            if left:
                left -= 1
                self.post()

        for swarm in self.swarms:
            swarm.on_complete = send
        for _ in range(window):
            send()
        seen, deadline = -1, 0.0
        while (left or self.complete < self.posted) and (self.complete > seen or time.perf_counter() < deadline):
            if self.complete > seen:
                seen, deadline = self.complete, time.perf_counter() + PATIENCE
            await asyncio.sleep(0.02)
        for swarm in self.swarms:
            swarm.on_complete = None

    async def at_rate(self, per_second: float, seconds: float) -> list[float]:
        """Send so many a second; return the seconds from each send to its last receipt."""
        bases = {id(swarm): len(swarm.completed_at) for swarm in self.swarms}
        sent_at: dict[int, list[float]] = {id(swarm): [] for swarm in self.swarms}
        began = time.perf_counter()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            at = time.perf_counter()
            sent_at[id(self.post())].append(at)
        await self._drained()
        return [
            done - sent
            for swarm in self.swarms
            for done, sent in zip(swarm.completed_at[bases[id(swarm)] :], sent_at[id(swarm)], strict=False)
        ]

    async def _drained(self) -> None:
        deadline = time.perf_counter() + PATIENCE
        while self.complete < self.posted and time.perf_counter() < deadline:
            await asyncio.sleep(0.02)

    @property
    def lost(self) -> int:
        """How many sockets the server has closed."""
        return sum(swarm.lost for swarm in self.swarms)

    @property
    def missing(self) -> int:
        """How many messages somebody still lacks: none, after a measurement, unless the system lost some."""
        return self.posted - self.complete

    def leave(self) -> None:
        """Disconnect everybody."""
        for group in self.members:
            for member in group:
                member.leave()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that so great a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
