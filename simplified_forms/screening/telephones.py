"""Telephone numbers in a text: announced by a word, international, or national of known countries.

Shapes are found here; whether a country has such numbers is Google's libphonenumber's to say (`phonenumbers`),
which is loaded when the first candidate comes. Pure functions over a text whose digits are ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

type Span = tuple[int, int]

_NUMBER = r"(?:\+|00)?\s?\(?\d[\d\s().\-/]{4,20}\d"
_WORD = (
    r"(?:tel(?:e(?:ph|f)on\w*|[ée]phone\w*)?|t[ée]l\w*|teléfono|phones?|phone number|mobile|cell|handy|"
    r"rufnummer|fax|whatsapp|"
    r"whats app|signal|telegram|viber|sms|calls?|ring|text to|dial|reach\w*|contact\w*(?: number)?|appeler|"
    r"appelez|joindre|"
    r"joignable|portable|cellulaire|llamar|m[óo]vil|celular|ligar|telem[óo]vel|telefone|bel(?:len)?|mobiel|gsm|"
    r"anrufen|"
    r"тел\w*|моб\w*|звон\w*|هاتف|الهاتف|جوال|الجوال|موبايل|الاتصال|اتصل|للتواصل|number is|(?:son|mon|leur|his|"
    r"her|their|su|seu|sua) (?:num[ée]ro|number|número))"
)
_BETWEEN = (
    r"(?:[\s:.,#°()]|au|on|under|at|le|al|op|an|de|du|n°|no|no\.|nr|num[ée]ro|number|number:|is|est|es|"
    r"whatsapp|me|us|him|her|رقم|على|the|duty|officer|broker|shipper|:){0,8}"
)
_ANNOUNCED = re.compile(rf"(?<!\w){_WORD}\b{_BETWEEN}({_NUMBER})", re.IGNORECASE)
_INTERNATIONAL = re.compile(r"(?<![\w.,])(?:\+\s?\(?\d[\d\s().\-/]{6,20}\d|00[1-9][\d\s().\-/]{7,20}\d)")
_NATIONAL = re.compile(r"(?<![\w.,\-/+])(?:\(\d{2,5}\)\s?\d[\d\s.\-]{4,12}\d|\d[\d\s.\-/]{6,14}\d)(?![\w\-])")
_GROUPED = re.compile(r"0\d{1,4}(?:[\s.\-/]\d{2,4}){2,4}|0\d{2,4}[-/]\d{5,8}|\(0?\d{2,5}\)\s?\d{3,5}[\s.\-]\d{3,5}")
_SHORTEST_WHOLE = 9
_DATE = re.compile(r"^(?:\d{1,2}[-./]\d{1,2}[-./]\d{2,4}|\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[:.]\d{2})")


def announced(text: str) -> Iterator[Span]:
    """Yield what stands behind a word for telephones and has the length of a number."""
    for match in _ANNOUNCED.finditer(text):
        number = match.group(1)
        if 6 <= _digits(number) <= 15 and not _DATE.match(number):
            yield match.span(1)


def international(text: str) -> Iterator[Span]:
    """Yield numbers with a country's code in front."""
    for match in _INTERNATIONAL.finditer(text):
        if _is_possible(match.group()):
            yield match.span()


def national(text: str, countries: Sequence[str]) -> Iterator[Span]:
    """Yield numbers in a national spelling: in groups as telephones are, or valid in one of the countries."""
    for match in _NATIONAL.finditer(text):
        number = match.group()
        if not 7 <= _digits(number) <= 13 or _DATE.match(number):
            continue
        whole = number.isdigit() and len(number) < _SHORTEST_WHOLE  # as likely the number of a paper
        if _GROUPED.fullmatch(number) or (not whole and any(_is_valid(number, country) for country in countries)):
            yield match.span()


def _digits(number: str) -> int:
    return sum(c.isdigit() for c in number)


def _is_possible(number: str) -> bool:
    import phonenumbers

    number = re.sub(r"^00", "+", number.strip())
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(number: str, country: str) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number, country)))
    except phonenumbers.NumberParseException:
        return False
