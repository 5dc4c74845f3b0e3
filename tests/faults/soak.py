"""`bin/cencomm drill --soak`: no faults, half the maximum rate, for long; does anything grow that should not?

Sampled of every process: resident memory, its private part, open descriptors, threads, and of web processes their
asyncio tasks where `/metrics` tells them. The verdict fits a line through the samples after the warm-up. What must
not live here: faults.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.acts import Officer
from tests.faults.client import Position
from tests.faults.log import Log
from tests.faults.program import Program
from tests.faults.site import HEARTBEAT, METRICS_TOKEN, Site
from tests.faults.sockets import ask

WARM_UP = 0.3  # of the time: caches fill, pools grow to their size
GROUPS = 4
OFFICERS = 8
WINDOW = 64
SAMPLE_SECONDS = 5.0
# Flat: over the judged time no more than this share of the level, or this much, whichever is more.
GROWTH_SHARE = 0.05
GROWTH_KIB = 4096
GROWTH_COUNT = 3.0  # descriptors by each process
# Files of PostgreSQL's tables: each of its processes opens one more for every GiB, and closes the oldest by itself.
TABLE_FILE = re.compile(r"/(base/\d+|global)/\d+[^/]*$")
KINDS = ("rss_kib", "private_kib", "descriptors", "threads", "processes")


def run_soak(options: argparse.Namespace) -> int:
    """Run it and print what was found; 0 when nothing grew and nothing was lost."""
    from tests.faults.drill import run_alone

    told = run_alone(lambda: soak(options))
    if options.json:
        print(json.dumps(told))
    else:
        tell(told)
    return 0 if told["flat"] and not told["wrong"] else 1


async def soak(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the maximum, run at half of it, sample; return what `--json` prints."""
    seconds = (options.minutes or 30) * 60
    seed = options.seed or 1
    with tempfile.TemporaryDirectory(prefix="cencomm-soak-", ignore_cleanup_errors=True) as name:
        site = Site(Path(name), webs=options.web, disk_mib=0, proxied=False)
        try:
            people = await site.start(groups=GROUPS, officers=OFFICERS)
            crowd = _crowd(site, people, seed)
            running = [asyncio.create_task(one.run()) for one in crowd]
            try:
                most = await _maximum(crowd, seconds=min(20.0, max(5.0, seconds / 20)))
                rate = options.rate or most / 2
                samples = Samples()
                sampling = asyncio.create_task(samples.take_forever(site))
                load_before = os.getloadavg()
                late = await _at_rate(crowd, rate, seconds)
                sampling.cancel()
                wrong = await _wrong(site, crowd)
            finally:
                for one in crowd:
                    one.stopping = True
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
            return _told(crowd, samples, most, rate, seconds, late, wrong, load_before, site)
        finally:
            await site.stop()


def _crowd(site: Site, people: dict[str, Any], seed: int) -> list[Officer]:
    crowd = []
    for name, who in people["people"].items():
        if who["role"] == "officer":
            positions = {one["id"]: Position(one["epoch"], 0) for one in people["groups"]}
            rng, log = random.Random(f"{seed} {name}"), Log(name, keep=False)
            crowd.append(Officer(name, who["id"], who["token"], site.doors, positions, rng, HEARTBEAT, log))
    return crowd


async def _maximum(crowd: Sequence[Officer], *, seconds: float) -> float:
    """Return how many posts a second are answered with so many in flight; the client's own limit is in it."""
    until = time.monotonic() + seconds
    await asyncio.sleep(1)
    began, before = time.monotonic(), sum(one.log.counts["answers"] for one in crowd)
    while time.monotonic() < until:
        for one in crowd:
            while len(one.outbox) < WINDOW // len(crowd):
                one.send(one.new_post("socket"))
        await asyncio.sleep(0.005)
    rate = (sum(one.log.counts["answers"] for one in crowd) - before) / (time.monotonic() - began)
    while any(one.outbox for one in crowd):
        await asyncio.sleep(0.05)
    return rate


async def _at_rate(crowd: Sequence[Officer], rate: float, seconds: float) -> int:
    """Post at a rate; return how often the server was so far behind that a post was left out."""
    began, late = time.monotonic(), 0
    for number in range(int(rate * seconds)):
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        one = crowd[number % len(crowd)]
        if len(one.outbox) > 100:
            late += 1
            continue
        one.send(one.new_post("http" if number % 20 == 0 else "socket"))
        one.log.answered.clear()  # only counted: this process is measured by nobody, and shall last
        if number % 50 == 0 and one._unread:
            await one.acknowledge(one._unread.pop())
    return late


async def _wrong(site: Site, crowd: Sequence[Officer]) -> list[str]:
    """Wait until all is quiet; return what was lost, doubled or out of order."""
    from tests.faults.checks import read_heads

    deadline = time.monotonic() + 60
    behind: list[str] = ["never looked"]
    while behind and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        heads = await asyncio.to_thread(read_heads, site.postgres, list(crowd[0].positions))
        behind = [
            f"{one.name} stands at {place.after} of {heads[group]}"
            for one in crowd
            for group, place in one.positions.items()
            if place.after != heads[group]
        ] + [f"{one.name}: {len(one.outbox)} posts without answer" for one in crowd if one.outbox]
    return behind + [f"{found.kind}: {found.text}" for one in crowd for found in one.log.findings]


