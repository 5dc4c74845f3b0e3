"""A storm: a thousand members' sockets are dropped and come back at once, each with its sign-in and its cursor.

    bin/cencomm bench storm [--sockets 1000] [--rounds 3] [--sessions] [--missed 20] [--json]

Counted is the time from the drop until the last one has caught up, the refused, the server's memory per socket,
and the processor seconds that the web process and PostgreSQL spent from the drop on. With --sessions the members
come as browsers do, with a session's cookie and an Origin, else with tokens; --missed says how many messages each
of them missed meanwhile.
The peer is the same storm on a Node server that only accepts: no sign-in, no database, nothing to catch up.
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
from uuid import UUID

from benchmarks.live import processor, report
from benchmarks.live import site as sites
from benchmarks.live.wire import Member, OurMember, SocketMember, Swarm
from benchmarks.peers.starting import PEERS, Missing

OURS = "CENcomm"
CURSOR: dict[str, Any] = {}  # where everybody stood when the sockets were dropped

type Factory = Callable[[Swarm, int], Member]


@dataclass
class Found:
    """What came out, by system where it says so."""

    seconds: dict[str, list[float]]
    refused: dict[str, int]
    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    kib_per_socket: float = 0.0


class SessionMember(OurMember):
    """A member as a browser comes: a session's cookie, and the Origin of the page."""

    def __init__(self, swarm: Swarm, group: str, session_key: str, cookie: str) -> None:
        super().__init__(swarm, group, "", CURSOR)
        self.headers = (
            f"Cookie: {cookie}={session_key}", "Origin: http://127.0.0.1", "Sec-WebSocket-Protocol: cencomm.v1",
        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench storm", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", action="store_true", help="sign in as browsers do, not by tokens")
    parser.add_argument("--missed", type=int, default=0, help="messages that everybody missed meanwhile")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)
    with sites.database() as site, ExitStack() as stack:
        sites.fill(site, groups=1, members=options.sockets)
        port = stack.enter_context(sites.web_process(site))
        systems: dict[str, tuple[int, Factory]] = {OURS: (port, _members(site, options))}
        left_out = {}
        for peer in () if options.no_peers else [one for one in PEERS if one.member is SocketMember]:
            if not peer.name.startswith("Node"):
                continue
            try:
                systems[peer.name] = (stack.enter_context(peer.start(site)), lambda swarm, _n: SocketMember(swarm))
            except (Missing, RuntimeError) as why:
                left_out[peer.name] = str(why)
        os.sched_setaffinity(0, client)
        found = _rounds(site, systems, options)
    _tell(found, left_out, options)
    return 0


def _members(site: sites.Site, options: argparse.Namespace) -> Factory:
    [(group, tokens)] = site.groups
    if not options.sessions:
        return lambda swarm, number: OurMember(swarm, group, tokens[number], CURSOR)
    from django.conf import settings

    keys = _open_sessions(group)
    return lambda swarm, number: SessionMember(swarm, group, keys[number], settings.SESSION_COOKIE_NAME)


