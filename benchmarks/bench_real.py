"""Workload 2: the real path. The product as it ships, in three shapes, each on databases of its own.

    bin/cencomm bench real [--processes 4] [--seconds 2] [--rounds 2] [--only NAME …] [--json]

`up` with four web processes behind one port, a worker, Redis between them; members signed in by tokens and
sessions, half of each; every message validated, sealed, with event and audit, asking for receipts, and acknowledged
by one member in turn, whose receipt is an event for everybody too and is waited for. One group of 200 members, 100
groups of 20, 1,000 groups of 5. The peers keep and tell messages and receipts as well: Node in as many processes
with Redis between them, ejabberd in the one that it has, as several would share the core. Servers share one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.live import report, rounds, runs
from benchmarks.live.rounds import OURS
from benchmarks.peers import starting

SHAPES = (
    ("1 group × 200 members", ("--groups", "1", "--members", "200", "--in-flight", "16", "1")),
    ("100 groups × 20 members", ("--groups", "100", "--members", "20", "--in-flight", "64", "16")),
    ("1,000 groups × 5 members", ("--groups", "1000", "--members", "5", "--in-flight", "64", "16")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the three shapes and print what came out."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench real", description=__doc__.split("\n\n")[0])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--shape", type=int, action="append", choices=(1, 2, 3), help="only this one; repeatable")
    parser.add_argument("--scale", type=float, default=1.0, help="so much of the groups and members")
    starting.add_options(parser)
    rounds.add_options(parser)
    parser.set_defaults(seconds=2.0, rounds=2)
    options = parser.parse_args(arguments)
    found = {
        name: runs.run_bench("fanout", *_scaled(words, options.scale), *_common(options))
        for number, (name, words) in enumerate(SHAPES, 1)
        if not options.shape or number in options.shape
    }
    if options.json:
        report.print_json(as_object(found, options))
    else:
        _print(found, options)
    return int(any("failed" in one for one in found.values()))


def _scaled(words: Sequence[str], scale: float) -> list[str]:
    """Return a shape's words with fewer groups and members, never fewer than one group of three."""
    out = list(words)
    if scale != 1:
        out[1] = str(max(1, int(int(out[1]) * scale)))
        out[3] = str(max(3, int(int(out[3]) * scale)))
    return out


def _common(options: argparse.Namespace) -> list[str]:
    words = ["--processes", str(options.processes), "--sessions", "--acknowledge"]
    words += ["--seconds", str(options.seconds), "--rounds", str(options.rounds)]
    if options.no_peers:
        return [*words, "--no-peers"]
    return [*words, *(word for name in options.only for word in ("--only", name))]


def as_object(found: dict[str, dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    """Return the object that `--json` prints: ours and peers are those of the first shape."""
    first = next((one for one in found.values() if "failed" not in one), {"ours": 0.0, "peers": {}})
    return report.result(
        ours=first["ours"],
        peers=first["peers"],
        unit=f"{first.get('unit', 'deliveries/s')}, {options.processes} processes, receipts, tokens and sessions",
        conditions=report.conditions(processes=options.processes, shapes=found),
    )


def _print(found: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    versions: dict[str, str] = {}
    for name, one in found.items():
        print(f"{name}, {options.processes} processes, receipts, tokens and sessions")
        if "failed" in one:
            print(one["failed"])
            continue
        runs.print_systems(one)
        ceiling = ", ".join(f"{value:,} ({what})" for what, value in one["conditions"]["client_ceiling"].items())
        load = ", ".join(map(str, one["conditions"]["load_average"]))
        print(f"deliveries/s; the client's own ceiling {ceiling}; load average {load}; {one['took_seconds']} s\n")
        versions |= one["conditions"]["versions"]
    print(
        f"{OURS}: medians of {options.rounds} rounds of {options.seconds:g} s; `bench fanout` explains the columns"
    )
    report.print_end({name: text for name, text in versions.items() if name not in report.versions()})


if __name__ == "__main__":
    sys.exit(main())
