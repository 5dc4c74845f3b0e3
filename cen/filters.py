"""What can be asked of CEN: the filters of pages, API, charts and downloads, read from a query string.

Whitelisted and bounded: a name or a code that is not here never reaches SQL. What must not live here: the
questions themselves (`cen.queries`, `cen.statistics`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cen.fields import folded, reference
from cen.models import OURS, SEARCH_VECTOR, Seizure
from nomenclature.lists import code_list
from problems import FieldProblem

NOT_STATED = "-"
MAX_VALUES = 50
MAX_TEXT = 100
MAX_WORD = 80  # of an operation, a source
MAX_WORDS = 8
CEN_REFERENCE = re.compile(r"CEN-[0-9]{4}-[0-9]{1,12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CodeFilter:
    """A filter by codes: its column, the list that names the codes (or none), whether the column is an array."""

    name: str
    column: str
    label: object
    list_name: str | None
    array: bool = False


CODE_FILTERS: dict[str, CodeFilter] = {
    one.name: one
    for one in (
        CodeFilter("commodity_group", "commodity_group", gettext_lazy("Commodity group"), "commodity_group"),
        CodeFilter("commodity", "commodity", gettext_lazy("Commodity"), "commodity"),
        CodeFilter("country", "country", gettext_lazy("Country of seizure"), "country"),
        CodeFilter("departure", "departure_country", gettext_lazy("Departure"), "country"),
        CodeFilter("transit", "transit_countries", gettext_lazy("Transit"), "country", array=True),
        CodeFilter("destination", "destination_country", gettext_lazy("Destination"), "country"),
        CodeFilter("conveyance", "conveyance", gettext_lazy("Conveyance"), "conveyance"),
        CodeFilter("detection", "detection", gettext_lazy("How found"), "detection", array=True),
        CodeFilter("concealment", "concealment", gettext_lazy("Concealment"), "concealment"),
        CodeFilter("direction", "direction", gettext_lazy("Direction"), "direction"),
        CodeFilter("location_type", "location_type", gettext_lazy("Type of place"), "location_type"),
        CodeFilter("operation", "operation_code", gettext_lazy("Operation"), None),
        CodeFilter("source", "source__name", gettext_lazy("Source"), None),
    )
}
PLAIN_LABELS = {
    "from": gettext_lazy("Seized from"),
    "to": gettext_lazy("Seized until"),
    "text": gettext_lazy("Text"),
    "quantity_min": gettext_lazy("Quantity from"),
    "quantity_max": gettext_lazy("Quantity to"),
    "unit": gettext_lazy("Unit"),
}
PLAIN_FILTERS = tuple(PLAIN_LABELS)


@dataclass(frozen=True, slots=True)
class Filters:
    """One question's filters, already checked. Equal filters are equal and hash alike."""

    seized_from: date | None = None
    seized_to: date | None = None
    text: str = ""
    quantity_min: Decimal | None = None
    quantity_max: Decimal | None = None
    unit: str = ""
    codes: frozenset[tuple[str, tuple[str, ...]]] = field(default_factory=frozenset)
    known: frozenset[str] | None = None  # the operations of this product that the reader may know of; None: all

    def for_counts(self) -> Filters:
        """Return these filters as counts depend on them: whoever asks alike shares what was counted."""
        chosen = self.chosen("operation")
        if self.known is None or NOT_STATED in chosen:
            return self
        return replace(self, known=self.known.intersection(chosen) if chosen else None)

    def chosen(self, name: str) -> tuple[str, ...]:
        """Return the codes chosen for one code filter."""
        return next((values for key, values in self.codes if key == name), ())

    def names(self) -> list[str]:
        """Return the names of the filters in use, never their values: what the audit trail keeps."""
        return sorted({name for name, _value in self.pairs()})

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the filters as pairs of a query string, in a fixed order."""
        plain: tuple[tuple[str, object], ...] = (
            ("from", self.seized_from),
            ("to", self.seized_to),
            ("text", self.text),
            ("quantity_min", self.quantity_min),
            ("quantity_max", self.quantity_max),
            ("unit", self.unit),
        )
        for name, value in plain:
            if value is not None and value != "":
                yield name, str(value)
        for name in CODE_FILTERS:
            for code in self.chosen(name):
                yield name, code

    def query_string(self, *, without: tuple[str, str] | None = None, plus: tuple[str, str] | None = None) -> str:
        """Return the query string of these filters, one taken away or one added."""
        pairs = [pair for pair in self.pairs() if pair != without]
        return urlencode([*pairs, plus] if plus else pairs)

    def without(self, name: str) -> Filters:
        """Return these filters without one code filter: what the counts of its own facet are under."""
        return replace(self, codes=frozenset(pair for pair in self.codes if pair[0] != name))

    def narrowed(self, codes: Mapping[str, str]) -> Filters:
        """Return these filters with one code each for some code filters, whatever they chose before."""
        kept = {(name, values) for name, values in self.codes if name not in codes}
        return replace(self, codes=frozenset(kept | {(name, (code,)) for name, code in codes.items()}))

    def within(self, first: date, last: date) -> Filters:
        """Return these filters within a period, never wider than they were."""
        return replace(
            self,
            seized_from=max(first, self.seized_from or first),
            seized_to=min(last, self.seized_to or last),
        )

    def condition(self) -> Q:
        """Return the condition on a seizure, but for the text."""
        condition = Q(withdrawn_at__isnull=True)
        if self.seized_from:
            condition &= Q(seized_on__gte=self.seized_from)
        if self.seized_to:
            condition &= Q(seized_on__lte=self.seized_to)
        if self.quantity_min is not None:
            condition &= Q(quantity_normalised__gte=self.quantity_min)
        if self.quantity_max is not None:
            condition &= Q(quantity_normalised__lte=self.quantity_max)
        if self.unit:
            condition &= Q(unit_normalised=self.unit)
        for name, codes in sorted(self.codes):
            one = _one_of(CODE_FILTERS[name], codes)
            condition &= self._as_told(one, codes) if name == "operation" and self.known is not None else one
        return condition

    def _as_told(self, named: Q, codes: tuple[str, ...]) -> Q:
        """Return the condition on operations as their reader is told of them: of others none is stated."""
        told = ~Q(source__name=OURS) | Q(operation_code__in=sorted(self.known or ()))
        return (named & told) | ~told if NOT_STATED in codes else named & told

    def seizures(self) -> QuerySet[Seizure]:
        """Return the seizures that pass: never a withdrawn one."""
        found = Seizure.objects.order_by().filter(self.condition())
        if not self.text:
            return found
        if CEN_REFERENCE.fullmatch(self.text):
            return found.filter(cen_reference=self.text.upper())  # no word of a row's own text
        # A tsquery of our own making: letters and digits only, each word the beginning of one in the row.
        words = folded(self.text).split()[:MAX_WORDS]
        query = SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw")
        return found.annotate(vector=SEARCH_VECTOR).filter(vector=query) if words else found.none()


def filter_schemas() -> dict[str, dict[str, Any]]:
    """Return what the OpenAPI document says of each filter (JSON Schema)."""
    amount = {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,6})?$"}
    plain: dict[str, dict[str, Any]] = {
        "from": {"type": "string", "format": "date"},
        "to": {"type": "string", "format": "date"},
        "text": {"type": "string", "maxLength": MAX_TEXT},
        "quantity_min": amount,
        "quantity_max": amount,
        "unit": {"type": "string", "pattern": "^[A-Za-z0-9]{1,8}$", "description": "Needed beside a quantity."},
    }
    words = {"type": "string", "maxLength": MAX_WORD}
    codes = {
        one.name: {
            "type": "array",
            "maxItems": MAX_VALUES,
            "items": words
            if one.list_name is None
            else {"anyOf": [reference(one.list_name), {"const": NOT_STATED}]},
        }
        for one in CODE_FILTERS.values()
    }
    return {**plain, **codes}


def _one_of(code_filter: CodeFilter, codes: tuple[str, ...]) -> Q:
    stated = [code for code in codes if code != NOT_STATED]
    empty: object = [] if code_filter.array else ""
    condition = Q()
    if stated:
        condition |= Q(**{f"{code_filter.column}__{'overlap' if code_filter.array else 'in'}": stated})
    if NOT_STATED in codes:
        condition |= Q(**{code_filter.column: empty})
    return condition


def read_filters(
    query: QueryDict | Mapping[str, str], *, known: frozenset[str] | None
) -> tuple[Filters, list[FieldProblem]]:
    """Read the filters of a query string: what is right, and what is wrong with the rest.

    A code filter may come several times, or once with commas; `-` stands for "not stated". `known`: the operations
    that whoever asks may know of (`cen.access.known_operations`).
    """
    problems: list[FieldProblem] = []
    codes = set()
    for name, code_filter in CODE_FILTERS.items():
        values = _values(query, name)
        if len(values) > MAX_VALUES:
            problems.append(FieldProblem(name, "too_many", _("Too many values for one filter.")))
            continue
        valid = _known_codes(code_filter, values)
        if len(valid) < len(values):
            problems.append(FieldProblem(name, "unknown_code", _("This code is not in its list.")))
        if valid:
            codes.add((name, tuple(valid)))
    filters = Filters(
        seized_from=_date(query, "from", problems),
        seized_to=_date(query, "to", problems),
        text=_text(query, problems),
        quantity_min=_number(query, "quantity_min", problems),
        quantity_max=_number(query, "quantity_max", problems),
        unit=_unit(query, problems),
        codes=frozenset(codes),
        known=known,
    )
    if (filters.quantity_min is not None or filters.quantity_max is not None) and not filters.unit:
        problems.append(FieldProblem("unit", "required", _("Choose the unit of the quantity.")))
        filters = replace(filters, quantity_min=None, quantity_max=None)
    return filters, problems


def _values(query: QueryDict | Mapping[str, str], name: str) -> list[str]:
    raw = query.getlist(name) if isinstance(query, QueryDict) else [query.get(name, "")]
    parts = [part.strip() for value in raw[: MAX_VALUES + 1] for part in value.split(",")]
    return sorted({part for part in parts if part})


def _known_codes(code_filter: CodeFilter, values: list[str]) -> list[str]:
    if code_filter.list_name is None:
        return [value for value in values if len(value) <= MAX_WORD and value.isprintable()]
    known = code_list(code_filter.list_name)
    return [value for value in values if value == NOT_STATED or value in known]


def _plain(query: QueryDict | Mapping[str, str], name: str) -> str:
    return (query.get(name) or "").strip()


def _date(query: QueryDict | Mapping[str, str], name: str, problems: list[FieldProblem]) -> date | None:
    text = _plain(query, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(FieldProblem(name, "not_a_date", _("This must be a date, written year-month-day.")))
        return None


def _number(query: QueryDict | Mapping[str, str], name: str, problems: list[FieldProblem]) -> Decimal | None:
    text = _plain(query, name)
    if not text:
        return None
    try:
        number = Decimal(text[:40])
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not -18 <= number.adjusted() < 18:
        problems.append(FieldProblem(name, "not_a_number", _("This must be a number.")))
        return None
    return number


def _unit(query: QueryDict | Mapping[str, str], problems: list[FieldProblem]) -> str:
    unit = _plain(query, "unit")
    if unit and not (len(unit) <= 8 and unit.isascii() and unit.isalnum()):
        problems.append(FieldProblem("unit", "unknown_code", _("This code is not in its list.")))
        return ""
    return unit


def _text(query: QueryDict | Mapping[str, str], problems: list[FieldProblem]) -> str:
    text = _plain(query, "text")
    if len(text) > MAX_TEXT:
        problems.append(FieldProblem("text", "too_long", _("This text is too long.")))
        return ""
    return text
