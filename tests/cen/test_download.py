"""Downloads: the rows of the search, harmless in a spreadsheet program, bounded, audited."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse
from python_calamine import load_workbook

from accounts.models import Officer
from audit.models import Entry
from cen import downloads
from cen.actions import take_in
from cen.downloads import neutralised
from cen.presentation import DOWNLOAD_COLUMNS
from cen.sample import sample_records
from tests.cast import passkey_of
from tests.cen.records import TODAY, a_record
from tests.passkeys import header

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

SignIn = Callable[..., Client]
HEADINGS = [str(heading) for heading in DOWNLOAD_COLUMNS.values()]


@pytest.fixture
def reader(client: Client, dmitri: Officer, sign_in: SignIn) -> Client:
    return sign_in(client, dmitri)


def body_of(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def xlsx_rows(content: bytes) -> list[dict[str, Any]]:
    lines = load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def test_a_csv_holds_the_rows_of_the_search(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "CHUNK_ROWS", 7)
    records = list(sample_records(rows=60, seed=5, until=TODAY))
    take_in(records, source="test")
    answer = reader.get(reverse("cen:download_csv"), {"commodity_group": "DRG"})
    rows = csv_rows(body_of(answer))
    expected = {one["source_reference"] for one in records if one["commodity"].startswith("DRG")}
    assert list(rows[0]) == HEADINGS
    assert {row["Source reference"] for row in rows} == expected
    assert len(rows) == len(expected)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="cen-')


def test_a_workbook_holds_numbers_dates_and_texts(reader: Client) -> None:
    take_in([a_record()], source="test")
    row = xlsx_rows(body_of(reader.get(reverse("cen:download_xlsx"))))[0]
    assert list(row) == HEADINGS
    assert (row["Quantity"], row["Date"], row["Place"]) == (12.5, date(2026, 10, 18), "Apapa, Lagos")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_a_cell_that_looks_like_a_formula_is_neutralised(reader: Client, text: str) -> None:
    take_in([a_record(text, description=text, place_text=text)], source="test")
    for name, read in (("cen:download_csv", csv_rows), ("cen:download_xlsx", xlsx_rows)):
        row = read(body_of(reader.get(reverse(name))))[0]
        assert row["Description"] == row["Place"] == row["Source reference"] == f"'{text}"


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1"])
def test_marks_behind_white_space_are_neutralised_too(text: str) -> None:
    assert neutralised(text).startswith("'")


def test_quotes_and_line_breaks_stay_within_their_cell(reader: Client) -> None:
    text = 'a "quoted", text\nwith; two lines'
    take_in([a_record(description=text)], source="test")
    assert csv_rows(body_of(reader.get(reverse("cen:download_csv"))))[0]["Description"] == text


def test_too_many_rows_are_refused(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in([a_record("A"), a_record("B")], source="test")
    monkeypatch.setattr(downloads, "MAX_CSV_ROWS", 1)
    monkeypatch.setattr(downloads, "MAX_XLSX_ROWS", 1)
    for name in ("cen:download_csv", "cen:download_xlsx"):
        assert reader.get(reverse(name)).status_code == 422
    assert not Entry.objects.filter(action="cen:export:read").exists()


def test_a_wrong_filter_downloads_nothing(reader: Client) -> None:
    for name in ("cen:download_csv", "cen:download_xlsx"):
        assert reader.get(reverse(name), {"country": "QQ"}).status_code == 422


def test_downloads_are_audited(reader: Client, dmitri: Officer) -> None:
    take_in([a_record()], source="test")
    body_of(reader.get(reverse("cen:download_csv"), {"text": "reefer"}))
    entry = Entry.objects.get(action="cen:export:read")
    assert entry.actor == dmitri.pk
    assert entry.details == {"form": "csv", "rows": 1, "filters": "text"}


@pytest.mark.django_db(databases=["default", "cen"], transaction=True)
async def test_an_asgi_server_streams_in_parts(
    async_client: AsyncClient, dmitri: Officer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    monkeypatch.setattr(downloads, "CHUNK_ROWS", 10)
    await sync_to_async(take_in)(list(sample_records(rows=45, seed=5, until=TODAY)), source="test")
    await sync_to_async(partial(sign_in, async_client, dmitri, answers=False))()
    passkey = await sync_to_async(passkey_of)(dmitri)
    told = (await async_client.get(reverse("cen:download_csv"))).context["step_up"]
    proof = header({"state": told["state"], "passkey": passkey.get(told["passkey"])})
    answer = await async_client.get(reverse("cen:download_csv"), headers={"Step-Up": proof})
    content: AsyncIterator[bytes] = answer.streaming_content  # type: ignore[assignment]
    parts = [part async for part in content]
    assert len(parts) > 4
    assert len(csv_rows(b"".join(parts))) == 45
    await sync_to_async(connections.close_all)()
