"""How fast CEN answers: pages, totals, all facets, all charts, by kind of question, cold and warm.

    python -m benchmarks.bench_cen_questions [--rows 1000000] [--copies 10] [--rounds 3] [--json FILE]

Starts a PostgreSQL of its own, fills it with invented seizures by `take_in`; with --copies, each of them is then
there so many times under other references, copied by the database, and the sums are counted anew. Cold: the first
time after an intake (nothing kept by the process). Warm: the same again. Medians over the rounds, in milliseconds.
"plain" is what the seven charts take as one GROUP BY each, as one would write them first. inf: the product said
that the question is too broad.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from itertools import batched
from pathlib import Path

from benchmarks.databases import own_databases

QUESTIONS = {
    "everything": "",
    "one commodity": "commodity=DRG.cocaine",
    "one country": "country=NG",
    "one year": "from=2026-01-01&to=2026-12-31",
    "two filters": "detection=DOG&conveyance=SEA",
    "a word": "text=tablets",
}
CHARTS = ("month", "commodity", "country", "route", "conveyance", "detection", "concealment")
PLAIN_KEYS = (
    "date_trunc('month', seized_on::timestamp)",
    "commodity",
    "country",
    "departure_country || destination_country",
    "conveyance",
    "unnest(detection)",
    "concealment",
)


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {}
    with own_databases():
        fill(options.rows, options.copies)
        print(f"{options.rows * options.copies} seizures, ms, medians of {options.rounds} rounds (cold / warm)")
        for name, query in QUESTIONS.items():
            results[name] = ask(query, options.rounds)
            if len(results) == 1:
                print(f"{'':16}" + "".join(f"{kind:>20}" for kind in results[name]))
            told = "".join(f"{cold:>12.0f} /{warm:>6.1f}" for cold, warm in results[name].values())
            print(f"{name:16}{told}", flush=True)
    print(
        f"load of this machine: {', '.join(f'{value:.2f}' for value in os.getloadavg())} on {os.cpu_count()} cores"
    )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2).replace("Infinity", "null") + "\n")


def fill(rows: int, copies: int) -> None:
    """Take invented seizures in, copy them, and let PostgreSQL look at all of them once."""
    from datetime import UTC, datetime

    from django.core.management import call_command
    from django.db import connections

    from cen.actions import take_in
    from cen.rows import COPY_COLUMNS
    from cen.sample import sample_records

    for part in batched(sample_records(rows=rows, seed=1, until=datetime.now(UTC).date()), 10_000):
        take_in(part, source="benchmark")
    others = ", ".join(name for name in COPY_COLUMNS if name not in {"id", "cen_reference", "source_reference"})
    with connections["cen"].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # of copies of millions, and of the plain charts over them
        cursor.execute("SELECT max(id) FROM cen_seizure")
        (last,) = cursor.fetchone()
        for copy in range(1, copies):
            cursor.execute(
                f"INSERT INTO cen_seizure (id, cen_reference, source_reference, {others})"  # noqa: S608
                f" SELECT id + %s, 'COPY-' || id + %s, source_reference || %s, {others}"
                " FROM cen_seizure WHERE id <= %s",
                [copy * last, copy * last, f"#{copy}", last],
            )
        if copies > 1:
            call_command("cen_recount")
        cursor.execute("VACUUM ANALYZE")


def ask(query: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the times of one question, by kind of answer."""
    from django.http import QueryDict

    from cen import queries
    from cen.filters import read_filters
    from cen.statistics import statistic

    filters, problems = read_filters(QueryDict(query), known=None)
    assert not problems
    acts: dict[str, Callable[[], object]] = {
        "page": lambda: queries.seizures_page(filters),
        "total": lambda: queries.total(filters),
        "all facets": lambda: queries.facets(filters),
        "seven charts": lambda: [statistic(by, filters) for by in CHARTS],
        "plain": lambda: plain_charts(query),
    }
    return {kind: measured(act, rounds) for kind, act in acts.items()}


def measured(act: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of the first answer after forgetting, and of the next."""
    from cen import queries
    from cen import statistics as cen_statistics
    from cen.errors import QuestionTooBroad

    cold, warm = [], []
    for _turn in range(rounds):
        for kept in (queries._total, queries._facet, queries._scanned, cen_statistics._statistic):
            kept.cache_clear()
        for times in (cold, warm):
            started = time.perf_counter()
            try:
                act()
            except QuestionTooBroad:
                times.append(math.inf)  # the product answers that it is too broad
            else:
                times.append((time.perf_counter() - started) * 1000)
    return statistics.median(cold), statistics.median(warm)


def plain_charts(query: str) -> None:
    """Ask the seven charts as one GROUP BY each."""
    from django.db import connections
    from django.http import QueryDict

    from cen.filters import read_filters
    from cen.tally import _COLUMNS

    filters, _problems = read_filters(QueryDict(query), known=None)
    rows, parameters = filters.seizures().values(*_COLUMNS).query.get_compiler(using="cen").as_sql()
    with connections["cen"].cursor() as cursor:
        for key in PLAIN_KEYS:
            cursor.execute(
                f"SELECT {key}, unit_normalised, count(*), sum(cases), sum(quantity_normalised)"  # noqa: S608
                f" FROM ({rows}) AS found GROUP BY 1, 2",
                parameters,
            )
            cursor.fetchall()


if __name__ == "__main__":
    main()
