"""A text word by word, with what is known of each word: a capital, a given name, a place, part of a ship's name.

What must not live here: the rules that make a name of words (`names`, `scripts`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from simplified_forms.screening import vocabulary
from simplified_forms.screening.lexicon import folded, is_common, is_family_name, is_given_name, place_length

LONGEST = 4  # words of a name, particles not counted
_TOKEN = re.compile(r"[^\W\d_]+(?:[-'’ʼ][^\W\d_]+)*")
_JOINT = re.compile(r"[ \t]{1,2}|\.[ \t]?|, |\. ")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_BRANDS = frozenset(vocabulary.BRANDS)


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    text: str
    folded: str
    gap: str  # what stands between the token before and this one

    @property
    def capital(self) -> bool:
        return self.text[:1].isupper()

    @property
    def all_capitals(self) -> bool:
        return len(self.text) > 2 and self.text.isupper()

    @property
    def arabic(self) -> bool:
        return bool(_ARABIC.match(self.text))


class Reading:
    """One text, word by word, with what is known of each word."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        end = 0
        for match in _TOKEN.finditer(text):
            word = match.group()
            self.tokens.append(Token(*match.span(), word, folded(word), text[end : match.start()]))
            end = match.end()
        words = [token.folded for token in self.tokens]
        self.places = _places(words)
        self.things = _introduced(self.tokens) | _brands(words) | _companies(self.tokens)
        letters = [token for token in self.tokens if len(token.text) > 3]
        self.shouting = bool(letters) and sum(token.text.isupper() for token in letters) * 3 > len(letters) * 2

    def joined(self, at: int) -> bool:
        """Whether the word belongs to the same phrase as the one before."""
        return at > 0 and bool(_JOINT.fullmatch(self.tokens[at].gap)) and not self.tokens[at].gap.startswith(",")

    def given(self, at: int) -> bool:
        word = self.tokens[at].folded
        parts = re.split(r"[-'’ʼ]", word)
        return is_given_name(word) or (len(parts) > 1 and is_given_name(parts[0]))

    def family(self, at: int) -> bool:
        return is_family_name(self.tokens[at].folded)

    def ordinary(self, at: int) -> bool:
        word = self.tokens[at].folded
        return is_common(word) or word in vocabulary.PLACE_WORDS or word in vocabulary.ROLES

    def may_be_name(self, at: int) -> bool:
        """Whether a word can be part of a name: a capital, and neither an ordinary word nor a ship."""
        token = self.tokens[at]
        return token.capital and not self.ordinary(at) and at not in self.things and len(token.text) > 1


def run_from(reading: Reading, at: int, *, anything: bool = False) -> int | None:
    """Return the last word of a name that begins at `at`; None where none begins. `anything`: also places."""
    tokens, last, count, here = reading.tokens, None, 0, at
    while here < len(tokens) and count < LONGEST and (here == at or reading.joined(here)):
        token = tokens[here]
        if here != at and token.gap.startswith(".") and len(tokens[here - 1].text) > 2:
            break  # the sentence ended
        if reading.may_be_name(here) or (len(token.text) == 1 and token.capital):
            if not anything and here in reading.places and not (here > at and reading.given(here - 1)):
                break
            last, count = here, count + (len(token.text) > 1)
        elif token.folded not in vocabulary.PARTICLES or not _goes_on(reading, here):
            break
        here += 1
    return last if count else None


def _goes_on(reading: Reading, at: int) -> bool:
    following = next(
        (n for n in range(at + 1, len(reading.tokens)) if reading.tokens[n].folded not in vocabulary.PARTICLES),
        None,
    )
    return (
        following is not None
        and following - at < 3
        and reading.may_be_name(following)
        and reading.joined(following)
    )


def small_run_from(reading: Reading, at: int) -> int | None:
    """Return the last word of a name in small letters: up to three words that the lists know."""
    last = None
    for here in range(at, min(at + 3, len(reading.tokens))):
        if here > at and not reading.joined(here):
            break
        if reading.ordinary(here) or here in reading.places or not (reading.given(here) or reading.family(here)):
            break
        last = here
    return last


def _places(words: Sequence[str]) -> dict[int, int]:
    """Return the words that are part of the name of a place, with how many words that name has."""
    found: dict[int, int] = {}
    at = 0
    while at < len(words):
        length = place_length(words, at)
        for here in range(at, at + length):
            found[here] = length
        if length == 0 and "-" in words[at] and place_length(words[at].split("-"), 0) == words[at].count("-") + 1:
            found[at] = 2
        at += max(1, length)
    return found


def _introduced(tokens: Sequence[Token]) -> set[int]:
    """Return the words after a word for ships, operations and brands, and those before an IMO number."""
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if token.folded in vocabulary.THING_INTRODUCERS or (token.text in {"V", "T"} and token.gap == "/"):
            found |= _capitals_from(tokens, at + 1)
        elif token.text == "IMO":
            here = at - 1
            while (
                here >= 0 and at - here < 5 and tokens[here].capital and tokens[here + 1].gap in {" ", ", ", " ("}
            ):
                found.add(here)
                here -= 1
    return found


def _capitals_from(tokens: Sequence[Token], at: int) -> set[int]:
    found: set[int] = set()
    while at < len(tokens) and len(found) < 5 and re.fullmatch(r"[\s\"“«'.:]{1,3}|-", tokens[at].gap):
        if not (
            tokens[at].capital
            or tokens[at].folded in vocabulary.PARTICLES
            or (tokens[at].arabic and len(found) < 2)
        ):
            break
        found.add(at)
        at += 1
    return found


def _brands(words: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for at in range(len(words) - 1):
        for length in (2, 3):
            if " ".join(words[at : at + length]) in _BRANDS:
                found |= set(range(at, at + length))
    return found


def _companies(tokens: Sequence[Token]) -> set[int]:
    """Return the words before a word for companies or places: `Kwame Logistics Ltd`, `Jomo Kenyatta Airport`."""
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if at and token.capital and (token.folded in vocabulary.COMPANY or token.folded in vocabulary.PLACE_WORDS):
            here = at - 1
            while (
                here >= 0 and at - here < 4 and tokens[here].capital and re.fullmatch(r"[ -]", tokens[here + 1].gap)
            ):
                found.add(here)
                here -= 1
        if token.folded in vocabulary.PLACE_INTRODUCERS and token.capital:
            found |= _capitals_from(tokens, at + 1)
    return found
