"""The mapping file: which column of a source becomes which field of the seizure form, and how. Read and checked.

A mapping is TOML, one table a form field under `[fields.<name>]`: `column` (a list is joined with commas), `as`
(text, code, country, date, quantity), for codes and countries `values` (word of the source -> code, "" leaves the
field empty), for dates `format`, for quantities `unit_column` and `units` (word -> unit and an exact `factor`).
`[dropped]` names the columns that are not taken, and why; `[reconcile]` those that both sides are compared by. What
must not live here: rows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from exports.errors import BadMappingFile
from nomenclature.lists import code_list
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.fields import Kind

FOLDER = Path(__file__).resolve().parent.parent / "mappings"
MAX_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9_]{1,60}")
KINDS = {
    "text": {"text", "long_text", "place"},
    "code": {"code", "commodity"},
    "country": {"country"},
    "date": {"date"},
    "quantity": {"quantity"},
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the form, and what an amount of the source is multiplied by."""

    unit: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one form field is made. `values` and `units` are keyed by the words of the source."""

    name: str
    kind: str
    columns: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""
    unit_column: str = ""
    units: Mapping[str, Unit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A whole mapping file. `item_column`, `amount_column`, `unit_column`: what both sides are compared by."""

    name: str
    title: str
    delimiter: str
    encoding: str
    language: str
    decimal_mark: str
    rules: Mapping[str, FieldRule]
    dropped: Mapping[str, str]
    item_column: str
    amount_column: str
    unit_column: str

    @property
    def columns(self) -> frozenset[str]:
        """The columns that a file must have."""
        used = {column for rule in self.rules.values() for column in rule.columns}
        used |= {rule.unit_column for rule in self.rules.values() if rule.unit_column}
        return frozenset(used | {self.item_column, self.amount_column, self.unit_column})

    def column_of(self, path: str) -> str:
        """Return the column that a problem's path in the body (`quantity.unit`) comes from, "" for none."""
        name, _dot, part = path.partition(".")
        rule = self.rules.get(name)
        if rule is None:
            return ""
        return rule.unit_column if part == "unit" and rule.unit_column else rule.columns[0]


def known_mappings() -> list[str]:
    """Return the names of the mappings that come with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_mapping(name: str) -> ImportMapping:
    """Return a mapping by name, or from a file whose path ends in `.toml`. Raises BadMappingFile."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not name.endswith(".toml") and not _NAME.fullmatch(name):
        raise BadMappingFile(detail="A mapping has a name of small letters, digits and underscores.")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise BadMappingFile(detail="The mapping file is too large.")
        data = tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError):
        raise BadMappingFile(
            detail=f"There is no mapping {name}: there is {', '.join(known_mappings())}."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise BadMappingFile(detail=f"The mapping is not TOML: {error}") from None
    except (RecursionError, ValueError):  # lists in lists without end; a number of thousands of digits
        raise BadMappingFile(detail="The mapping cannot be read.") from None
    try:
        return _mapping(path.stem, data)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadMappingFile(detail=f"The mapping lacks something or holds a wrong value: {error}") from None


def _mapping(name: str, data: Mapping[str, Any]) -> ImportMapping:
    rules = {field_name: _rule(field_name, table) for field_name, table in data["fields"].items()}
    missing = {"date", "country", "conveyance", "commodity", "quantity", "description"} - rules.keys()
    if missing:
        raise BadMappingFile(detail=f"The mapping says nothing of {', '.join(sorted(missing))}.")
    reconcile = data["reconcile"]
    mapping = ImportMapping(
        name=name,
        title=str(data.get("title", name)),
        delimiter=str(data.get("delimiter", ",")),
        encoding=str(data.get("encoding", "utf-8")),
        language=str(data.get("language", "en")),
        decimal_mark=str(data.get("decimal_mark", ".")),
        rules=rules,
        dropped={str(column): str(why) for column, why in data.get("dropped", {}).items()},
        item_column=str(reconcile["item"]),
        amount_column=str(reconcile["amount"]),
        unit_column=str(reconcile["unit"]),
    )
    quantity = rules["quantity"]
    if rules["description"].columns != (mapping.item_column,) or (quantity.columns[0], quantity.unit_column) != (
        mapping.amount_column,
        mapping.unit_column,
    ):
        raise BadMappingFile(detail="What is compared must be what fills description and quantity.")
    return mapping


def _rule(name: str, table: Mapping[str, Any]) -> FieldRule:
    known = CATALOGUE.get(name)
    if known is None or Kind.SEIZURE.value not in known.kinds:
        raise BadMappingFile(detail=f"The seizure form has no field {name}.")
    if known.nominal:
        raise BadMappingFile(detail=f"{name} holds data about persons: it is never imported.")
    kind, column = str(table["as"]), table["column"]
    if known.type not in KINDS.get(kind, set()):
        raise BadMappingFile(detail=f"{name} cannot be made as {kind}.")
    rule = FieldRule(
        name=name,
        kind=kind,
        columns=tuple(column) if isinstance(column, list) else (str(column),),
        values={str(word).strip(): str(code) for word, code in table.get("values", {}).items()},
        date_format=str(table.get("format", "")),
        unit_column=str(table["unit_column"]) if kind == "quantity" else "",
        units={str(word).strip(): _unit(unit) for word, unit in table.get("units", {}).items()},
    )
    if kind in ("code", "country"):
        codes = set(code_list(known.code_list or "").codes) | {""}
        unknown = sorted(set(rule.values.values()) - codes)
        if unknown:
            raise BadMappingFile(detail=f"{name}: {', '.join(unknown[:5])} is not in its list.")
    return rule


def _unit(table: Mapping[str, Any]) -> Unit:
    try:
        factor = Decimal(str(table.get("factor", "1")))
    except InvalidOperation:
        raise BadMappingFile(detail="The factor of a unit is a number.") from None
    if not factor.is_finite() or factor <= 0:
        raise BadMappingFile(detail="The factor of a unit is more than zero.")
    if table["unit"] not in code_list("unit"):
        raise BadMappingFile(detail=f"There is no unit {table['unit']}.")
    return Unit(str(table["unit"]), factor)
