"""Files that nobody meant well: bombs, noise, nonsense. Refused by row or whole, never a crash."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.errors import BadMappingFile, BadSourceFile
from exports.importing.converting import Converter, plain_text, read_number
from exports.importing.mapping_file import ImportMapping, known_mappings, load_mapping
from exports.importing.reading import MAX_CELL, MAX_LINE, MAX_ROWS, SourceFile
from tests.examples import fuzzing
from tests.messaging.server import ROOT
from tests.robustness.words import encodable, texts

MEMORY = 600 * 2**20


@pytest.fixture(scope="module")
def mapping() -> ImportMapping:
    return load_mapping(known_mappings()[0])


def written(folder: Path, content: bytes, *, name: str = "source.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def header_of(mapping: ImportMapping) -> list[str]:
    return sorted(mapping.columns)


def table(mapping: ImportMapping, rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=mapping.delimiter).writerows([header_of(mapping), *rows])
    return out.getvalue().encode("utf-8", "surrogatepass")


def read(path: Path, mapping: ImportMapping) -> list[str]:
    """Read a whole file and convert its rows; return the problems of the rows."""
    source = SourceFile(path, mapping)
    fields = list(mapping.rules)
    converter = Converter(mapping, source.header, form_fields=fields)
    problems = []
    for row in source.rows():
        if row.problem:
            problems.append(row.problem)
        else:
            body, found = converter.body_of(row.cells)
            assert isinstance(body, dict)
            problems += [one.code for one in found]
    return problems


@fuzzing(200)
@given(st.binary(max_size=400))
@example(b"")
@example(b"\x1f\x8b")
@example(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
@example(b"PK\x03\x04")
@example(b'"' * 300)
@example(b"\x00" * 300)
def test_any_bytes_are_a_file_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    mapping = load_mapping(known_mappings()[0])
    folder = tmp_path_factory.mktemp("any")
    for raw in (content, gzip.compress(content), ",".join(header_of(mapping)).encode() + b"\n" + content):
        with contextlib.suppress(BadSourceFile):
            read(written(folder, raw), mapping)


@fuzzing(200)
@given(
    st.lists(
        st.one_of(texts, st.sampled_from(["2026-01-01", "12.5", "Nigeria", "Kilogram"])), min_size=1, max_size=30
    )
)
def test_any_cells_are_converted_or_named(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    mapping = load_mapping(known_mappings()[0])
    width = len(header_of(mapping))
    rows = [(cells * width)[:width], cells]
    path = written(tmp_path_factory.mktemp("cells"), table(mapping, rows))
    with contextlib.suppress(BadSourceFile):
        read(path, mapping)


@fuzzing(300)
@given(
    st.one_of(texts, st.from_regex(r"-?\d{0,60}[.,]?\d{0,60}([eE][+-]?\d{1,9})?", fullmatch=True)),
    st.sampled_from([".", ","]),
)
@example("1e999999999", ".")
@example("1" * 100_000, ".")
@example("٣٤", ".")
def test_a_number_is_exact_or_none(word: str, mark: str) -> None:
    number = read_number(word, mark)
    if number is not None:
        assert len(plain_text(number)) < 60 + len(word)


def bomb_of(folder: Path, mapping: ImportMapping, *, line: bool) -> Path:
    """Write a gzip file of a few hundred KiB that opens to 300 MiB: one endless line, or endless rows."""
    path = folder / "bomb.csv.gz"
    piece = b"a" * 2**20 if line else (b",".join([b"a"] * len(header_of(mapping))) + b"\n") * 10_000
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(mapping.delimiter.join(header_of(mapping)).encode() + b"\n")
        size = 0
        while size < 300 * 2**20:
            file.write(piece)
            size += len(piece)
    assert path.stat().st_size < 2**21
    return path


READ_BOMB = """
import sys
import django
django.setup()
from pathlib import Path
from exports.importing.mapping_file import known_mappings, load_mapping
from exports.importing.reading import SourceFile
from tests.memory import peak
rows = SourceFile(Path(sys.argv[1]), load_mapping(known_mappings()[0])).rows()
problems = {}
for row in rows:
    problems[row.problem] = problems.get(row.problem, 0) + 1
print(sorted(problems), sum(problems.values()), peak())
"""


@pytest.mark.parametrize(("line", "problem"), [(True, "too_long"), (False, "too_many_rows")])
def test_a_bomb_is_read_piece_by_piece_and_ended(
    tmp_path: Path, mapping: ImportMapping, line: bool, problem: str
) -> None:
    """300 MiB out of a small file: what lies in memory at once stays small, and there is an end to the rows."""
    import os

    path = bomb_of(tmp_path, mapping, line=line)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cencomm.settings"}
    done = subprocess.run(
        [sys.executable, "-c", READ_BOMB, str(path)], cwd=ROOT, env=environment, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 * MEMORY, 4 * MEMORY)), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert problem in done.stdout
    rows, peak = (int(word) for word in done.stdout.rsplit("]", 1)[1].split())
    assert rows <= MAX_ROWS + 2
    assert peak < MEMORY, f"{peak / 2**20:.0f} MiB"


def test_a_line_without_an_end_is_one_refused_row(tmp_path: Path, mapping: ImportMapping) -> None:
    good = ["a"] * len(header_of(mapping))
    content = table(mapping, [good]) + b"x" * (MAX_LINE + 10) + b"\n" + mapping.delimiter.join(good).encode()
    rows = list(SourceFile(written(tmp_path, content), mapping).rows())
    assert [row.problem for row in rows] == ["", "too_long", ""]
    assert [row.line for row in rows] == [2, 3, 4]
    assert MAX_LINE > MAX_CELL


def workbook(folder: Path, **parts: str) -> Path:
    """Write something that calls itself an Excel file: its parts as they are told."""
    path = folder / "book.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            archive.writestr(f"xl/{name}.xml", content)
    return path


LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><x>&a9;</x>"
)


@pytest.mark.parametrize(
    "parts",
    [
        {"sheet1": "0" * 50_000_000},
        {"sheet1": "<dimension ref='A1:XFD1048576'/>"},
        {"sheet1": LAUGHS},
        {"sheet1": "<a>" * 200_000},
        {"workbook": "<workbookPr date1904='1'/>", "sheet1": "<c t='n'><f>1+1</f></c>"},
    ],
    ids=["zip bomb", "huge dimensions", "billion laughs", "deep nesting", "1904 and formulas"],
)
def test_a_spreadsheet_is_no_separated_values_and_is_never_opened(
    tmp_path: Path, mapping: ImportMapping, parts: dict[str, str]
) -> None:
    """The import takes separated values only: an Excel file is refused by what it is, and nothing unpacks it."""
    with pytest.raises(BadSourceFile):
        SourceFile(workbook(tmp_path, **parts), mapping)


@fuzzing(150)
@given(
    st.one_of(
        st.binary(max_size=200), texts.filter(encodable).map(lambda text: f'title = "{text}"\n[fields]\n'.encode())
    )
)
@example(b"[" * 50_000)
@example(b"a = " + b"[" * 20_000)
@example(b"a = 1" + b"0" * 10_000)
@example(b"[fields.date]\nas = 3\ncolumn = {}\n[reconcile]\n")
def test_a_mapping_file_is_one_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("mapping"), content, name="any.toml")
    with pytest.raises(BadMappingFile):
        load_mapping(str(path))
