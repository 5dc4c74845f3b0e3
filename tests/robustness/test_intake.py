"""Deliveries to CEN that nobody meant well: naughty, made up, broken. A receipt for each record, never a fault."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import load_workbook
from schemathesis import GenerationMode

from accounts import actions
from accounts.models import Officer
from cen.downloads import neutralised
from cen.fields import REASONS, TRANSPORT_FIELDS, fields, folded
from cen.filters import MAX_TEXT
from cen.models import Seizure
from cen.schema import CleanRecord, clean
from cencomm.api import api
from problems import FieldProblem
from tests.cen.records import a_record
from tests.examples import fuzzing
from tests.messaging.uploads import content_of
from tests.robustness.words import NAUGHTY, encodable, json_values, texts

TODAY = date(2026, 11, 21)
WORDS = [word for word in (*NAUGHTY, "ﷺ" * 200, "a" * 10_000) if encodable(word)]


RECORDS = st.one_of(
    json_values,
    st.dictionaries(
        st.one_of(
            st.sampled_from(sorted(fields())),
            texts,
        ),
        st.one_of(json_values, st.sampled_from(["NG", "DRG.cocaine", "2026-01-01", "KGM", "12.5"])),
        max_size=8,
    ),
)  # fmt: skip


@fuzzing(500)
@given(RECORDS)
@example({"reported_at": "0001-01-01T00:00:00+23:59"})
@example({"quantity": "1e-999999999"})
@example({"quantity": "sNaN"})
@example({"quantity": 10**400})
@example({"transport": {1: "x"}})
@example({"transport": {"flight": ["x"]}})
@example({"detection": [[]]})
@example({"country": []})
def test_a_record_is_clean_or_every_reason_is_named(record: Any) -> None:
    found = clean(record, today=TODAY)
    if isinstance(found, CleanRecord):
        return
    assert found
    assert all(isinstance(one, FieldProblem) and one.code and one.message for one in found)


GOOD: dict[str, Any] = {
    "source_reference": "R-1", "seized_on": "2026-01-01", "country": "NG", "commodity": "DRG.cocaine",
    "quantity": "12.5", "unit": "KGM",
}  # fmt: skip
DELIVERIES = "/api/v1/cen/seizures"


@pytest.fixture
def feeding(administrations: Any) -> Client:
    """A client system's client that may feed and read CEN."""
    _token, secret = actions.create_token(client_system="national", name="test", scopes=("cen:read", "cen:write"))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def taken(feeding: Client, records: list[Any]) -> list[dict[str, Any]]:
    """Deliver records; return their receipts."""
    answer = feeding.post(DELIVERIES, json.dumps(records), content_type="application/json")
    assert answer.status_code in {200, 207}, answer.content[:500]
    receipts: list[dict[str, Any]] = answer.json()["receipts"]
    assert len(receipts) == len(records)
    return receipts


@pytest.mark.django_db(databases=["default", "cen"])
def test_naughty_words_in_every_field_of_a_record(feeding: Client) -> None:
    """Of each field that CEN has, in its own shape and in others: read back as sent, or refused with that field.

    One delivery for each field: what is wrong in one record is nothing to the others.
    """
    kept: Counter[str] = Counter()
    for field in fields():
        shapes = [[word, [word], {word: word}] for word in WORDS]
        if field == "transport":
            shapes += [[{part: word}] for part in TRANSPORT_FIELDS for word in WORDS]
        records: list[dict[str, Any]] = [
            {**GOOD, "source_reference": f"{field}-{at}", field: value}
            for at, value in enumerate(value for some in shapes for value in some)
        ]
        for record, receipt in zip(records, taken(feeding, records), strict=True):
            if receipt["outcome"] == "refused":
                assert {error["field"] for error in receipt["errors"]} <= {field, *CONSEQUENCES.get(field, ())}, (
                    receipt
                )
                continue
            held = Seizure.objects.get(cen_reference=receipt["cen_reference"])
            for name in ("operation_code", "place_text", "description", "warning_reference", "place_code"):
                assert getattr(held, name) == record.get(name, "").strip(), (name, record)
            if field == "transport":
                assert held.transport == {part: text.strip() for part, text in record["transport"].items()}
            kept[field] += 1
    for field in ("operation_code", "place_text", "description", "warning_reference", "source_reference"):
        assert kept[field] > len(WORDS) / 3, (field, kept)
    assert kept["transport"] > len(WORDS)


# What is said of another field because one is at fault, or is not stated.
CONSEQUENCES = {
    "commodity": ("commodity_group",), "quantity": ("unit",), "value": ("currency",),
}  # fmt: skip


