"""Names in scripts with rules of their own: Russian by patronymic and ending, Arabic, which has no capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simplified_forms.screening import vocabulary
from simplified_forms.screening.lexicon import is_common, is_given_name
from simplified_forms.screening.reading import LONGEST, Reading

_PATRONYMIC = re.compile(r"(?:ович|евич|овна|евна|ична|инична|оглы|кызы|улы)(?:а|у|ем|ом|е|ы|ой)?$")
_RUSSIAN_FAMILY = re.compile(
    r"(?:ов|ев|ин|ын|ский|цкий|енко|чук|ук|юк|ян|швили|дзе|ко|ец|ова|ева|ина|ская|цкая)(?:а|у|ым|ом|е|ой|ого|ому)?$"
)
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_NISBA = re.compile(r"ال\w{2,}ي")
_ARABIC_PREFIX = re.compile(r"^[ولبف](?=..)")


def russian_names(reading: Reading) -> Iterator[tuple[int, int]]:
    tokens = reading.tokens
    for at in range(len(tokens) - 1):
        pair = (tokens[at], tokens[at + 1])
        if not all("Ѐ" <= token.text[0] <= "Я" and token.capital for token in pair) or not reading.joined(at + 1):
            continue
        if not all(reading.may_be_name(n) and n not in reading.places for n in (at, at + 1)):
            continue
        if any(_PATRONYMIC.search(token.folded) for token in pair) or (
            any(_RUSSIAN_FAMILY.search(token.folded) for token in pair)
            and any(reading.given(n) for n in (at, at + 1))
        ):
            yield at, at + 1


def arabic_names(reading: Reading) -> Iterator[tuple[int, int]]:
    for at, token in enumerate(reading.tokens[:-1]):
        if token.arabic and at not in reading.things and at not in reading.places and reading.given(at):
            last = arabic_run_from(reading, at, sure=False)
            if last is not None and last > at:
                yield at, last


def arabic_family_after(reading: Reading, at: int) -> int | None:
    """Return the last of two words of which the second says where a family comes from: `سيف المنصوري`."""
    if at + 1 >= len(reading.tokens) or not reading.joined(at + 1):
        return None
    own, family = reading.tokens[at].folded, reading.tokens[at + 1].folded
    known = own.startswith("ال") or is_common(own) or at in reading.places or at + 1 in reading.places
    return at + 1 if not known and _NISBA.fullmatch(family) else None


def arabic_run_from(reading: Reading, at: int, *, sure: bool) -> int | None:
    """Return the last word of an Arabic name: known names, and words with the article or a particle between."""
    tokens, last = reading.tokens, None
    for here in range(at, min(at + LONGEST, len(tokens))):
        token = tokens[here]
        if not token.arabic or (here > at and not reading.joined(here)) or here in reading.places:
            break
        known = reading.given(here) or is_given_name(_ARABIC_PREFIX.sub("", token.folded)) or reading.family(here)
        begins = known or (sure and here == at and not is_common(token.folded))
        article = token.folded.startswith("ال") and here - at < 3
        if not begins and (last is None or not (article or token.folded in vocabulary.PARTICLES)):
            break
        last = here
    return last
