"""Workload 1: one group of N members, notes of 300 bytes by ten of them; a message counts when the last has it.

    bin/cencomm bench fanout [--members 200] [--seconds 4] [--rounds 3] [--only NAME …] [--json]

Ours is a real web process with tokens, validation, seal, event and audit on a PostgreSQL with fsync; peers that
this machine has run in the same rounds, one after the other. Servers share one core, the client has another. The
client's own ceiling is measured against an event loop that writes ready frames and keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.live import report
from benchmarks.live import site as sites
from benchmarks.live.load import Crowd, percentile
from benchmarks.live.wire import Member, OurMember, Swarm
from benchmarks.peers.starting import PEERS, Missing

OURS = "CENcomm"
SENDERS = 10
WINDOWS = (16, 1)
LATENCY_RATE = 10.0

type Factory = Callable[[Swarm, int], Member]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench fanout", description=__doc__.split("\n\n")[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="peers whose name contains it")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)  # what is started from here on stays there
    with sites.database() as site, ExitStack() as stack:
        sites.fill(site, groups=1, members=options.members)
        [(group, tokens)] = site.groups
        port = stack.enter_context(sites.web_process(site))
        systems: dict[str, tuple[int, Factory]] = {
            OURS: (port, lambda swarm, number: OurMember(swarm, group, tokens[number]))
        }
        left_out = _start_peers(site, stack, options, systems)
        os.sched_setaffinity(0, client)
        found = _rounds(systems, options)
        found["left_out"] = left_out
    _tell(found, options)
    return 0


def _start_peers(
    site: sites.Site, stack: ExitStack, options: argparse.Namespace, systems: dict[str, tuple[int, Factory]]
) -> dict[str, str]:
    left_out = {}
    for peer in () if options.no_peers else PEERS:
        if options.only and not any(part.lower() in peer.name.lower() for part in options.only):
            continue
        try:
            port = stack.enter_context(peer.start(site))
        except (Missing, RuntimeError) as why:
            left_out[peer.name] = str(why)
            continue
        systems[peer.name] = (port, lambda swarm, _number, peer=peer: peer.member(swarm))  # type: ignore[misc]
    return left_out


def _rounds(systems: dict[str, tuple[int, Factory]], options: argparse.Namespace) -> dict[str, Any]:
    import uvloop

    rates: dict[str, dict[int, list[float]]] = {name: {w: [] for w in WINDOWS} for name in systems}
    delays: dict[str, list[float]] = {name: [] for name in systems}
    failures: dict[str, str] = {}
    for number in range(options.rounds):
        for name, (port, factory) in systems.items():
            try:
                by_window, delay = uvloop.run(_measure(port, factory, options))
            except (OSError, TimeoutError) as error:
                failures[name] = f"{type(error).__name__} in round {number + 1}"
                continue
            for window, rate in by_window.items():
                rates[name][window].append(rate)
            delays[name] += delay
    return {"rates": rates, "delays": delays, "failures": failures, "ceiling": uvloop.run(_ceiling(options))}


async def _measure(
    port: int, factory: Factory, options: argparse.Namespace
) -> tuple[dict[int, float], list[float]]:
    crowd = await Crowd.gather(port, factory, size=options.members, senders=SENDERS)
    try:
        await crowd.in_flight(4, 0.5)  # caches, plans
        delays = await crowd.at_rate(LATENCY_RATE, options.seconds)
        rates = {window: await crowd.in_flight(window, options.seconds) for window in WINDOWS}
        return rates, delays
    finally:
        crowd.leave()
        await asyncio.sleep(0.3)


async def _ceiling(options: argparse.Namespace) -> float:
    """Return the marks per second that this client counts when the server is a loop that only writes."""
    from benchmarks.live.wire import TEXT, SocketMember, text_frame

    frames = text_frame(b"x")[:0] + b"".join(
        b"\x81\x7e" + len(TEXT).to_bytes(2, "big") + TEXT.encode() for _ in range(8)
    )
    peers: set[Any] = set()

    class Source(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, _data: bytes) -> None:
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            peers.add(self.transport)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Source, "127.0.0.1", 0)
    crowd = await Crowd.gather(
        server.sockets[0].getsockname()[1], lambda swarm, _n: SocketMember(swarm), size=options.members, senders=1
    )
    began = loop.time()
    while loop.time() - began < 2:
        for transport in peers:
            transport.write(frames)
        await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    rate = float(crowd.swarm.complete * options.members) / (loop.time() - began)
    crowd.leave()
    server.close()
    return rate


def _tell(found: dict[str, Any], options: argparse.Namespace) -> None:
    medians = {
        name: {window: statistics.median(values) if values else 0.0 for window, values in by_window.items()}
        for name, by_window in found["rates"].items()
    }
    p99 = {name: percentile(values, 0.99) * 1000 for name, values in found["delays"].items()}
    if options.json:
        first = WINDOWS[0]
        told = report.result(
            ours=medians[OURS][first],
            peers={name: values[first] for name, values in medians.items() if name != OURS},
            unit=f"deliveries/s, {options.members} members, {first} in flight",
            conditions=report.conditions(
                members=options.members,
                rounds=options.rounds,
                seconds=options.seconds,
                one_in_flight={name: round(values[1]) for name, values in medians.items()},
                p99_ms_at_10_per_second={name: round(value, 1) for name, value in p99.items()},
                client_ceiling=round(found["ceiling"]),
                left_out=found["left_out"],
                failed=found["failures"],
            ),
        )
        report.print_json(told)
        return
    ours = medians[OURS]
    print(
        f"{'system':42} {'16 in flight':>13} {'ours is':>8} {'1 in flight':>12} {'ours is':>8} {'p99 ms, 10/s':>13}"
    )
    for name, values in medians.items():
        ratios = ["" if name == OURS or not values[w] else f"{ours[w] / values[w]:.1f} x" for w in WINDOWS]
        print(f"{name:42} {values[16]:13,.0f} {ratios[0]:>8} {values[1]:12,.0f} {ratios[1]:>8} {p99[name]:13.1f}")
    print(f"deliveries/s, {options.members} members, medians of {options.rounds} rounds of {options.seconds:g} s")
    for name, why in {**found["left_out"], **found["failures"]}.items():
        print(f"left out: {name}: {why}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"this client's own ceiling: {found['ceiling']:,.0f} deliveries/s; load average {load}")


if __name__ == "__main__":
    sys.exit(main())