@dataclass
class Samples:
    """What every process held, at which time: program → kind → [(seconds, value)]."""

    began: float = field(default_factory=time.monotonic)
    values: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)

    async def take_forever(self, site: Site) -> None:
        """Take a sample now and then."""
        while True:
            at = time.monotonic() - self.began
            for program in site.programs:
                for kind, value in measured(program).items():
                    self._keep(program.name, kind, at, value)
            for web in site.webs:
                tasks = await tasks_of(web.port)
                if tasks is not None:
                    self._keep(web.program.name, "tasks", at, tasks)
            await asyncio.sleep(SAMPLE_SECONDS)

    def _keep(self, name: str, kind: str, at: float, value: float) -> None:
        self.values.setdefault(name, {}).setdefault(kind, []).append((at, value))

    def verdicts(self, seconds: float) -> dict[str, dict[str, Any]]:
        """Return for every process and kind: level, slope per hour, and whether that is flat."""
        found: dict[str, dict[str, Any]] = {}
        for name, kinds in self.values.items():
            processes = max(number for _at, number in kinds["processes"])
            for kind, points in kinds.items():
                judged = [(at, value) for at, value in points if at >= seconds * WARM_UP]
                if len(judged) < 4:
                    continue
                slope = _slope(judged)
                level = statistics.fmean(value for _at, value in judged)
                growth = slope * (judged[-1][0] - judged[0][0])
                allowed = GROWTH_COUNT * processes if kind == "descriptors" else GROWTH_COUNT
                if kind.endswith("kib"):
                    allowed = max(level * GROWTH_SHARE, GROWTH_KIB)
                found.setdefault(name, {})[kind] = {
                    "level": round(level, 1),
                    "first": judged[0][1],
                    "last": judged[-1][1],
                    "per_hour": round(slope * 3600, 1),
                    "flat": growth <= allowed,
                }
        return found


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line through points by least squares, per second."""
    return statistics.linear_regression([at for at, _v in points], [value for _at, value in points]).slope


def measured(program: Program) -> dict[str, float]:
    """Return what a process and its children hold now; shared memory of PostgreSQL counts in none of them."""
    total = dict.fromkeys(KINDS, 0.0)
    for pid in _family(program.pid):
        try:
            status = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
            )
            total["rss_kib"] += _number(status, "VmRSS") - _number(status, "RssShmem")
            total["private_kib"] += _number(status, "RssAnon")
            total["threads"] += _number(status, "Threads")
            total["descriptors"] += descriptors_of(pid)
            total["processes"] += 1
        except OSError:
            continue  # it ended meanwhile
    return total


def descriptors_of(pid: int) -> int:
    """Return how many descriptors a process holds, without those of tables."""
    held = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            held += not TABLE_FILE.search(str(one.readlink()))
    return held


async def tasks_of(port: int) -> float | None:
    """Return how many asyncio tasks a web process tells of; None where it does not."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    try:
        answer = await ask(port, "GET", "/metrics", headers=headers, seconds=5)
    except (OSError, TimeoutError):
        return None
    found = re.search(rb"^cencomm_process_tasks(?:{[^}]*})? ([0-9.]+)$", answer.data, re.MULTILINE)
    return float(found[1]) if found else None


def _number(status: dict[str, str], name: str) -> int:
    return int(status.get(name, "0").split()[0])


def _family(pid: int) -> list[int]:
    if not pid:
        return []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _losses(one: Officer) -> Counter[str]:
    return Counter({what[6:]: count for what, count in one.log.counts.items() if what.startswith("lost: ")})


def _told(
    crowd: Sequence[Officer],
    samples: Samples,
    most: float,
    rate: float,
    seconds: float,
    late: int,
    wrong: list[str],
    load_before: tuple[float, float, float],
    site: Site,
) -> dict[str, Any]:
    verdicts = samples.verdicts(seconds)
    return {
        "maximum_per_second": round(most, 1),
        "rate_per_second": round(rate, 1),
        "seconds": round(seconds),
        "sent": sum(one.log.counts["answers"] for one in crowd),
        "delivered": sum(one.log.counts["delivered"] for one in crowd),
        "left_out_as_late": late,
        "reconnects": sum(one.connects - 1 for one in crowd),
        "connections_lost": sum((_losses(one) for one in crowd), Counter()),
        "wrong": wrong,
        "processes": verdicts,
        "flat": bool(verdicts) and all(one["flat"] for kinds in verdicts.values() for one in kinds.values()),
        "starts": {program.name: program.starts for program in site.programs},
        "conditions": {
            "cores": os.cpu_count(),
            "members": len(crowd),
            "groups": GROUPS,
            "web_processes": len(site.webs),
            "load_before": [round(one, 1) for one in load_before],
            "load_after": [round(one, 1) for one in os.getloadavg()],
        },
    }


def tell(told: dict[str, Any]) -> None:
    """Print a table for a person."""
    print(f"{told['rate_per_second']} posts/s for {told['seconds']} s (maximum measured: ", end="")
    print(f"{told['maximum_per_second']}); sent {told['sent']}, delivered {told['delivered']}")
    print(f"{'process':10} {'what':12} {'level':>12} {'first':>12} {'last':>12} {'per hour':>12}  flat")
    for name, kinds in told["processes"].items():
        for kind, one in kinds.items():
            line = f"{name:10} {kind:12} {one['level']:12.1f} {one['first']:12.1f} {one['last']:12.1f}"
            print(f"{line} {one['per_hour']:12.1f}  {'yes' if one['flat'] else 'NO'}")
    print(f"connections lost: {dict(told['connections_lost'])}")
    for one in told["wrong"][:20]:
        print(f"wrong: {one}")
    print(f"conditions: {told['conditions']}")
