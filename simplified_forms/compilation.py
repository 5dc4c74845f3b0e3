"""Turns a specification into a compiled form: per field its check, per level its rules. Pure and cached.

Compiling costs about a millisecond and happens once per specification and process; validation then only walks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import orjson

from simplified_forms import choices, coded_values, rules, values
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.fields import ROW_TYPES, Field, Kind
from simplified_forms.run import Run
from simplified_forms.values import REFUSED, Check

type Rule = Callable[[Mapping[str, Any], str, Run], None]


@dataclass(frozen=True, slots=True)
class Item:
    """One field of a level, ready to check."""

    name: str
    check: Check
    required: bool
    implied: object
    show_when: tuple[str, frozenset[str]] | None


@dataclass(frozen=True, slots=True)
class Level:
    """The fields of a body, or of one row of it, with the rules between them. `closed`: nominal names refused."""

    items: tuple[Item, ...]
    names: frozenset[str]
    closed: frozenset[str]
    rules: tuple[Rule, ...]


def compiled(spec: Mapping[str, Any], *, kind: str, nominal_allowed: bool) -> Level:
    """Return the compiled form of a specification. Raises KeyError for a field that the catalogue does not have."""
    return _compiled(orjson.dumps(spec), kind, nominal_allowed)


@lru_cache(maxsize=1024)
def _compiled(spec_json: bytes, kind: str, nominal_allowed: bool) -> Level:
    entries: list[dict[str, Any]] = orjson.loads(spec_json)["fields"]
    fields = [(CATALOGUE[entry["name"]], entry) for entry in entries]
    open_fields = [(field, entry) for field, entry in fields if nominal_allowed or not field.nominal]
    names = frozenset(field.name for field, _ in open_fields)
    items = tuple(
        _item(field, required=bool(entry.get("required")), offered=entry.get("codes"), names=names)
        for field, entry in open_fields
    )
    closed = frozenset(field.name for field, _ in fields) - names
    level_rules = [*_rules([field for field, _ in open_fields])]
    if kind == Kind.SEIZURE.value:
        level_rules += SEIZURE_RULES
    return Level(items, names, closed, tuple(level_rules))


def _item(field: Field, *, required: bool, offered: list[str] | None, names: frozenset[str]) -> Item:
    shown = field.show_when if field.show_when and field.show_when[0] in names else None
    return Item(
        field.name,
        check_of(field, offered),
        required,
        field.implied,
        (shown[0], frozenset(shown[1])) if shown else None,
    )


def _rules(fields: list[Field]) -> list[Rule]:
    names = {field.name for field in fields}
    found: list[Rule] = []
    for field in fields:
        if field.type == "quantity" and field.units_field in names:
            found.append(partial(_judge_quantity, quantity=field.name, commodity=field.units_field))
        if field.fits_field in names and field.code_list:
            found.append(
                partial(_judge_fit, field=field.name, list_name=field.code_list, fits_field=field.fits_field)
            )
    return found


def _judge_quantity(level: Mapping[str, Any], prefix: str, run: Run, *, quantity: str, commodity: str) -> None:
    rules.judge_quantity(level, quantity=quantity, commodity=commodity, prefix=prefix, run=run)


def _judge_fit(
    level: Mapping[str, Any], prefix: str, run: Run, *, field: str, list_name: str, fits_field: str
) -> None:
    rules.judge_fit(level, field=field, list_name=list_name, fits_field=fits_field, prefix=prefix, run=run)


SEIZURE_RULES: Final[tuple[Rule, ...]] = (
    lambda level, _prefix, run: rules.judge_moment(level, run),
    lambda level, _prefix, run: rules.judge_country(level, run),
    lambda level, _prefix, run: rules.judge_direction(level, run),
)


def offered_codes(field: Field, offered: list[str] | None) -> frozenset[str]:
    """Return the codes that a form offers: all, or the subset; a commodity group stands for its items."""
    known = known_codes(field)
    if not offered:
        return known
    chosen = {code for code in offered if code in known}
    if field.type == "commodity":
        groups = {code for code in offered if "." not in code}
        chosen |= {code for code in known if code.split(".", 1)[0] in groups}
    return frozenset(chosen)


def known_codes(field: Field) -> frozenset[str]:
    """Return all codes that a field can take before a form narrows them; of a quantity its units."""
    if field.units:
        return frozenset(field.units)
    list_name = field.unit_list or field.code_list
    return choices.codes(list_name) if list_name else frozenset()


def check_of(field: Field, offered: list[str] | None = None) -> Check:
    """Return the check of a field, narrowed to the codes that a form offers."""
    if field.type in ROW_TYPES:
        return rows_check(field)
    if field.type in _PLAIN:
        return _PLAIN[field.type](field)
    return _CODED[field.type](field, known_codes(field), offered_codes(field, offered))


_PLAIN: Final[Mapping[str, Callable[[Field], Check]]] = {
    "text": values.text_check,
    "long_text": values.text_check,
    "date": values.date_check,
    "time": values.time_check,
    "datetime": values.datetime_check,
    "integer": values.integer_check,
    "decimal": values.decimal_check,
    "boolean": values.boolean_check,
    "place": values.text_check,
    "hs": values.hs_check,
    "message": coded_values.message_check,
    "messages": lambda field: coded_values.many_check(coded_values.message_check(field), field.max_items),
}


def _several(field: Field, known: frozenset[str], offered: frozenset[str]) -> Check:
    return coded_values.many_check(coded_values.code_check(known, offered), field.max_items)


def _amount(part: str, known: frozenset[str], offered: frozenset[str]) -> Check:
    return coded_values.amount_check(part, coded_values.code_check(known, offered))


_CODED: Final[Mapping[str, Callable[[Field, frozenset[str], frozenset[str]], Check]]] = {
    "code": lambda _field, known, offered: coded_values.code_check(known, offered),
    "country": lambda _field, known, offered: coded_values.code_check(known, offered),
    "commodity": lambda _field, known, offered: coded_values.commodity_check(known, offered),
    "codes": _several,
    "countries": _several,
    "quantity": lambda _field, known, offered: _amount("unit", known, offered),
    "money": lambda _field, known, offered: _amount("currency", known, offered),
}


def rows_check(field: Field) -> Check:
    """Return the check of a list of rows; empty rows fall away, problems keep the row's number as it was sent."""
    names = frozenset(part.name for part in field.fields)
    items = tuple(_item(part, required=bool(part.essential), offered=None, names=names) for part in field.fields)
    level = Level(items, names, frozenset(), tuple(_rules(list(field.fields))))
    limit = field.max_items

    def check(value: object, path: str, run: Run) -> object:
        if not isinstance(value, list):
            run.refuse(path, "wrong_type")
            return REFUSED
        if len(value) > limit:
            run.refuse(path, "too_many", limit=limit)
            return REFUSED
        before = len(run.errors)
        cleaned = [clean_level(level, row, f"{path}.{at}.", run) for at, row in enumerate(value)]
        return REFUSED if len(run.errors) > before else [row for row in cleaned if row]

    return check


