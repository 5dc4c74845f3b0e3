"""The answers to ASVS 5.0: every requirement once, every file and test that is named exists, the counts are right.

That an answer is true is for people to check. The standard's own list is read where CENCOMM_REALDATA names it.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "asvs.md"
STANDARD = Path(os.environ.get("CENCOMM_REALDATA", "")) / "owasp-asvs-5"
VERDICTS = ("met", "met, no test", "not applicable", "open")
# Requirements in each section of each chapter: they are numbered from one.
SECTIONS = {
    1: (2, 10, 12, 3, 3),
    2: (3, 3, 5, 2),
    3: (1, 3, 5, 8, 8, 1, 5),
    4: (5, 5, 2, 4),
    5: (1, 6, 3, 3),
    6: (3, 12, 8, 6, 8, 4, 2, 4),
    7: (3, 4, 2, 5, 3, 2),
    8: (4, 4, 3, 2),
    9: (3, 4),
    10: (2, 3, 5, 16, 5, 2, 3),
    11: (4, 5, 5, 4, 2, 2, 2),
    12: (5, 2, 5),
    13: (4, 6, 4, 7),
    14: (2, 8, 3),
    15: (5, 5, 7, 4),
    16: (1, 5, 4, 3, 4),
    17: (2, 8, 2),
}
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([123]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
COUNTS = re.compile(
    r"^\| (level \d|all|of these aimed at) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE
)
OPEN = re.compile(r"^- Open at level (\d): ([\d., \n]+)\.$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
TEST = re.compile(r"(?:(\S+\.py)::)?(test_\w+)")


class Answer(NamedTuple):
    """One row of the page."""

    number: str
    level: int
    title: str
    verdict: str
    reason: str

    @property
    def is_aimed_at(self) -> bool:
        """Whether the product means to meet it: level 3 for isolation, authentication, keys and audit alone."""
        chapter, section, _one = self.number.split(".")
        return self.level < 3 or chapter in {"6", "7", "8", "9", "11", "16"} or (chapter, section) == ("13", "3")


def answers() -> list[Answer]:
    return [
        Answer(number, int(level), title, verdict, reason)
        for number, level, title, verdict, reason in ROW.findall(PAGE.read_text())
    ]


def named_tests(answer: Answer) -> list[tuple[str, str]]:
    """Return file and name of each test in a row; one without a file is in the file before it."""
    found, file = [], ""
    for quoted in QUOTED.findall(answer.reason):
        if match := TEST.fullmatch(quoted):
            file = match[1] or file
            found.append((file, match[2]))
        elif quoted.endswith(".py"):
            file = quoted
    return found


def test_every_requirement_is_answered_once_and_in_order() -> None:
    expected = [
        f"{chapter}.{section}.{one}"
        for chapter, counts in SECTIONS.items()
        for section, count in enumerate(counts, 1)
        for one in range(1, count + 1)
    ]
    assert len(expected) == 345
    assert [answer.number for answer in answers()] == expected


@pytest.mark.skipif(
    not os.environ.get("CENCOMM_REALDATA"), reason="CENCOMM_REALDATA is not set: no standard to read"
)
def test_numbers_and_levels_are_those_of_the_standard() -> None:
    [file] = STANDARD.glob("*.csv")
    with file.open(encoding="utf-8-sig", newline="") as source:
        standard = {row["req_id"].removeprefix("V"): int(row["L"]) for row in csv.DictReader(source)}
    assert {answer.number: answer.level for answer in answers()} == standard


def test_every_answer_has_a_verdict_and_says_why() -> None:
    for answer in answers():
        assert answer.verdict in VERDICTS, answer.number
        assert answer.title.strip(), answer.number
        assert answer.reason.strip(), answer.number


def test_what_is_met_names_a_test() -> None:
    assert [answer.number for answer in answers() if answer.verdict == "met" and not named_tests(answer)] == []


def test_every_path_that_is_named_exists() -> None:
    missing = []
    for answer in answers():
        for quoted in QUOTED.findall(answer.reason):
            path = quoted.partition(" ")[0].partition("::")[0]
            if ("/" in path or path.startswith(".") or path.endswith((".py", ".yml"))) and not (
                ROOT / path
            ).exists():
                missing.append((answer.number, path))
    assert missing == []


def test_every_test_that_is_named_exists() -> None:
    missing, tried = [], 0
    for answer in answers():
        for file, name in named_tests(answer):
            tried += 1
            path = ROOT / file
            if not path.is_file() or not re.search(rf"\bdef {name}\(", path.read_text()):
                missing.append((answer.number, file, name))
    assert missing == []
    assert tried > 200


def test_the_counts_at_the_top_are_those_of_the_rows() -> None:
    rows = answers()
    sets = {f"level {level}": [one for one in rows if one.level == level] for level in (1, 2, 3)}
    sets |= {"all": rows, "of these aimed at": [one for one in rows if one.is_aimed_at]}
    counted = {}
    for name, some in sets.items():
        verdicts = Counter(one.verdict for one in some)
        counted[name] = [*(verdicts[verdict] for verdict in VERDICTS), len(some)]
    told = {name: [int(number) for number in numbers] for name, *numbers in COUNTS.findall(PAGE.read_text())}
    assert told == counted


def test_the_open_ones_at_the_top_are_those_of_the_rows() -> None:
    told = {int(level): re.split(r",\s+", numbers) for level, numbers in OPEN.findall(PAGE.read_text())}
    found: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for answer in answers():
        if answer.verdict == "open" and answer.is_aimed_at:
            found[answer.level].append(answer.number)
    assert told == found
