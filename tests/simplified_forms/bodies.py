"""Bodies and contexts that the tests of forms share: one believable seizure, in the middle of an operation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from simplified_forms.fields import Kind, Mode
from simplified_forms.starting import starting_spec
from simplified_forms.validation import Context, Outcome, validate

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SIMPLIFIED = starting_spec(Kind.SEIZURE, Mode.SIMPLIFIED)
FULL = starting_spec(Kind.SEIZURE, Mode.FULL)


def context(kind: str = "seizure", **values: Any) -> Context:
    """Return what a Nigerian officer's body is judged against on the seventh day of an operation."""
    values.setdefault("now", NOW)
    values.setdefault("sender_country", "NG")
    values.setdefault("operation_starts_on", date(2026, 11, 15))
    values.setdefault("late_limit_days", 30)
    return Context(kind=kind, today=values.pop("today", TODAY), **values)


def seizure(**values: Any) -> dict[str, Any]:
    """Return a whole simplified body; a value of None leaves the field out."""
    body: dict[str, Any] = {
        "date": "2026-11-20",
        "country": "NG",
        "place": "NGAPP",
        "location_type": "SPT",
        "direction": "IMP",
        "conveyance": "SEA",
        "commodity": "DRG.tramadol",
        "quantity": {"value": "1240000", "unit": "H87"},
        "departure_country": "IN",
        "destination_country": "NG",
        "detection": ["XRY"],
        "cases": 1,
    }
    body.update(values)
    return {name: value for name, value in body.items() if value is not None}


def judged(body: object, spec: dict[str, Any] = SIMPLIFIED, **values: Any) -> Outcome:
    """Validate a body as a seizure of that operation."""
    return validate(spec, body, context(**values))


def errors(outcome: Outcome) -> set[tuple[str, str]]:
    """Return (path, code) of every error."""
    return {(problem.field, problem.code) for problem in outcome.errors}


def questions(outcome: Outcome) -> set[tuple[str, str]]:
    """Return (path, code) of every question."""
    return {(problem.field, problem.code) for problem in outcome.questions}
