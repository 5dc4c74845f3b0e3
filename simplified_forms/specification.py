"""Judges a specification: may this choice of fields be kept, and be published? Pure, no ORM.

A specification is `{"fields": [{"name", "required", "codes", "help": {"en", "fr"}, "default"}]}`; `codes` is None
for the whole list, or the codes offered (of a quantity: the units; of a commodity also whole groups, "DRG").
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext, gettext_lazy

from problems import FieldProblem
from simplified_forms.catalogue import CATALOGUE, essential_names
from simplified_forms.compilation import check_of, known_codes
from simplified_forms.errors import BadTemplate
from simplified_forms.fields import CODED_TYPES, Field, Text
from simplified_forms.run import Context, Run
from simplified_forms.values import REFUSED, clean_line

HELP_LANGUAGES: Final = ("en", "fr", "es", "ru", "ar", "pt")
MAX_HELP: Final = 300
MAX_FIELDS: Final = 100
SPECIAL_DEFAULTS: Final[Mapping[str, frozenset[str]]] = {
    "date": frozenset({"today"}),
    "datetime": frozenset({"now"}),
    "time": frozenset({"now"}),
    "country": frozenset({"my_country", "last"}),
    "place": frozenset({"last"}),
    "code": frozenset({"last"}),
}
_PROBLEMS: Final[Mapping[str, Text]] = {
    "not_a_specification": gettext_lazy("This is not the description of a form."),
    "no_fields": gettext_lazy("Choose at least one field."),
    "too_many_fields": gettext_lazy("A form has at most 100 fields."),
    "unknown_field": gettext_lazy("The catalogue has no such field for this kind of message."),
    "twice": gettext_lazy("This field is chosen twice."),
    "nominal_not_allowed": gettext_lazy("This group does not take data about persons or companies."),
    "unknown_code": gettext_lazy("A chosen code is not in the list of this field."),
    "no_codes": gettext_lazy("Offer at least one code."),
    "help_too_long": gettext_lazy("A help text has at most 300 characters."),
    "bad_default": gettext_lazy("The default does not fit this field."),
    "essential_missing": gettext_lazy("Every form of this kind must have this field, mandatory."),
}


def checked_spec(
    spec: object, *, kind: str, nominal_allowed: bool, complete: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the specification in its one spelling. Raises BadTemplate naming each field at fault.

    `complete`: also hold it against what a published form must have.
    """
    entries = spec.get("fields") if isinstance(spec, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _bad([("", "not_a_specification")])
    if len(entries) > MAX_FIELDS:
        raise _bad([("", "too_many_fields")])
    problems: list[tuple[str, str]] = []
    kept: dict[str, dict[str, Any]] = {}
    for entry in entries:
        name = entry.get("name")
        field = CATALOGUE.get(name) if isinstance(name, str) else None
        if field is None or kind not in field.kinds:
            problems.append((str(name)[:60], "unknown_field"))
        elif field.name in kept:
            problems.append((field.name, "twice"))
        elif field.nominal and not nominal_allowed:
            problems.append((field.name, "nominal_not_allowed"))
        else:
            kept[field.name] = _entry(field, entry, problems)
    if complete:
        problems += _incomplete(kept, kind)
    if problems:
        raise _bad(problems)
    return {"fields": list(kept.values())}


def _bad(problems: list[tuple[str, str]]) -> BadTemplate:
    return BadTemplate(
        errors=[FieldProblem(path, code, str(_PROBLEMS[code])) for path, code in problems[:100]],
        detail=gettext("This form cannot be kept as it is: see what is said at its fields."),
    )


def _incomplete(kept: Mapping[str, Mapping[str, Any]], kind: str) -> list[tuple[str, str]]:
    if not kept:
        return [("", "no_fields")]
    return [
        (name, "essential_missing")
        for name in essential_names(kind)
        if name not in kept or not kept[name]["required"]
    ]


def _entry(field: Field, entry: Mapping[str, Any], problems: list[tuple[str, str]]) -> dict[str, Any]:
    codes = _codes(field, entry.get("codes"), problems)
    return {
        "name": field.name,
        "required": entry.get("required") is True,
        "codes": codes,
        "help": _help(field, entry.get("help"), problems),
        "default": _default(field, entry.get("default"), codes, problems),
    }


def _codes(field: Field, given: object, problems: list[tuple[str, str]]) -> list[str] | None:
    if given is None or field.type not in CODED_TYPES:
        return None
    if not isinstance(given, list) or not all(isinstance(code, str) for code in given):
        problems.append((field.name, "unknown_code"))
        return None
    known = set(known_codes(field))
    if field.type == "commodity":
        known |= {code.split(".", 1)[0] for code in known}
    chosen = set(given)
    if not chosen:
        problems.append((field.name, "no_codes"))
    elif not chosen <= known:
        problems.append((field.name, "unknown_code"))
    return sorted(chosen & known) or None


def _help(field: Field, given: object, problems: list[tuple[str, str]]) -> dict[str, str]:
    texts = {"en": "", "fr": ""}
    if not isinstance(given, dict):
        return texts
    for language in HELP_LANGUAGES:
        text = given.get(language)
        if isinstance(text, str) and text.strip():
            texts[language] = clean_line(text)
            if len(texts[language]) > MAX_HELP:
                problems.append((field.name, "help_too_long"))
    return texts


def _default(field: Field, given: object, codes: list[str] | None, problems: list[tuple[str, str]]) -> object:
    if given is None or given == "":
        return None
    if isinstance(given, str) and given in SPECIAL_DEFAULTS.get(field.type, frozenset()):
        return given
    # Far from any operation, so that only type, list and limits are judged.
    run = Run(Context(kind="", today=date(2199, 12, 31)), None)
    cleaned = check_of(field, codes)(given, field.name, run)
    if cleaned is REFUSED:
        problems.append((field.name, "bad_default"))
        return None
    return cleaned
