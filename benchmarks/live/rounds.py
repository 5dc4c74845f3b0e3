"""Interleaved rounds over several systems that do the same work, and what each took of the machine.

What must not live here: which systems there are (`benchmarks.peers`), and how results are told (`report`).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.databases import commit_milliseconds
from benchmarks.live import processor
from benchmarks.live import site as sites
from benchmarks.live.load import Crowd, Factory, percentile
from benchmarks.live.wire import SocketMember
from tests.cencomm.ports import free_port

OURS = "CENcomm"
SENDERS = 10
PACED = 4  # times as long as what is in flight: the p99 of fewer than a hundred messages is the slowest of them


@dataclass(frozen=True)
class System:
    """One that is measured: where it listens, its first process, how its members are made."""

    port: int
    process_id: int
    factory: Factory
    version: str = ""
    keeps: str = ""
    rows: tuple[str, str] | None = None  # database, and from where each message is a row
    receipts: bool = False  # whether each receipt is a row there, too


@dataclass(frozen=True)
class Shape:
    """How the load looks: groups and members, messages in flight, seconds of each measurement."""

    groups: int
    members: int
    windows: Sequence[int]
    seconds: float
    rate: float = 10.0

    @property
    def senders(self) -> int:
        """How many of a group's members post: ten, but never the last one."""
        return max(1, min(SENDERS, self.members - 1))

    def __str__(self) -> str:
        return f"{self.groups} × {self.members}" if self.groups > 1 else f"{self.members} members"


@dataclass
class Measured:
    """What one system did in all rounds."""

    rates: dict[int, list[float]]
    delays: list[float] = field(default_factory=list)
    cpu_microseconds: dict[str, list[float]] = field(default_factory=dict)
    client_busy: list[float] = field(default_factory=list)
    failure: str = ""
    posted: int = 0
    receipts: int = 0
    stored: int | None = None  # rows that these posts have left, where there are rows
    receipts_stored: bool = False  # whether receipts are among them

    @property
    def expected(self) -> int:
        """How many rows there should be."""
        return self.posted + (self.receipts if self.receipts_stored else 0)

    def rate(self, window: int) -> float:
        """The median of deliveries per second."""
        return statistics.median(self.rates[window]) if self.rates[window] else 0.0

    def milliseconds(self, share: float) -> float:
        """The time from send to last receipt that so great a share of the messages did not exceed."""
        return percentile(self.delays, share) * 1000

    def told(self) -> dict[str, Any]:
        """Everything that was measured, for the JSON object."""
        return {
            "deliveries_per_second": {
                str(window): {"median": round(self.rate(window)), "all": [round(one) for one in values]}
                for window, values in self.rates.items()
            },
            "milliseconds": {name: round(self.milliseconds(share), 2) for name, share in SHARES.items()},
            "cpu_microseconds_per_delivery": {
                name: round(statistics.median(values), 2) for name, values in self.cpu_microseconds.items()
            },
            "client_busy": round(max(self.client_busy, default=0.0), 2),
            "posted": self.posted,
            "receipts": self.receipts,
            "stored": self.stored,
            "expected": self.expected,
        } | ({"failed": self.failure} if self.failure else {})


SHARES = {"median": 0.5, "p95": 0.95, "p99": 0.99}


def measure(systems: Mapping[str, System], site: sites.Site, shape: Shape, rounds: int) -> dict[str, Measured]:
    """Load one system after the other, so many times; one that fails in a round is left out of that round."""
    import uvloop

    found = {
        name: Measured({window: [] for window in shape.windows}, receipts_stored=system.receipts)
        for name, system in systems.items()
    }
    for number in range(rounds):
        for name, system in systems.items():
            before = stored_rows(site, system)
            try:
                uvloop.run(_one_round(system, site, shape, found[name]))
                _note_rows(found[name], before, stored_rows(site, system))
            except (OSError, TimeoutError, LostMessages) as error:
                found[name].failure = f"{type(error).__name__} {error} in round {number + 1}"
                sys.stderr.write(f"{name}: {found[name].failure}\n")
    return found


