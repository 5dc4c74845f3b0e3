"""How fast CEN takes seizures in: `take_in` against a bare COPY of the same rows, in the same run.

    python -m benchmarks.bench_cen_intake [--rows 50000] [--batch 5000] [--rounds 3] [--json FILE]

Starts a PostgreSQL of its own (with fsync). Each round takes fresh invented records (`take_in`: check, digest, one
transaction per batch, intake log and audit entry), takes the same ones again (all unchanged), and copies the very
rows that came out into a twin of the table with the same indexes and constraints. Medians over the rounds; only
the ratios of one run can be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

from benchmarks.databases import own_databases

TWIN = "CREATE TABLE IF NOT EXISTS cen_seizure_twin (LIKE cen_seizure INCLUDING ALL)"


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with own_databases():
        results = run(options.rows, options.batch, options.rounds)
    report(results, options.rows, options.batch)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def run(rows: int, batch: int, rounds: int) -> dict[str, Any]:
    """Return the figures of every round."""
    figures: dict[str, list[tuple[float, float]]] = {"take_in": [], "take_in again": [], "COPY": []}
    for number in range(rounds):
        one_round(rows, batch, seed=number + 1, figures=figures)
    medians = {
        name: {
            "records_per_second": round(rows / statistics.median(wall for wall, _cpu in taken)),
            "client_cpu_us_per_record": round(statistics.median(cpu for _wall, cpu in taken) / rows * 1e6, 1),
        }
        for name, taken in figures.items()
    }
    ratio = medians["take_in"]["records_per_second"] / medians["COPY"]["records_per_second"]
    return {"rows": rows, "batch": batch, "rounds": rounds, "medians": medians, "take_in_to_copy": round(ratio, 3)}


def one_round(rows: int, batch: int, *, seed: int, figures: dict[str, list[tuple[float, float]]]) -> None:
    """Time the three ways over the same records."""
    from datetime import UTC, datetime

    from cen.actions import take_in
    from cen.sample import sample_records

    records = list(sample_records(rows=rows, seed=seed, until=datetime.now(UTC).date()))
    batches = list(batched(records, batch))

    def take() -> set[str]:
        return {one.outcome for part in batches for one in take_in(part, source="benchmark")}

    figures["take_in"].append(timed(take, expected={"accepted"}))
    figures["take_in again"].append(timed(take, expected={"unchanged"}))
    figures["COPY"].append(copy_same_rows(seed, batch))


def timed(act: Callable[[], set[str]], *, expected: set[str]) -> tuple[float, float]:
    """Return the seconds and the seconds of this process's CPU that `act` took; it must answer `expected`."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = act()
    taken = time.perf_counter() - wall, time.process_time() - cpu
    assert answer == expected, answer
    return taken


def copy_same_rows(seed: int, batch: int) -> tuple[float, float]:
    """Time the bare COPY of the rows of this round, in transactions of the same size."""
    from django.db import connections, transaction

    connection = connections["cen"]
    with connection.cursor() as cursor:
        cursor.execute(TWIN)
        cursor.execute("SELECT * FROM cen_seizure WHERE source_reference LIKE %s ORDER BY id", [f"S{seed}-%"])
        names = [column.name for column in cursor.description]
        rows = [tuple(map(plain, row)) for row in cursor.fetchall()]
    wall, cpu = time.perf_counter(), time.process_time()
    for part in batched(rows, batch):
        with transaction.atomic(using="cen"), connection.cursor() as cursor:
            copy_part(cursor, names, part)
    return time.perf_counter() - wall, time.process_time() - cpu


def copy_part(cursor: Any, names: list[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Copy one part into the twin."""
    with cursor.copy(f"COPY cen_seizure_twin ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def plain(value: Any) -> Any:
    """Return the value as COPY takes it fastest."""
    if isinstance(value, list):
        return "{" + ",".join(value) + "}"
    return json.dumps(value) if isinstance(value, dict) else value


def report(results: dict[str, Any], rows: int, batch: int) -> None:
    """Print the table, and what the machine did meanwhile."""
    print(f"{rows} records in batches of {batch}, medians of {results['rounds']} rounds")
    print(f"{'':16}{'records/s':>12}{'client CPU, µs/record':>24}")
    for name, median in results["medians"].items():
        print(f"{name:16}{median['records_per_second']:>12,}{median['client_cpu_us_per_record']:>24}")
    print(f"take_in reaches {results['take_in_to_copy']:.0%} of a bare COPY of the same rows")
    print(
        f"load of this machine: {', '.join(f'{value:.2f}' for value in os.getloadavg())} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
