"""How many bodies one core validates in a second: simplified, full with goods lines, and bodies full of mistakes.

Run: .venv/bin/python -m benchmarks.bench_form_validation [seconds per case]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import django


def body(number: int) -> dict[str, Any]:
    """Return a believable simplified seizure; bodies differ, so that nothing can be answered from memory."""
    return {
        "date": f"2026-11-{number % 20 + 1:02}",
        "country": "NG",
        "place": "NGAPP",
        "location_type": "SPT",
        "direction": "IMP",
        "conveyance": "SEA",
        "commodity": "DRG.tramadol",
        "quantity": {"value": f"{number % 9000 + 1}.5", "unit": "KGM"},
        "departure_country": "IN",
        "destination_country": "NG",
        "detection": ["XRY", "PHY"],
        "cases": number % 9 + 1,
        "description": f"tablets in cartons, lot {number}",
    }


def full(number: int) -> dict[str, Any]:
    """Return a full seizure with ten goods lines and three legs."""
    line = {"commodity": "DRG.cocaine", "quantity": {"value": str(number % 50 + 1), "unit": "KGM"}, "hs": "293972"}
    return body(number) | {
        "goods": [line] * 10,
        "route": [
            {"leg": "ORI", "country": "IN"},
            {"leg": "TRA", "country": "TG"},
            {"leg": "DES", "country": "NG"},
        ],
        "container": "CSQU3054383",
        "concealment": "COR",
        "remarks": "found behind the cooling unit " * 5,
    }


def broken(number: int) -> dict[str, Any]:
    """Return a body with five mistakes, whose sentences have to be written."""
    return body(number) | {
        "date": "2027-01-01",
        "country": "QQ",
        "cases": -number,
        "quantity": {"value": "x", "unit": "KGM"},
        "colour": "red",
    }


def rate(judge: Callable[[Any], Any], bodies: list[dict[str, Any]], seconds: float) -> float:
    """Return bodies per second."""
    for one in bodies[:200]:
        judge(one)
    done = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for one in bodies:
            judge(one)
        done += len(bodies)
    return done / elapsed


def main() -> None:
    """Print one line per case."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    django.setup()
    from simplified_forms.fields import Kind, Mode
    from simplified_forms.starting import starting_spec
    from simplified_forms.validation import Context, validate

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    context = Context(
        kind="seizure",
        today=date(2026, 11, 21),
        now=datetime(2026, 11, 21, 12, tzinfo=UTC),
        sender_country="NG",
        operation_starts_on=date(2026, 11, 1),
    )
    cases = (
        ("simplified", Mode.SIMPLIFIED, body),
        ("full, 10 lines", Mode.FULL, full),
        ("broken", Mode.FULL, broken),
    )
    for name, mode, make in cases:
        spec = starting_spec(Kind.SEIZURE, mode)
        bodies = [make(number) for number in range(1000)]
        outcome = validate(spec, bodies[0], context)
        assert outcome.ok is (name != "broken"), outcome.errors
        found = rate(lambda one, spec=spec: validate(spec, one, context), bodies, seconds)
        print(f"{name:16} {found:10,.0f} bodies/s on one core, {1e6 / found:7.1f} µs each")


if __name__ == "__main__":
    main()
