"""What became of each row of an import: which message it is, or why it was not accepted. Memory only.

A row is told by its line; neither what stands in it nor what it was refused for in words of the row is kept.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

HEADER = ("line", "stage", "column", "code", "reason", "message")
CORRECTED = "corrected"  # a later message of the group says otherwise than the file


@dataclass(frozen=True, slots=True)
class Refused:
    """One reason why a row is not in CEN. `stage`: map, post, validate, review, transfer."""

    line: int
    stage: str
    column: str
    code: str
    reason: str = ""
    message: UUID | None = None


@dataclass(slots=True)
class Ledger:
    """The rows of a file and their fate. `lines`: message -> line, for every row that is a message of the group."""

    rows: int = 0
    created: int = 0
    replayed: int = 0
    moved: int = 0
    lines: dict[UUID, int] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, line: int, stage: str, column: str, code: str, reason: str = "") -> None:
        """Note a reason against a row that is no message."""
        self.refused.append(Refused(line, stage, column, code, reason))

    def hold_back(self, message: UUID, stage: str, column: str, code: str, reason: str = "") -> None:
        """Note a reason why a message does not reach CEN."""
        self.refused.append(Refused(self.lines[message], stage, column, code, reason, message))

    @property
    def refused_lines(self) -> set[int]:
        """The lines that were not accepted, each once however many reasons it has."""
        return {one.line for one in self.refused}

    def reasons(self) -> list[tuple[str, str, str, int]]:
        """Return (stage, column, code, rows) of the first reason of every refused row, the commonest first."""
        first: dict[int, Refused] = {}
        for one in self.refused:
            first.setdefault(one.line, one)
        counted = Counter((one.stage, one.column, one.code) for one in first.values())
        return [(*key, rows) for key, rows in counted.most_common()]


def write_report(path: Path, refused: Iterable[Refused]) -> None:
    """Write the reasons as CSV, by line. It names lines and columns; their content stays in the source."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for one in sorted(refused, key=lambda one: (one.line, one.stage, one.column)):
            writer.writerow([one.line, one.stage, one.column, one.code, one.reason, one.message or ""])
