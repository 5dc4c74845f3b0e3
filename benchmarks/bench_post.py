"""Sending messages: one at a time, by several at once, and many together; against a bare durable insert.

    python -m benchmarks.bench_post [--seconds 5] [--rounds 3] [--rows 5000] [--history 0] [--json FILE]

Starts a PostgreSQL of its own, with fsync. The peer is the least that could count as sent: lock the group's row,
take the next number, insert message and event as prepared rows, commit; no validation, seal, audit, receipt. Rounds
are interleaved, medians are printed. `--history N` first fills the group with N messages: the cost of one must
not grow with them. Only the ratios of one run can be compared.

    python -m benchmarks.bench_post --cost

prints instead what one post costs in processor time, which a busy machine disturbs least: of the application and of
PostgreSQL's process, alone and in a batch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.databases import Databases, own_databases
from benchmarks.live.site import Site
from benchmarks.live.site import fill as fill_site

THREADS = 8
GROUPS = 8
BATCHES = (1, 4, 16, 64)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--cost", action="store_true")
    options = parser.parse_args()
    with own_databases() as databases:
        if options.cost:
            print_costs(make_members(databases)[0], options)
            return
        print_table(run(databases, options), options)


def run(databases: Databases, options: argparse.Namespace) -> dict[str, list[float]]:
    """Return what each way reached in each round, per second."""
    members = make_members(databases)
    if options.history:
        fill(members[0], options.history)
    ways: dict[str, Callable[[], float]] = {
        "bare insert, 1 at a time": lambda: at_once(1, options.seconds, members[:1], bare),
        "post_message, 1 at a time": lambda: at_once(1, options.seconds, members[:1], posted),
        f"bare insert, {THREADS} at once in {GROUPS} groups": lambda: at_once(
            THREADS, options.seconds, members, bare
        ),
        f"post_message, {THREADS} at once in {GROUPS} groups": lambda: at_once(
            THREADS, options.seconds, members, posted
        ),
        "post_messages, seizures together": lambda: together(members[0], options.rows),
    }
    for way in ways.values():
        way()  # caches, plans, files
    results: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            results[name].append(way())
    return results


def make_members(databases: Databases) -> list[Any]:
    """Return memberships of several officers, each in a group of his own."""
    from groups.models import Membership

    site = Site(databases)
    fill_site(site, groups=GROUPS, members=1)
    found = Membership.objects.select_related("group", "officer__administration")
    return [found.get(group=group) for group, _tokens in site.groups]


def at_once(threads: int, seconds: float, members: list[Any], act: Callable[[Any], None]) -> float:
    """Return acts per second of so many threads."""
    from django.db import connection

    counts = [0] * threads
    start = threading.Barrier(threads + 1)
    stop_at = [0.0]

    def work(number: int) -> None:
        try:
            act(members[number % len(members)])
            start.wait()
            while time.perf_counter() < stop_at[0]:
                act(members[number % len(members)])
                counts[number] += 1
        finally:
            connection.close()

    running = [threading.Thread(target=work, args=[number]) for number in range(threads)]
    for thread in running:
        thread.start()
    stop_at[0] = time.perf_counter() + 3600
    start.wait()
    began = time.perf_counter()
    stop_at[0] = began + seconds
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def posted(member: Any) -> None:
    """Send one note of 300 characters the ordinary way."""
    from messaging.actions import post_message
    from messaging.drafts import Draft

    text = {"text": "The lantern is lit. " * 15}
    post_message(member, draft=Draft(id=uuid.uuid4(), kind="note", body=text))


def bare(member: Any) -> None:
    """Insert the rows of a message and nothing else, in one durable transaction."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE groups_closedusergroup SET head = head + 1 WHERE id = %s RETURNING head", [member.group_id]
        )
        seq = cursor.fetchone()[0]
        message_id = uuid.uuid4()
        cursor.execute(
            """
            INSERT INTO messaging_message
              (id, group_id, seq, kind, number, reference, template_id, sender_id, administration_id, country,
               language, priority, handling, grading_source, grading_information, addressed_to, acknowledge,
               exercise, status, thread, sent_at, key_epoch, sealed, digest)
            SELECT %(id)s, %(group)s, %(seq)s, 'movement', %(seq)s, 'X', t.id, %(officer)s, %(administration)s,
                   'NG', 'en', 'routine', 'AMBER', '', '', '{}', false, false, 'sent', %(id)s, now(), 1,
                   %(sealed)s, %(digest)s
              FROM simplified_forms_formtemplate t WHERE t.group_id = %(group)s AND t.kind = 'movement'
            """,
            {
                "id": message_id,
                "group": member.group_id,
                "seq": seq,
                "officer": member.officer_id,
                "administration": member.officer.administration_id,
                "sealed": b"x" * 700,
                "digest": b"y" * 32,
            },
        )
        cursor.execute(
            "INSERT INTO messaging_event (group_id, seq, type, at, actor, message_id, data) "
            "VALUES (%s, %s, 'message', now(), %s, %s, '{}')",
            [member.group_id, seq, member.officer_id, message_id],
        )


