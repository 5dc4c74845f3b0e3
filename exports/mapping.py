"""From a seizure form to the records that CEN gets: an allow-list of rules, applied by pure functions.

What is not named by a rule stays in the group. What must not live here: the database, keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from nomenclature.places import place as known_place
from problems import FieldProblem
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.fields import Field

# Columns that one form field may feed, beside the envelope's (reference, version, operation, times, warning).
LINE_COLUMNS = frozenset(
    {"commodity", "quantity", "unit", "description", "hs", "value", "currency", "origin_country"}
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission to leave: the form's field, and the column of CEN that it fills (`transport.voyage`)."""

    field: str
    column: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a record takes from the message around the form. Times are UTC."""

    reference: str
    version: int
    operation_code: str
    reported_at: datetime
    entered_at: datetime
    warning_reference: str = ""


def starting_rules() -> tuple[Rule, ...]:
    """Return a rule for every catalogue field that names a column: this project's proposal."""
    return tuple(Rule(name, field.cen_column) for name, field in mappable_fields().items() if field.cen_column)


def mappable_fields() -> dict[str, Field]:
    """Return the catalogue's fields that a rule may name: of the seizure form, not nominal, with a column."""
    return {
        name: field
        for name, field in CATALOGUE.items()
        if "seizure" in field.kinds and not field.nominal and field.cen_column
    }


def allowed_columns() -> frozenset[str]:
    """Return the columns that a rule may fill."""
    return frozenset(field.cen_column for field in mappable_fields().values() if field.cen_column)


def problems_of(rules: Iterable[Mapping[str, Any]]) -> list[FieldProblem]:
    """Return what is wrong with a proposed mapping; an empty list means that it can be used."""
    problems: list[FieldProblem] = []
    columns: set[str] = set()
    known = mappable_fields()
    for rule in rules:
        name, column = str(rule.get("field", "")), str(rule.get("column", ""))
        if name in CATALOGUE and CATALOGUE[name].nominal:
            text = _("This field holds data about persons and can never leave the group.")
            problems.append(FieldProblem(name, "nominal", text))
        elif name not in known:
            text = _("This field has no counterpart in CEN: remove its rule.")
            problems.append(FieldProblem(name, "unknown_field", text))
        elif column not in allowed_columns():
            problems.append(
                FieldProblem(name, "unknown_column", _("CEN has no such column: choose one of the list."))
            )
        elif column in columns:
            problems.append(FieldProblem(name, "twice", _("Another rule fills this column already.")))
        columns.add(column)
    missing = {"seized_on", "country", "commodity"} - columns
    problems += [
        FieldProblem(column, "missing", _("CEN needs this column: keep a rule that fills it."))
        for column in missing
    ]
    return problems


def records_of(rules: Sequence[Rule], body: Mapping[str, Any], envelope: Envelope) -> list[dict[str, Any]]:
    """Return the records of one seizure: its main goods under its reference, then `…/2` on for further goods lines.

    Each is a mapping of CEN columns to JSON-ready values (dates as ISO text, decimals as text).
    """
    common = _common(envelope)
    for rule in rules:
        if rule.field in body:
            _put(common, rule.column, CATALOGUE[rule.field], body[rule.field])
    lines = body.get("goods") or []
    if not lines:
        return [common]
    records = [common]
    line_fields = {field.name: field for field in CATALOGUE["goods"].fields}
    permitted = {rule.column for rule in rules}
    for number, line in enumerate(lines, start=2):
        record = {key: value for key, value in common.items() if key not in LINE_COLUMNS} | {
            "source_reference": f"{envelope.reference}/{number}",
            "transport": dict(common.get("transport", {})),
        }
        if "cases" in common:
            record["cases"] = 0  # one case, however many goods: its first record counts it
        for name, value in line.items():
            field = line_fields.get(name)
            if field and field.cen_column and field.cen_column in permitted:
                _put(record, field.cen_column, field, value)
        records.append(record)
    return records


def _common(envelope: Envelope) -> dict[str, Any]:
    return {
        "source_reference": envelope.reference,
        "version": envelope.version,
        "operation_code": envelope.operation_code,
        "reported_at": envelope.reported_at.isoformat(),
        "entered_at": envelope.entered_at.isoformat(),
        "warning_reference": envelope.warning_reference,
    }


def _put(record: dict[str, Any], column: str, field: Field, value: Any) -> None:
    """Put one value where its column is; quantities and money fill two columns, a place one of two."""
    if value in (None, "", []):
        return
    if column.startswith("transport."):
        record.setdefault("transport", {})[column.removeprefix("transport.")] = value
    elif field.type == "quantity":
        record["quantity"], record["unit"] = value["value"], value["unit"]
    elif field.type == "money":
        record["value"], record["currency"] = value["value"], value["currency"]
    elif field.type == "place":
        record["place_code" if _is_place_code(value) else "place_text"] = value
    elif field.type == "datetime":
        record[column] = str(value)[:10]
    else:
        record[column] = value


def _is_place_code(value: str) -> bool:
    """Say whether this is the code of a place that we know: many a town's name (LAGOS, LUQUE) has a code's form."""
    return known_place(str(value)) is not None
