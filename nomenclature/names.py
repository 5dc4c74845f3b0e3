"""Names of countries and places: from code to name, and from a name as people write it to the code.

What lives here: matching of whole names. What must not: guessing. A name that could mean two countries, or a state
that was split up (`Czechoslovakia`, `Netherlands Antilles`), matches nothing; the one who imports decides.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache

from nomenclature import places
from nomenclature.folding import fold
from nomenclature.lists import LANGUAGES, code_list
from nomenclature.sources import own_file

__all__ = ["country_code", "country_name", "place_name"]

_Key = tuple[str, ...]
_FILLERS = frozenset(
    [
        "the",
        "of",
        "and",
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "l",
        "et",
        "del",
        "los",
        "las",
        "el",
        "y",
        "do",
        "da",
        "dos",
        "das",
        "e",
        "d",
    ]
)
_APOSTROPHES = re.compile(r"['’ʼ`´]")
_IN_BRACKETS = re.compile(r"\([^)]*\)")
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 200
# Names whose bare form means one country and whose form with a part in brackets often means its namesake:
# `Congo (République démocratique)`, `San Martín (parte holandesa)`.
_NAMESAKES = frozenset(["CG", "CD", "KP", "KR", "MF", "SX", "VG", "VI"])


def country_name(code: str, language: str = "en") -> str:
    """Return the country's name in that language; a code that is not in the list is its own name."""
    return code_list("country").label(code, language)


def place_name(code: str, language: str = "en") -> str:
    """Return `Apapa, Nigeria` for the code of a known port or airport; any other text comes back as it is."""
    place = places.place(code)
    return f"{place.name}, {country_name(place.country, language)}" if place else code


def country_code(text: str) -> str | None:
    """Return the code of a country given as ISO code (2 or 3 letters, 3 digits) or by name; None when unsure.

    Names match in the six languages, in ISO's inverted form (`Iran, Islamic Republic of`), by former and everyday
    names (`Swaziland`, `Ivory Coast`), and with a part in brackets (`Iraq (Kurdistan Region)`).
    """
    text = text[:_LONGEST].strip()
    if text.upper() in code_list("country"):
        return text.upper()
    found = _codes().get(text.upper()) or _names().get(_key(text))
    if found is None and "(" in text:
        found = _names().get(_key(_IN_BRACKETS.sub(" ", text)))
        return None if found in _NAMESAKES else found
    return found


def _key(name: str) -> _Key:
    """Return what a name is compared by: its folded words without fillers, in alphabetical order."""
    found = _WORD.findall(_APOSTROPHES.sub("", fold(name)))
    found = ["saint" if word == "st" else word for word in found]
    return tuple(sorted(word for word in found if word not in _FILLERS)) or tuple(found)


@cache
def _codes() -> Mapping[str, str]:
    """Return alpha-3 and numeric codes."""
    countries = code_list("country")
    found: dict[str, str] = {}
    for code in countries:
        attributes = countries.attributes(code)
        found |= {other: code for other in (attributes["alpha_3"], attributes["numeric"]) if other}
    return found


@cache
def _names() -> Mapping[_Key, str]:
    """Return every known name by its key. Earlier sources win: aliases, then ISO, then the six languages."""
    import pycountry

    with own_file("country_alias.csv").open(encoding="utf-8", newline="") as file:
        found = {_key(row["alias"]): row["code"] for row in csv.DictReader(file)}
    for country in pycountry.countries:
        for field in ("name", "official_name", "common_name"):
            if name := getattr(country, field, ""):
                found.setdefault(_key(name), country.alpha_2)
    for language in LANGUAGES:
        for code, name in code_list("country").own_labels(language).items():
            found.setdefault(_key(name), code)
    found.pop((), None)
    return found
