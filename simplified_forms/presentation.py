"""A body in words: its rows for the record view, and one line that says what it is. Pure, no ORM.

Rows follow the form on which the body was written, then whatever else the body holds, so that nothing that was
reported is ever hidden.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NotRequired, TypedDict

from django.utils.translation import gettext, ngettext, override

from nomenclature import names
from nomenclature.lists import code_list
from simplified_forms import choices
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.fields import ROW_TYPES, SECTIONS, Field, Kind

NARROW_SPACE: Final = "\u202f"
MAX_SUMMARY: Final = 160


class Row(TypedDict):
    """One field of a record, in words.

    `value_text`: the value for people; of rows (goods, route) one line per row. `values_text`: each of a list.
    `lines`: of rows, each row as its own record. `messages`: of references, the identifiers to link to.
    """

    name: str
    type: str
    label: str
    section: str
    section_label: str
    value_text: str
    wide: bool
    nominal: bool
    values_text: NotRequired[list[str]]
    lines: NotRequired[list[list["Row"]]]
    messages: NotRequired[list[str]]


def rows(spec: Mapping[str, Any], body: Mapping[str, Any], language: str) -> list[Row]:
    """Return the fields that a cleaned body holds, as label and text, in the order of the form."""
    order = [entry["name"] for entry in spec.get("fields", ()) if entry["name"] in body]
    order += [name for name in body if name not in order]
    found = []
    for name in order:
        field = CATALOGUE.get(name)
        if field is not None and body[name] not in (None, "", []):
            found.append(_row(field, body[name], language))
    return found


def _row(field: Field, value: Any, language: str) -> Row:
    label, section = _labels(field.name, field.label, field.section, language)
    row: Row = {
        "name": field.name,
        "type": field.type,
        "label": label,
        "section": field.section,
        "section_label": section,
        "value_text": "",
        "wide": field.wide,
        "nominal": field.nominal,
    }
    if field.type in ROW_TYPES:
        parts = {part.name: part for part in field.fields}
        row["lines"] = [
            [_row(part, line[name], language) for name, part in parts.items() if name in line] for line in value
        ]
        row["value_text"] = "\n".join(
            ", ".join(cell["value_text"] for cell in line if cell["value_text"]) for line in row["lines"]
        )
    elif isinstance(value, list):
        row["values_text"] = [value_text(field, one, language) for one in value]
        row["value_text"] = ", ".join(row["values_text"])
        if field.type == "messages":
            row["messages"] = list(value)
    else:
        row["value_text"] = value_text(field, value, language)
        if field.type == "message":
            row["messages"] = [str(value)]
    return row


@lru_cache(maxsize=4096)
def _labels(name: str, label: object, section: str, language: str) -> tuple[str, str]:
    # The name tells apart two fields whose untranslated labels are the same object.
    with override(language):
        return str(label), str(SECTIONS[section])


def value_text(field: Field, value: Any, language: str) -> str:
    """Return one value in words: labels for codes, grouped digits, units."""
    render = _RENDERERS.get(field.type)
    return render(field, value, language) if render else str(value)


def _coded(field: Field, value: Any, language: str) -> str:
    return choices.labels(field.code_list or "", language).get(str(value), str(value))


def _country(_field: Field, value: Any, language: str) -> str:
    return names.country_name(str(value), language)


def _place(_field: Field, value: Any, language: str) -> str:
    return place_text(str(value), language)


def place_text(value: str, language: str) -> str:
    """Return a place with its name where the code is known: "Apapa, Nigeria (NGAPP)"; any other text as it is."""
    name = names.place_name(value, language)
    return f"{name} ({value})" if name != value else value


def _quantity(_field: Field, value: Any, language: str) -> str:
    return quantity_text(value, language)


def quantity_text(value: Mapping[str, str], language: str) -> str:
    """Return a quantity with grouped digits and the unit's label: "1 240 000 pieces"."""
    return f"{number_text(value['value'], language)} {unit_text(value['unit'], value['value'], language)}"


def unit_text(unit: str, value: str, language: str) -> str:
    """Return the unit as it is written behind a number: "kg", "pieces"."""
    if unit == "H87":
        with override(language):
            return ngettext("piece", "pieces", 1 if value == "1" else 2)
    units = code_list("unit")
    if unit in units and units.attributes(unit)["dimension"] != "count":
        return str(units.attributes(unit)["symbol"])
    return units.label(unit, language)


def _money(_field: Field, value: Any, language: str) -> str:
    return f"{number_text(value['value'], language)} {value['currency']}"


def number_text(value: object, language: str) -> str:
    """Return a number with digits grouped by a narrow space and the language's decimal mark."""
    whole, _, decimals = str(value).partition(".")
    sign = "-" if whole.startswith("-") else ""
    grouped = f"{int(whole.lstrip('-') or 0):,}".replace(",", NARROW_SPACE)
    mark = "," if language[:2] in ("fr", "es", "ru", "pt") else "."
    return f"{sign}{grouped}{mark}{decimals}" if decimals else f"{sign}{grouped}"


def _number(_field: Field, value: Any, language: str) -> str:
    return number_text(value, language)


def _moment(_field: Field, value: Any, language: str) -> str:
    return f"{str(value)[:10]} {str(value)[11:16]} UTC"


def _clock(_field: Field, value: Any, language: str) -> str:
    return f"{value} UTC"


def _boolean(_field: Field, value: Any, language: str) -> str:
    with override(language):
        return gettext("Yes") if value else gettext("No")


_RENDERERS: Final[Mapping[str, Callable[[Field, Any, str], str]]] = {
    "code": _coded,
    "codes": _coded,
    "commodity": _coded,
    "country": _country,
    "countries": _country,
    "place": _place,
    "quantity": _quantity,
    "money": _money,
    "integer": _number,
    "decimal": _number,
    "datetime": _moment,
    "time": _clock,
    "boolean": _boolean,
}


def summary(kind: str, body: Mapping[str, Any], language: str) -> str:
    """Return one line that says what a body is about, "Tramadol, 1 240 000 pieces", or the name of its kind."""
    parts = [text for text in _parts(kind, body, language) if text]
    line = " ".join(", ".join(parts).split())
    if not line:
        with override(language):
            return str(Kind(kind).label) if kind in Kind.values else ""
    return line if len(line) <= MAX_SUMMARY else f"{line[: MAX_SUMMARY - 1].rstrip()}…"


_LEADING: Final[Mapping[str, tuple[str, ...]]] = {
    Kind.NOTE.value: ("text",),
    Kind.WARNING.value: ("target", "commodity", "quantity", "container", "conveyance_identity"),
    Kind.FEEDBACK.value: ("outcome", "not_controlled_reason"),
    Kind.SEIZURE.value: ("commodity", "quantity"),
    Kind.REQUEST.value: ("question",),
    Kind.REPLY.value: ("answer",),
    Kind.MOVEMENT.value: ("event", "conveyance_identity", "container", "place"),
    Kind.NIL.value: ("day",),
    Kind.SITREP.value: ("day",),
    Kind.BULLETIN.value: ("commodity", "modus_operandi"),
    Kind.ADMINISTRATIVE.value: ("topic", "text"),
}


def _parts(kind: str, body: Mapping[str, Any], language: str) -> Iterable[str]:
    for name in _LEADING.get(kind, ()):
        if body.get(name) in (None, "", []):
            continue
        field = CATALOGUE[name]
        text = value_text(field, body[name], language)
        # Of long text the first line says enough.
        yield text.split("\n", 1)[0] if field.type == "long_text" else text
    if not body.get("commodity") and kind == Kind.SEIZURE:
        yield str(body.get("description") or "")
