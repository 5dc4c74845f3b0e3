"""Code lists: codes, labels in six languages, attributes. The way in is `code_list(name)`.

What lives here: the shape of a list, and the reading of `data/lists/*.csv`. Lists that come from packages
(countries, currencies, languages, HS) are put together in `derived.py`. What must not live here: rules about forms.

A file has the columns `code`, one per language, and attributes. The end of an attribute's name says its type:
`fits|` is several words parted by `|`, `sane_max#` is a decimal number, anything else is text.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from nomenclature.errors import UnknownList
from nomenclature.folding import fold
from nomenclature.sources import own_file

__all__ = ["LANGUAGES", "LIST_NAMES", "CodeList", "Entry", "base_language", "code_list"]

LANGUAGES = ("en", "fr", "es", "ru", "ar", "pt")

# Lists of our own, one file each: standards' codes, or proposals of this project where there is no standard.
FILES = frozenset(path.stem for path in own_file("lists").glob("*.csv"))
ALIASES = {"joint_agency": "agency_kind", "seizing_agency": "agency_kind"}
DERIVED = ("country", "currency", "hs", "language")
LIST_NAMES = tuple(sorted((*FILES, *ALIASES, *DERIVED)))


def base_language(language: str) -> str:
    """Return the language that labels exist in: `fr-CA` -> `fr`; one that we do not know is English."""
    base = language.lower().replace("_", "-").partition("-")[0]
    return base if base in LANGUAGES else "en"


@dataclass(frozen=True, slots=True)
class Entry:
    """One code with its labels by language (English always) and its attributes (read-only)."""

    code: str
    labels: Mapping[str, str]
    attributes: Mapping[str, Any]


class CodeList:
    """An ordered list of codes. Labels are asked for per language, so that a language is read when it is used."""

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, Mapping[str, Any]],
        labels_in: Callable[[str], Mapping[str, str]],
        *,
        alphabetical: bool = False,
        last: tuple[str, ...] = (),
    ) -> None:
        """Make a list of the codes of `attributes`, in that order or, `alphabetical`, by label in each language.

        `labels_in(language)` returns the labels it knows, by code, and all of them for English. The codes of
        `last` (unknown, other) stay at the end of an alphabetical list.
        """
        self.name = name
        self.codes = tuple(attributes)
        self._attributes = attributes
        self._labels_in = labels_in
        self._labels: dict[str, Mapping[str, str]] = {}
        self._items: dict[str, list[tuple[str, str]]] = {}
        self._alphabetical = alphabetical
        self._last = last

    def __contains__(self, code: object) -> bool:
        return code in self._attributes

    def __iter__(self) -> Iterator[str]:
        return iter(self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"<CodeList {self.name}: {len(self)} codes>"

    def own_labels(self, language: str) -> Mapping[str, str]:
        """Return the labels that exist in exactly this language, by code, without falling back."""
        labels = self._labels.get(language)
        if labels is None:
            labels = self._labels[language] = MappingProxyType(dict(self._labels_in(language)))
        return labels

    def label(self, code: str, language: str = "en") -> str:
        """Return the label in that language, else in English; a code that is not in the list is its own label."""
        return self.own_labels(base_language(language)).get(code) or self.own_labels("en").get(code, code)

    def items(self, language: str = "en") -> list[tuple[str, str]]:
        """Return (code, label) of the whole list, in its order for that language."""
        language = base_language(language)
        if language not in self._items:
            pairs = [(code, self.label(code, language)) for code in self.codes]
            if self._alphabetical:
                pairs.sort(key=lambda pair: (pair[0] in self._last, fold(pair[1])))
            self._items[language] = pairs
        return list(self._items[language])

    def entry(self, code: str) -> Entry:
        """Return the entry of a code; raises KeyError for a code that is not in the list."""
        attributes = self._attributes[code]
        labels = {language: label for language in LANGUAGES if (label := self.own_labels(language).get(code, ""))}
        return Entry(code, MappingProxyType(labels), MappingProxyType(dict(attributes)))

    def attributes(self, code: str) -> Mapping[str, Any]:
        """Return the attributes alone, without reading labels; raises KeyError like `entry`."""
        return self._attributes[code]


@cache
def code_list(name: str) -> CodeList:
    """Return the list of that name, read once; raises UnknownList."""
    name = ALIASES.get(name, name)
    if name in FILES:
        return _read_list(name)
    if name in DERIVED:
        from nomenclature import derived

        return derived.build_list(name)
    raise UnknownList


def _read_list(name: str) -> CodeList:
    """Read data/lists/<name>.csv."""
    attributes: dict[str, dict[str, Any]] = {}
    labels: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    with own_file(f"lists/{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code = row.pop("code")
            for language in LANGUAGES:
                if label := row.pop(language, ""):
                    labels[language][code] = label
            attributes[code] = dict(_typed(column, text or "") for column, text in row.items())
    return CodeList(name, attributes, labels.__getitem__)


def _typed(column: str, text: str) -> tuple[str, Any]:
    """Turn one attribute's cell into its value, by the last sign of the column's name."""
    if column.endswith("|"):
        return column[:-1], tuple(text.split("|")) if text else ()
    if column.endswith("#"):
        return column[:-1], Decimal(text) if text else None
    return column, text
