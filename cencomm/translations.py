"""Turns the translations that people write (.po) into those that Django reads (.mo), with Babel."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def stale_translations(folder: Path = ROOT / "locale") -> list[Path]:
    """Return the .po files whose .mo is missing or older."""
    return [
        po
        for po in sorted(folder.glob("*/LC_MESSAGES/*.po"))
        if not po.with_suffix(".mo").exists() or po.with_suffix(".mo").stat().st_mtime < po.stat().st_mtime
    ]


def compile_translations(folder: Path = ROOT / "locale") -> int:
    """Compile what is stale; return how many files were."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    stale = stale_translations(folder)
    for po in stale:
        with po.open("rb") as source:
            catalog = read_po(source, locale=po.parent.parent.name)
        staging = po.with_suffix(f".mo.{os.getpid()}")
        with staging.open("wb") as target:
            write_mo(target, catalog)
        staging.replace(po.with_suffix(".mo"))
    return len(stale)
