"""Type-ahead over every list: a few letters in, the best codes out, in a few milliseconds.

What lives here: an index in memory per list and language, built at its first use, and the ranking. Codes come
first, then labels that start with what was typed, then words that start with it. Case, accents and punctuation do
not matter; misspellings are not corrected.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from nomenclature import hs, places
from nomenclature.errors import UnknownList
from nomenclature.folding import fold, squeeze, words
from nomenclature.lists import LIST_NAMES, CodeList, base_language, code_list

__all__ = ["LISTS", "MAX_LIMIT", "MAX_QUERY", "Match", "find", "warm_up"]

PLACE_LISTS = ("airport", "place", "port")
LISTS = tuple(sorted((*LIST_NAMES, *PLACE_LISTS)))
MAX_LIMIT = 50
MAX_QUERY = 100
# From how many characters on the start of a code counts: the first two of a place's code are its country.
_SHORTEST_START = {"place": 4, "port": 4}
# Sorts behind every character that folded text can contain.
_AFTER = "\U0010ffff"


class Match(NamedTuple):
    """One answer. `detail` tells equal labels apart; `country` is set for places."""

    code: str
    label: str
    detail: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One searchable thing. Codes are squeezed, its own first; `hidden` words are found, not shown."""

    code: str
    label: str
    codes: tuple[str, ...]
    country: str = ""
    hidden: str = ""
    # The folded words of the label, and of label and hidden words, each between blanks: " apapa port ".
    shown_words: str = ""
    all_words: str = ""


