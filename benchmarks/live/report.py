"""How a benchmark tells what it found: a table for people, one JSON object for programmes."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any


def conditions(**more: Any) -> dict[str, Any]:
    """Return what the machine was and did meanwhile."""
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "versions": versions(),
        **more,
    }


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def versions() -> dict[str, str]:
    """Return the versions of what the product runs on."""
    from cencomm.embedded import package_binaries

    said = [("PostgreSQL", [str(package_binaries() / "postgres"), "--version"])]
    if redis := shutil.which("redis-server"):
        said.append(("Redis", [redis, "--version"]))
    found = {name: version(name) for name in ("django", "uvicorn", "uvloop", "psycopg")}
    for name, command in said:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found[name] = " ".join(done.stdout.split()[2:3]).removeprefix("v=")
    return found


def result(*, ours: float, peers: Mapping[str, float], unit: str, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    return {
        "ours": round(ours, 2),
        "peers": {name: round(value, 2) for name, value in peers.items()},
        "unit": unit,
        "ratios": {name: round(ours / value, 2) for name, value in peers.items() if value},
        "conditions": dict(conditions),
    }


def print_json(found: Mapping[str, Any]) -> None:
    """Print the object on one line."""
    print(json.dumps(found))


def print_end(more: Mapping[str, str] | None = None, left_out: Mapping[str, str] | None = None) -> None:
    """Print who was left out, what the machine is and did, and the versions of everything."""
    for name, why in (left_out or {}).items():
        print(f"left out: {name}: {why}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} cores of {processor() or 'an unnamed processor'}, load average {load}")
    found = {**versions(), **(more or {})}
    print("; ".join(f"{name} {text}" for name, text in found.items()))
