"""Folding of text for search: case, accents, forms of letters. Pure; the folded text is kept under the seal.

What must not live here: any index. Search opens and scans.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

MAX_FOLDED = 30_000

# Letters that decompose to nothing simpler and that people leave out or write differently.
_LETTERS = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n",
    "ə": "e", "ё": "е", "ъ": "", "ґ": "г", "і": "и", "ї": "и", "є": "е", "ў": "у", "ә": "а",
    # Arabic: alef, ya, ta marbuta and kaf as they are written from Morocco to Pakistan; tatweel and marks drop out.
    "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ھ": "ه", "ک": "ك", "ڪ": "ك",
    "گ": "ك", "پ": "ب", "چ": "ج", "ڤ": "ف", "ء": "", "ـ": "",
    "‌": "", "‍": "", "\u200e": "", "\u200f": "", "\u00ad": "", "\ufeff": "",
}  # fmt: skip
_TABLE = str.maketrans(_LETTERS)


class _Bare(dict[int, str]):
    """What a character is without marks, decimal digits as 0 to 9 (superscripts were decomposed already)."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if unicodedata.category(char) == "Mn":
            bare = ""
        else:
            bare = str(unicodedata.decimal(char)) if char.isdecimal() else char
        if len(self) < 5000:
            self[code] = bare
        return bare


_BARE = _Bare()


def fold(text: str) -> str:
    """Return `text` as search compares it: "Crème", "CREME" and "creme" are the same, so are "Ёж" and "еж"."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(decomposed.translate(_BARE).casefold().translate(_TABLE).split())


def search_text(subject: str, body: Mapping[str, Any]) -> str:
    """Return the folded text of everything that a reader may look for in a message."""
    words: list[str] = [subject]
    size = len(subject)
    for leaf in _leaves(body):
        words.append(leaf)
        size += len(leaf)
        if size > MAX_FOLDED:
            break
    return fold("\n".join(words))[:MAX_FOLDED]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
