"""Names that no list knows, told by what stands around them: what somebody did, who they are, a name beside them.

What must not live here: titles and roles, after which a name comes whatever it looks like (`names`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from simplified_forms.screening import vocabulary
from simplified_forms.screening.reading import Reading, run_from

_AGE = re.compile(
    r"\s?[,(]\s?(?:aged |age |âgée? de |de |im Alter von )?(?:1[4-9]|[2-9]\d)"
    r"(?=\s?(?:[,);.]|$|years|yrs|y\.?o|ans\b|años|anos|Jahre|jaar|лет))"
)
_BETWEEN = frozenset(
    {"who", "qui", "que", "wie", "der", "die", "который", "которая", "has", "have", "had", "a", "ont"}
)
_BETWEEN_TOO = frozenset({"also", "then", "later", "again", "aussi", "tambien", "tambem", "auch", "ook", "ne"})
_ARTICLES = frozenset({"a", "an", "the", "his", "her", "le", "la", "un", "une", "el", "una", "o", "um", "uma"})
_LONGEST_ACT = 4
type Run = tuple[int, int]


def runs_of(reading: Reading) -> list[Run]:
    """Return where several words stand together that may be a name, first and last: never a place or a thing."""
    found = []
    at = 0
    while at < len(reading.tokens):
        last = run_from(reading, at) if reading.may_be_name(at) else None
        if last is None:
            at += 1
            continue
        if _several(reading, at, last):
            found.append((at, last))
        at = last + 1
    return found


def _several(reading: Reading, first: int, last: int) -> bool:
    words = [reading.tokens[n] for n in range(first, last + 1) if reading.may_be_name(n)]
    capitals = all(word.all_capitals for word in words)
    return len(words) > 1 and (reading.shouting or not capitals)


def told_by_surroundings(reading: Reading, runs: Iterable[Run]) -> Iterator[Run]:
    """Yield the runs beside which it is said what a person did, how old they are, or who they are."""
    for first, last in runs:
        if _acted(reading, last + 1) or _is_somebody(reading, last) or _family_name(reading, first, last):
            yield first, last


def beside(reading: Reading, runs: list[Run], names: Iterable[Run]) -> Iterator[Run]:
    """Yield the runs that stand in a row with a name: `Kofi Mensah, Ama Owusu and Yaw Boateng`."""
    by_first = {run[0]: run for run in runs}
    by_last = {run[1]: run for run in runs}

    def following(run: Run) -> Run | None:
        return by_first.get(_after(reading, run[1]))

    def before(run: Run) -> Run | None:
        return by_last.get(_before(reading, run[0]))

    told = set(names)
    for name in list(told):
        for follow in (following, before):
            here = follow(name)
            while here and here not in told:
                told.add(here)
                yield here
                here = follow(here)


def _after(reading: Reading, last: int) -> int:
    """Return where the next one of a row would begin."""
    at = last + 1
    if at < len(reading.tokens) and reading.tokens[at].gap == ", ":
        return at
    return at + 1 if at < len(reading.tokens) and _joins(reading, at) else -1


def _before(reading: Reading, first: int) -> int:
    if reading.tokens[first].gap == ", ":
        return first - 1
    return first - 2 if first > 1 and _joins(reading, first - 1) else -1


def _joins(reading: Reading, at: int) -> bool:
    return reading.tokens[at].folded in vocabulary.AND and reading.tokens[at].gap in {" ", ", "}


def _acted(reading: Reading, at: int) -> bool:
    tokens = reading.tokens
    if at >= len(tokens) or not re.fullmatch(r",? |\) ", tokens[at].gap):
        return False
    if "," in tokens[at].gap and tokens[at].folded not in _BETWEEN:
        return False  # "…, collected by": of a thing
    words: list[str] = []
    for token in tokens[at : at + 8]:
        if words and not re.fullmatch(r",? ", token.gap):
            break
        words.append(token.folded)
    while len(words) > 1 and (words[0] in _BETWEEN or words[0] in _BETWEEN_TOO):
        if tuple(words[:2]) in vocabulary.ACTS or tuple(words[:3]) in vocabulary.ACTS:
            return True
        words = words[1:]
    if any(tuple(words[:length]) in vocabulary.ACTS for length in range(1, _LONGEST_ACT + 1)):
        return True
    return bool(words) and words[0] in vocabulary.HELPING and not vocabulary.UNDERGONE.isdisjoint(words[1:6])


def _is_somebody(reading: Reading, last: int) -> bool:
    if _AGE.match(reading.text, reading.tokens[last].end):
        return True
    at = last + 1
    if at >= len(reading.tokens) or not re.fullmatch(r", | ?\(", reading.tokens[at].gap):
        return False
    if reading.tokens[at].folded in _ARTICLES:
        at += 1
    return at < len(reading.tokens) and reading.tokens[at].folded in vocabulary.PERSONS


def _family_name(reading: Reading, first: int, last: int) -> bool:
    return any(
        len(reading.tokens[n].text) > 5 and reading.tokens[n].text.lower().endswith(vocabulary.FAMILY_ENDINGS)
        for n in range(first, last + 1)
    )
