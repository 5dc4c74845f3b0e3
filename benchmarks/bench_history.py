"""What one message costs while the history of its group grows to a million: it must stay the same.

    bin/cencomm bench history [--size 1000000] [--posts 400] [--rounds 5] [--json]

One group is filled in steps (1,000, 10,000, … messages). At each step notes are posted through the ordinary
action, in turn with the same notes in a group with an empty history: that group is the peer, and what the machine
does falls on both. Told are the median time of a post, its processor time here and in PostgreSQL, and their ratios
to the empty group at the same moment and to the shortest history. A post commits with fsync.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.databases import Databases, own_databases
from benchmarks.live import history, processor, report

START = 1000
BAR = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What a post took: milliseconds by the clock, of this process and of PostgreSQL."""

    clock: float
    here: float
    database: float

    @property
    def used(self) -> float:
        """Processor time of both."""
        return self.here + self.database


@dataclass(frozen=True, slots=True)
class Step:
    """One length of the history: how long it took to get there, the group's costs and the empty group's."""

    size: int
    filled: float
    ours: Cost
    empty: Cost


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill and measure, step by step, and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench history", description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", type=int, default=1_000_000, help="messages in the end")
    parser.add_argument("--posts", type=int, default=400, help="posts to each group in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    with own_databases() as databases:
        steps = _run(databases, options)
    _tell(steps, options)
    return 0


def _run(databases: Databases, options: argparse.Namespace) -> list[Step]:
    from django.db import connection

    group, people = history.make_group(0)
    _empty, others = history.make_group(1)
    filler = history.Filler(group, people, size=options.size)
    steps = []
    size = min(START, options.size)
    while True:
        began = time.perf_counter()
        filler.fill(size)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        filled = time.perf_counter() - began
        ours, empty = _costs(databases, people.members[0], others.members[0], options)
        filler.went_on(options.posts * (options.rounds + 1))
        steps.append(Step(size, filled, ours, empty))
        print(f"{size:,} messages: {ours.used:.2f} ms of processor per post", file=sys.stderr, flush=True)
        if size >= options.size:
            return steps
        size = min(size * 10, options.size)


def _costs(databases: Databases, member: Any, other: Any, options: argparse.Namespace) -> tuple[Cost, Cost]:
    """Post to both groups in turn; return the costs of a post in each: medians over the rounds."""
    found: dict[str, list[Cost]] = {"ours": [], "empty": []}
    for number in range(options.rounds + 1):
        for name, who in (("ours", member), ("empty", other)):
            cost = _posts(databases, who, options.posts)
            if number:  # the first one warms up
                found[name].append(cost)

    def median(name: str) -> Cost:
        of = found[name]
        return Cost(
            *(statistics.median(getattr(one, part) for one in of) for part in ("clock", "here", "database"))
        )

    return median("ours"), median("empty")


def _posts(databases: Databases, member: Any, count: int) -> Cost:
    from messaging.actions import post_message
    from messaging.drafts import Draft

    took = []
    server = databases.process_id()
    before, here = processor.of_tree(server), time.process_time()
    for _ in range(count):
        draft = Draft(id=uuid.uuid4(), kind="note", body={"text": "The lantern is lit. " * 15})
        began = time.perf_counter()
        post_message(member, draft=draft)
        took.append(time.perf_counter() - began)
    used = time.process_time() - here, processor.of_tree(server) - before
    return Cost(statistics.median(took) * 1000, used[0] / count * 1000, used[1] / count * 1000)


def _tell(steps: Sequence[Step], options: argparse.Namespace) -> None:
    last = steps[-1]
    if options.json:
        found = report.result(
            ours=last.ours.used,
            peers={"a group with an empty history": last.empty.used},
            unit=f"ms of processor time per post (here and PostgreSQL) after {last.size} messages",
            conditions=report.conditions(
                rounds=options.rounds,
                posts=options.posts,
                steps=[
                    {
                        "messages": step.size,
                        "filled_seconds": round(step.filled, 1),
                        "milliseconds": round(step.ours.clock, 2),
                        "milliseconds_empty": round(step.empty.clock, 2),
                        "processor": round(step.ours.used, 2),
                        "processor_empty": round(step.empty.used, 2),
                    }
                    for step in steps
                ],
            ),
        )
        report.print_json(found)
        return
    heads = (
        "messages",
        "filled in s",
        "median ms",
        "empty",
        "cpu ms",
        "of it here",
        "empty",
        "to empty",
        "to first",
    )
    print(" ".join(f"{head:>11}" for head in heads))
    for step in steps:
        ours, empty = step.ours, step.empty
        values = (
            f"{step.size:,}", f"{step.filled:.0f}", f"{ours.clock:.2f}", f"{empty.clock:.2f}", f"{ours.used:.2f}",
            f"{ours.here:.2f}", f"{empty.used:.2f}", f"{ours.used / empty.used:.2f}",
            f"{ours.used / steps[0].ours.used:.2f}",
        )  # fmt: skip
        print(" ".join(f"{value:>11}" for value in values))
    ratios = [step.ours.used / step.empty.used for step in steps]
    flat = max(abs(ratio - 1) for ratio in ratios) <= BAR
    print(
        f"processor time flat within {BAR:.0%}: {'yes' if flat else 'no'} ({min(ratios):.2f} to {max(ratios):.2f})"
    )
    print(f"{options.rounds} rounds of {options.posts} posts; load average", end=" ")
    print(", ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    sys.exit(main())
