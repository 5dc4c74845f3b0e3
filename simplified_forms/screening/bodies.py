"""Screening of a message: its subject, the texts of its body field by field; and of the names of files.

Pure functions. What must not live here: what a passage is (the modules beside), what follows (people decide).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nomenclature.folding import squeeze
from nomenclature.places import place
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.fields import ROW_TYPES, Field
from simplified_forms.screening import screen
from simplified_forms.screening.findings import Finding, FindingKind

# They name a ship, a body, a place: only what is announced as a person's name is one there.
THINGS_NAMED: Final = frozenset(
    {
        "place", "place_text", "departure_place", "destination_place", "next_place", "conveyance_identity",
        "carrier", "brand", "office", "seizing_agency", "voyage",
    }
)  # fmt: skip
# They hold the number of a paper or a thing, in any form that somebody thought of.
PAPERS: Final = frozenset(
    {
        "document_number", "number", "seal", "national_reference", "voyage", "container", "imo_number", "vin",
        "air_waybill", "postal_item",
    }
)  # fmt: skip
_NUMBERS = frozenset({FindingKind.PASSPORT, FindingKind.PLATE, FindingKind.PHONE})
_TEXTS = frozenset({"text", "long_text", "place"})


@dataclass(frozen=True, slots=True)
class FieldFinding:
    """A finding and where in the message it stands: `subject`, `text`, `goods.1.description`, `files.0.name`."""

    field: str
    finding: Finding
    passage: str


def screen_field(name: str, text: str, countries: Sequence[str] = ()) -> list[Finding]:
    """Return the findings in the text of one field, named as in the catalogue or as a column of CEN."""
    name = name.rpartition(".")[2]
    if name in PAPERS:
        found = screen(text, (), things_named=True)
        return [finding for finding in found if finding.kind not in _NUMBERS]
    return screen(text, countries, things_named=name in THINGS_NAMED)


def screen_message(*, subject: str, body: Mapping[str, Any], countries: Sequence[str] = ()) -> list[FieldFinding]:
    """Return everything in a message that may be nominal, but for nominal fields, which say what they are."""
    own = _own_things(body)
    found = [_found("subject", subject, finding) for finding in screen(subject, countries)]
    for path, name, text in texts_of(body):
        found += [_found(path, text, finding) for finding in screen_field(name, text, countries)]
    return [one for one in found if not _is_own(one, own)]


def screen_file_name(name: str, countries: Sequence[str] = ()) -> list[Finding]:
    """Return the findings in a file's name, where underlines count as spaces and small letters also as large."""
    spaced = _spaced(name)
    found = screen(spaced, countries)
    titled = screen(spaced.title(), countries) if spaced.islower() else []
    extra = [
        one for one in titled if one.kind == FindingKind.NAME and not any(one.overlaps(other) for other in found)
    ]
    return sorted([*found, *extra], key=lambda finding: finding.start)


def texts_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the free texts of a body: path, name of the field, text. What is no text there is passed over."""
    for name, value in body.items():
        field = CATALOGUE.get(name)
        if field is None or field.nominal:
            continue
        yield from _texts(field, name, value)


def _texts(field: Field, path: str, value: object) -> Iterator[tuple[str, str, str]]:
    if field.type in ROW_TYPES and isinstance(value, list):
        inner = {one.name: one for one in field.fields}
        for at, row in enumerate(value):
            for name, cell in row.items() if isinstance(row, Mapping) else ():
                if name in inner:
                    yield from _texts(inner[name], f"{path}.{at}.{name}", cell)
    elif field.type in _TEXTS and isinstance(value, str) and not (field.type == "place" and place(value)):
        yield path, field.name, value


def _found(field: str, text: str, finding: Finding) -> FieldFinding:
    return FieldFinding(field, finding, text[finding.start : finding.end])


def _spaced(name: str) -> str:
    """Return a file's name with spaces for what joins words in it; every character keeps its place."""
    return re.sub(r"[_+]|\.(?=[^.]*$)", " ", name)


def _own_things(body: Mapping[str, Any]) -> frozenset[str]:
    """Return what the message's own fields say of things: a number or a name found there again is no person's."""
    values = [text for _path, name, text in texts_of(body) if name in PAPERS or name in THINGS_NAMED]
    whole = {squeeze(value) for value in values}
    return frozenset(whole | {squeeze(value.partition(",")[0]) for value in values}) - {""}


def _is_own(one: FieldFinding, own: frozenset[str]) -> bool:
    name = one.field.rpartition(".")[2]
    if name in THINGS_NAMED or name in PAPERS or one.finding.kind in {FindingKind.EMAIL, FindingKind.IBAN}:
        return False
    return squeeze(one.passage) in own
