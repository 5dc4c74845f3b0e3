"""What points at a person by a number or an address: e-mail, account, birth, document, telephone, plate.

Pure functions over a text whose digits are ASCII (`ascii_digits`). A word that says what follows ("passport",
"tel.") makes anything of about the right shape a finding; without one only known shapes are. What must not live
here: names (`names`), what the numbers of things look like (`things`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stdnum import iban as iban_number
from stdnum.iso7064 import mod_97_10

from simplified_forms.screening import telephones
from simplified_forms.screening.findings import Finding, FindingKind
from simplified_forms.screening.things import is_proven_thing

_DIGITS = {ord(c): str(n) for zero in ("٠", "۰") for n, c in enumerate(chr(ord(zero) + i) for i in range(10))}

_EMAIL = re.compile(r"[^\s@<>,;:()\"'«»“”]{1,64}@[^\s@<>,;:()\"'«»“”]{1,190}\.[^\W\d_]{2,24}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{1,4}){3,9}\b")

_MONTHS = (
    r"(?:jan|feb|f[ée]v|mar|apr|avr|may|mai|maj|mei|jun|juin|jul|juil|aug|ao[uû]|ago|sep|set|oct|okt|out|nov|"
    r"dec|d[ée]c|dez|"
    r"dic|ene|abr|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|ноя|дек)\w*\.?"
)
_DAY = (
    rf"(?:\d{{1,4}}[-./ ]\d{{1,2}}[-./ ]\d{{2,4}}|(?:\d{{1,2}}(?:st|nd|rd|th|er|"
    rf"\.)?\s+)?(?:de\s+)?{_MONTHS}\s+(?:de\s+)?\d{{4}}"
    rf"|{_MONTHS}\s+\d{{1,2}},?\s+\d{{4}}|\d{{4}})"
)
_BORN = (
    r"(?:\bborn|\bd\.?\s?o\.?\s?b\b\.?|date of birth|birth ?date|birthday|\bn[ée]{1,2}e?s?\b|naissance|"
    r"\bnacid[oa]|nacimiento|"
    r"\bnascid[oa]|nascimento|geboren|\bgeb\.|geburtsdatum|geboortedatum|geboren op|рожд\w*|родил\w*|г\.\s?р\.|"
    r"مواليد|الميلاد|"
    r"ولد|المولود)"
)
_BIRTH = re.compile(rf"{_BORN}\s*(?:on|in|le|en|el|em|am|op|in|в|في|:|-)?\s*:?\s*({_DAY})\b", re.IGNORECASE)

_DOCUMENT = (
    r"(?:passports?|passeports?|pasaportes?|passaportes?|reisepass|paspoort|паспорт\w*|جواز(?: ال?سفر)?|"
    r"travel document|"
    r"titre de (?:voyage|s[ée]jour)|(?:national )?\bid\b(?: card| no\b| number)?|identity (?:card|document)|"
    r"carte (?:nationale )?d['’]identit[ée]|carte consulaire|carte de s[ée]jour|\bcni\b|\bcnib\b|\bdni\b|"
    r"\bnie\b|\bnif\b|c[ée]dula|"
    r"\bcpf\b|\brg\b|\bbi\b|bilhete de identidade|cart[ãa]o de cidad[ãa]o|personalausweis|ausweis|identiteitskaart|"
    r"rijbewijs|f[üu]hrerschein|driving licen[cs]e|driver['’]?s licen[cs]e|licen[cs]e number|"
    r"permis(?: de conduire)?|"
    r"licencia de conducir|carta de condu[çc][ãa]o|residence permit|residence card|ghana card|\bnin\b|\bssn\b|"
    r"\bbvn\b|"
    r"social security(?: number)?|num[ée]ro de s[ée]curit[ée] sociale|водительск\w+(?: удостоверени\w+)?|"
    r"удостоверени\w*(?: личности)?|снилс|\bинн\b|بطاقة(?: ال\w+)*|رخصة(?: ال\w+)*|الرقم الوطني|visa(?: no\b|"
    r" number)|\bvisa n°)"
)
_OF_NUMBER = (
    r"[\s:.,#(]{0,4}(?:(?:card|document|number|no|nr|n|num[ée]ro|número|numero|номер|серия|رقم|is|was|"
    r"holder)\b[°º.:\s]{0,3}|№\s?|n°\s?){0,3}"
)
_DOCUMENT_NUMBER = re.compile(
    rf"{_DOCUMENT}{_OF_NUMBER}(?=[A-Z0-9<./\- ]{{0,24}}\d)"
    rf"((?:[A-Z0-9]{{1,4}}<)?[A-Z0-9]{{1,18}}(?:[ ./\-]?[A-Z0-9]{{0,12}}\d[A-Z0-9]{{0,12}}){{0,6}})",
    re.IGNORECASE,
)
_DOCUMENT_SHAPES = re.compile(
    r"\b[A-Z]{1,3}[ -]?\d{6,9}[A-Z]?\b"
    r"|\b\d{2}[A-Z]{2}\d{5}\b"
    r"|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"  # CPF
    r"|\bGHA-\d{9}-\d\b"
    r"|\b\d{8}[A-HJ-NP-TV-Z]\b|\b[XYZ]\d{7}[A-Z]\b"  # DNI, NIE
    r"|\b\d{3}-\d{2}-\d{4}\b"  # SSN
    r"|\b(?:19|20)\d{6}[-+]\d{4}\b"  # personnummer
    r"|\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3}(?: ?\d{2})?\b"  # NIR
    r"|\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b"  # codice fiscale
    r"|\b\d{5}-\d{7}-\d\b"  # CNIC
)

_VEHICLE = (
    r"(?:number ?plates?|plates?|reg(?:istration|istered|\.)?(?: number| no\.?)?|immatricul\w*|plaque|"
    r"matr[ií]cula|placa|"
    r"kenteken|kennzeichen|госномер|номер (?:машины|авто\w*)|гос\. ?номер|لوحة\w*(?: \w+)?|cars?|trucks?|lorry|"
    r"lorries|vans?|"
    r"pick-?up|taxi|(?:mini)?bus|motorcycle|motorbike|trailer|tractor|tanker|hilux|toyota|mercedes|vehicle|"
    r"camions?(?:-citerne)?|"
    r"v[ée]hicules?|voiture|moto|remorque|berline|coche|cami[óo]n|veh[íi]culo|carrinha|carro|viatura|"
    r"vrachtwagen|bestelbus|wagen|"
    r"lkw|pkw|auto|sattelzug|фура|машина|автомобил\w*|грузовик|سيارة|السيارة|شاحنة|الشاحنة)"
)
_PLATE_WORDS = r"[A-ZА-Я0-9]{1,8}(?:[ \-][A-ZА-Я0-9]{1,6}){0,3}"
_PLATE_NAMED = re.compile(
    rf"(?i:\b{_VEHICLE})(?:[\s:,.]+(?:(?i:plates?|number|no|nr|n°|reg|with|bearing|de|du|of|is|gris\w*|is|الرقم|"
    rf"رقم)[\s:.]+)?)({_PLATE_WORDS})(?![\w])"
)
_PLATE_SHAPES = re.compile(
    r"\b[A-Z]{1,3}[ -]\d{1,4}[ -]?[A-Z]{1,3}\b"  # AB-123-CD, KBT 472Q
    r"|\b[A-Z]{1,3}-[A-Z]{1,2}[ -]?\d{1,4}[EH]?\b"  # B-MW 1234
    r"|\b[A-Z]{1,3} [A-Z]{1,2} \d{1,4}[EH]?\b"
    r"|\b\d{1,4}[ -][A-Z]{2,3}[ -]\d{1,3}\b"
    r"|\b\d{2}-[A-Z]{2}-\d{2}\b|\b[A-Z]{2}-\d{2}-[A-Z]{2}\b|\b[A-Z]{2}-\d{2}-\d{2}-[A-Z]{2}\b|"
    r"\b[A-Z]-\d{3}-[A-Z]{2}\b"
    r"|\b[A-Z]{2}\d{2} ?[A-Z]{3}\b"  # United Kingdom
    r"|\b[A-Z]{3}-\d{3,4}(?:[ -]?[A-Z]{2})?\b|\b[A-Z]{3} \d{3} [A-Z]{1,2}\b"
    r"|\b[A-Z]{3}\d[A-Z]\d{2}\b"  # Mercosul
    r"|\b\d{4} [B-DF-HJ-NP-TV-Z]{3}\b"  # Spain
    r"|\b[A-Z]{2} \d{1,4}-\d{2}\b"  # Ghana
    r"|\b\d{3}-[A-Z]{1,2}-\d{1,6}\b"  # Ireland
    r"|\b[АВЕКМНОРСТУХ]\d{3}[АВЕКМНОРСТУХ]{2}\d{2,3}\b"
    r"|\b\d{1,5} ?[أ-ي] ?\d{1,2}\b"
)
_NO_PLATE = re.compile(
    r"^(?:UN|HS|BL|AWB|IMO|ETA|ETD|UTC|LOT|PL|INV|PO|ISO|ML|EU|USD|EUR|GBP|CFA|NO)\b|^\d+$|^[^\W\d]+$"
)


def ascii_digits(text: str) -> str:
    """Return the text with Arabic and Persian digits as ASCII ones, character for character."""
    return text if text.isascii() else text.translate(_DIGITS)


def numbers_in(text: str, things: bytearray, countries: Sequence[str]) -> Iterator[Finding]:
    """Yield what points at a person by number, the surest first.

    `things` marks the characters that belong to numbers of things. `countries`: whose national numbers are known.
    """
    yield from (Finding(FindingKind.EMAIL, *match.span()) for match in _EMAIL.finditer(text))
    yield from _accounts(text)
    yield from (Finding(FindingKind.BIRTH, *match.span(1)) for match in _BIRTH.finditer(text))
    yield from _documents(text)
    for start, end in telephones.announced(text):
        yield Finding(FindingKind.PHONE, start, end)
    yield from _vehicles(text)
    for start, end in telephones.international(text):
        yield Finding(FindingKind.PHONE, start, end)
    for kind, pattern in ((FindingKind.PASSPORT, _DOCUMENT_SHAPES), (FindingKind.PLATE, _PLATE_SHAPES)):
        for match in pattern.finditer(text):
            start, end = match.span()
            if not (any(things[start:end]) or is_proven_thing(text, start, end)) and not (
                kind == FindingKind.PLATE and _NO_PLATE.match(match.group())
            ):
                yield Finding(kind, start, end)
    for start, end in telephones.national(text, countries):
        if not (any(things[start:end]) or is_proven_thing(text, start, end)):
            yield Finding(FindingKind.PHONE, start, end)


def _accounts(text: str) -> Iterator[Finding]:
    for match in _IBAN.finditer(text):
        # What follows the account in capitals is read along: the longest beginning with right check digits counts.
        end = match.end()
        while end - match.start() >= 15:
            number = re.sub(r"[ -]", "", text[match.start() : end])
            if len(number) <= 34 and _is_account(number):
                yield Finding(FindingKind.IBAN, match.start(), end)
                break
            end = max(text.rfind(" ", match.start(), end), text.rfind("-", match.start(), end))


def _is_account(number: str) -> bool:
    return bool(iban_number.is_valid(number) or mod_97_10.is_valid(number[4:] + number[:4]))


def _documents(text: str) -> Iterator[Finding]:
    for match in _DOCUMENT_NUMBER.finditer(text):
        number = match.group(1)
        digits = sum(c.isdigit() for c in number)
        if digits >= 4 and len(number) >= 5:
            yield Finding(FindingKind.PASSPORT, *match.span(1))


def _vehicles(text: str) -> Iterator[Finding]:
    for match in _PLATE_NAMED.finditer(text):
        plate = match.group(1)
        letters, digits = sum(c.isalpha() for c in plate), sum(c.isdigit() for c in plate)
        if letters and 2 <= digits <= 6 and 4 <= letters + digits <= 10 and not _NO_PLATE.match(plate):
            yield Finding(FindingKind.PLATE, *match.span(1))
