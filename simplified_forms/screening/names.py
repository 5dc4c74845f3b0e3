"""Probable names of persons: after a title or a role, beside a given name, with initials, by their script.

A name is told by where it stands (titles, roles), by what it is (lists of given names) and by how it is written
(capitals, initials, patronymics). Places, ships, brands, companies and ordinary words are left out. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from simplified_forms.screening import vocabulary
from simplified_forms.screening.findings import Finding, FindingKind
from simplified_forms.screening.reading import Reading, run_from, small_run_from
from simplified_forms.screening.scripts import arabic_family_after, arabic_names, arabic_run_from, russian_names
from simplified_forms.screening.surroundings import beside, runs_of, told_by_surroundings

_INITIALS = re.compile(
    r"(?<![\w.])(?:[^\W\d_a-zа-я]\.[ \-]?){1,3}(?:(?:van|von|de|der|den|el|al|du|da|"
    r"dos) ){0,2}[^\W\d_a-zа-яё][^\W\d_]+(?:-[^\W\d_]+)?"
)
# As airlines write passengers: MENSAH/KOFI MR.
_BOOKED = re.compile(r"(?<![\w/])[A-Z]{2,30}/[A-Z]{2,30}(?: [A-Z]{2,30})? ?(?:MR|MRS|MS|MISS|MSTR|CHD)\b")
_SURNAME_INITIALS = re.compile(r"(?<!\w)[^\W\d_a-zа-яё][^\W\d_]{2,} (?:[^\W\d_a-zа-яё]\. ?){2}")


_NAMING, _NICKNAMING = (
    re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})")
    for phrases in (vocabulary.NAMING_PHRASES, vocabulary.NICKNAMING_PHRASES)
)


def names_in(text: str) -> Iterator[Finding]:
    """Yield what may be a name, the surest first; passages may overlap."""
    reading = Reading(text)
    runs = runs_of(reading)
    for match in _BOOKED.finditer(text):
        yield Finding(FindingKind.NAME, *match.span())
    sure = [*_titled(reading), *_named(reading), *_in_roles(reading)]
    for first, last in sure:
        yield _finding(reading, first, last)
    for start, end in _initials(reading):
        yield Finding(FindingKind.NAME, start, end)
    likely = [*_listed(reading), *russian_names(reading), *arabic_names(reading)]
    likely += told_by_surroundings(reading, runs)
    for first, last in (*likely, *beside(reading, runs, [*sure, *likely])):
        yield _finding(reading, first, last)


def sure_names_in(text: str) -> Iterator[Finding]:
    """Yield only names after a title or a word that announces one: for fields that hold names of things."""
    reading = Reading(text)
    for first, last in (*_titled(reading), *_named(reading)):
        yield _finding(reading, first, last)


def _finding(reading: Reading, first: int, last: int) -> Finding:
    return Finding(FindingKind.NAME, reading.tokens[first].start, reading.tokens[last].end)


def _titled(reading: Reading) -> Iterator[tuple[int, int]]:
    for at, token in enumerate(reading.tokens[:-1]):
        if token.folded not in vocabulary.TITLES or at in reading.things:
            continue
        if token.folded in vocabulary.SHORT_TITLES and not token.capital and token.folded != "mr":
            continue
        if not re.fullmatch(r"\.?\s{1,2}", reading.tokens[at + 1].gap):
            continue
        if reading.tokens[at + 1].arabic:
            last = arabic_run_from(reading, at + 1, sure=True)
        elif reading.shouting and token.folded in vocabulary.SHORT_TITLES:
            last = None
        else:
            last = run_from(reading, at + 1, anything=True)
            if last is None:
                last = small_run_from(reading, at + 1)
        if last is not None:
            yield at + 1, last


def _named(reading: Reading) -> Iterator[tuple[int, int]]:
    small = reading.text.lower()
    starts = {token.start: at for at, token in enumerate(reading.tokens)}
    ends = [(token.end, False) for token in reading.tokens if token.folded in vocabulary.NAMING]
    ends += [(match.end(), True) for match in _NICKNAMING.finditer(small)]
    ends += [(match.end(), False) for match in _NAMING.finditer(small)]
    for end, nick in ends:
        opening = re.compile(r"[\s:\"“«'(]*").match(reading.text, end)
        at = starts.get(opening.end() if opening else end)
        if at is None:
            continue
        if reading.tokens[at].arabic:
            last = arabic_run_from(reading, at, sure=True)
        else:
            last = run_from(reading, at, anything=True) if not reading.shouting else _shouted_run(reading, at)
            if last is None and nick:
                last = _capitals(reading, at)
            if last is None:
                last = small_run_from(reading, at)
        if last is not None and not _only_places(reading, at, last) and not _abbreviation(reading, at, last):
            yield at, last


def _abbreviation(reading: Reading, first: int, last: int) -> bool:
    """Whether it is a short word in capitals by itself, as bodies and carriers have: `collected by DHL`."""
    word = reading.tokens[first]
    return first == last and word.all_capitals and len(word.text) < 5 and not reading.shouting


def _capitals(reading: Reading, at: int) -> int | None:
    """Return the last of up to three capitalised words, whatever they mean: a nickname."""
    last = None
    for here in range(at, min(at + 3, len(reading.tokens))):
        if not reading.tokens[here].capital or (here > at and not reading.joined(here)):
            break
        last = here
    return last


def _only_places(reading: Reading, first: int, last: int) -> bool:
    return all(at in reading.places and not reading.given(at) for at in range(first, last + 1))


def _in_roles(reading: Reading) -> Iterator[tuple[int, int]]:
    for role, token in enumerate(reading.tokens[:-1]):
        if token.folded not in vocabulary.ROLES:
            continue
        at = role + 1
        while (
            at < len(reading.tokens) - 1 and reading.tokens[at].folded in _LINKS and _linked(reading.tokens[at].gap)
        ):
            at += 1
        if not _linked(reading.tokens[at].gap):
            continue
        if reading.tokens[at].arabic:
            last = arabic_run_from(reading, at, sure=False)
            if last is None and token.folded in vocabulary.PERSONS:
                last = arabic_family_after(reading, at)
        elif reading.shouting:
            last = _shouted_run(reading, at)
        else:
            last = run_from(reading, at)
            if last is None:
                last = small_run_from(reading, at)
                if last == at and ":" not in reading.tokens[at].gap:
                    last = None  # one word of the lists: many of them are words, too
            elif last == at and not _alone(reading, role, at):
                last = None
        if last is not None:
            yield at, last


def _alone(reading: Reading, role: int, at: int) -> bool:
    """Whether one word after a role is a name."""
    if reading.given(at) or reading.family(at) or ":" in reading.tokens[at].gap:
        return True
    if at - role > 1:
        return not {reading.tokens[n].folded for n in range(role + 1, at)} & _POSSESSIVE
    word = reading.tokens[at]
    return reading.tokens[role].folded in vocabulary.PERSONS and not word.all_capitals and len(word.text) > 3


_POSSESSIVE = frozenset({"of", "de", "du", "van", "груза", "the", "le", "la"})
_LINKS = frozenset(
    {"is", "was", "est", "etait", "es", "era", "e", "ist", "war", "van", "of", "de", "du", "a", "un", "certain"}
    | {"the", "le", "la", "named", "груза"}
)


def _linked(gap: str) -> bool:
    return bool(re.fullmatch(r"[\s:,=\"“«'(–-]{1,4}", gap))


def _shouted_run(reading: Reading, at: int) -> int | None:
    """Where everything is in capitals: words that the lists know, or one of them and its neighbour."""
    last = run_from(reading, at)
    if last is None or not any(reading.given(n) or reading.family(n) for n in range(at, last + 1)):
        return None
    return last


def _listed(reading: Reading) -> Iterator[tuple[int, int]]:
    """A given name beside another word that may be a name; a family name in capitals beside a capitalised word."""
    at = 0
    while at < len(reading.tokens):
        if not reading.may_be_name(at) or _whole_place(reading, at):
            at += 1
            continue
        last = run_from(reading, at, anything=True)
        if last is None:
            at += 1
            continue
        run = range(at, last + 1)
        words = [n for n in run if reading.may_be_name(n)]
        if _is_name(reading, words):
            yield at, last
        elif (turned := _turned(reading, at, last)) is not None:
            yield at, turned
            last = turned
        at = last + 1


def _whole_place(reading: Reading, at: int) -> bool:
    """Whether a place of several words begins here, or one that no given name stands before."""
    return at in reading.places and (reading.places[at] > 1 or not reading.given(at))


def _is_name(reading: Reading, words: Sequence[int]) -> bool:
    given = [n for n in words if reading.given(n)]
    sure = [n for n in given if reading.tokens[n].folded not in vocabulary.WORDS_TOO]
    if len(words) == 1:
        [at] = words
        return (
            bool(sure)
            and at not in reading.places
            and at > 0
            and not reading.shouting
            and len(reading.tokens[at].text) > 2
            and not reading.tokens[at].all_capitals
            and not reading.family(at)
        )
    places = [n for n in words if n in reading.places and not reading.given(n)]
    if sure and len(places) < len(words) - len(given) + (len(given) > 1):
        return True
    known = {n for n in words if reading.given(n) or reading.family(n)}
    known = {n for n in known if reading.tokens[n].folded not in vocabulary.WORDS_TOO}
    if given and given[0] == words[0] and words[1] in known and reading.family(words[1]):
        return True
    mixed = {reading.tokens[n].all_capitals for n in words} == {True, False} and not reading.shouting
    mixed = mixed and (
        bool(known) or any(len(reading.tokens[n].text) > 4 for n in words if reading.tokens[n].all_capitals)
    )
    listed = bool(known) and all(reading.family(n) or reading.given(n) for n in words)
    return not places and (mixed or listed)


def _turned(reading: Reading, first: int, last: int) -> int | None:
    """`MENSAH, Kofi`: a family name, a comma, a given name. Returns the last word."""
    following = last + 1
    if following < len(reading.tokens) and reading.tokens[following].gap == ", " and first == last:
        both = reading.tokens[first].all_capitals and not reading.tokens[following].all_capitals
        if (
            both
            and reading.may_be_name(following)
            and following not in reading.places
            and first not in reading.places
        ):
            return following
    return None


def _initials(reading: Reading) -> Iterator[tuple[int, int]]:
    at_start = {token.start: at for at, token in enumerate(reading.tokens)}
    for pattern in (_INITIALS, _SURNAME_INITIALS):
        for match in pattern.finditer(reading.text):
            inside = [at for start, at in at_start.items() if match.start() <= start < match.end()]
            words = [at for at in inside if len(reading.tokens[at].text) > 2]
            if words and all(
                reading.may_be_name(at) and at not in reading.places for at in words if reading.tokens[at].capital
            ):
                yield match.start(), len(match.group().rstrip()) + match.start()
