"""The Big List of Naughty Strings through a group: five hundred words that others have found to break programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.robustness.naughty import Through
from tests.robustness.test_naughty import through  # noqa: F401 - a fixture

FOLDER = os.environ.get("CENCOMM_REALDATA", "")
FILE = Path(FOLDER) / "naughty-strings" / "blns.json"
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="CENCOMM_REALDATA is not set: no real data to read"),
    pytest.mark.django_db,
]


def test_every_string_comes_back_or_is_refused_where_it_stands(through: Through) -> None:  # noqa: F811
    words = json.loads(FILE.read_text())
    assert len(words) > 400
    for at, word in enumerate(words):
        if at % 10:
            through.send_note(word)
        else:
            through.send(word)
    assert through.faults == []
    assert through.accepted > 0.9 * len(words)
