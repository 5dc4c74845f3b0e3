"""The interface is complete in each language that has a catalogue, and placeholders survive translation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from cencomm.translations import compile_translations, stale_translations

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def name_of(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


def messages(path: Path) -> list[Message]:
    with path.open("rb") as source:
        return [message for message in read_po(source, locale=path.parts[-3]) if message.id]


def strings(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [str(message.string)]


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_every_message_is_translated(path: Path) -> None:
    missing = [message.id for message in messages(path) if message.fuzzy or not all(strings(message))]
    assert missing == []


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_placeholders_survive(path: Path) -> None:
    broken = []
    for message in messages(path):
        wanted = message.id[-1] if isinstance(message.id, tuple | list) else message.id
        given = strings(message)[-1]
        if sorted(PLACEHOLDER.findall(wanted)) != sorted(PLACEHOLDER.findall(given)):
            broken.append((wanted, given))
    assert broken == []


def test_stale_catalogue_is_compiled_once(tmp_path: Path) -> None:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Hit"\nmsgstr "Prise"\n'
    )
    assert stale_translations(tmp_path) == [folder / "django.po"]
    assert compile_translations(tmp_path) == 1
    assert b"Prise" in (folder / "django.mo").read_bytes()
    assert stale_translations(tmp_path) == []