def _open_sessions(group: str) -> list[str]:
    """Sign every member in, past the second factor."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from accounts.actions import open_session
    from accounts.models import Officer
    from accounts.session_store import SessionStore

    keys = []
    for officer in Officer.objects.filter(memberships__group_id=UUID(group)):
        store = SessionStore()
        store[SESSION_KEY] = str(officer.pk)
        store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        store[HASH_SESSION_KEY] = officer.get_session_auth_hash()
        store.create()
        open_session(officer, session_key=str(store.session_key), verified=True)
        keys.append(str(store.session_key))
    return keys


def _rounds(site: sites.Site, systems: dict[str, tuple[int, Factory]], options: argparse.Namespace) -> Found:
    import uvloop

    assert site.process is not None
    pid, postmaster = site.process.pid, _postmaster()
    empty = sites.memory_kib(pid)
    found = Found({name: [] for name in systems}, dict.fromkeys(systems, 0))
    for _ in range(options.rounds):
        for name, (port, factory) in systems.items():
            missed = options.missed if name == OURS else 0
            storm = Storm(port, factory, options.sockets, missed, pid, postmaster)
            uvloop.run(storm.run())
            found.seconds[name].append(storm.seconds)
            found.refused[name] += storm.refused
            if name == OURS:
                found.web.append(storm.web)
                found.database.append(storm.database)
                found.kib_per_socket = max(found.kib_per_socket, (storm.memory - empty) / options.sockets)
    return found


def _postmaster() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return processor.postmaster_of(cursor.fetchone()[0])


@dataclass
class Storm:
    """One round: connect all, drop all, connect all again."""

    port: int
    factory: Factory
    count: int
    missed: int
    pid: int
    postmaster: int
    seconds: float = 0.0
    refused: int = 0
    memory: int = 0
    web: float = 0.0
    database: float = 0.0

    async def run(self) -> None:
        """Fill in what came out."""
        swarm = Swarm(self.count)
        members, _failed = await self._all(swarm)
        for member in members:
            CURSOR.update(getattr(member, "cursor", {}))
        if self.missed:
            await self._say(members[0])
        await asyncio.sleep(1)
        web, database = processor.of_process(self.pid), processor.of_database(self.postmaster)
        for member in members:
            member.transport.abort()
        began = time.perf_counter()
        members, self.refused = await self._all(swarm)
        self.seconds = time.perf_counter() - began
        self.memory = sites.memory_kib(self.pid)
        self.web = processor.of_process(self.pid) - web
        self.database = processor.of_database(self.postmaster) - database
        for member in members:
            member.transport.abort()
        await asyncio.sleep(1)

    async def _say(self, member: Member) -> None:
        for _ in range(self.missed):
            member.post()
        while member.count < self.missed:
            await asyncio.sleep(0.05)

    async def _all(self, swarm: Swarm) -> tuple[list[Member], int]:
        loop = asyncio.get_running_loop()

        async def one(number: int) -> Member:
            made = lambda: self.factory(swarm, number)  # noqa: E731
            _transport, member = await loop.create_connection(made, "127.0.0.1", self.port)
            await asyncio.wait_for(member.ready, 60)
            return member

        found = await asyncio.gather(*(one(number) for number in range(self.count)), return_exceptions=True)
        members = [member for member in found if isinstance(member, Member)]
        return members, len(found) - len(members)


def _tell(found: Found, left_out: dict[str, str], options: argparse.Namespace) -> None:
    medians = {name: statistics.median(values) for name, values in found.seconds.items()}
    web, database = statistics.median(found.web), statistics.median(found.database)
    if options.json:
        told = report.result(
            ours=medians[OURS],
            peers={name: value for name, value in medians.items() if name != OURS},
            unit=f"seconds until {options.sockets} dropped sockets have caught up",
            conditions=report.conditions(
                sockets=options.sockets,
                rounds=options.rounds,
                signed_in_by="session" if options.sessions else "token",
                missed=options.missed,
                refused=found.refused,
                web_processor_seconds=round(web, 2),
                database_processor_seconds=round(database, 2),
                kib_per_socket=round(found.kib_per_socket, 1),
                left_out=left_out,
            ),
        )
        report.print_json(told)
        return
    print(f"{'system':32} {'seconds':>9} {'worst':>9} {'refused':>9}")
    for name, median in medians.items():
        print(f"{name:32} {median:9.2f} {max(found.seconds[name]):9.2f} {found.refused[name]:9}")
    print(
        f"{options.sockets} sockets by {'sessions' if options.sessions else 'tokens'}, {options.missed} messages "
        f"missed, {options.rounds} rounds; {found.kib_per_socket:.0f} KiB per socket"
    )
    print(f"processor seconds of a return: web process {web:.2f}, PostgreSQL {database:.2f}")
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    print("load average " + ", ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    sys.exit(main())
