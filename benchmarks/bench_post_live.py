"""Posts over the product's own path: so many a second over many groups; the time to each answer.

    bin/cencomm bench post [--groups 100] [--rate 50] [--seconds 15] [--json]

A real web process, tokens, a socket for each of the groups' senders; every answer comes after a commit with fsync.
The peer is a bare durable insert of one row of the same size at the same rate, in turn with ours. What the action
alone costs is told by `python -m benchmarks.bench_post`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.live import report
from benchmarks.live import site as sites
from benchmarks.live.load import percentile
from benchmarks.live.wire import TEXT, OurMember, Swarm, connected


class Sender(OurMember):
    """A member that notes when each of its posts is answered."""

    def __init__(self, swarm: Swarm, group: str, token: str) -> None:
        super().__init__(swarm, group, token)
        self.sent: list[float] = []
        self.took: list[float] = []
        self.refusals = 0

    def post(self) -> None:
        self.sent.append(time.perf_counter())
        super().post()

    def scan(self, data: bytes) -> None:
        self.refusals += data.count(b'"op":"refused"')
        for _ in range(data.count(b'"op":"posted"')):
            self.took.append(time.perf_counter() - self.sent[len(self.took)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench post", description=__doc__.split("\n\n")[0])
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    servers, client = sites.split_cores()
    os.sched_setaffinity(0, servers)
    with sites.database() as site:
        sites.fill(site, groups=options.groups, members=1)
        with sites.web_process(site) as port:
            os.sched_setaffinity(0, client)
            import uvloop

            bare = _bare(options)
            ours, refused = uvloop.run(_posts(site, port, options))
            bare += _bare(options)
    _tell(ours, bare, refused, options)
    return 0


async def _posts(site: sites.Site, port: int, options: argparse.Namespace) -> tuple[list[float], int]:
    swarm = Swarm(1)
    senders: list[Any] = [
        await connected(port, lambda group=group, token=tokens[0]: Sender(swarm, group, token))  # type: ignore[misc]
        for group, tokens in site.groups
    ]
    for sender in senders:  # every group's form, keys and membership have been read once
        sender.post()
        await asyncio.sleep(0.03)
    await asyncio.sleep(1)
    for sender in senders:
        sender.took.clear()
        sender.sent.clear()
    began = time.perf_counter()
    for number in range(int(options.rate * options.seconds)):
        await asyncio.sleep(max(0.0, began + number / options.rate - time.perf_counter()))
        senders[number % len(senders)].post()
    await asyncio.sleep(3)
    return [one for sender in senders for one in sender.took], sum(sender.refusals for sender in senders)


def _bare(options: argparse.Namespace) -> list[float]:
    """Insert one row durably at the same rate; return the seconds of each."""
    from django.db import connection

    took = []
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, text text)")
        began = time.perf_counter()
        for number in range(int(options.rate * options.seconds / 3)):
            time.sleep(max(0.0, began + number / options.rate - time.perf_counter()))
            at = time.perf_counter()
            cursor.execute("INSERT INTO bench_bare (text) VALUES (%s)", [TEXT])
            took.append(time.perf_counter() - at)
    return took


def _tell(ours: list[float], bare: list[float], refused: int, options: argparse.Namespace) -> None:
    shares = {"median": 0.5, "p95": 0.95, "p99": 0.99}
    told = {name: percentile(ours, share) * 1000 for name, share in shares.items()}
    peer = {name: percentile(bare, share) * 1000 for name, share in shares.items()}
    if options.json:
        found = report.result(
            ours=told["p95"],
            peers={"bare durable insert": peer["p95"]},
            unit=f"ms, p95 from post to answer at {options.rate:g}/s over {options.groups} groups",
            conditions=report.conditions(answered=len(ours), refused=refused, ours=told, bare=peer),
        )
        report.print_json(found)
        return
    print(f"{'':24} {'median ms':>10} {'p95 ms':>10} {'p99 ms':>10}")
    for name, values in (("CENcomm", told), ("bare durable insert", peer)):
        print(f"{name:24} " + " ".join(f"{values[share]:10.1f}" for share in shares))
    print(f"{options.rate:g} posts/s over {options.groups} groups, {len(ours)} answered, {refused} refused")
    print("load average " + ", ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    sys.exit(main())
