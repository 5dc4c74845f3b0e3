"""A storm: a thousand members' sockets are dropped and come back at once, each with its sign-in and its cursor.

    bin/cencomm bench storm [--sockets 1000] [--rounds 3] [--json]

Counted is the time from the drop until the last one has caught up, the refused, and the server's memory per socket.
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
from typing import Any

from benchmarks.live import report
from benchmarks.live import site as sites
from benchmarks.live.wire import Member, OurMember, SocketMember, Swarm
from benchmarks.peers.starting import PEERS, Missing

CURSOR: dict[str, Any] = {}  # where everybody stood when the sockets were dropped

type Factory = Callable[[Swarm, int], Member]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench storm", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)
    with sites.database() as site, ExitStack() as stack:
        sites.fill(site, groups=1, members=options.sockets)
        [(group, tokens)] = site.groups
        port = stack.enter_context(sites.web_process(site))
        process = site.process
        assert process is not None
        systems: dict[str, tuple[int, Factory]] = {
            "CENcomm": (port, lambda swarm, number: OurMember(swarm, group, tokens[number], CURSOR))
        }
        left_out = {}
        for peer in () if options.no_peers else [one for one in PEERS if one.member is SocketMember]:
            if not peer.name.startswith("Node"):
                continue
            try:
                systems[peer.name] = (stack.enter_context(peer.start(site)), lambda swarm, _n: SocketMember(swarm))
            except (Missing, RuntimeError) as why:
                left_out[peer.name] = str(why)
        os.sched_setaffinity(0, client)
        found = _rounds(systems, options, process.pid)
    _tell(found, left_out, options)
    return 0


def _rounds(systems: dict[str, tuple[int, Factory]], options: argparse.Namespace, pid: int) -> dict[str, Any]:
    import uvloop

    empty = sites.memory_kib(pid)
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    refused = dict.fromkeys(systems, 0)
    memory = 0
    for _ in range(options.rounds):
        for name, (port, factory) in systems.items():
            took, failed, kib = uvloop.run(_storm(port, factory, options.sockets, pid))
            seconds[name].append(took)
            refused[name] += failed
            if name == "CENcomm":
                memory = max(memory, kib)
    return {"seconds": seconds, "refused": refused, "kib_per_socket": (memory - empty) / options.sockets}


async def _storm(port: int, factory: Factory, count: int, pid: int) -> tuple[float, int, int]:
    """Connect all, drop all, connect all again; return the seconds of the return, the refused, the memory."""
    swarm = Swarm(count)
    members, _failed = await _all(port, factory, swarm, count)
    for member in members:
        CURSOR.update(getattr(member, "cursor", {}))
        member.transport.abort()
    began = time.perf_counter()
    members, failed = await _all(port, factory, swarm, count)
    took = time.perf_counter() - began
    memory = sites.memory_kib(pid)
    for member in members:
        member.transport.abort()
    await asyncio.sleep(1)
    return took, failed, memory


async def _all(port: int, factory: Factory, swarm: Swarm, count: int) -> tuple[list[Member], int]:
    loop = asyncio.get_running_loop()

    async def one(number: int) -> Member:
        _transport, member = await loop.create_connection(lambda: factory(swarm, number), "127.0.0.1", port)
        await asyncio.wait_for(member.ready, 60)
        return member

    found = await asyncio.gather(*(one(number) for number in range(count)), return_exceptions=True)
    members = [member for member in found if isinstance(member, Member)]
    return members, len(found) - len(members)


def _tell(found: dict[str, Any], left_out: dict[str, str], options: argparse.Namespace) -> None:
    medians = {name: statistics.median(values) for name, values in found["seconds"].items()}
    if options.json:
        told = report.result(
            ours=medians["CENcomm"],
            peers={name: value for name, value in medians.items() if name != "CENcomm"},
            unit=f"seconds until {options.sockets} dropped sockets have caught up",
            conditions=report.conditions(
                sockets=options.sockets,
                rounds=options.rounds,
                refused=found["refused"],
                kib_per_socket=round(found["kib_per_socket"], 1),
                left_out=left_out,
            ),
        )
        report.print_json(told)
        return
    print(f"{'system':32} {'seconds':>9} {'worst':>9} {'refused':>9}")
    for name, median in medians.items():
        print(f"{name:32} {median:9.2f} {max(found['seconds'][name]):9.2f} {found['refused'][name]:9}")
    print(f"{options.sockets} sockets, {options.rounds} rounds; {found['kib_per_socket']:.0f} KiB per socket")
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    print("load average " + ", ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    sys.exit(main())