@pytest.mark.django_db(databases=["default", "cen"])
def test_what_was_taken_is_the_same_wherever_it_is_read(
    feeding: Client, client: Client, dmitri: Officer, sign_in: Callable[..., Client]
) -> None:
    """Over the API, by search, as CSV and as a workbook: the text that was sent, and no other row hurt by it."""
    records = [{**GOOD, "source_reference": f"W-{at}", "description": word} for at, word in enumerate(WORDS)]
    receipts = taken(feeding, records)
    sent = {
        one["source_reference"]: str(one["description"]).strip()
        for one, receipt in zip(records, receipts, strict=True)
        if receipt["outcome"] == "accepted"
    }
    assert len(sent) > len(WORDS) / 2
    rows = feeding.get(DELIVERIES, {"limit": 500}).json()["seizures"]
    assert {row["source_reference"]: row.get("description", "") for row in rows} == sent
    for reference, text in sent.items():
        if folded(text) and len(text) <= MAX_TEXT:
            found = feeding.get(DELIVERIES, {"limit": "500", "text": text}).json()["seizures"]
            assert reference in {row["source_reference"] for row in found}, text
            assert len(found) < len(sent), text
    reader = sign_in(client, dmitri)
    written = {reference: neutralised(text) for reference, text in sent.items()}
    table = content_of(reader.get("/cen/download/csv"))
    lines = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    assert {line["Source reference"]: line["Description"] for line in lines} == written
    book = content_of(reader.get("/cen/download/xlsx"))
    heading, *cells = load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    at, what = heading.index("Source reference"), heading.index("Description")
    # XML has no way to write these two: the workbook names them.
    named = {one: text.replace("\ufffe", "_xFFFE_").replace("\uffff", "_xFFFF_") for one, text in written.items()}
    assert {str(row[at]): str(row[what]) for row in cells} == named


# Why a record may be refused that is as the document says: what no shape of one field can tell.
BEYOND = {
    "required", "control_characters", "nominal_content", "date_in_future", "date_too_old", "quantity_missing",
    "unit_missing", "currency_missing", "group_mismatch", "unit_not_allowed", "not_positive", "too_many_digits",
    "not_a_time", "not_a_whole_number", "conflicting_version", "older_version", "nothing_to_withdraw",
}  # fmt: skip


AGREEING = (
    "source_reference", "seized_on", "country", "commodity", "commodity_group", "quantity", "unit", "value",
    "currency",
)  # fmt: skip


@pytest.mark.django_db(databases=["default", "cen"])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_deliveries_made_from_the_document(feeding: Client, mode: GenerationMode) -> None:
    """Records as the OpenAPI document says they are, and as it says they are not: a receipt for each."""
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    operation = schemathesis.openapi.from_dict(document)[DELIVERIES]["POST"]
    outcomes: Counter[str] = Counter()

    @fuzzing(60)
    @given(operation.as_strategy(generation_mode=mode).filter(lambda case: encodable(case.body)))
    def deliver(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and isinstance(case.body, list):
            for record in case.body:  # what has to agree, and would have every one refused
                whole = a_record(str(uuid4()))
                record |= {name: whole.get(name, "") for name in AGREEING}
        lines = isinstance(case.body, str | bytes) and case.media_type != "application/json"
        body = case.body.encode() if lines and isinstance(case.body, str) else case.body
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = feeding.post(DELIVERIES, body, content_type=case.media_type or "application/json")
        told = answer.json()
        if answer.status_code not in {200, 207}:
            assert mode is GenerationMode.NEGATIVE
            assert answer.headers["Content-Type"] == "application/problem+json", told
            assert answer.status_code == {"too_many_records": 413}.get(told["code"], 400), told
            outcomes["problem"] += 1
            return
        for receipt in told["receipts"]:
            outcomes[receipt["outcome"]] += 1
            codes = {error["code"] for error in receipt.get("errors", ())}
            assert bool(codes) == (receipt["outcome"] == "refused"), receipt
            assert codes <= (set(REASONS) if lines or mode is GenerationMode.NEGATIVE else BEYOND), receipt

    deliver()
    assert outcomes["refused"] or outcomes["problem"], outcomes
    if mode is GenerationMode.POSITIVE:
        assert outcomes["accepted"], outcomes


@pytest.mark.django_db(databases=["default", "cen"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"[" * 100_000, "application/json", 400),
        (b'[{"a":' * 3_000, "application/json", 400),
        (b"[" + b",".join([b"{}"] * 5_001) + b"]", "application/json", 413),
        (b"{}\n" * 5_001, "application/x-ndjson", 413),
        (b"\xff\xfe[]", "application/json", 400),
        (b'"a"', "application/json", 400),
        (b"[1, null, [], \"a\", {}]", "application/json", 207),
        (b"nonsense\n\n{}\n", "application/x-ndjson", 207),
        (b"[" + b" " * (8 * 2**20) + b"]", "application/json", 413),
        (b"", "application/json", 400),
        (b"[]", "text/csv", 200),
    ],
    ids=["deep", "deep objects", "many", "many lines", "not utf-8", "a text", "no records", "no lines", "large",
         "empty", "csv"],
)  # fmt: skip
def test_a_delivery_is_answered_as_documented(feeding: Client, body: bytes, kind: str, status: int) -> None:
    answer = feeding.post("/api/v1/cen/seizures", body, content_type=kind)
    assert answer.status_code == status, answer.content[:300]