def stored_rows(site: sites.Site, system: System) -> int | None:
    """Return how many messages of what is loaded a system has in its table."""
    if system.rows is None:
        return None
    import psycopg

    database, source = system.rows
    with psycopg.connect(site.addresses.url(database, "postgres")) as connection:
        row = connection.execute(f"SELECT count(*) FROM {source}").fetchone()  # type: ignore[arg-type]  # noqa: S608
    return int(row[0]) if row else 0


def _note_rows(found: Measured, before: int | None, after: int | None) -> None:
    if before is not None and after is not None:
        found.stored = (found.stored or 0) + after - before


class LostMessages(Exception):
    """Somebody did not get what was posted."""


async def _one_round(system: System, site: sites.Site, shape: Shape, found: Measured) -> None:
    crowd = await Crowd.gather(
        system.port, system.factory, groups=shape.groups, size=shape.members, senders=shape.senders
    )
    try:
        await crowd.in_flight(4, min(0.5, shape.seconds))  # caches, plans
        if shape.groups > 1:
            await crowd.each_once(max(shape.windows))
        found.delays += await crowd.at_rate(shape.rate, shape.seconds * PACED)
        for position, window in enumerate(shape.windows):
            before = _used(system, site), crowd.complete, time.perf_counter()
            found.rates[window].append(await crowd.in_flight(window, shape.seconds))
            if position == 0:
                _note_use(found, before, (_used(system, site), crowd.complete, time.perf_counter()), shape)
        if crowd.missing:
            message = (
                f"{crowd.missing} of {crowd.posted} messages missed somebody, {crowd.lost} sockets were closed"
            )
            raise LostMessages(message)
    finally:
        found.posted += crowd.posted
        found.receipts += sum(getattr(member, "receipts", 0) for group in crowd.members for member in group)
        crowd.leave()
        await asyncio.sleep(0.3)


def _used(system: System, site: sites.Site) -> dict[str, float]:
    return {
        "server": processor.of_tree(system.process_id),
        "postgres": processor.of_tree(site.databases.process_id()),
        "client": time.process_time(),
    }


def _note_use(found: Measured, before: Any, after: Any, shape: Shape) -> None:
    deliveries = max(1, (after[1] - before[1]) * shape.members)
    for name, seconds in after[0].items():
        used = seconds - before[0][name]
        found.cpu_microseconds.setdefault(name, []).append(used / deliveries * 1e6)
        if name == "client":
            found.client_busy.append(used / (after[2] - before[2]))


def client_ceiling(shape: Shape, servers: set[int], client: set[int]) -> dict[str, int]:
    """Return the deliveries per second that this client counts when a server only writes ready frames."""
    import os

    import uvloop

    with ExitStack() as stack:
        port = free_port()
        os.sched_setaffinity(0, servers)
        process = stack.enter_context(sites.running([sys.executable, "-m", "benchmarks.live.source", str(port)]))
        sites.wait_for_port(port, process)
        os.sched_setaffinity(0, client)
        return {
            name: round(uvloop.run(_counted(port, joined, shape.members, min(1.5, shape.seconds))))
            for name, joined in (("one message a write", 1), ("eight messages a write", 8))
        }


async def _counted(port: int, joined: int, size: int, seconds: float) -> float:
    crowd = await Crowd.gather(
        port, lambda swarm, _group, _number: SocketMember(swarm, f"/{joined}"), groups=1, size=size, senders=1
    )
    await asyncio.sleep(0.3)
    began, before = time.perf_counter(), crowd.complete
    await asyncio.sleep(seconds)
    rate = (crowd.complete - before) * size / (time.perf_counter() - began)
    crowd.leave()
    await asyncio.sleep(0.2)
    return rate


def commits(site: sites.Site) -> dict[str, float]:
    """Return the milliseconds of a bare durable insert, now."""
    return commit_milliseconds(site.databases)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every benchmark of rounds has."""
    parser.add_argument("--seconds", type=float, default=3.0, help="of a measurement; four times that for delays")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
