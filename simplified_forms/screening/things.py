"""What in a text is the number of a thing: containers, waybills, seals, flights, amounts, dates, references.

Screening leaves these alone, so that it can ask often about the rest. Pure functions over text whose digits are
ASCII. What must not live here: what points at a person (`numbers`, `names`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from nomenclature import validators
from nomenclature.errors import BadCode

_CODE = r"[A-Z0-9][A-Z0-9./\-]{0,30}"
# A word for a paper, a seal, a run of a ship; then, perhaps, a word for "number"; then what it is.
_PAPERS = (
    r"(?:seals?|scell[ée]s?|plombs?|plombe|precintos?|lacre|selo|zegel|пломб\w*|ختم|invoice|facture|factura|fatura|"
    r"factuur|rechnung|инвойс|declarations?|d[ée]clarations?|entry|entries|ref\.?|reference|r[ée]f[ée]rence|"
    r"referencia|lot|"
    r"lote|batch|bill of lading|b/?l|connaissement|conocimiento|voyage|voy\.?|hs|sh|hs code|tariff(?: line)?|"
    r"position|partida|"
    r"тн вэд|vin|chassis|ch[âa]ssis|serial|s/n|model|mod[èe]le|imei|slot|berth|bay|dossier|case|manifest[eo]?|"
    r"order|"
    r"packing list|вагон|wagon|накладн\w*|imo(?: number)?|mmsi|call sign|awb|hawb|mawb|air waybill|waybill|lta|"
    r"flights?|vols?|"
    r"vuelo|v[oô]o|flug|vlucht|рейс\w*|un|container|conteneurs?|contenedor|contentor|контейнер\w*|حاوية|"
    r"postal item|"
    r"mail item|parcel|colis|paquete|pallet|image|warehouse|magasin|loods|quai|kade|pier|room|terminal|section|"
    r"magazijn)"
)
_NUMBER_WORD = r"(?:\s*(?:number|numbers|no|nr|n°|nº|num[ée]ro|número|№|code|line|رقم|номер|#)\.?)?"
_NAMED = re.compile(
    rf"(?<![\w]){_PAPERS}{_NUMBER_WORD}\s*[:#]?\s*((?:[A-Z]{{1,4}}[ -]?)?\d[A-Z0-9./\-]{{0,30}}|"
    rf"(?=\S{{0,24}}\d){_CODE}"
    rf"(?:\s?(?:and|et|y|e|en|und|,|\+|&|и|و)\s?(?=\S{{0,24}}\d){_CODE}){{0,6}})",
    re.IGNORECASE,
)
_REPLACED = re.compile(r"(?:replaced by|remplac[ée] par)\s+([A-Z]{0,4}[ -]?\d[A-Z0-9\-]{0,20})", re.IGNORECASE)
_UNITS = (
    r"kgs?|g|mg|t|tonnes?|tons?|tonn\w*|mt|lbs?|l|litres?|liters?|ml|hl|m3|m2|m|km|cm|cbm|kn|kw|units?|"
    r"unit[ée]s|pcs|pieces?|"
    r"pi[èe]ces|cartons?|colis|boxes|sacs?|bags|pallets?|palettes?|drums?|sticks|tablets|tablettes|plaquettes|"
    r"cases|caisses|"
    r"cajas|stuks|st[üu]ck|кг|тонн\w*|шт|короб\w*|كغ|كرتونة|طن|eur|euros?|usd|gbp|cfa|fcfa|xof|xaf|ngn|ghs|"
    r"francs?|dollars?|"
    r"dirhams?|naira|cedis|million\w*|milliards?|miljoen|%|ft|feet|days?|jours|hours?|gross|net|bruto|c\b|"
    r"capsules|tusks|"
    r"packages|packs|packets|cigarettes|bottles|rolls|items|stems|head|passengers|teu"
)
_THINGS: tuple[re.Pattern[str], ...] = (
    re.compile(r"\b[A-Z]{3}[UJZ][ -]?\d{3}[ ]?\d{3}[ -]?\d\b"),  # containers, also with a wrong check digit
    re.compile(r"\b[A-Z0-9]{2,12}-[A-Z]{2}-[A-Z]{3}-\d{5,}\b"),  # our own references
    re.compile(r"\b[A-Z]{4}\d{6,12}\b"),  # bills of lading
    re.compile(
        r"\b[A-HJ-NPR-Z0-9]{3}(?=[A-HJ-NPR-Z0-9]{0,10}\d{4})[A-HJ-NPR-Z0-9]{14}\b"
    ),  # vehicle identification
    re.compile(r"\b\d{2}[A-Z]{2}[A-Z0-9]{12,16}\b"),  # MRN of a declaration
    re.compile(rf"\b\d[\d .,]{{0,24}}(?:{_UNITS})\b", re.IGNORECASE),
    re.compile(r"\b\d[\d .,]{0,24}[%°]"),
    re.compile(r"\b(?:EUR|USD|GBP|CFA|FCFA|XOF|XAF|NGN|GHS|CHF|\$|€|£)\s?\d[\d .,]{0,24}", re.IGNORECASE),
    re.compile(r"\b\d{4}[-./]\d{1,2}[-./]\d{1,2}\b(?:[T ]\d{2}:?\d{2})?"),
    re.compile(r"\b\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2})\b"),
    re.compile(r"\b\d{1,2}[:h]\d{2}\b"),
    re.compile(r"\b(?:IMG|DSCN?|PXL|VID|MVI|WA|SCAN|PHOTO)[ _-]?\d{3,}(?:[ _-]\d{3,})?", re.IGNORECASE),
    re.compile(r"\b\d{1,3}[ .]\d{1,4}(?:\.\d+)?\s?[NSEWO]\b"),  # coordinates
    re.compile(r"\b(?:20\d{2})[/\-][A-Z0-9]{2,6}[/\-]?\d*\b"),  # 2026/TEM/00451
    re.compile(r"\b\d{2,4}\.\d{2}(?:\.\d{2})?\b|\b\d{4} \d{2}(?: \d{2}){1,2}\b"),  # HS in groups
)
_PATTERNS = ((_NAMED, 1), (_REPLACED, 1), *((pattern, 0) for pattern in _THINGS))
_REACH = 40  # characters around a passage that may belong to the same number
_KNOWN: tuple[Callable[[str], str], ...] = (
    validators.check_container_number,
    validators.check_imo_number,
    validators.check_air_waybill,
    validators.check_postal_item,
)


def marked_things(text: str) -> bytearray:
    """Return a mark per character: not zero where the text names a thing by number."""
    marks = bytearray(len(text))
    for pattern, group in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span(group)
            marks[start:end] = b"\1" * (end - start)
    return marks


def is_proven_thing(text: str, start: int, end: int) -> bool:
    """Whether a passage, or the run of letters and digits around it, is a thing, by its check digit."""
    return any(_is_known(candidate) for candidate in _readings(text, start, end))


def _readings(text: str, start: int, end: int) -> Iterator[str]:
    yield text[start:end]
    least, most = max(0, start - _REACH), min(len(text), end + _REACH)
    while start > least and (text[start - 1].isalnum() or text[start - 1] == "-"):
        start -= 1
    while end < most and (text[end].isalnum() or text[end] == "-"):
        end += 1
    yield text[start:end]


def _is_known(candidate: str) -> bool:
    for check in _KNOWN:
        try:
            check(candidate)
        except BadCode:
            continue
        return True
    return False