@dataclass(slots=True)
class _Index:
    """Rows, the preferred first, with three sorted views: codes, starts of labels, words."""

    rows: Sequence[_Row]
    codes: list[tuple[str, int]] = field(default_factory=list)
    heads: list[tuple[str, int]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    postings: list[list[int]] = field(default_factory=list)


def find(
    list_name: str, query: str, *, language: str = "en", limit: int = 20, country: str | None = None
) -> list[Match]:
    """Return the best matches, best first; an empty query gives nothing. Raises UnknownList.

    Lists: every code list, `hs`, and `port`, `airport` and `place` (both), which `country` narrows to one country.
    The query is cut at 100 characters and the limit at 50.
    """
    if list_name not in LISTS:
        raise UnknownList
    query = query[:MAX_QUERY]
    parts = words(query)
    if not parts:
        return []
    language = base_language(language)
    index = _index(list_name, "" if list_name in PLACE_LISTS else language)
    wanted = country.upper() if country else ""
    ranked = (
        (rank, number)
        for rank, number in _candidates(index, parts, squeeze(query), shortest=_SHORTEST_START.get(list_name, 2))
        if not wanted or index.rows[number].country == wanted
    )
    best = heapq.nsmallest(max(1, min(limit, MAX_LIMIT)), ranked)
    return [_match(list_name, index.rows[number], language) for _, number in best]


def warm_up(language: str = "en") -> None:
    """Build the large indexes now, so that the first officer does not wait (about a second)."""
    for name in ("place", "hs", "country", "commodity"):
        find(name, "warm", language=language)


def _candidates(index: _Index, parts: list[str], code: str, *, shortest: int) -> Iterable[tuple[int, int]]:
    """Yield (rank, row's number), each row once: 0 its code, 1 a start of a code, then as `_rank` says."""
    seen: set[int] = set()
    for found, number in _prefixed(index.codes, code):
        rank = 0 if found == code else 1
        if number not in seen and (rank == 0 or len(code) >= shortest):
            seen.add(number)
            yield rank, number
    # One letter says little: it finds labels that start with it, not every word of the world.
    numbers: Iterable[int]
    one_letter = len(parts) == 1 and len(parts[0]) == 1
    numbers = (n for _, n in _prefixed(index.heads, parts[0])) if one_letter else _rows_with(index, parts)
    for number in numbers:
        if number not in seen:
            seen.add(number)
            yield _rank(index.rows[number], parts), number


def _rank(row: _Row, parts: list[str]) -> int:
    """Return 2 if the label starts with these words, 3 with this text; 4 and 5 alike inside it; 6 if hidden."""
    start = " " + " ".join(parts)
    if row.shown_words.startswith(start):
        return 2 if row.shown_words.startswith(start + " ") else 3
    if all(f" {part} " in row.shown_words for part in parts):
        return 4
    return 5 if _has(row.shown_words, parts) else 6


def _has(line: str, parts: list[str]) -> bool:
    """Say whether every part starts some word of the line."""
    return all(" " + part in line for part in parts)


def _prefixed(pairs: list[tuple[str, int]], start: str) -> Iterable[tuple[str, int]]:
    """Return the part of a sorted list whose texts start with `start`."""
    return pairs[bisect_left(pairs, (start, -1)) : bisect_left(pairs, (start + _AFTER, -1))]


def _rows_with(index: _Index, parts: list[str]) -> Iterable[int]:
    """Return the rows in which every part starts some word: the rarest part leads, the others filter."""
    spans = []
    for part in parts:
        low, high = bisect_left(index.tokens, part), bisect_left(index.tokens, part + _AFTER)
        spans.append((sum(map(len, index.postings[low:high])), low, high))
    _, low, high = min(spans)
    numbers = {number for posting in index.postings[low:high] for number in posting}
    if len(parts) == 1:
        return numbers
    return (number for number in numbers if _has(index.rows[number].all_words, parts))


def _match(list_name: str, row: _Row, language: str) -> Match:
    return Match(row.code, row.label, _detail(list_name, row, language), row.country)


def _detail(list_name: str, row: _Row, language: str) -> str:
    """Return what tells equal labels apart, in the reader's language."""
    if list_name in PLACE_LISTS:
        place = places.airport(row.code) if list_name == "airport" else places.place(row.code)
        functions = code_list("locode_function")
        kinds = [functions.label(digit, language) for digit in place.functions] if place else []
        codes = [part for part in (place.iata, place.icao) if part] if place else []
        country = code_list("country").label(row.country, language)
        return " · ".join([", ".join(kinds), country, *codes])
    if list_name == "hs":
        return hs.chapter_title(row.code, language) if len(row.code) > 2 else ""
    if list_name == "commodity":
        return code_list("commodity_group").label(row.code.partition(".")[0], language)
    if list_name == "unit":
        return str(code_list("unit").attributes(row.code)["symbol"])
    return ""


@cache
def _index(list_name: str, language: str) -> _Index:
    """Build the index of a list. Places have one for all languages: their names are not translated."""
    if list_name in PLACE_LISTS:
        return _sorted_index(_place_rows(list_name))
    return _sorted_index(_list_rows(code_list(list_name), language))


def _list_rows(source: CodeList, language: str) -> Iterable[_Row]:
    """Return the rows of a code list; in another language English words and synonyms are found as well."""
    english = source.own_labels("en") if language != "en" else {}
    items = source.items(language)
    if source.name == "hs":
        items.sort(key=lambda item: (len(item[0]), item[0]))  # chapters, then headings, then subheadings
    for code, label in items:
        attributes = source.attributes(code)
        hidden = [english.get(code, ""), *attributes.get("synonyms", ())]
        codes = (squeeze(code), squeeze(code.rpartition(".")[2]), fold(attributes.get("alpha_3", "")))
        yield _Row(code, label, tuple(c for c in codes if c), "", " ".join(hidden))


def _place_rows(list_name: str) -> Iterable[_Row]:
    """Return the rows of ports, airports or both."""
    source = places.airports() if list_name == "airport" else places.places()
    for code, place in sorted(source.items(), key=lambda item: (item[1].weight, len(item[1].name), item[0])):
        if list_name == "port" and places.PORT not in place.functions:
            continue
        codes = tuple(fold(c) for c in (code, place.iata, place.icao) if c)
        yield _Row(code, place.name, codes, place.country, " ".join(place.other_names))


def _sorted_index(rows: Iterable[_Row]) -> _Index:
    """Take labels apart into words and sort codes, starts and words."""
    made: list[_Row] = []
    postings: dict[str, list[int]] = {}
    index = _Index(made)
    for number, row in enumerate(rows):
        shown = words(row.label)
        tokens = [*shown, *words(row.hidden)]
        line = f" {' '.join(shown)} "
        every = f" {' '.join(tokens)} " if row.hidden else line
        made.append(replace(row, hidden="", shown_words=line, all_words=every))
        index.heads.append((line[1:], number))
        index.codes.extend((code, number) for code in set(row.codes))
        for token in set(tokens):
            postings.setdefault(token, []).append(number)
    index.codes.sort()
    index.heads.sort()
    index.tokens = sorted(postings)
    index.postings = [postings[token] for token in index.tokens]
    return index
