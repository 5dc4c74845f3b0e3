"""What a record must be to enter CEN: its fields together, units, dates. Pure: no database, no clock but `today`.

A record is a mapping of the fields of `cen.fields`; any other name is refused, so no nominal field can exist here.
What must not live here: what becomes of a record that is right (that is `cen.actions`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypedDict

import orjson

from cen.fields import REASONS, BadValueError, cleaners, folded
from nomenclature.places import place
from nomenclature.units import allowed_units, normalise
from problems import FieldProblem

__all__ = ["REASONS", "CleanRecord", "IntakeRecord", "clean", "commodity_group_of"]

FIRST_DAY = date(1970, 1, 1)


class IntakeRecord(TypedDict, total=False):
    """One seizure as a source sends it. Codes are those of `nomenclature`; decimals may be texts."""

    source_reference: str
    version: int
    withdrawn: bool
    operation_code: str
    seized_on: date | str
    country: str
    place_code: str
    place_text: str
    location_type: str
    direction: str
    conveyance: str
    commodity: str
    commodity_group: str
    description: str
    quantity: Decimal | str | int | None
    unit: str
    departure_country: str
    transit_countries: list[str]
    destination_country: str
    origin_country: str
    detection: list[str]
    selection: list[str]
    concealment: str
    offence: str
    cases: int
    hs: str
    value: Decimal | str | int | None
    currency: str
    warning_reference: str
    reported_at: datetime | str | None
    entered_at: datetime | str | None
    transport: dict[str, str]


@dataclass(frozen=True, slots=True)
class CleanRecord:
    """A record that may enter: its column values, and the digest by which a replay is recognised."""

    source_reference: str
    version: int
    withdrawn: bool
    values: dict[str, Any]
    digest: bytes


@cache
def _allowed_units(commodity: str) -> frozenset[str]:
    """Return the units of a commodity; none means that any unit fits."""
    return frozenset(allowed_units(commodity))


def commodity_group_of(commodity: str) -> str:
    """Return the group that an item code begins with: `DRG` of `DRG.cocaine`."""
    return commodity.partition(".")[0]


def clean(raw: object, *, today: date, ours: bool = False) -> CleanRecord | list[FieldProblem]:
    """Return the record as CEN keeps it, or every reason why it cannot.

    `today` is the day in UTC; a date of tomorrow passes, because it is tomorrow already east of Greenwich.
    A withdrawal (`withdrawn` true) needs its reference and version only; other fields it carries are dropped.
    `ours`: it comes from this product, and nobody finds it by words that name its operation.
    """
    if not isinstance(raw, Mapping):
        return [_problem("", "not_a_record")]
    known = cleaners()
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, value in raw.items():
        cleaner = known.get(name) if isinstance(name, str) else None
        if cleaner is None:
            problems.append(_problem(str(name)[:60], "unknown_field"))
        elif value is not None and value != "":
            try:
                values[name] = cleaner(value)
            except BadValueError as bad:
                problems.append(_problem(name, bad.code))
    withdrawn = values.pop("withdrawn", False)
    if not withdrawn:
        problems += _missing(values, refused={p.field for p in problems})
        problems += _contradictions(values, today=today)
    elif not values.get("source_reference"):
        problems.append(_problem("source_reference", "required"))
    return problems or _finished(values, withdrawn=withdrawn, ours=ours)


def _problem(field: str, code: str) -> FieldProblem:
    return FieldProblem(field, code, str(REASONS[code]))


def _missing(values: dict[str, Any], *, refused: set[str]) -> list[FieldProblem]:
    problems = [
        _problem(name, "required")
        for name in ("source_reference", "seized_on", "country", "commodity")
        if not values.get(name) and name not in refused
    ]
    if "quantity" not in values and "value" not in values and not refused & {"quantity", "value"}:
        problems.append(_problem("quantity", "quantity_missing"))
    if "quantity" in values and "unit" not in values and "unit" not in refused:
        problems.append(_problem("unit", "unit_missing"))
    if "value" in values and "currency" not in values and "currency" not in refused:
        problems.append(_problem("currency", "currency_missing"))
    return problems


def _contradictions(values: dict[str, Any], *, today: date) -> list[FieldProblem]:
    problems = []
    seized_on, commodity = values.get("seized_on"), values.get("commodity")
    if seized_on is not None and seized_on > today + timedelta(days=1):
        problems.append(_problem("seized_on", "date_in_future"))
    if seized_on is not None and seized_on < FIRST_DAY:
        problems.append(_problem("seized_on", "date_too_old"))
    if commodity:
        if values.get("commodity_group", commodity_group_of(commodity)) != commodity_group_of(commodity):
            problems.append(_problem("commodity_group", "group_mismatch"))
        units = _allowed_units(commodity)
        if units and values.get("quantity") is not None and values.get("unit", "") not in units | {""}:
            problems.append(_problem("unit", "unit_not_allowed"))
    return problems


def _finished(values: dict[str, Any], *, withdrawn: bool, ours: bool) -> CleanRecord:
    reference, version = values.pop("source_reference"), values.pop("version", 1)
    if withdrawn:
        return CleanRecord(reference, version, True, {}, _digest({"withdrawn": True}))
    values.pop("commodity_group", None)
    values.setdefault("cases", 1)
    if "quantity" not in values:
        values.pop("unit", None)
    if "value" not in values:
        values.pop("currency", None)
    digest = _digest(values)
    values["commodity_group"] = commodity_group_of(values["commodity"])
    if "quantity" in values:
        normalised = normalise(values["quantity"], values["unit"], values["commodity"])
        if normalised is not None:
            values["quantity_normalised"], values["unit_normalised"] = normalised.value, normalised.unit
    values["search_text"] = search_text(reference, values, ours=ours)
    return CleanRecord(reference, version, False, values, digest)


def search_text(reference: str, values: Mapping[str, Any], *, ours: bool) -> str:
    """Return the words by which a seizure is found: for one of this product, none that name its operation."""
    naming = ("operation_code", "warning_reference")
    parts = [] if ours else [reference]
    parts += [values.get(name, "") for name in ("description", "place_text", "place_code")]
    parts += [] if ours else [values.get(name, "") for name in naming]
    transport = values.get("transport") or {}
    parts += [transport[name] for name in ("container", "voyage", "document_number") if name in transport]
    if known := place(values.get("place_code", "")):
        parts += [known.name, *known.other_names]
    return folded(" ".join(parts))[:1200]


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    raise TypeError


def _digest(values: dict[str, Any]) -> bytes:
    """Return what two deliveries of the same content share: empty fields, order and zeros at the end aside."""
    stated = {name: value for name, value in values.items() if value not in ("", [], {})}
    return hashlib.sha256(orjson.dumps(stated, default=_plain, option=orjson.OPT_SORT_KEYS)).digest()
