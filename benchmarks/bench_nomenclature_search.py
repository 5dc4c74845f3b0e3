"""How long one type-ahead takes: median and 95th percentile in milliseconds per list.

    .venv/bin/python -m benchmarks.bench_nomenclature_search

Types real beginnings letter by letter, as an officer does, and single letters and frequent words on top.
"""

from __future__ import annotations

import statistics
import time

from nomenclature import search

TYPED = {
    "airport": ["heathrow", "lagos", "charles de gaulle", "international", "sao paulo", "dxb"],
    "commodity": ["cocaine", "cigarettes", "fentanyl", "jwh", "counterfeit", "pangolin"],
    "country": ["cote d'ivoire", "united", "new zealand", "republic", "zz"],
    "hs": ["2933.33", "tobacco", "pharmaceutical", "heterocyclic compounds", "other than", "of"],
    "place": ["apapa", "rotterdam", "international airport", "port of", "san", "ngapp"],
    "port": ["apapa", "rotterdam", "antwerp", "port", "san juan", "nglos"],
}
ROUNDS = 20


def measure(list_name: str, typed: list[str], *, language: str) -> tuple[float, list[float]]:
    """Return the first answer's time, which builds the index, and the time of every later key stroke, in ms."""
    started = time.perf_counter()
    search.find(list_name, "first", language=language)
    first = (time.perf_counter() - started) * 1000
    taken = []
    for _ in range(ROUNDS):
        for text in typed:
            for end in range(1, len(text) + 1):
                started = time.perf_counter()
                search.find(list_name, text[:end], language=language)
                taken.append((time.perf_counter() - started) * 1000)
    return first, taken


def main() -> None:
    """Print the table."""
    print(f"{'list':<10} {'first':>9} {'median':>9} {'p95':>9} {'worst':>9}   milliseconds")
    for list_name, typed in TYPED.items():
        first, taken = measure(list_name, typed, language="fr")
        p95 = statistics.quantiles(taken, n=20)[-1]
        print(f"{list_name:<10} {first:9.1f} {statistics.median(taken):9.3f} {p95:9.3f} {max(taken):9.3f}")


if __name__ == "__main__":
    main()
