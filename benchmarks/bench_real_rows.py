"""Real seizures from a file, through a group, into CEN: seconds and rows/s of each stage, against a bare COPY.

    python -m benchmarks.bench_real_rows [--file PATH] [--rows N] [--rounds 1] [--json FILE]

Without --file it reads the UNODC rows with transport and hiding place below CENCOMM_REALDATA. Starts a PostgreSQL
of its own, with fsync. What runs is what `manage import_seizures` runs: map, post (sealed), validate, review,
transfer, reconcile; then the whole again, which must change nothing. The peer of the transfer: open the same sealed
messages, turn them into CEN's rows, and COPY these bare into a twin of CEN's table with the same indexes, in
transactions of the same size; no review, no receipts, no audit. Only the ratios of one run can be compared.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import csv
import gzip
import json
import os
import pstats
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import batched, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.databases import own_databases

USUAL = "unodc-ids-2011-2014/ids_2011_2014_transport_and_hiding.csv.gz"
BATCH = 5_000
TWIN = "CREATE TABLE cen_seizure_twin (LIKE cen_seizure INCLUDING ALL)"


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--rows", type=int, help="only the first so many")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--profile", metavar="STAGE", help="also print where the time of one stage goes")
    options = parser.parse_args()
    path = options.file or Path(os.environ.get("CENCOMM_REALDATA", "")) / USUAL
    if not path.is_file():
        parser.error("give --file, or set CENCOMM_REALDATA")
    with own_databases() as databases:
        results = run(first_rows(path, options.rows, databases.folder), options.profile)
    report(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def first_rows(path: Path, rows: int | None, folder: Path) -> Path:
    """Return the file, or a copy of its first rows."""
    if rows is None:
        return path
    opens = gzip.open if path.suffix == ".gz" else open
    short = folder / "rows.csv"
    with opens(path, "rt", encoding="utf-8", newline="") as source, short.open("w", newline="") as target:
        csv.writer(target, delimiter=";").writerows(islice(csv.reader(source, delimiter=";"), rows + 1))
    return short


def run(path: Path, profile: str | None) -> dict[str, Any]:
    """Return the figures of both passes and of the peer."""
    from exports.importing import running

    membership = make_group()
    wishes = running.Wishes(validating=membership, transferring=membership, resolving=("duplicate", "nominal"))
    first = one_pass(membership, path, wishes, profile)
    again = one_pass(membership, path, wishes, None)
    assert first["in_cen"] == again["in_cen"]
    assert again["new"] == 0
    peer = bare_copy(membership)
    stages = {stage["name"]: stage for stage in first["stages"]}
    transfer, review = stages["transfer"], stages["review"]
    return {
        "first": first,
        "again": again,
        "bare_copy": peer,
        "transfer_to_bare_copy": round(transfer["rows_per_second_of_cpu"] / peer["rows_per_second_of_cpu"], 3),
        "review_and_transfer_rows_per_second_of_cpu": pace(
            transfer["rows"], transfer["cpu_seconds"] + review["cpu_seconds"]
        ),
    }


def make_group() -> Any:
    """Return the membership of the coordinator of a new standing group."""
    from accounts.actions import create_administration, create_officer
    from groups.access import Right
    from groups.actions import create_group
    from groups.gates import member_of

    home = create_administration(country="BE", name="Benchmark administration")
    administrator, coordinator = (
        create_officer(
            email=f"{name}@demo.invalid",
            name=name,
            administration=home,
            password=os.urandom(16).hex(),
            is_platform_administrator=name == "padma",
        )
        for name in ("padma", "amina")
    )
    group = create_group(
        administrator,
        code="REALROWS",
        name="Real rows",
        kind="standing",
        form_mode="full",
        first_coordinator=coordinator,
    )
    return member_of(coordinator, group.pk, Right.TRANSFER)


def one_pass(membership: Any, path: Path, wishes: Any, profile: str | None) -> dict[str, Any]:
    """Import the file once, and return the time of each stage."""
    from exports.importing import running
    from exports.importing.mapping_file import load_mapping
    from exports.importing.reading import SourceFile

    mapping = load_mapping("unodc_ids")
    taken: dict[str, float] = {}
    plain = running.Run.stage
    running.Run.stage = measured(plain, taken, profile)  # type: ignore[method-assign]
    done = running.import_file(membership, mapping, SourceFile(path, mapping), wishes=wishes)
    running.Run.stage = plain  # type: ignore[method-assign]
    assert done.comparison is not None
    assert done.comparison.equal
    return {
        "rows": done.ledger.rows,
        "new": done.ledger.created,
        "refused": len(done.ledger.refused_lines),
        "in_cen": done.in_cen,
        "decisions": done.decided,
        "stages": [
            {
                "name": stage.name,
                "rows": stage.rows,
                "seconds": round(stage.seconds, 2),
                "rows_per_second": pace(stage.rows, stage.seconds),
                "cpu_seconds": round(taken[stage.name], 2),
                "rows_per_second_of_cpu": pace(stage.rows, taken[stage.name]),
            }
            for stage in done.stages
        ],
    }


def pace(rows: int, seconds: float) -> int:
    """Return rows per second."""
    return round(rows / seconds) if seconds else 0


def cpu_seconds() -> float:
    """Return the CPU that this process and the database server have used: what one core would have to do."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity")
        pids = [row[0] for row in cursor.fetchall()]
    used = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += int(stat[11]) + int(stat[12])
    return time.process_time() + used / os.sysconf("SC_CLK_TCK")


