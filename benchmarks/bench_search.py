"""Searching a history that is sealed: no index of words exists, so a search opens every message and looks.

    bin/cencomm bench search [--size 100000] [--rounds 5] [--json]

A word that one message of ten thousand holds, in a group of 100,000 messages: every one is opened. The search is
the product's, with its rights and its audit entry, in one process. The peers, in turn with it: the same rows read
and opened by a bare loop over a raw cursor, which is the least that any search without an index of words can do;
and the same by the ORM, which is how one would write it first. A figure is the time of one search on one core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.databases import own_databases
from benchmarks.live import history, report

OURS = "CENcomm: search"
BARE = "raw cursor, open, compare"
ORM = "the ORM's rows, open, compare"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all three and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench search", description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", type=int, default=100_000, help="messages of the group")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    with own_databases():
        from django.db import connection

        group, people = history.make_group()
        history.Filler(group, people, size=options.size).fill(options.size)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        took = _measure(people.coordinator, options)
    _tell(took, options)
    return 0


def _measure(member: Any, options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Return seconds by the clock and of this process's processor for each way and round; all find the same."""
    ways: dict[str, Callable[[Any], int]] = {OURS: _ours, BARE: _bare, ORM: _orm}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(options.rounds + 1):
        found = set()
        for name, way in ways.items():
            began, used = time.perf_counter(), time.process_time()
            found.add(way(member))
            took[name].append((time.perf_counter() - began, time.process_time() - used))
        if len(found) != 1:
            message = f"the ways found different numbers of messages: {found}"
            raise RuntimeError(message)
        if number == 0:  # caches, plans, files
            took = {name: [] for name in ways}
    return took


def _ours(member: Any) -> int:
    from messaging.queries import Filters, search

    count, after = 0, None
    while True:
        page = search(member, filters=Filters(text=history.RARE), after=after, limit=500)
        count += len(page.messages)
        if page.next is None:
            return count
        after = page.next


def _bare(member: Any) -> int:
    from django.db import connection

    from groups.queries import sealer_for
    from messaging.content import message_place

    sealer, wanted, count = sealer_for(member.group, 1), history.RARE.encode(), 0
    with connection.cursor():
        raw: Any = connection.connection
    with raw.transaction(), raw.cursor(name="bare", binary=True) as cursor:
        cursor.itersize = 2000
        cursor.execute(
            "SELECT id, sender_id, sealed FROM messaging_message WHERE group_id = %s ORDER BY seq DESC",
            [member.group_id],
        )
        for pk, sender, sealed in cursor:
            count += wanted in sealer.open(sealed, message_place(pk, sender))
    return count


def _orm(member: Any) -> int:
    from groups.queries import sealer_for
    from messaging.content import message_place
    from messaging.models import Message

    sealer, wanted = sealer_for(member.group, 1), history.RARE.encode()
    rows = Message.objects.filter(group_id=member.group_id).order_by("-seq").iterator(2000)
    return sum(wanted in sealer.open(one.sealed, message_place(one.pk, one.sender_id)) for one in rows)


def _tell(took: dict[str, list[tuple[float, float]]], options: argparse.Namespace) -> None:
    clock = {name: statistics.median(one for one, _used in values) for name, values in took.items()}
    used = {name: statistics.median(one for _clock, one in values) for name, values in took.items()}
    if options.json:
        found = report.result(
            ours=clock.pop(OURS),
            peers=clock,
            unit=f"seconds to search {options.size} sealed messages in one process, median",
            conditions=report.conditions(
                rounds=options.rounds, processor_seconds={name: round(value, 3) for name, value in used.items()}
            ),
        )
        report.print_json(found)
        return
    print(f"{'one search of ' + str(options.size) + ' sealed messages':44} {'seconds':>9} {'processor':>10}")
    for name, value in clock.items():
        print(f"{name:44} {value:9.2f} {used[name]:10.2f}")
    print(f"{options.rounds} rounds, load average " + ", ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    sys.exit(main())
