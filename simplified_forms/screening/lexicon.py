"""Which words are given names, ordinary words, places. Read once per process, from data files and `nomenclature`.

What must not live here: patterns, decisions. Everything is compared folded (`nomenclature.folding.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from nomenclature.folding import fold
from nomenclature.lists import LANGUAGES, code_list
from nomenclature.places import airports, places

_DATA = Path(__file__).parent / "data"
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC_ENDINGS = (
    "ами", "ому", "ого", "ым", "им", "ой", "ей", "ом", "ем", "ую", "ая", "у", "а", "е", "ы", "и", "я", "ю",
)  # fmt: skip
_ARABIC_FORMS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ة": "ه"})


@lru_cache(maxsize=20_000)
def folded(word: str) -> str:
    """Return a word as all lists here are compared."""
    return fold(word).translate(_ARABIC_FORMS)


def is_given_name(word: str) -> bool:
    """Whether a folded word is a given name of some country; inflected Russian forms count."""
    names = _given_names()
    if word in names:
        return True
    if "а" <= word[:1] <= "ё":
        return any(word.endswith(end) and _stem_is_name(word[: -len(end)], names) for end in _CYRILLIC_ENDINGS)
    return False


def _stem_is_name(stem: str, names: frozenset[str]) -> bool:
    return len(stem) > 2 and any(stem + end in names for end in ("", "а", "я", "й"))


def is_family_name(word: str) -> bool:
    """Whether a folded word is a family name of some country."""
    return word in _family_names()


def is_common(word: str) -> bool:
    """Whether a folded word is an ordinary one of these texts, and no part of a name."""
    return word in _common_words()


def place_length(words: Sequence[str], at: int) -> int:
    """Return how many folded words from `at` on are the name of a place or a country; 0 where none begins."""
    for candidate in _place_names().get(words[at], ()):
        if tuple(words[at : at + len(candidate)]) == candidate:
            return len(candidate)
    return 0


@cache
def _given_names() -> frozenset[str]:
    return (_listed("given_names.txt") | _listed("more_names.txt")) - _common_words()


@cache
def _family_names() -> frozenset[str]:
    return (_listed("family_names.txt") | _listed("more_names.txt")) - _common_words()


@cache
def _common_words() -> frozenset[str]:
    return _listed("common_words.txt")


def _listed(name: str) -> frozenset[str]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return frozenset(folded(word) for line in lines if not line.startswith("#") for word in line.split())


@cache
def _place_names() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Return the names of places, as folded words, by their first word; the longest first."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for name in _known_places():
        words = tuple(_WORD.findall(folded(name)))
        if words and (len(words) > 1 or len(words[0]) > 3):
            found.setdefault(words[0], set()).add(words)
    return {first: tuple(sorted(names, key=len, reverse=True)) for first, names in found.items()}


def _short(name: str) -> str:
    """Return an airport's name without the words that say that it is one: `Charles de Gaulle`."""
    return " ".join(word for word in name.split() if word.lower() not in {"airport", "international", "intl"})


def _known_places() -> list[str]:
    names = [name for place in places().values() for name in (place.name, *place.other_names)]
    names += [place.name for place in airports().values()]
    names += [
        short for place in airports().values() if place.weight == 0 and (short := _short(place.name)).count(" ") > 1
    ]
    for language in LANGUAGES:
        names += [label for _code, label in code_list("country").items(language)]
    return names + (_DATA / "place_names.txt").read_text(encoding="utf-8").splitlines()
