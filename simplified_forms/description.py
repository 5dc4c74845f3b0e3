"""Turns a specification into a form ready to draw, in one language. Pure; the shape is
`simplified_forms.shapes`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from django.utils.translation import override

from nomenclature.lists import code_list
from simplified_forms import choices, rules
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.compilation import known_codes, offered_codes
from simplified_forms.fields import ROW_TYPES, SECTIONS, Field
from simplified_forms.shapes import FieldDescription, Option, SectionDescription

SEARCHED: Final[Mapping[str, str]] = {
    "place": "place",
    "hs": "hs",
    "country": "country",
    "countries": "country",
    "commodity": "commodity",
}


def described_fields(spec: Mapping[str, Any], *, language: str, nominal_allowed: bool) -> list[FieldDescription]:
    """Return the fields of a specification in its order, nominal ones only where the group takes them."""
    # The caller only reads what it gets: it is shared between requests.
    return _described_fields(orjson.dumps(spec), language, nominal_allowed)


@lru_cache(maxsize=256)
def _described_fields(spec_json: bytes, language: str, nominal_allowed: bool) -> list[FieldDescription]:
    entries = [(CATALOGUE[entry["name"]], entry) for entry in orjson.loads(spec_json)["fields"]]
    open_entries = [(field, entry) for field, entry in entries if nominal_allowed or not field.nominal]
    names = {field.name for field, _ in open_entries}
    with override(language):
        return [_described(field, entry, names, language) for field, entry in open_entries]


def sections_of(fields: list[FieldDescription], *, language: str) -> list[SectionDescription]:
    """Return the headings, in the order of their first field."""
    found: dict[str, list[str]] = {}
    for field in fields:
        found.setdefault(field["section"], []).append(field["name"])
    with override(language):
        return [{"name": name, "label": str(SECTIONS[name]), "fields": members} for name, members in found.items()]


def _described(field: Field, entry: Mapping[str, Any], names: set[str], language: str) -> FieldDescription:
    own_help = (entry.get("help") or {}).get(language) or (entry.get("help") or {}).get("en") or ""
    described: FieldDescription = {
        "name": field.name,
        "type": field.type,
        "label": str(field.label),
        "help": own_help or str(field.help),
        "section": field.section,
        "required": bool(entry.get("required")),
        "default": entry.get("default"),
        "wide": field.wide,
        "nominal": field.nominal,
    }
    if field.type in ("text", "long_text", "place"):
        described["max_length"] = field.max_length
    if field.minimum is not None:
        described["min"] = str(field.minimum)
    if field.maximum is not None:
        described["max"] = str(field.maximum)
    if field.multiple:
        described["max_items"] = field.max_items
    _add_codes(described, field, entry.get("codes"), names, language)
    if field.show_when and field.show_when[0] in names:
        described["show_when"] = {"field": field.show_when[0], "codes": list(field.show_when[1])}
    if field.type in ROW_TYPES:
        parts = {part.name for part in field.fields}
        described["fields"] = [
            _described(part, {"required": bool(part.essential)}, parts | names, language) for part in field.fields
        ]
    return described


def _add_codes(
    described: FieldDescription, field: Field, subset: list[str] | None, names: set[str], language: str
) -> None:
    if field.type in SEARCHED:
        described["search"] = SEARCHED[field.type]
    if field.type in ("code", "codes", "commodity", "money") or (subset and field.type in ("country", "countries")):
        described["options"] = options_of(field, subset, language)
    if field.type == "quantity":
        described["units"] = options_of(field, subset, language)
        if field.units_field in names:
            described["units_field"] = str(field.units_field)
    if field.fits_field in names and any(option.get("fits") for option in described.get("options", [])):
        described["fits_field"] = str(field.fits_field)


def options_of(field: Field, subset: list[str] | None, language: str) -> list[Option]:
    """Return the choices that a form offers, in the order of their list."""
    list_name = field.unit_list or field.code_list
    if list_name is None:
        return []
    offered = offered_codes(field, subset)
    known = known_codes(field)
    labelled = [(c, label) for c, label in choices.labels(list_name, language).items() if c in known]
    found = [_option(field, list_name, c, label, language) for c, label in labelled if c in offered]
    if field.type == "commodity":
        order = {group: at for at, group in enumerate(choices.labels("commodity_group", language))}
        found.sort(key=lambda option: order.get(option.get("group", ""), len(order)))
    return found


def _option(field: Field, list_name: str, code: str, label: str, language: str) -> Option:
    option: Option = {"code": code, "label": label}
    if field.type == "commodity":
        group = code_list("commodity").attributes(code)["group"]
        option["group"] = str(group)
        option["group_label"] = choices.labels("commodity_group", language).get(str(group), str(group))
        option["units"] = list(rules.allowed_units(code))
    elif field.fits_field:
        fits = choices.fitting(list_name, code)
        if fits:
            option["fits"] = list(fits)
    return option
