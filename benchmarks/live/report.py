"""How a benchmark tells what it found: a table for people, one JSON object for programmes."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from typing import Any


def conditions(**more: Any) -> dict[str, Any]:
    """Return what the machine was and did meanwhile."""
    return {
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        **more,
    }


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