def print_costs(member: Any, options: argparse.Namespace) -> None:
    """Print the processor time of a post, alone and in batches, medians of the rounds."""
    print(f"{'posts in a batch':18} {'application, us a post':>24} {'PostgreSQL, us a post':>24}")
    for size in BATCHES:
        batch_cost(member, size, 20)  # caches, plans
        found = [batch_cost(member, size, max(20, options.rows // 50 // size)) for _ in range(options.rounds)]
        ours, theirs = (statistics.median(values) * 1e6 for values in zip(*found, strict=True))
        print(f"{size:<18} {ours:24,.0f} {theirs:24,.0f}")
    print(f"rounds {options.rounds}, load average {', '.join(f'{value:.1f}' for value in os.getloadavg())}")


def batch_cost(member: Any, size: int, batches: int) -> tuple[float, float]:
    """Return the processor seconds of one post in batches of this size: this process, and its database backend."""
    from django.db import connection

    from messaging.actions import Parcel, said_by
    from messaging.actions.together import send_together
    from messaging.drafts import Draft

    def parcel() -> Any:
        draft = Draft(id=uuid.uuid4(), kind="note", body={"text": "The lantern is lit. " * 15})
        return Parcel(
            officer=member.officer, group_id=member.group_id, draft=draft, said=said_by(draft), language="en"
        )

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
    wanted = [[parcel() for _ in range(size)] for _ in range(batches)]
    ours, theirs = time.process_time(), on_processor(backend)
    for batch in wanted:
        answers = send_together(batch)
        assert all(getattr(answer, "created", False) for answer in answers)
    posts = size * batches
    return (time.process_time() - ours) / posts, (on_processor(backend) - theirs) / posts


def on_processor(process_id: int) -> float:
    """Return the seconds that a process has been on a processor, finer than ticks."""
    return int(Path(f"/proc/{process_id}/schedstat").read_text().split()[0]) / 1e9


def together(member: Any, rows: int) -> float:
    """Return rows per second of many seizures sent together."""
    from messaging.actions import post_messages
    from messaging.drafts import Draft

    today = time.strftime("%Y-%m-%d", time.gmtime())
    body = {
        "date": today,
        "country": "NG",
        "conveyance": "SEA",
        "commodity": "DRG.tramadol",
        "quantity": {"value": "1240", "unit": "H87"},
        "departure_country": "IN",
        "destination_country": "NE",
    }
    drafts = [Draft(id=uuid.uuid4(), kind="seizure", body={**body, "cases": n % 9 + 1}) for n in range(rows)]
    began = time.perf_counter()
    sent = sum(outcome.created for outcome in post_messages(member, drafts))
    assert sent == rows
    return rows / (time.perf_counter() - began)


def fill(member: Any, count: int) -> None:
    """Give the group a history."""
    from messaging.actions import post_messages
    from messaging.drafts import Draft

    drafts = (Draft(id=uuid.uuid4(), kind="note", body={"text": f"History {n}"}) for n in range(count))
    for _outcome in post_messages(member, drafts):
        pass


def print_table(results: dict[str, list[float]], options: argparse.Namespace) -> None:
    """Print medians, spread, and ratios to the peers."""
    medians = {name: statistics.median(values) for name, values in results.items()}
    names = list(medians)
    peers = {names[1]: names[0], names[3]: names[2]}
    print(f"{'way':48} {'per second':>12} {'min':>9} {'max':>9} {'of the peer':>12}")
    for name, median in medians.items():
        ratio = f"{median / medians[peers[name]]:12.2f}" if name in peers else ""
        print(f"{name:48} {median:12,.0f} {min(results[name]):9,.0f} {max(results[name]):9,.0f} {ratio}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"history {options.history}, rounds {options.rounds}, load average {load}, cores {os.cpu_count()}")
    if options.json:
        options.json.write_text(json.dumps({"results": results, "load": load, "history": options.history}))


if __name__ == "__main__":
    main()
