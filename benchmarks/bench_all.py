"""Every benchmark of the live path in turn, each on databases of its own; the tables of docs/performance.md.

    bin/cencomm bench all [--quick] [--full] [--only NAME …] [--keep FILE] [--json]

Prints Markdown as each benchmark ends, at last the table of bars. Run it on a machine that does nothing else.
`--keep` also writes every object into a file, `--from` prints the tables of such a file again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.live import report, runs, tables
from cencomm.cli_bench import BENCHMARKS

ORDER = ("fanout", "real", "storm", "post", "revocation", "open", "search", "history")
# About a quarter of an hour on a machine that does nothing else.
WORDS: dict[str, tuple[str, ...]] = {
    "fanout": ("--seconds", "2.5"),
    "real": ("--rounds", "1"),
    "storm": ("--missed", "20"),
    "history": ("--size", "100000", "--rounds", "3"),
}
FULL: dict[str, tuple[str, ...]] = {"storm": ("--missed", "20", "--rounds", "5")}
QUICK: dict[str, tuple[str, ...]] = {
    "fanout": ("--rounds", "1", "--seconds", "1"),
    "real": ("--rounds", "1", "--seconds", "1", "--scale", "0.1"),
    "storm": ("--rounds", "1", "--sockets", "200"),
    "post": ("--rounds", "1", "--seconds", "4"),
    "open": ("--size", "2000", "--rounds", "3"),
    "search": ("--size", "2000", "--rounds", "2"),
    "history": ("--size", "2000", "--rounds", "1", "--posts", "50"),
    "revocation": ("--revocations", "34", "--without-redis", "17", "--heartbeat", "2"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is wanted and print the tables."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench all", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="short and small: whether it runs, not how fast")
    parser.add_argument("--full", action="store_true", help="the history to a million messages: takes much longer")
    parser.add_argument("--only", action="append", default=[], choices=ORDER, help="repeatable")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the objects there")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="source", help="measure nothing: print that file")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the tables")
    options = parser.parse_args(arguments)
    if options.source:
        results = json.loads(options.source.read_text())
        for name, found in results.items():
            _print(name, found)
    else:
        results = _measured(options)
    if options.json:
        report.print_json(_object(results))
    else:
        print("## The bars\n\n" + tables.bars_table(results))
        print(_versions(results))
    return int(any("failed" in one for one in results.values()))


def _measured(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    results = {}
    for name in ORDER:
        if name not in BENCHMARKS or (options.only and name not in options.only):
            continue
        words = (QUICK if options.quick else FULL if options.full else WORDS).get(name, ())
        results[name] = runs.run_bench(name, *words)
        if options.keep:
            options.keep.write_text(json.dumps(results, indent=1) + "\n")
        if not options.json:
            _print(name, results[name])
    return results


def _print(name: str, found: dict[str, Any]) -> None:
    print(f"## {name}: {BENCHMARKS[name][1]}\n")
    if "failed" in found:
        print(found["failed"] + "\n", flush=True)
        return
    if name == "real":
        for shape, one in found["conditions"]["shapes"].items():
            print(f"{shape}\n")
            print(
                one["failed"] if "failed" in one else tables.rounds_table(one) + "\n" + tables.conditions_line(one)
            )
        return
    drawn: dict[str, Callable[[dict[str, Any]], str]] = {
        "fanout": tables.rounds_table,
        "storm": tables.storm_table,
        "post": tables.post_table,
        "revocation": tables.revocation_table,
    }
    print(drawn.get(name, tables.plain_table)(found))
    print(tables.conditions_line(found), flush=True)


def _object(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return one object: ours and peers are those of the fan-out, everything stands in the conditions."""
    first = results.get("fanout") or next(iter(results.values()), {})
    return report.result(
        ours=first.get("ours", 0.0),
        peers=first.get("peers", {}),
        unit=first.get("unit", ""),
        conditions=report.conditions(results=results),
    )


def _versions(results: dict[str, dict[str, Any]]) -> str:
    found: dict[str, str] = {}
    for one in results.values():
        found |= one.get("conditions", {}).get("versions", {})
    machine = next((one["conditions"] for one in results.values() if "conditions" in one), None)
    if machine is None:
        return ""
    return f"{machine['cores']} cores of {machine['processor']}; Python {machine['python']}; " + "; ".join(
        f"{name} {text}" for name, text in found.items()
    )


if __name__ == "__main__":
    sys.exit(main())
