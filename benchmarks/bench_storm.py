"""A storm: a thousand members' sockets are dropped and come back at once, each with its sign-in and its cursor.

    bin/cencomm bench storm [--sockets 1000] [--rounds 3] [--sessions] [--missed 20] [--only NAME …] [--json]

Counted is the time from the drop until the last one has caught up, the refused, the server's memory per socket, and
the processor seconds that server and PostgreSQL spent from the drop on. With --sessions our members come as
browsers do, with a session's cookie and an Origin, otherwise with tokens; --missed is how many messages each
missed. ejabberd signs everybody in (SASL PLAIN), lets him into the room and answers a question to the archive from
his position; Node only accepts: no sign-in, nothing to catch up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.live import processor, report
from benchmarks.live import site as sites
from benchmarks.live.protocols import XmppMember
from benchmarks.live.rounds import OURS
from benchmarks.live.wire import Member, OurMember, Swarm
from benchmarks.peers import starting

# Daphne and prosody need minutes for a thousand; mosquitto and NATS know neither officers nor positions.
PEERS = tuple(peer for peer in starting.PEERS if peer.name.split()[0] in {"Node", "ejabberd"})
PATIENCE = 120.0

type Cursor = dict[str, Any] | None
type Factory = Callable[[Swarm, int, Cursor], Member]


@dataclass(frozen=True)
class System:
    """One that is stormed."""

    port: int
    process_id: int
    factory: Factory
    version: str = ""


@dataclass
class Found:
    """What came out of one system."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    server: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    kib_per_socket: float = 0.0

    def told(self) -> dict[str, Any]:
        """Everything, for the JSON object."""
        return {
            "seconds": {"median": round(statistics.median(self.seconds), 2), "worst": round(max(self.seconds), 2)},
            "refused": self.refused,
            "server_processor_seconds": round(statistics.median(self.server), 2),
            "database_processor_seconds": round(statistics.median(self.database), 2),
            "kib_per_socket": round(self.kib_per_socket, 1),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench storm", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", action="store_true", help="sign in as browsers do, not by tokens")
    parser.add_argument("--missed", type=int, default=0, help="messages that everybody missed meanwhile")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    starting.add_options(parser)
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)
    try:
        with sites.database() as site, ExitStack() as stack:
            sites.fill(site, groups=1, members=options.sockets, session_every=int(options.sessions))
            systems = {OURS: _ours(site, stack)}
            peers, left_out = starting.start_peers(site, stack, options, PEERS)
            for name, (peer, started) in peers.items():
                systems[name] = System(started.port, started.process_id, _factory(peer), started.version)
            os.sched_setaffinity(0, client)
            found = _rounds(site, systems, options)
    finally:
        os.sched_setaffinity(0, servers | client)
    versions = {name: system.version for name, system in systems.items() if system.version}
    _tell(found, left_out, versions, options)
    return 0


def _ours(site: sites.Site, stack: ExitStack) -> System:
    port = stack.enter_context(sites.web_process(site))
    assert site.process is not None
    [(group, credentials)] = site.groups
    return System(
        port,
        site.process.pid,
        lambda swarm, number, cursor: OurMember(swarm, group, credentials[number], cursor),
    )


def _factory(peer: starting.Peer) -> Factory:
    if peer.member is XmppMember:
        return lambda swarm, number, cursor: XmppMember(swarm, 0, number, cursor or {})
    return lambda swarm, number, _cursor: peer.member(swarm, 0, number)


def _rounds(site: sites.Site, systems: dict[str, System], options: argparse.Namespace) -> dict[str, Found]:
    import uvloop

    empty = {name: processor.memory_kib(system.process_id) for name, system in systems.items()}
    found = {name: Found() for name in systems}
    for _ in range(options.rounds):
        for name, system in systems.items():
            storm = Storm(system, options.sockets, options.missed, site.databases.process_id())
            uvloop.run(storm.run())
            one = found[name]
            one.seconds.append(storm.seconds)
            one.refused += storm.refused
            one.server.append(storm.server)
            one.database.append(storm.database)
            one.kib_per_socket = max(one.kib_per_socket, (storm.memory - empty[name]) / options.sockets)
    return found


