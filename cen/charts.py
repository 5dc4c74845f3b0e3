"""What the chart pages draw: each statistic with labels, and for each row the address of its seizures."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cen.filters import CODE_FILTERS, NOT_STATED, Filters
from cen.presentation import KEY_NAMES, label, statistic_json
from cen.statistics import Statistic, statistic

# The charts of the page, in order: what each is by, its title, and the shape that the script draws.
CHARTS: tuple[tuple[str, object, str], ...] = (
    ("month", gettext_lazy("By month"), "stacked"),
    ("commodity", gettext_lazy("By commodity"), "bars"),
    ("country", gettext_lazy("By country of seizure"), "bars"),
    ("route", gettext_lazy("Routes: departure to destination"), "flow"),
    ("conveyance", gettext_lazy("By conveyance"), "bars"),
    ("detection", gettext_lazy("How found"), "bars"),
    ("concealment", gettext_lazy("By concealment"), "bars"),
    ("year", gettext_lazy("Year on year"), "years"),
)
CHART_ROWS = {"route": 40, "month": 5_000}
DEFAULT_CHART_ROWS = 15


def chart(by: str, filters: Filters) -> dict[str, Any]:
    """Return what one chart draws. `year` draws months of all groups, one line per year."""
    asked = statistic("month" if by == "year" else by, filters)
    answer = statistic_json(asked)
    limit = CHART_ROWS.get(asked.by, DEFAULT_CHART_ROWS)
    rows = answer["rows"] if asked.by == "month" else _drawn(asked, answer["rows"])[:limit]
    search = reverse("cen:search")
    for row in rows:
        row["href"] = f"{search}?{_narrowed(asked.by, row, filters).query_string()}"
        if by == "year":
            row["month_href"] = f"{search}?{_within_month(row['month'], filters).query_string()}"
    units = sorted(asked.total.quantities or {})
    return {
        **answer,
        "by": by,
        "rows": rows[-limit:] if asked.by == "month" else rows,
        "truncated": answer["truncated"] or len(rows) < len(answer["rows"]),
        "units": [{"code": unit, "label": label("unit", unit)} for unit in units],
        "not_stated": _("not stated"),
    }


def _drawn(asked: Statistic, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A flow needs both of its ends; the rest of a route stays in the statistic's total."""
    if asked.by != "route":
        return rows
    return [row for row in rows if row["departure"] and row["destination"]]


def _narrowed(by: str, row: dict[str, Any], filters: Filters) -> Filters:
    names = KEY_NAMES.get(by, (by,))
    codes = {name: row[name] or NOT_STATED for name in names if name in CODE_FILTERS}
    narrowed = filters.narrowed(codes)
    return _within_month(row["month"], narrowed) if by == "month" else narrowed


def _within_month(text: str, filters: Filters) -> Filters:
    year, month = (int(part) for part in text.split("-"))
    return filters.within(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
