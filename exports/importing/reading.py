"""Rows of a separated-values file, plain or gzipped, one at a time however large the file is. Nothing is judged.

A row keeps the line on which it starts, so that a person finds it again in an editor.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from exports.errors import BadSourceFile
from exports.importing.mapping_file import ImportMapping

_GZIP = b"\x1f\x8b"
MAX_CELL = 100_000
MAX_LINE = 1_000_000  # characters of a row, over however many lines; the rest of such a line is passed over unread
MAX_ROWS = 1_000_000
MAX_CHARACTERS = 2**31  # of the whole file once unpacked: a small file may unpack to anything


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row. `problem`: why it is no row of this file ("" when it is one)."""

    line: int
    cells: Sequence[str]
    problem: str = ""


class SourceFile:
    """A file that a mapping can read. Raises BadSourceFile when it cannot be opened or lacks a column."""

    def __init__(self, path: Path, mapping: ImportMapping) -> None:
        self._path = path
        self._mapping = mapping
        with self._opened() as file:
            try:
                self.header = [name.strip() for name in next(self._reader(_Lines(file)), [])]
            except (csv.Error, OSError, EOFError, zlib.error):
                raise BadSourceFile(detail="The file cannot be read as separated values.") from None
        missing = sorted(mapping.columns - set(self.header))
        if missing:
            raise BadSourceFile(detail=f"The file has no column {', '.join(missing)}.")
        if len(set(self.header)) != len(self.header):
            raise BadSourceFile(detail="The file has a column twice.")

    def rows(self) -> Iterator[SourceRow]:
        """Yield the rows in order, reading the file anew."""
        width = len(self.header)
        with self._opened() as file:
            lines = _Lines(file)
            reader = self._reader(lines)
            next(reader)
            for _ in range(MAX_ROWS + 1):
                line = lines.begin() + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except _TooLong:
                    yield SourceRow(line, (), "too_long")
                except csv.Error:
                    yield SourceRow(line, (), "unreadable")
                except (OSError, EOFError, zlib.error):
                    yield SourceRow(line, (), "file_broken_off")
                    return
                else:
                    if cells:
                        yield SourceRow(line, cells, _problem(cells, width))
                if lines.characters > MAX_CHARACTERS:
                    break
            yield SourceRow(lines.number + 1, (), "too_many_rows")

    def _opened(self) -> IO[str]:
        encoding = "utf-8-sig" if self._mapping.encoding == "utf-8" else self._mapping.encoding
        try:
            with self._path.open("rb") as raw:
                opens = gzip.open if raw.read(2) == _GZIP else open
            # Bytes that are no text become halves of surrogates, and their row is refused alone.
            file = opens(self._path, "rt", encoding=encoding, errors="surrogateescape", newline="")
        except OSError:
            raise BadSourceFile(detail="The file cannot be opened.") from None
        return cast("IO[str]", file)

    def _reader(self, lines: _Lines) -> Any:
        return csv.reader(lines, delimiter=self._mapping.delimiter)


class _TooLong(csv.Error):
    """One row has more characters than any row of ours."""


class _Lines:
    """The lines of a file, each and each row of them bounded, so that no file decides how much lies in memory."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._of_row = 0
        self.number = 0
        self.characters = 0

    def begin(self) -> int:
        """Begin a row; return the number of the line before it."""
        self._of_row = 0
        return self.number

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._of_row += len(line)
        self.characters += len(line)
        if self._of_row > MAX_LINE:
            while line and not line.endswith(("\n", "\r")) and self.characters <= MAX_CHARACTERS:
                line = self._file.readline(MAX_LINE)
                self.characters += len(line)
            raise _TooLong
        return line


def _problem(cells: Sequence[str], width: int) -> str:
    if len(cells) != width:
        return "too_few_columns" if len(cells) < width else "too_many_columns"
    joined = "".join(cells)
    if not joined.isascii():
        try:
            joined.encode()
        except UnicodeEncodeError:
            return "not_text"
    return "too_long" if len(joined) > MAX_CELL else ""
