"""One way to compare words: without case, accents and punctuation. No data and no lists here."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["fold", "squeeze", "words"]

# Letters that Unicode does not take apart into a letter and a mark.
_WHOLE_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return the text in lower case without accents and compatibility forms (`Œufs` -> `oeufs`)."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    # Folded again: taken apart, a letter of mathematics is a capital.
    return "".join(c for c in parts if not unicodedata.combining(c)).casefold().translate(_WHOLE_LETTERS)


def words(text: str) -> list[str]:
    """Return the folded words of the text; every sign that is no letter or digit parts words."""
    return _WORD.findall(fold(text))


def squeeze(text: str) -> str:
    """Return the text as codes are compared: folded, letters and digits only (`2933.33` -> `293333`)."""
    return "".join(words(text))
