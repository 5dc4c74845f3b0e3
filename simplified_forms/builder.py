"""What the template builder shows and posts: a specification as rows of a page, and back. No ORM, no writes.

The page is one plain form. Each chosen field posts `field` (its name, in order), `required`, `codes:<name>` and
`help_<language>:<name>`; a button posts `act`: `save`, `publish`, `discard`, or `add:`, `remove:`, `up:`, `down:`
and a name, so that everything works without scripts. Scripts do the same moves on the page before it is posted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy

from problems import FieldProblem
from simplified_forms import choices
from simplified_forms.catalogue import CATALOGUE, fields_of
from simplified_forms.compilation import offered_codes
from simplified_forms.description import options_of
from simplified_forms.fields import CODED_TYPES, SECTIONS, Field, Text
from simplified_forms.starting import entry as plain_entry

TICKABLE: Final = 60
HELP_LANGUAGES: Final = (("en", "English"), ("fr", "Français"))
TYPES: Final[Mapping[str, Text]] = {
    "text": gettext_lazy("Text"),
    "long_text": gettext_lazy("Long text"),
    "date": gettext_lazy("Date"),
    "time": gettext_lazy("Time"),
    "datetime": gettext_lazy("Date and time"),
    "integer": gettext_lazy("Whole number"),
    "decimal": gettext_lazy("Number"),
    "boolean": gettext_lazy("Yes or no"),
    "code": gettext_lazy("One of a list"),
    "codes": gettext_lazy("Several of a list"),
    "country": gettext_lazy("Country"),
    "countries": gettext_lazy("Countries"),
    "place": gettext_lazy("Place"),
    "commodity": gettext_lazy("Commodity"),
    "hs": gettext_lazy("HS code"),
    "quantity": gettext_lazy("Quantity and unit"),
    "money": gettext_lazy("Amount and currency"),
    "message": gettext_lazy("Message"),
    "messages": gettext_lazy("Messages"),
    "lines": gettext_lazy("Goods lines"),
    "route": gettext_lazy("Route"),
    "persons": gettext_lazy("Counts of persons"),
    "documents": gettext_lazy("Documents"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One code that a form may offer."""

    code: str
    label: str
    ticked: bool


@dataclass(slots=True)
class Choices:
    """The codes of one heading; the heading is empty where the list has none."""

    label: str
    members: list[Choice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field as the builder shows it."""

    name: str
    label: str
    type_label: str
    about: str
    section: str
    required: bool
    essential: bool
    nominal: bool
    to_cen: bool
    narrowed: bool
    choices: list[Choices]
    codes_text: str | None
    help: list[tuple[str, str, str]]
    default: object
    errors: list[str]


def rows(spec: Mapping[str, Any], kind: str, errors: Iterable[FieldProblem] = ()) -> list[FieldRow]:
    """Return the chosen fields in their order, with what is wrong at each."""
    found: dict[str, list[str]] = {}
    for problem in errors:
        found.setdefault(problem.field, []).append(problem.message)
    return [
        _row(CATALOGUE[entry["name"]], entry, kind, found.get(entry["name"], []))
        for entry in spec["fields"]
        if entry.get("name") in CATALOGUE
    ]


def offers(spec: Mapping[str, Any], kind: str, *, nominal_allowed: bool) -> list[tuple[str, list[FieldRow]]]:
    """Return every field of the catalogue that this form could have, chosen or not, by section."""
    chosen = {entry["name"]: entry for entry in spec["fields"]}
    sections: dict[str, list[FieldRow]] = {}
    for one in fields_of(kind):
        if nominal_allowed or not one.nominal:
            entry = chosen.get(one.name) or plain_entry(one.name, required=kind in one.essential)
            sections.setdefault(one.section, []).append(_row(one, entry, kind, []))
    return [(str(SECTIONS[name]), members) for name, members in sections.items()]


def _row(one: Field, entry: Mapping[str, Any], kind: str, errors: list[str]) -> FieldRow:
    essential = kind in one.essential
    codes = entry.get("codes")
    ticks, text = _choices(one, codes)
    return FieldRow(
        name=one.name,
        label=str(one.label),
        type_label=str(TYPES[one.type]),
        about=str(one.help),
        section=one.section,
        required=bool(entry.get("required")),
        essential=essential,
        nominal=one.nominal,
        to_cen=one.cen_column is not None,
        narrowed=bool(codes),
        choices=ticks,
        codes_text=text,
        help=[(code, name, (entry.get("help") or {}).get(code) or "") for code, name in HELP_LANGUAGES],
        default=entry.get("default"),
        errors=errors,
    )


def _choices(one: Field, codes: list[str] | None) -> tuple[list[Choices], str | None]:
    """Return the codes to tick, or the text of codes where the list is too long to tick."""
    if one.type not in CODED_TYPES:
        return [], None
    list_name = one.unit_list or one.code_list or ""
    if one.type != "commodity" and len(choices.codes(list_name)) > TICKABLE:
        return [], " ".join(codes or [])
    offered = offered_codes(one, codes) if codes else frozenset()
    found: dict[str, Choices] = {}
    for option in options_of(one, None, get_language() or "en"):
        heading = option.get("group_label", "")
        group = found.setdefault(heading, Choices(heading))
        group.members.append(Choice(option["code"], option["label"], option["code"] in offered))
    return list(found.values()), None


def spec_from_post(data: QueryDict, kind: str, before: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the specification that the page posted; defaults, which it does not ask, stay as `before` has them."""
    kept = {entry["name"]: entry for entry in before["fields"]}
    required = set(data.getlist("required"))
    entries: list[dict[str, Any]] = []
    for name in data.getlist("field"):
        one = CATALOGUE.get(name)
        if one is None:
            entries.append({"name": name})
            continue
        entries.append(
            {
                "name": name,
                "required": name in required or kind in one.essential,
                "codes": _posted_codes(data, one),
                "help": {code: data.get(f"help_{code}:{name}", "") for code, _ in HELP_LANGUAGES},
                "default": kept[name].get("default") if name in kept else one.default,
            }
        )
    return {"fields": entries}


def _posted_codes(data: QueryDict, one: Field) -> list[str] | None:
    if one.type not in CODED_TYPES:
        return None
    text = data.get(f"codes_text:{one.name}")
    given = text.replace(",", " ").upper().split() if text is not None else data.getlist(f"codes:{one.name}")
    return given or None


def moved(spec: Mapping[str, Any], act: str, kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return the specification after `add:`, `remove:`, `up:` or `down:` and a name; other acts change nothing."""
    verb, _, name = act.partition(":")
    entries = list(spec["fields"])
    at = next((place for place, entry in enumerate(entries) if entry["name"] == name), None)
    if verb == "add" and at is None and name in CATALOGUE:
        entries.append(plain_entry(name, required=kind in CATALOGUE[name].essential))
    elif verb == "remove" and at is not None:
        del entries[at]
    elif verb == "up" and at:
        entries[at - 1], entries[at] = entries[at], entries[at - 1]
    elif verb == "down" and at is not None and at + 1 < len(entries):
        entries[at + 1], entries[at] = entries[at], entries[at + 1]
    return {"fields": entries}
