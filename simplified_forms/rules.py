"""Checks across fields: units of goods, sane quantities, concealment and conveyance, country, direction and route.

A rule reads the cleaned values of one level (a body, or one goods line) and writes into the run. Errors are what
can never be right; questions are what is odd: the page asks, nothing is forbidden. Pure.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from nomenclature import units
from simplified_forms import choices
from simplified_forms.run import Run

type Values = Mapping[str, Any]


@lru_cache(maxsize=1024)
def allowed_units(commodity: str) -> tuple[str, ...]:
    """Return the units in which a commodity is counted, the usual one first; empty means any unit."""
    return units.allowed_units(commodity)


def judge_quantity(values: Values, *, quantity: str, commodity: str, prefix: str, run: Run) -> None:
    """Refuse a unit that the goods are not counted in; ask about a quantity beyond the usual."""
    amount, item = values.get(quantity), values.get(commodity)
    if amount is None or item is None:
        return
    allowed = allowed_units(item)
    if allowed and amount["unit"] not in allowed:
        names = choices.labels("unit", run.context.language)
        listed = ", ".join(names[unit] for unit in allowed)
        run.refuse(f"{prefix}{quantity}.unit", "unit_not_allowed", units=listed)
        return
    if not units.is_plausible(Decimal(amount["value"]), amount["unit"], item):
        run.ask(f"{prefix}{quantity}.value", "unusual_quantity")


def judge_fit(values: Values, *, field: str, list_name: str, fits_field: str, prefix: str, run: Run) -> None:
    """Ask about a code that does not fit the value of another field (a ship's hull on a train)."""
    code, other = values.get(field), values.get(fits_field)
    if code is None or other is None:
        return
    fits = choices.fitting(list_name, code)
    if fits and other not in fits:
        run.ask(f"{prefix}{field}", "concealment_does_not_fit")


def judge_moment(values: Values, run: Run) -> None:
    """Refuse a time of day that, on the day given, still lies ahead."""
    now, day, clock = run.context.now, values.get("date"), values.get("time")
    if now is None or day is None or clock is None:
        return
    if f"{day}T{clock}" > f"{now:%Y-%m-%dT%H:%M}" and day == f"{now:%Y-%m-%d}":
        run.refuse("time", "future")


def judge_country(values: Values, run: Run) -> None:
    """Ask about a seizure reported by another country's administration."""
    country, own = values.get("country"), run.context.sender_country
    if country is not None and own is not None and country != own:
        run.ask("country", "country_not_senders")


def judge_direction(values: Values, run: Run) -> None:
    """Ask about a direction that contradicts the route, seen from the country of seizure."""
    here, direction = values.get("country"), values.get("direction")
    if here is None or direction is None:
        return
    start, end = values.get("departure_country"), values.get("destination_country")
    if direction == "IMP":
        if end is not None and end != here:
            run.ask("destination_country", "import_destination")
        if start == here:
            run.ask("departure_country", "import_departure")
    elif direction in ("EXP", "REX"):
        if start is not None and start != here:
            run.ask("departure_country", "export_departure")
        if end == here:
            run.ask("destination_country", "export_destination")
    elif direction in ("TRA", "TSH"):
        if here in (start, end):
            run.ask("direction", "transit_route")
    elif direction == "INT" and any(side not in (None, here) for side in (start, end)):
        run.ask("direction", "internal_route")
