"""What became of each row of an import: which message it is, or why it was not accepted. Memory only.

A row is told by its line; neither what stands in it nor what it was refused for in words of the row is kept.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cen.fields import REASONS as CEN_REASONS

HEADER = ("line", "stage", "column", "code", "reason", "message")
CORRECTED = "corrected"
# What stands in the report where nobody else, form or CEN, has said it in words.
REASONS: Mapping[str, str | Promise] = {
    "value_missing": _("This column is empty, and its value is needed."),
    "value_not_mapped": _("The mapping file does not say what this word means."),
    "country_unknown": _("No country is known by this name."),
    "not_a_date": _("This is no date, or not written as the mapping file says."),
    "not_a_number": _("This is no number."),
    "unit_missing": _("The amount has no unit."),
    "unit_not_mapped": _("The mapping file does not say what this unit means."),
    "too_few_columns": _("The row has fewer columns than the file."),
    "too_many_columns": _("The row has more columns than the file."),
    "too_long": _("The row is too long."),
    "not_text": _("The row holds bytes that are no text in this encoding."),
    "unreadable": _("The row cannot be read as separated values."),
    "too_many_rows": _("The file holds more rows than one import takes: the rest was not read."),
    "file_broken_off": _("The file ends in the middle: the rest cannot be read."),
    CORRECTED: _("The seizure was corrected in the group: the correction counts, not the file."),
    "returned": _("The seizure was returned to its officer."),
    "withdrawn": _("The seizure was withdrawn."),
    "not_validated": _("The seizure is not validated by the coordination unit."),
    "duplicate": _("The seizure was set aside as a repetition of another."),
    "right_withdrawn": _("Whoever confirmed the transfer may not transfer any more."),
    "phase_forbids": _("The phase of the group does not permit a transfer."),
    "withdrawn_meanwhile": _("The seizure was withdrawn or corrected before it was sent."),
    "changed_meanwhile": _("The seizure changed after it was confirmed."),
}


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
        self.refused.append(Refused(line, stage, column, code, reason or _sentence(code)))

    def hold_back(self, message: UUID, stage: str, column: str, code: str, reason: str = "") -> None:
        """Note a reason why a message does not reach CEN."""
        words = reason or _sentence(code)
        self.refused.append(Refused(self.lines[message], stage, column, code, words, message))

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


def _sentence(code: str) -> str:
    return str(REASONS.get(code) or CEN_REASONS.get(code, ""))


def write_report(path: Path, refused: Iterable[Refused]) -> None:
    """Write the reasons as CSV, by line. It names lines and columns; their content stays in the source."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for one in sorted(refused, key=lambda one: (one.line, one.stage, one.column)):
            writer.writerow([one.line, one.stage, one.column, one.code, one.reason, one.message or ""])