def clean_level(level: Level, given: object, prefix: str, run: Run) -> dict[str, Any]:
    """Return the cleaned values of one level in the form's order; what is wrong goes into the run."""
    if not isinstance(given, dict):
        run.refuse(prefix.rstrip("."), "not_an_object")
        return {}
    if not prefix or not all(is_blank(value) for value in given.values()):
        return _cleaned(level, given, prefix, run)
    _refuse_unknown(level, given, prefix, run)
    return {}


def is_blank(value: object) -> bool:
    """Tell whether a value says nothing: absent, or an empty text, list or object. Zero and no do say something."""
    return not value and (value is None or isinstance(value, str | list | dict))


def _cleaned(level: Level, given: dict[str, Any], prefix: str, run: Run) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    refused: set[str] = set()
    if not given.keys() <= level.names:
        _refuse_unknown(level, given, prefix, run)
    for item in level.items:
        name = item.name
        value = given.get(name)
        if is_blank(value):
            if item.implied is not None:
                cleaned[name] = item.implied
            continue
        result = item.check(value, prefix + name, run)
        if result is REFUSED:
            refused.add(name)
        elif not is_blank(result):
            cleaned[name] = result
        elif item.implied is not None:
            cleaned[name] = item.implied
    for item in level.items:
        if not item.required or item.name in cleaned or item.name in refused:
            continue
        if item.show_when is None or _shown(cleaned, item.show_when):
            run.refuse(prefix + item.name, "required")
    for rule in level.rules:
        rule(cleaned, prefix, run)
    return cleaned


def _shown(cleaned: Mapping[str, Any], condition: tuple[str, frozenset[str]]) -> bool:
    value = cleaned.get(condition[0])
    return not condition[1].isdisjoint(value) if isinstance(value, list) else value in condition[1]


def _refuse_unknown(level: Level, given: dict[str, Any], prefix: str, run: Run) -> None:
    for name in given:
        if name in level.closed:
            run.refuse(prefix + name, "nominal_not_allowed")
        elif name not in level.names:
            run.refuse(prefix + name[:60], "unknown_field")