def measured(stage: Any, taken: dict[str, float], wanted: str | None) -> Any:
    """Return `Run.stage` that notes the CPU of each stage, and profiles one that is wanted."""

    @contextlib.contextmanager
    def with_cpu(self: Any, name: str) -> Iterator[list[int]]:
        before = cpu_seconds()
        with stage(self, name) as rows:
            if name != wanted:
                yield rows
            else:
                with cProfile.Profile() as profiler:
                    yield rows
                pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
                pstats.Stats(profiler).sort_stats("cumtime").print_stats(45)
        taken[name] = cpu_seconds() - before

    return with_cpu


def bare_copy(membership: Any) -> dict[str, Any]:
    """Return the pace of opening the same messages and copying their records into a twin table, no more."""
    from django.db import connections, transaction

    from cen.rows import COPY_COLUMNS, stated_row
    from cen.schema import CleanRecord, clean
    from exports.models import Transfer

    wanted = set(Transfer.objects.filter(group=membership.group).values_list("message", flat=True))
    connection = connections["cen"]
    with connection.cursor() as cursor:
        cursor.execute(TWIN)
        cursor.execute("SELECT id FROM cen_source LIMIT 1")
        source = cursor.fetchone()[0]
    now, number = datetime.now(UTC), 0
    cpu, started = cpu_seconds(), time.perf_counter()
    for part in batched(opened_records(membership, wanted), BATCH):
        with (
            transaction.atomic(using="cen"),
            connection.cursor() as cursor,
            cursor.copy(f"COPY cen_seizure_twin ({', '.join(COPY_COLUMNS)}) FROM STDIN") as copy,
        ):
            for raw in part:
                record = clean(raw, today=now.date())
                assert isinstance(record, CleanRecord)
                number += 1
                key = (number, f"TWIN-{number}", source, record.source_reference, 1, record.digest, now, now)
                copy.write_row((*key, *stated_row(record)))
    assert number == len(wanted)
    seconds = time.perf_counter() - started
    return {
        "rows": number,
        "seconds": round(seconds, 2),
        "rows_per_second": pace(number, seconds),
        "rows_per_second_of_cpu": pace(number, cpu_seconds() - cpu),
    }


def opened_records(membership: Any, wanted: set[UUID]) -> Iterator[dict[str, Any]]:
    """Yield the records of the messages, opened and mapped."""
    from exports.queries import rules_in_force
    from exports.review import row_of
    from exports.sources import standing_seizures

    rules = rules_in_force()
    for seizure in standing_seizures(membership, only=wanted):
        yield from row_of(seizure, rules).records


def report(results: dict[str, Any]) -> None:
    """Print the tables, and what the machine did meanwhile."""
    head = f"{'stage':<16}{'rows':>10}{'seconds':>10}{'rows/s':>10}{'CPU s':>10}{'rows/s of CPU':>16}"
    for name, text in (("first", "first run"), ("again", "the same file again")):
        one = results[name]
        counts = ", ".join(f"{one[key]:,} {key}" for key in ("rows", "new", "refused", "in_cen"))
        print(f"{text}: {counts}")
        print(head)
        for stage in one["stages"]:
            print(
                f"{stage['name']:<16}{stage['rows']:>10,}{stage['seconds']:>10}{stage['rows_per_second']:>10,}"
                f"{stage['cpu_seconds']:>10}{stage['rows_per_second_of_cpu']:>16,}"
            )
        print()
    peer = results["bare_copy"]
    print("CPU: of this process and the database server together, as if both shared one core")
    print("the peer, a bare COPY of the same records opened from the same seal:")
    print(f"{peer['rows_per_second']:,} rows/s, {peer['rows_per_second_of_cpu']:,} rows/s of CPU")
    print(f"transfer reaches {results['transfer_to_bare_copy']:.0%} of it, by CPU")
    print(f"review and transfer together: {results['review_and_transfer_rows_per_second_of_cpu']:,} rows/s of CPU")
    loads = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"load of this machine: {loads} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