@dataclass
class Storm:
    """One round: connect all, drop all, connect all again."""

    system: System
    count: int
    missed: int
    postgres: int
    seconds: float = 0.0
    refused: int = 0
    memory: int = 0
    server: float = 0.0
    database: float = 0.0

    async def run(self) -> None:
        """Fill in what came out."""
        swarm = Swarm(self.count)
        members, _failed = await self._all(swarm, None)
        cursor = getattr(members[0], "cursor", None)
        await self._say(members[0])
        await asyncio.sleep(1)
        server, database = processor.of_tree(self.system.process_id), processor.of_tree(self.postgres)
        for member in members:
            member.transport.abort()
        began = time.perf_counter()
        members, self.refused = await self._all(swarm, cursor)
        self.seconds = time.perf_counter() - began
        self.memory = processor.memory_kib(self.system.process_id)
        self.server = processor.of_tree(self.system.process_id) - server
        self.database = processor.of_tree(self.postgres) - database
        for member in members:
            member.transport.abort()
        await asyncio.sleep(1)

    async def _say(self, member: Member) -> None:
        for _ in range(self.missed):
            member.post()
        deadline = time.perf_counter() + PATIENCE
        while member.count < self.missed and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)

    async def _all(self, swarm: Swarm, cursor: Cursor) -> tuple[list[Member], int]:
        loop = asyncio.get_running_loop()

        async def one(number: int) -> Member:
            _transport, member = await loop.create_connection(
                lambda: self.system.factory(swarm, number, cursor), "127.0.0.1", self.system.port
            )
            await asyncio.wait_for(member.ready, PATIENCE)
            return member

        found = await asyncio.gather(*(one(number) for number in range(self.count)), return_exceptions=True)
        members = [member for member in found if isinstance(member, Member)]
        if not members:
            message = f"nobody was let in: {found[0]}"
            raise RuntimeError(message)
        return members, len(found) - len(members)


def _tell(
    found: dict[str, Found], left_out: dict[str, str], versions: dict[str, str], options: argparse.Namespace
) -> None:
    told = {name: one.told() for name, one in found.items()}
    medians = {name: statistics.median(one.seconds) for name, one in found.items()}
    if options.json:
        told_object = report.result(
            ours=medians[OURS],
            peers={name: value for name, value in medians.items() if name != OURS},
            unit=f"seconds until {options.sockets} dropped sockets have caught up",
            conditions=report.conditions(
                sockets=options.sockets,
                rounds=options.rounds,
                signed_in_by="session" if options.sessions else "token",
                missed=options.missed,
                systems=told,
                versions=report.versions() | versions,
                left_out=left_out,
            ),
        )
        report.print_json(told_object)
        return
    heads = ("seconds", "worst", "refused", "server CPU", "database", "KiB each")
    print(f"{'system':32} " + " ".join(f"{head:>10}" for head in heads))
    for name, one in told.items():
        print(
            f"{name:32} {one['seconds']['median']:10.2f} {one['seconds']['worst']:10.2f} {one['refused']:10}"
            f" {one['server_processor_seconds']:10.2f} {one['database_processor_seconds']:10.2f}"
            f" {one['kib_per_socket']:10.0f}"
        )
    print(
        f"{options.sockets} sockets, ours by {'sessions' if options.sessions else 'tokens'}, {options.missed}"
        f" messages missed, medians of {options.rounds} rounds"
    )
    print("server CPU, database: processor seconds from the drop on; KiB each: the server's memory per socket")
    report.print_end(versions, left_out)


if __name__ == "__main__":
    sys.exit(main())
