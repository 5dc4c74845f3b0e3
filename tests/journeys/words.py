"""The words of the pages in an officer's language, from the catalogues that the product itself shows them from."""

from __future__ import annotations

import gettext
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[2] / "locale"


class Words:
    """`words("Send")` is what the button says in that language; a word without a translation stays English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalogues = [
            gettext.translation(domain, LOCALE, languages=[language], fallback=True)
            for domain in ("django", "djangojs")
        ]

    def __call__(self, text: str, **values: object) -> str:
        for catalogue in self._catalogues:
            told = catalogue.gettext(text)
            if told != text:
                return told % values if values else told
        return text % values if values else text
