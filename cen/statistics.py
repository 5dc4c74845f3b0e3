"""Aggregates of CEN: seizures, cases and normalised quantities by month, commodity, country, route and more.

Whitelisted and bounded. What must not live here: how an aggregate looks (`cen.charts`), labels of codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Any

from django.db.models import Count, DateField, F, Func, IntegerField, Sum

from cen.filters import CODE_FILTERS, Filters
from cen.queries import Generation, asking, generation, parts_of

MAX_ROWS = 200
MAX_MONTH_ROWS = 20_000


def _month() -> Func:
    # Through timestamp without zone: the cast that Django's TruncMonth writes converts zones for each row.
    return Func(
        F("seized_on"), template="date_trunc('month', %(expressions)s::timestamp)::date", output_field=DateField()
    )


def _year() -> Func:
    return Func(F("seized_on"), template="extract(year FROM %(expressions)s)::int", output_field=IntegerField())


def _column(name: str) -> Callable[[], F]:
    return lambda: F(name)


# What an aggregate can be by -> the parts of its key.
BY: dict[str, tuple[Callable[[], Any], ...]] = {
    "month": (_month, _column("commodity_group")),
    "year": (_year,),
    "commodity_group": (_column("commodity_group"),),
    "commodity": (_column("commodity"),),
    "country": (_column("country"),),
    "departure": (_column("departure_country"),),
    "transit": (_column("transit_countries"),),
    "destination": (_column("destination_country"),),
    "route": (_column("departure_country"), _column("destination_country")),
    "conveyance": (_column("conveyance"),),
    "detection": (_column("detection"),),
    "concealment": (_column("concealment"),),
    "location_type": (_column("location_type"),),
    "direction": (_column("direction"),),
    "operation": (_column("operation_code"),),
}


@dataclass(slots=True)
class Figures:
    """Sums of some seizures. `quantities`: normalised unit -> sum, exact."""

    seizures: int = 0
    cases: int = 0
    quantities: dict[str, Decimal] | None = None

    def add(self, seizures: int, cases: int, unit: str, quantity: Decimal | None) -> None:
        """Add the sums of one unit."""
        self.seizures += seizures
        self.cases += cases
        if quantity is not None:
            self.quantities = self.quantities or {}
            self.quantities[unit] = self.quantities.get(unit, Decimal(0)) + quantity


@dataclass(frozen=True, slots=True)
class Row:
    """The figures under one key, and for months those of the same month a year before."""

    key: tuple[str, ...]
    figures: Figures
    year_before: Figures | None = None


@dataclass(frozen=True, slots=True)
class Statistic:
    """An answer: its rows, whether rows were left off, and the figures of all seizures that pass.

    A seizure with two ways of detection counts under both: rows of `detection` and `transit` can sum to more.
    """

    by: str
    rows: tuple[Row, ...]
    truncated: bool
    total: Figures


def statistic(by: str, filters: Filters) -> Statistic:
    """Return the aggregate `by` one of BY: months and years in order, all else by cases, most first.

    At most MAX_ROWS rows are returned; `truncated` tells. Refuses QuestionTooBroad.
    """
    return _statistic(by, filters, generation())


@lru_cache(maxsize=512)
def _statistic(by: str, filters: Filters, _generation: Generation) -> Statistic:
    if by == "month":
        return _by_month(filters)
    figures, whole = _figures(filters, BY[by])
    chosen = filters.chosen(by)
    if chosen and CODE_FILTERS[by].array:
        # What was found by the chosen ways was often found by others too; those were not asked for.
        figures = {key: sums for key, sums in figures.items() if key[0] in chosen}
    if by == "year":
        ranked = sorted(figures.items())
    else:
        ranked = sorted(figures.items(), key=lambda pair: (-pair[1].cases, pair[0]))
    rows = tuple(Row(key, sums) for key, sums in ranked[:MAX_ROWS])
    return Statistic(by, rows, len(ranked) > MAX_ROWS, whole)


def _by_month(filters: Filters) -> Statistic:
    figures, whole = _figures(filters, BY["month"])
    before = figures
    if filters.seized_from:
        # The months of a year before lie outside of the period asked for: they are a question of their own.
        since, until = _year_before(filters.seized_from), _year_before(filters.seized_to or date.max)
        before, _whole = _figures(replace(filters, seized_from=since, seized_to=until), BY["month"])
    rows = [Row(key, figures[key], before.get(_same_month_before(key))) for key in sorted(figures)]
    return Statistic("month", tuple(rows[-MAX_MONTH_ROWS:]), len(rows) > MAX_MONTH_ROWS, whole)


def _same_month_before(key: tuple[str, ...]) -> tuple[str, ...]:
    month, group = key
    return (f"{int(month[:4]) - 1:04d}{month[4:]}", group)


def _figures(
    filters: Filters, key: tuple[Callable[[], Any], ...]
) -> tuple[dict[tuple[str, ...], Figures], Figures]:
    """Return the figures by key, and those of all seizures that pass. Arrays are taken apart here, in one scan."""
    parts = {f"key_{place}": make() for place, make in enumerate(key)}
    grouped = (
        filters.seizures()
        .values(**parts, of_unit=F("unit_normalised"))
        .annotate(seizures=Count("pk"), of_cases=Sum("cases"), of_quantity=Sum("quantity_normalised"))
        .order_by()
    )
    figures: dict[tuple[str, ...], Figures] = {}
    whole = Figures()
    with asking():
        row: dict[str, Any]
        for row in grouped.iterator(chunk_size=5000):  # type: ignore[assignment]
            sums = row["seizures"], row["of_cases"], row["of_unit"], row["of_quantity"]
            whole.add(*sums)
            for name in product(*(_texts(row[part]) for part in parts)):
                figures.setdefault(name, Figures()).add(*sums)
    return figures, whole


def _texts(value: Any) -> list[str]:
    if isinstance(value, date):
        return [value.strftime("%Y-%m")]
    return [part for part in parts_of(value) if part] if isinstance(value, list) else [str(value)]


def _year_before(day: date) -> date:
    return day.replace(year=max(day.year - 1, 1), day=min(day.day, 28) if day.month == 2 else day.day)
