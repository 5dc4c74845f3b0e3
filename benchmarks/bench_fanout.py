"""Workload 1: one group of N members, notes of 300 bytes by ten of them; a message counts when the last has it.

    bin/cencomm bench fanout [--members 200] [--seconds 3] [--rounds 3] [--only NAME …] [--json]

Ours is a real web process with tokens, validation, seal, event and audit on a PostgreSQL with fsync; peers that
this machine has run in the same rounds, one after the other. Servers share one core, the client has another. The
client's own ceiling is measured against a process that writes ready frames and keeps nothing. `--groups`,
`--processes`, `--acknowledge` and `--sessions` make other loads of it; `bench real` runs those of workload 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.live import report, rounds
from benchmarks.live import site as sites
from benchmarks.live.load import Factory
from benchmarks.live.rounds import OURS, Measured, Shape, System
from benchmarks.live.wire import AskingMember, OurMember
from benchmarks.peers import starting


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench fanout", description=__doc__.split("\n\n")[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="web processes behind one port, with Redis")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[16, 1], metavar="N")
    parser.add_argument(
        "--acknowledge", action="store_true", help="each message asks for receipts, one gives his, in turn"
    )
    parser.add_argument("--sessions", action="store_true", help="every second member signs in by a session")
    starting.add_options(parser)
    rounds.add_options(parser)
    options = parser.parse_args(arguments)
    found = run(options)
    if options.json:
        report.print_json(as_object(found, options))
    else:
        print_table(found, options)
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Start everything, measure, stop everything; return what came out."""
    servers, client = sites.split_cores()
    shape = Shape(options.groups, options.members, options.in_flight, options.seconds)
    ceiling = rounds.client_ceiling(shape, servers, client)
    os.sched_setaffinity(0, servers)  # what is started from here on stays there
    try:
        with sites.database() as site, ExitStack() as stack:
            sites.fill(site, groups=shape.groups, members=shape.members, session_every=2 if options.sessions else 0)
            systems = {OURS: _ours(site, stack, options)}
            among = starting.peers_with_receipts(options.processes) if options.acknowledge else starting.PEERS
            peers, left_out = starting.start_peers(site, stack, options, among)
            for name, (peer, started) in peers.items():
                systems[name] = System(
                    started.port, started.process_id, peer.member, started.version, peer.keeps, peer.rows,
                    peer.receipts,
                )  # fmt: skip
            os.sched_setaffinity(0, client)
            commits = [rounds.commits(site)]
            measured = rounds.measure(systems, site, shape, options.rounds)
            commits.append(rounds.commits(site))
    finally:
        os.sched_setaffinity(0, servers | client)
    return {
        "shape": shape,
        "measured": measured,
        "systems": systems,
        "left_out": left_out,
        "ceiling": ceiling,
        "commits": commits,
    }


def _ours(site: sites.Site, stack: ExitStack, options: argparse.Namespace) -> System:
    """Start the product: one web process, or `up` with several and Redis between them."""
    if options.processes > 1:
        redis_url = stack.enter_context(sites.redis(site))
        port = stack.enter_context(sites.web_processes(site, options.processes, redis_url))
    else:
        port = stack.enter_context(sites.web_process(site))
    assert site.process is not None
    # Not the canary's: several processes come with the worker, which sends one each minute.
    loaded = "WHERE group_id IN (SELECT id FROM groups_closedusergroup WHERE code LIKE 'BENCH%')"
    rows = f"messaging_message {loaded}"
    if options.acknowledge:
        given = f"SELECT FROM messaging_acknowledgement {loaded}"
        rows = f"(SELECT FROM {rows} UNION ALL {given}) AS kept"
    kept = "sealed, with event and audit, a commit with fsync before it is sent on"
    return System(port, site.process.pid, _member(site, options), "", kept, ("cencomm", rows), options.acknowledge)


def _member(site: sites.Site, options: argparse.Namespace) -> Factory:
    groups = site.groups
    if options.acknowledge:
        return lambda swarm, group, number: AskingMember(swarm, groups[group][0], groups[group][1][number], number)
    return lambda swarm, group, number: OurMember(swarm, groups[group][0], groups[group][1][number])


def as_object(found: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    shape: Shape = found["shape"]
    measured: dict[str, Measured] = found["measured"]
    first = shape.windows[0]
    return report.result(
        ours=measured[OURS].rate(first),
        peers={name: one.rate(first) for name, one in measured.items() if name != OURS},
        unit=f"deliveries/s, {shape}, {first} in flight",
        conditions=report.conditions(
            groups=shape.groups,
            members=shape.members,
            processes=options.processes,
            acknowledge=options.acknowledge,
            sessions=options.sessions,
            rounds=options.rounds,
            seconds=options.seconds,
            systems={name: one.told() for name, one in measured.items()},
            client_ceiling=found["ceiling"],
            bare_commit_milliseconds=found["commits"],
            versions=report.versions()
            | {name: one.version for name, one in found["systems"].items() if one.version},
            keeps={name: one.keeps for name, one in found["systems"].items()},
            left_out=found["left_out"],
        ),
    )


def print_table(found: dict[str, Any], options: argparse.Namespace) -> None:
    """Print medians and ratios, and under which conditions they came about."""
    shape: Shape = found["shape"]
    measured: dict[str, Measured] = found["measured"]
    heads = "".join(f"{f'{window} in flight':>14} {'ours is':>8}" for window in shape.windows)
    print(f"{'system':40}{heads} {'p50 ms':>8} {'p99 ms':>8} {'µs CPU':>8} {'client':>7}")
    for name, one in measured.items():
        print(f"{name:40}{_rates(name, measured, shape)}" + _cost(one))
    several = f", {options.processes} processes" if options.processes > 1 else ""
    print(f"deliveries/s, {shape}{several}; medians of {options.rounds} rounds of {options.seconds:g} s")
    print(
        f"ms: from send to last receipt at {shape.rate:g} messages/s; µs CPU: server and PostgreSQL, per delivery;"
    )
    print("client: the share of its core that the load client used at most")
    for name, one in measured.items():
        if one.failure:
            print(f"failed: {name}: {one.failure}")
        elif one.stored is not None and one.stored != one.expected:
            print(f"stored: {name}: {one.expected:,} messages and receipts left {one.stored:,} rows")
    print(
        "this client's own ceiling: " + ", ".join(f"{value:,} ({name})" for name, value in found["ceiling"].items())
    )
    print(
        "a bare durable insert, before and after: " + ", ".join(f"{one['median']} ms" for one in found["commits"])
    )
    versions = {name: one.version for name, one in found["systems"].items() if one.version}
    report.print_end(versions, found["left_out"])


def _rates(name: str, measured: dict[str, Measured], shape: Shape) -> str:
    text = ""
    for window in shape.windows:
        rate = measured[name].rate(window)
        ratio = "" if name == OURS or not rate else f"{measured[OURS].rate(window) / rate:.1f} ×"
        text += f"{rate:14,.0f} {ratio:>8}"
    return text


def _cost(one: Measured) -> str:
    told = one.told()["cpu_microseconds_per_delivery"]
    used = told.get("server", 0.0) + told.get("postgres", 0.0)
    busy = max(one.client_busy, default=0.0)
    return f" {one.milliseconds(0.5):8.1f} {one.milliseconds(0.99):8.1f} {used:8.1f} {busy:7.0%}"


if __name__ == "__main__":
    sys.exit(main())
