"""Receipts: what one costs in processor time, alone and together.

    python -m benchmarks.bench_receipts [--members 200] [--rounds 3]

Starts a PostgreSQL of its own, with fsync. Every member of one group acknowledges a message: one after the other by
`acknowledge_message`, then in batches, as they go when they arrive together. Processor time is told, of the
application and of PostgreSQL's process, which a busy machine disturbs least; medians of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.bench_post import on_processor
from benchmarks.databases import own_databases
from benchmarks.live.site import Site, fill

BATCHES = (1, 4, 16, 64)

type Way = Callable[[Sequence[Any], uuid.UUID], None]


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with own_databases() as databases:
        site = Site(databases)
        fill(site, groups=1, members=options.members)
        print_costs(options)


def print_costs(options: argparse.Namespace) -> None:
    """Print the processor time of a receipt each way."""
    from groups.models import Membership

    members = list(Membership.objects.select_related("group", "officer__administration"))
    ways: dict[str, Way] = {"acknowledge_message": one_by_one}
    ways |= {f"together, {size}": in_batches(size) for size in BATCHES}
    print(f"{'way':24} {'application, us a receipt':>26} {'PostgreSQL, us a receipt':>26}")
    for name, way in ways.items():
        cost(members, way)  # caches, plans
        found = [cost(members, way) for _ in range(options.rounds)]
        ours, theirs = (statistics.median(values) * 1e6 for values in zip(*found, strict=True))
        print(f"{name:24} {ours:26,.0f} {theirs:26,.0f}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"members {options.members}, rounds {options.rounds}, load average {load}")


def cost(members: Sequence[Any], way: Way) -> tuple[float, float]:
    """Return the processor seconds of one receipt, where all acknowledge a new message: ours, the database's."""
    from django.db import connection

    from messaging.actions import post_message
    from messaging.drafts import Draft
    from messaging.models import Acknowledgement

    draft = Draft(id=uuid.uuid4(), kind="note", body={"text": "The lantern is lit."})
    message = post_message(members[0], draft=draft).message
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
    ours, theirs = time.process_time(), on_processor(backend)
    way(members, message.pk)
    spent = time.process_time() - ours, on_processor(backend) - theirs
    assert Acknowledgement.objects.filter(message=message).count() == len(members)
    return spent[0] / len(members), spent[1] / len(members)


def one_by_one(members: Sequence[Any], message_id: uuid.UUID) -> None:
    """Acknowledge one after the other."""
    from messaging.actions import acknowledge_message

    for member in members:
        acknowledge_message(member, message_id=message_id)


def in_batches(size: int) -> Way:
    """Return the way that gives so many receipts in one transaction."""

    def give(members: Sequence[Any], message_id: uuid.UUID) -> None:
        from messaging.actions import Slip
        from messaging.actions.receipts import give_together

        for at in range(0, len(members), size):
            give_together([Slip(one.officer_id, one.group_id, message_id) for one in members[at : at + size]])

    return give


if __name__ == "__main__":
    main()
