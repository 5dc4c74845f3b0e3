"""Rows of a separated-values file, plain or gzipped, one at a time however large the file is. Nothing is judged.

A row keeps the line on which it starts, so that a person finds it again in an editor.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from exports.errors import BadSourceFile
from exports.importing.mapping_file import ImportMapping

_GZIP = b"\x1f\x8b"
MAX_CELL = 100_000


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
                self.header = [name.strip() for name in next(self._reader(file), [])]
            except (csv.Error, OSError, EOFError):
                raise BadSourceFile(detail="The file cannot be read as separated values.") from None
        missing = sorted(mapping.columns - set(self.header))
        if missing:
            raise BadSourceFile(detail=f"The file has no column {', '.join(missing)}.")
        if len(set(self.header)) != len(self.header):
            raise BadSourceFile(detail="The file has a column twice.")

    @property
    def unread_columns(self) -> list[str]:
        """Columns that the mapping neither takes nor names as dropped."""
        return [name for name in self.header if name not in self._mapping.columns | self._mapping.dropped.keys()]

    def rows(self) -> Iterator[SourceRow]:
        """Yield the rows in order, reading the file anew."""
        width = len(self.header)
        with self._opened() as file:
            reader = self._reader(file)
            next(reader)
            line = reader.line_num + 1
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    yield SourceRow(line, (), "unreadable")
                except (OSError, EOFError):
                    yield SourceRow(line, (), "file_broken_off")
                    return
                else:
                    if cells:
                        yield SourceRow(line, cells, _problem(cells, width))
                line = reader.line_num + 1

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

    def _reader(self, file: IO[str]) -> Any:
        return csv.reader(file, delimiter=self._mapping.delimiter)


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
