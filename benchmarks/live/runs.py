"""Runs benchmarks as processes of their own, each on its own databases, and takes their JSON objects."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.live.site import ROOT


def run_bench(name: str, *words: str) -> dict[str, Any]:
    """Run `bench NAME … --json` to its end and return its object, or one that says why there is none."""
    began = time.monotonic()
    command = [sys.executable, "-m", "cencomm", "bench", name, *words, "--json"]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, stdin=subprocess.DEVNULL
    )
    lines = done.stdout.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {"failed": f"bench {name} ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(lines[-1])
    found["command"] = " ".join(["bin/cencomm bench", name, *words])
    found["took_seconds"] = round(time.monotonic() - began)
    return found


def print_systems(found: dict[str, Any]) -> None:
    """Print what a benchmark of rounds found: deliveries per second by system and messages in flight."""
    systems = found["conditions"]["systems"]
    windows = list(next(iter(systems.values()))["deliveries_per_second"])
    heads = "".join(f"{f'{window} in flight':>14}" for window in windows)
    print(f"{'system':40}{heads} {'p50 ms':>8} {'p99 ms':>8} {'µs CPU':>8} {'client':>7}")
    for name, one in systems.items():
        rates = "".join(f"{one['deliveries_per_second'][window]['median']:14,}" for window in windows)
        cpu = one["cpu_microseconds_per_delivery"]
        used = cpu.get("server", 0.0) + cpu.get("postgres", 0.0)
        times = one["milliseconds"]
        print(
            f"{name:40}{rates} {times['median']:8.1f} {times['p99']:8.1f} {used:8.1f} {one['client_busy']:7.0%}"
            + (f"  {one['failed']}" if "failed" in one else "")
        )
        if one["stored"] not in {None, one["expected"]}:
            print(f"stored: {name}: {one['expected']:,} messages and receipts left {one['stored']:,} rows")
