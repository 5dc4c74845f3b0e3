"""Aggregates of CEN: seizures, cases and normalised quantities by month, commodity, country, route and more.

Whitelisted and bounded. What must not live here: how an aggregate looks (`cen.charts`), labels of codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from cen.filters import CODE_FILTERS, Filters
from cen.queries import Generation, as_told, generation, known_by, sums_by, sums_by_one
from cen.tally import ARRAYS, Sums

MAX_ROWS = 200
MAX_MONTH_ROWS = 20_000


# What an aggregate can be by -> how many parts its key has.
BY = {
    "month": 2,
    "year": 1,
    "commodity_group": 1,
    "commodity": 1,
    "country": 1,
    "departure": 1,
    "transit": 1,
    "destination": 1,
    "route": 2,
    "conveyance": 1,
    "detection": 1,
    "concealment": 1,
    "location_type": 1,
    "direction": 1,
    "operation": 1,
}


@dataclass(slots=True)
class Figures:
    """Sums of some seizures. `quantities`: normalised unit -> sum, exact."""

    seizures: int = 0
    cases: int = 0
    quantities: dict[str, Decimal] | None = None

    def add(self, sums: Sums) -> None:
        """Add the sums of one unit. Where the unit is empty nothing was normalised."""
        self.seizures += sums.seizures
        self.cases += sums.cases
        if sums.unit:
            self.quantities = self.quantities or {}
            self.quantities[sums.unit] = self.quantities.get(sums.unit, Decimal(0)) + sums.quantity


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
    return _statistic(by, filters.for_counts(), generation(), known_by(by, filters))


@lru_cache(maxsize=512)
def _statistic(by: str, filters: Filters, now: Generation, known: frozenset[str] | None) -> Statistic:
    whole = _figures("all", sums_by(filters, "all", now)).get(("", ""), Figures())
    if by == "month":
        return _by_month(filters, now, whole)
    figures = _figures(by, as_told(sums_by(filters, "month" if by == "year" else by, now), known))
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


def _by_month(filters: Filters, now: Generation, whole: Figures) -> Statistic:
    figures = before = _figures("month", sums_by(filters, "month", now))
    if filters.seized_from:
        # The months of a year before lie outside of the period asked for: they are a question of their own.
        since, until = _year_before(filters.seized_from), _year_before(filters.seized_to or date.max)
        before = _figures("month", sums_by_one(replace(filters, seized_from=since, seized_to=until), "month"))
    rows = [Row(key, figures[key], before.get(_same_month_before(key))) for key in sorted(figures)]
    return Statistic("month", tuple(rows[-MAX_MONTH_ROWS:]), len(rows) > MAX_MONTH_ROWS, whole)


def _same_month_before(key: tuple[str, ...]) -> tuple[str, ...]:
    month, group = key
    return (f"{int(month[:4]) - 1:04d}{month[4:]}", group)


def _figures(by: str, found: Sequence[Sums]) -> dict[tuple[str, ...], Figures]:
    """Return the figures by key. What states no way of detection, or no transit, has no row there."""
    figures: dict[tuple[str, ...], Figures] = {}
    for sums in found:
        key: tuple[str, ...] = (sums.key[0][:4],) if by == "year" else sums.key[: BY.get(by, 2)]
        if by not in ARRAYS or key[0]:
            figures.setdefault(key, Figures()).add(sums)
    return figures


def _year_before(day: date) -> date:
    return day.replace(year=max(day.year - 1, 1), day=min(day.day, 28) if day.month == 2 else day.day)
