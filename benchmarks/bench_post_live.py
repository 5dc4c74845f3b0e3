"""Posts over the product's own path: so many a second over many groups; the time to each answer.

    bin/cencomm bench post [--groups 100] [--rate 50] [--seconds 15] [--rounds 3] [--json]

A real web process, tokens, a socket for each of the groups' senders; every answer comes after a commit with fsync.
The peers, in turn with ours: a bare durable insert of one row of the same size, and the same at Node, where the
sender has his own message back after its commit. What the action alone costs: `python -m benchmarks.bench_post`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.live import processor, report
from benchmarks.live import site as sites
from benchmarks.live.load import percentile
from benchmarks.live.rounds import OURS, SHARES
from benchmarks.live.wire import TEXT, Member, OurMember, Swarm, connected
from benchmarks.peers import starting

BARE = "a bare durable insert"
PEERS = tuple(peer for peer in starting.PEERS if peer.name.split()[0] in {"Node", "ejabberd"})
PATIENCE = 15.0

type System = tuple[int, int, Callable[[Swarm, int], Member]]  # port, first process, a group's sender


class Sender(OurMember):
    """A member that notes when each of its posts is answered."""

    def __init__(self, swarm: Swarm, group: str, token: str) -> None:
        super().__init__(swarm, group, token)
        self.answered: list[float] = []

    def scan(self, data: bytes) -> None:
        self.refused += data.count(b'"op":"refused"')
        now = time.perf_counter()
        self.answered += [now] * data.count(b'"op":"posted"')


@dataclass
class Found:
    """The seconds from post to answer, and how many were refused."""

    took: list[float] = field(default_factory=list)
    refused: int = 0
    posted: int = 0
    server: float = 0.0
    database: float = 0.0

    def told(self) -> dict[str, Any]:
        """Everything, for the JSON object."""
        told: dict[str, Any] = {
            name: round(percentile(self.took, share) * 1000, 2) for name, share in SHARES.items()
        }
        told |= {"posted": self.posted, "answered": len(self.took), "refused": self.refused}
        if self.server:
            told["server_processor_ms_per_post"] = round(self.server / max(1, self.posted) * 1000, 2)
            told["database_processor_ms_per_post"] = round(self.database / max(1, self.posted) * 1000, 2)
        return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench post", description=__doc__.split("\n\n")[0])
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=15.0, help="of all rounds together, for each system")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    starting.add_options(parser)
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)
    try:
        with sites.database() as site, ExitStack() as stack:
            sites.fill(site, groups=options.groups, members=1)
            port = stack.enter_context(sites.web_process(site))
            assert site.process is not None
            systems: dict[str, System] = {
                OURS: (port, site.process.pid, lambda swarm, group: Sender(swarm, *_of(site, group)))
            }
            peers, left_out = starting.start_peers(site, stack, options, PEERS)
            for name, (peer, started) in peers.items():
                made = lambda swarm, group, peer=peer: peer.member(swarm, group, 0)  # noqa: E731
                systems[name] = (started.port, started.process_id, made)
            versions = {name: started.version for name, (_peer, started) in peers.items()}
            os.sched_setaffinity(0, client)
            found = _rounds(site, systems, options)
    finally:
        os.sched_setaffinity(0, servers | client)
    _tell(found, left_out, versions, options)
    return 0


def _of(site: sites.Site, group: int) -> tuple[str, str]:
    identifier, [token] = site.groups[group]
    return identifier, token


def _rounds(site: sites.Site, systems: Mapping[str, System], options: argparse.Namespace) -> dict[str, Found]:
    import uvloop

    found = {name: Found() for name in (*systems, BARE)}
    for _ in range(options.rounds):
        for name, system in systems.items():
            uvloop.run(_posts(site, system, options, found[name]))
        _bare(found[BARE], options)
    return found


async def _posts(site: sites.Site, system: System, options: argparse.Namespace, found: Found) -> None:
    """Post in turn over the groups' sockets, at the rate; note the time to each answer."""
    port, pid, factory = system
    senders = [
        await connected(port, lambda group=group: factory(Swarm(1), group))  # type: ignore[misc]
        for group in range(options.groups)
    ]
    for sender in senders:  # every group's form, keys and membership have been read once
        sender.post()
        await asyncio.sleep(0.02)
    await _until(lambda: all(_answers(sender) for sender in senders))
    first = [len(_answers(sender)) for sender in senders]
    server, database = processor.of_tree(pid), processor.of_tree(site.databases.process_id())
    sent: list[list[float]] = [[] for _ in senders]
    count = int(options.rate * options.seconds / options.rounds)
    began = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / options.rate - time.perf_counter()))
        sent[number % len(senders)].append(time.perf_counter())
        senders[number % len(senders)].post()
    await _until(lambda: sum(len(_answers(one)) for one in senders) >= sum(first) + count)
    for sender, base, at in zip(senders, first, sent, strict=True):
        found.took += [answer - one for one, answer in zip(at, _answers(sender)[base:], strict=False)]
        found.refused += getattr(sender, "refused", 0)
        sender.transport.abort()
    found.posted += count
    found.server += processor.of_tree(pid) - server
    found.database += processor.of_tree(site.databases.process_id()) - database
    await asyncio.sleep(0.2)


def _answers(member: Member) -> list[float]:
    """Return when each of a sender's posts was answered; a peer's answer is the message itself."""
    return member.answered if isinstance(member, Sender) else member.swarm.completed_at


async def _until(done: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + PATIENCE
    while not done() and time.perf_counter() < deadline:
        await asyncio.sleep(0.02)


def _bare(found: Found, options: argparse.Namespace) -> None:
    """Insert one row durably at the same rate."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, text text)")
        began = time.perf_counter()
        for number in range(int(options.rate * options.seconds / options.rounds / 2)):
            time.sleep(max(0.0, began + number / options.rate - time.perf_counter()))
            at = time.perf_counter()
            cursor.execute("INSERT INTO bench_bare (text) VALUES (%s)", [TEXT])
            found.took.append(time.perf_counter() - at)
            found.posted += 1


def _tell(
    found: dict[str, Found], left_out: dict[str, str], versions: dict[str, str], options: argparse.Namespace
) -> None:
    told = {name: one.told() for name, one in found.items()}
    if options.json:
        report.print_json(
            report.result(
                ours=told[OURS]["p95"],
                peers={name: one["p95"] for name, one in told.items() if name != OURS},
                unit=f"ms, p95 from post to answer at {options.rate:g}/s over {options.groups} groups",
                conditions=report.conditions(
                    groups=options.groups,
                    rate=options.rate,
                    rounds=options.rounds,
                    seconds=options.seconds,
                    systems=told,
                    versions=report.versions() | versions,
                    left_out=left_out,
                ),
            )
        )
        return
    print(f"{'':34} {'median ms':>10} {'p95 ms':>10} {'p99 ms':>10} {'answered':>9} {'refused':>8} {'CPU ms':>7}")
    for name, one in told.items():
        cpu = one.get("server_processor_ms_per_post", 0.0) + one.get("database_processor_ms_per_post", 0.0)
        print(
            f"{name:34} "
            + " ".join(f"{one[share]:10.1f}" for share in SHARES)
            + f" {one['answered']:9,} {one['refused']:8} "
            + (f"{cpu:7.2f}" if cpu else "")
        )
    print(f"{options.rate:g} posts/s over {options.groups} groups, {options.rounds} rounds in turn")
    print("CPU ms: processor time of server and database, per post")
    report.print_end(versions, left_out)


if __name__ == "__main__":
    sys.exit(main())
