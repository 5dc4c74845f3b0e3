"""Non-nominal screening: what in a free text may point at a person, and where it stands.

Pure functions over text. What must not live here: any decision (people decide), any storage. The rules are
this project's own, from the list in its domain description: e-mail addresses, phone numbers, IBANs,
passport-like numbers, vehicle plates, probable names. They are tuned to miss little and to ask often; numbers that
prove by a check digit to be a container, an IMO number, an air waybill or a postal item are let pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from stdnum import iban as iban_number

from nomenclature import validators
from nomenclature.errors import BadCode


class FindingKind(StrEnum):
    """What a passage may be."""

    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    PASSPORT = "passport"
    PLATE = "plate"
    NAME = "name"


LABELS: dict[FindingKind, str | Promise] = {
    FindingKind.EMAIL: _("e-mail address"),
    FindingKind.PHONE: _("phone number"),
    FindingKind.IBAN: _("bank account (IBAN)"),
    FindingKind.PASSPORT: _("passport or identity number"),
    FindingKind.PLATE: _("vehicle plate"),
    FindingKind.NAME: _("name of a person"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A passage of a text, from `start` to `end` (characters), that may be nominal."""

    kind: FindingKind
    start: int
    end: int


_EMAIL = re.compile(r"[^\s@<>,;:()\"']+@[^\s@<>,;:()\"']+\.[^\W\d_]{2,}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}\b")
_PHONE = re.compile(
    r"(?<![\w.,])(?:\+|00)[\d(][\d\s().\-/]{6,18}\d|(?<![\w.,\-/])0\d(?:[\s.\-/]?\d{2,3}){3,4}(?![\w\-])"
)
_PASSPORT = re.compile(r"\b(?=[A-Z0-9]*\d{5})[A-Z]{1,3}[ -]?\d{6,9}[A-Z]?\b|\b\d{2}[A-Z]{2}\d{5}\b")
_PLATE = re.compile(
    r"\b[A-Z]{1,3}[ -]\d{1,4}[ -]?[A-Z]{1,3}\b"  # AB-123-CD, B MW 1234 as B-MW 1234
    r"|\b[A-Z]{1,3}-[A-Z]{1,2}[ -]?\d{1,4}[EH]?\b"
    r"|\b\d{1,4}[ -][A-Z]{2,3}[ -]\d{1,3}\b"
    r"|\b[A-Z]{2}\d{2} ?[A-Z]{3}\b"
    r"|\b[A-Z]{3}-\d{3,4}(?:[A-Z]{2})?\b"
)
_CAPITAL = r"[^\W\d_a-zà-öø-ÿа-я]"
_WORD = rf"(?:{_CAPITAL}[^\W\d_]+(?:[-'’]{_CAPITAL}?[^\W\d_]+)*)"
_TITLE = (
    r"(?:Mr|Mrs|Ms|Miss|Mister|Dr|Prof|Capt|Captain|M|Mme|Mlle|Monsieur|Madame|Sr|Sra|Señor|Señora|Don|Herr|Frau|"
    r"Sig|Senhor|Senhora|Sheikh|Alhaji|Hajj|г-н|гр|господин)"
)
_TITLED = re.compile(rf"\b{_TITLE}\.?\s+((?:{_CAPITAL}\.\s*)?{_WORD}(?:\s+{_WORD}){{0,3}})")
_ROLE = (
    r"(?:name|named|called|alias|aka|nom|nommé|nommée|dénommé|prénom|llamado|nombre|named as|driver|passenger|"
    r"courier|consignee|"
    r"consignor|shipper|owner|suspect|arrested|conducteur|chauffeur|passager|passagère|destinataire|expéditeur|"
    r"propriétaire|prévenu|conductor|pasajero|destinatario|remitente|водитель|пассажир|по имени|фамилия)"
)
_ROLED = re.compile(
    rf"\b(?i:{_ROLE})\b\s*(?:[:=]|is|was|est)?\s*[\"“«]?((?:{_WORD}|{_CAPITAL}\.)(?:\s+{_WORD}){{1,3}})"
)
_SURNAME = re.compile(rf"\b({_WORD}\s+(?:[A-ZÀ-ÖØ-ÞА-Я]{{3,}}(?:[-'’][A-ZÀ-ÖØ-ÞА-Я]{{2,}})*))\b")
_KNOWN: tuple[Callable[[str], str], ...] = (
    validators.check_container_number,
    validators.check_imo_number,
    validators.check_air_waybill,
    validators.check_postal_item,
)


def screen(text: str) -> list[Finding]:
    """Return what may be nominal in `text`, in order, without overlaps (the surest kind wins)."""
    taken: list[Finding] = []
    for finding in _candidates(text):
        if all(finding.end <= other.start or finding.start >= other.end for other in taken):
            taken.append(finding)
    return sorted(taken, key=lambda finding: finding.start)


def _candidates(text: str) -> Iterator[Finding]:
    for match in _EMAIL.finditer(text):
        yield Finding(FindingKind.EMAIL, *match.span())
    for match in _IBAN.finditer(text):
        if iban_number.is_valid(match.group()):
            yield Finding(FindingKind.IBAN, *match.span())
    for kind, pattern in (
        (FindingKind.PHONE, _PHONE),
        (FindingKind.PASSPORT, _PASSPORT),
        (FindingKind.PLATE, _PLATE),
    ):
        for match in pattern.finditer(text):
            if not _proven_object(text, match):
                yield Finding(kind, *match.span())
    for pattern in (_TITLED, _ROLED, _SURNAME):
        for match in pattern.finditer(text):
            yield Finding(FindingKind.NAME, *match.span(1))


def _proven_object(text: str, match: re.Match[str]) -> bool:
    """Whether the passage, or the run of letters and digits around it, is a thing, by its check digit."""
    start, end = match.span()
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "-"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in "-"):
        end += 1
    for candidate in (match.group(), text[start:end]):
        for check in _KNOWN:
            try:
                check(candidate)
            except BadCode:
                continue
            return True
    return False
