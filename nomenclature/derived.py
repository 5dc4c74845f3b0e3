"""Lists that packages carry: countries, currencies and languages (pycountry, Babel) and the Harmonized System.

What lives here: how the lists are put together. What must not: matching of free text (see `names.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nomenclature import hs
from nomenclature.lists import CodeList

__all__ = ["INTERNATIONAL_WATERS", "KOSOVO", "UNKNOWN_COUNTRY", "build_list"]

KOSOVO = "XK"
INTERNATIONAL_WATERS = "XZ"
UNKNOWN_COUNTRY = "ZZ"

# User-assigned codes that no package names the way this product means them.
_EXTRA_COUNTRIES: dict[str, dict[str, str]] = {
    INTERNATIONAL_WATERS: {
        "en": "International waters",
        "fr": "Eaux internationales",
        "es": "Aguas internacionales",
        "ru": "Международные воды",
        "ar": "المياه الدولية",
        "pt": "Águas internacionais",
    },
    UNKNOWN_COUNTRY: {
        "en": "Unknown",
        "fr": "Inconnu",
        "es": "Desconocido",
        "ru": "Неизвестно",
        "ar": "غير معروف",
        "pt": "Desconhecido",
    },
}
# ISO 4217 also lists bond market units, testing codes and "no currency": nobody seizes those.
_NOT_MONEY = frozenset(
    [
        "XBA",
        "XBB",
        "XBC",
        "XBD",
        "XDR",
        "XSU",
        "XTS",
        "XUA",
        "XXX",
        "CHE",
        "CHW",
        "BOV",
        "CLF",
        "COU",
        "MXV",
        "USN",
        "UYI",
        "UYW",
    ]
)


def build_list(name: str) -> CodeList:
    """Put together the list of that name; KeyError for any other name."""
    return {"country": _countries, "currency": _currencies, "language": _languages, "hs": _hs_codes}[name]()


def _countries() -> CodeList:
    import pycountry
    from babel import Locale

    attributes: dict[str, Mapping[str, Any]] = {
        country.alpha_2: {"alpha_3": country.alpha_3, "numeric": country.numeric} for country in pycountry.countries
    }
    attributes |= {code: {"alpha_3": "", "numeric": ""} for code in (KOSOVO, *_EXTRA_COUNTRIES)}

    def labels_in(language: str) -> dict[str, str]:
        territories = Locale(language).territories
        labels = {code: territories[code] for code in attributes if code in territories}
        if language == "en":
            labels = {c.alpha_2: c.name for c in pycountry.countries} | labels
        return labels | {code: names[language] for code, names in _EXTRA_COUNTRIES.items()}

    return CodeList(
        "country", attributes, labels_in, alphabetical=True, last=(INTERNATIONAL_WATERS, UNKNOWN_COUNTRY)
    )


def _currencies() -> CodeList:
    import pycountry
    from babel import Locale

    attributes = {c.alpha_3: {"numeric": c.numeric} for c in pycountry.currencies if c.alpha_3 not in _NOT_MONEY}

    def labels_in(language: str) -> dict[str, str]:
        known = Locale(language).currencies
        labels = {code: known[code] for code in attributes if code in known}
        if language == "en":
            labels = {c.alpha_3: c.name for c in pycountry.currencies if c.alpha_3 in attributes} | labels
        return labels

    return CodeList("currency", attributes, labels_in)


def _languages() -> CodeList:
    import pycountry
    from babel import Locale

    attributes: dict[str, dict[str, str]] = {
        language.alpha_2: {"alpha_3": language.alpha_3}
        for language in pycountry.languages
        if hasattr(language, "alpha_2")
    }

    def labels_in(language: str) -> dict[str, str]:
        known = Locale(language).languages
        labels = {code: known[code] for code in attributes if code in known}
        if language == "en":
            named = {getattr(x, "alpha_2", ""): x.name for x in pycountry.languages}
            labels = {code: named[code] for code in attributes} | labels
        return labels

    return CodeList("language", attributes, labels_in, alphabetical=True)


def _hs_codes() -> CodeList:
    titles = hs.titles()
    attributes = {
        code: {"section": title.section, "parent": title.parent, "level": len(code)}
        for code, title in titles.items()
    }

    def labels_in(language: str) -> Mapping[str, str]:
        if language == "en":
            return {code: title.text for code, title in titles.items()}
        return {code: text for code, text in hs.translated_titles(language).items() if code in titles}

    return CodeList("hs", attributes, labels_in)
