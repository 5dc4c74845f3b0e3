"""Downloads of a search as CSV and XLSX: bounded, audited, streamed, and harmless in a spreadsheet program.

Each asks for a second factor of its own: the link (GET) leads to a page that asks, and its form (POST) downloads.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_http_methods

import audit
from accounts import step_up
from accounts.lasting import LongAnswer
from accounts.step_up import Act
from cen import queries
from cen.access import actor_of, known_operations, reader_view
from cen.errors import BadFilter, DownloadTooLarge
from cen.filters import Filters, read_filters
from cen.models import Seizure
from cen.presentation import DOWNLOAD_COLUMNS, number_text

MAX_CSV_ROWS = 1_000_000
MAX_XLSX_ROWS = 200_000
CHUNK_ROWS = 500
CHUNK_BYTES = 64 * 1024
# What a spreadsheet program may take for a formula, also behind a tab or a line break.
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n")
_RICH_TEXT = "<r>"  # XlsxWriter writes what begins and ends as rich text does as it is: markup of whoever sent it
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def neutralised(text: str) -> str:
    """Return a cell's text that no spreadsheet program runs as a formula, and no writer takes for markup."""
    return f"'{text}" if text.startswith((*_FORMULA_MARKS, _RICH_TEXT)) else text


@require_http_methods(["GET", "HEAD", "POST"])
@reader_view
def download_csv(request: HttpRequest) -> LongAnswer:
    """The rows of a search as CSV (UTF-8 with its mark, so that Excel reads accents)."""
    filters = _admitted(request, "csv", MAX_CSV_ROWS)
    return _attachment(request, _csv_chunks(filters, translation.get_language()), "text/csv; charset=utf-8", "csv")


@require_http_methods(["GET", "HEAD", "POST"])
@reader_view
def download_xlsx(request: HttpRequest) -> LongAnswer:
    """The rows of a search as a workbook, written row by row to a temporary file first."""
    filters = _admitted(request, "xlsx", MAX_XLSX_ROWS)
    return _attachment(request, _file_chunks(_workbook(filters)), _XLSX, "xlsx")


def _admitted(request: HttpRequest, form: str, most: int) -> Filters:
    filters, problems = read_filters(request.GET, known=known_operations(request))
    if problems:
        raise BadFilter(errors=problems)
    rows = queries.total(filters)
    if rows > most:
        raise DownloadTooLarge
    step_up.require(request, Act.EXPORT, back=reverse("cen:search"))
    audit.record_now(
        audit.Action.CEN_EXPORTED,
        actor=actor_of(request),
        subject="cen:download",
        form=form,
        rows=rows,
        filters=",".join(filters.names())[:200],
    )
    return filters


def _attachment(request: HttpRequest, chunks: Iterator[bytes], content_type: str, ending: str) -> LongAnswer:
    name = f"cen-{timezone.now().astimezone(UTC):%Y%m%d-%H%M}.{ending}"
    return LongAnswer(
        request,
        chunks,
        still=lambda: None,  # whoever is signed in may read CEN
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _seizures(filters: Filters) -> Iterator[Seizure]:
    # Page by page, by cursor: no transaction stays open however slowly the reader takes the file.
    after = ""
    while True:
        page = queries.seizures_page(filters, after=after, limit=CHUNK_ROWS)
        yield from page.seizures
        if page.after is None:
            return
        after = page.after


def _csv_chunks(filters: Filters, language: str | None) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    with translation.override(language):
        writer.writerow([str(heading) for heading in DOWNLOAD_COLUMNS.values()])
    yield "\ufeff".encode()
    for place, seizure in enumerate(_seizures(filters), start=1):
        writer.writerow([_as_text(seizure, column) for column in DOWNLOAD_COLUMNS])
        if place % CHUNK_ROWS == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _value(seizure: Seizure, column: str) -> Any:
    return seizure.source.name if column == "source" else getattr(seizure, column)


def _as_text(seizure: Seizure, column: str) -> str:
    value = _value(seizure, column)
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, list):
        return " ".join(value)
    return neutralised(str(value))


def _workbook(filters: Filters) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer has been sent
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
            "remove_timezone": True,
        },
    )
    sheet = book.add_worksheet("CEN")
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 1)
    for place, heading in enumerate(DOWNLOAD_COLUMNS.values()):
        sheet.write_string(0, place, str(heading), bold)
    for line, seizure in enumerate(_seizures(filters), start=1):
        for place, column in enumerate(DOWNLOAD_COLUMNS):
            _write_cell(sheet, line, place, seizure, column)
    book.close()
    file.seek(0)
    return file


def _write_cell(sheet: Any, line: int, place: int, seizure: Seizure, column: str) -> None:
    value = _value(seizure, column)
    if value is None or value in ("", []):
        return
    if isinstance(value, (int, Decimal)):
        sheet.write_number(line, place, value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(line, place, value)
    else:
        sheet.write_string(line, place, _as_text(seizure, column))


def _file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
