"""Names of files as they may be shown and saved: one line, no folders, no tricks, an ending that fits the content.
Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

MAX_NAME = 200
MAX_CAPTION = 500
# For each type the endings that a name may have; the first is added where another, or none, was given.
ENDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image/jpeg": (".jpg", ".jpeg"),
        "image/png": (".png",),
        "image/webp": (".webp",),
        "application/pdf": (".pdf",),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
        "application/vnd.oasis.opendocument.text": (".odt",),
        "application/vnd.oasis.opendocument.spreadsheet": (".ods",),
        "application/vnd.oasis.opendocument.presentation": (".odp",),
        "text/plain": (".txt", ".csv", ".log", ".md", ".eml"),
    }
)
_REDRAWN = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".heic", ".heif")
# What Windows takes for a device, whatever its ending.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def clean_line(text: str) -> str:
    """Return text on one line: control characters, marks that turn the writing direction and the like drop out."""
    kept = (" " if char.isspace() else char for char in unicodedata.normalize("NFC", text))
    return " ".join("".join(char for char in kept if unicodedata.category(char)[0] != "C").split())


def clean_name(given: str) -> str:
    """Return a name without folders and without characters that a file system or a shell reads as more than text.

    "" where nothing is left.
    """
    last = given.replace("\\", "/").rpartition("/")[2]
    name = clean_line(last).translate({ord(char): "_" for char in '<>:"|?*'}).strip(". ")
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = ending, ""
    if stem.split(".")[0].lower() in _DEVICES:
        stem = f"_{stem}"
    ending = ending[:20]
    stem = stem[: MAX_NAME - len(ending) - 1]
    return f"{stem}.{ending}" if ending else stem


def fitted_name(name: str, media_type: str) -> str:
    """Return a name whose ending says what the content is: `holiday.heic`, drawn anew, becomes `holiday.jpg`."""
    endings = ENDINGS[media_type]
    stem, dot, ending = name.rpartition(".")
    given = f".{ending.lower()}" if dot else ""
    if given in endings:
        return name
    if media_type.startswith("image/") and given in _REDRAWN:
        return stem + endings[0]
    return name + endings[0]
