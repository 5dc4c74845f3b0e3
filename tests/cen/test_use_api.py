"""The HTTP API of CEN: who may feed and read it, JSON and NDJSON, receipts, bounds, problems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts import actions as account_actions
from accounts.models import Officer
from audit.models import Entry
from cen import api
from cen.actions import take_in
from cen.models import Intake, Seizure
from cen.sample import sample_records
from tests.cen.records import TODAY, a_record

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

SEIZURES = "/api/v1/cen/seizures"
STATISTICS = "/api/v1/cen/statistics"
TokenFor = Callable[..., str]
SignIn = Callable[[Client, Officer], Client]


def post(client: Client, secret: str, body: object, content_type: str = "application/json") -> Any:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post(SEIZURES, data, content_type=content_type, headers={"Authorization": f"Bearer {secret}"})


def get(client: Client, secret: str, address: str, **query: Any) -> Any:
    return client.get(address, query, headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def feeder(dmitri: Officer, token_for: TokenFor) -> str:
    return token_for(dmitri, "cen:write", "cen:read")


def test_a_batch_is_taken_with_a_receipt_each(client: Client, feeder: str) -> None:
    answer = post(client, feeder, [a_record("A"), a_record("B")])
    content = answer.json()
    assert answer.status_code == 200
    assert (content["accepted"], content["refused"]) == (2, 0)
    assert [receipt["source_reference"] for receipt in content["receipts"]] == ["A", "B"]
    assert all(receipt["cen_reference"].startswith("CEN-") for receipt in content["receipts"])


def test_a_replay_answers_as_the_first_time(client: Client, feeder: str) -> None:
    first = post(client, feeder, [a_record("A")]).json()["receipts"][0]
    answer = post(client, feeder, [a_record("A")])
    assert answer.status_code == 200
    assert answer.json()["receipts"][0] == {**first, "outcome": "unchanged"}
    assert Seizure.objects.count() == 1


def test_a_conflicting_replay_is_refused_with_its_reason(client: Client, feeder: str) -> None:
    post(client, feeder, [a_record("A")])
    answer = post(client, feeder, [a_record("A", quantity="99")])
    receipt = answer.json()["receipts"][0]
    assert answer.status_code == 207
    assert (receipt["outcome"], receipt["reason_code"]) == ("refused", "conflicting_version")


def test_some_refused_is_multi_status_and_the_others_are_in(client: Client, feeder: str) -> None:
    answer = post(client, feeder, [a_record("A"), a_record("B", unit="BQL"), "text"])
    content = answer.json()
    assert answer.status_code == 207
    assert [receipt["outcome"] for receipt in content["receipts"]] == ["accepted", "refused", "refused"]
    assert content["receipts"][1]["errors"][0]["field"] == "unit"
    assert Seizure.objects.get().source_reference == "A"


def test_lines_of_json_are_taken_one_by_one(client: Client, feeder: str) -> None:
    body = b"\n".join([orjson.dumps(a_record("A")), b"{broken", b"", orjson.dumps(a_record("B"))])
    answer = post(client, feeder, body, "application/x-ndjson")
    assert answer.status_code == 207
    assert [receipt["outcome"] for receipt in answer.json()["receipts"]] == ["accepted", "refused", "accepted"]


def test_json_numbers_keep_their_digits(client: Client, feeder: str) -> None:
    post(client, feeder, [a_record("A", quantity=0.117)])
    assert str(Seizure.objects.get().quantity) == "0.117"


@pytest.mark.parametrize("body", [b"", b"{", b'{"source_reference": "A"}', b"null", b"\xff\xfe", b'"text"'])
def test_what_is_no_list_of_records_is_refused(client: Client, feeder: str, body: bytes) -> None:
    answer = post(client, feeder, body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "not_records"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_too_many_records_are_refused(client: Client, feeder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_RECORDS", 2)
    records = [a_record(name) for name in "ABC"]
    for body, kind in ((records, "application/json"), (b"\n".join(map(orjson.dumps, records)), api.NDJSON)):
        answer = post(client, feeder, body, kind)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_many_records")
    assert not Intake.objects.exists()


def test_an_oversized_body_is_refused(client: Client, feeder: str) -> None:
    answer = post(client, feeder, b"[" + b" " * api.MAX_BYTES + b"]")
    assert (answer.status_code, answer.json()["code"]) == (413, "intake_too_large")


def test_a_body_larger_than_a_form_may_be_is_taken(client: Client, feeder: str) -> None:
    records = [a_record(f"R{number}", description="x" * 500) for number in range(4000)]
    assert len(orjson.dumps(records)) > 2 * 1024 * 1024
    answer = post(client, feeder, records)
    assert answer.json()["accepted"] == 4000


def test_a_token_without_the_scope_feeds_nothing(client: Client, dmitri: Officer, token_for: TokenFor) -> None:
    answer = post(client, token_for(dmitri, "cen:read", "messages:write"), [a_record()])
    assert answer.status_code == 403
    assert not Seizure.objects.exists()


def test_a_token_without_the_scope_reads_nothing(client: Client, dmitri: Officer, token_for: TokenFor) -> None:
    secret = token_for(dmitri, "cen:write")
    assert get(client, secret, SEIZURES).status_code == 403
    assert get(client, secret, STATISTICS, by="month").status_code == 403


def test_a_session_feeds_nothing(client: Client, dmitri: Officer, sign_in: SignIn) -> None:
    sign_in(client, dmitri)
    answer = client.post(SEIZURES, orjson.dumps([a_record()]), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "token_required")
    assert not Seizure.objects.exists()


def test_a_session_reads(client: Client, dmitri: Officer, sign_in: SignIn) -> None:
    take_in([a_record()], source="cencomm")
    assert len(sign_in(client, dmitri).get(SEIZURES).json()["seizures"]) == 1


def test_a_stranger_is_not_signed_in(client: Client) -> None:
    assert post(client, "cen_nonsense", [a_record()]).status_code == 401
    assert client.get(SEIZURES).status_code == 401
    assert client.get(STATISTICS, {"by": "month"}).status_code == 401
    assert not Seizure.objects.exists()


def test_an_officers_token_feeds_the_administrations_source(
    client: Client, amina: Officer, eve: Officer, dmitri: Officer, token_for: TokenFor
) -> None:
    """Colleagues of one administration share a source; another administration cannot touch its records."""
    for officer in (amina, eve, dmitri):
        post(client, token_for(officer, "cen:write"), [a_record("A")])
    sources = set(Seizure.objects.values_list("source__name", flat=True))
    assert sources == {f"administration:{officer.administration_id}" for officer in (amina, dmitri)}


def test_a_client_system_feeds_its_own_source(client: Client) -> None:
    _token, secret = account_actions.create_token(
        client_system="cencomm", name="nightly", scopes=["cen:write"], expires_at=timezone.now() + timedelta(days=1)
    )
    take_in([a_record("A")], source="cencomm")
    answer = post(client, secret, [a_record("A", version=2, quantity="99")])
    assert answer.json()["accepted"] == 1
    assert set(Seizure.objects.values_list("source__name", "version")) == {("cencomm", 1), ("client:cencomm", 2)}


def test_an_intake_is_audited(client: Client, feeder: str, dmitri: Officer) -> None:
    post(client, feeder, [a_record("A"), a_record("B", country="QQ")])
    entry = Entry.objects.get(action="cen:intake:taken")
    assert entry.actor == dmitri.pk
    assert (entry.details["accepted"], entry.details["refused"]) == (1, 1)


def test_the_search_is_paged_by_cursor(client: Client, feeder: str) -> None:
    take_in(list(sample_records(rows=25, seed=2, until=TODAY)), source="cencomm")
    found: list[str] = []
    after = ""
    while True:
        page = get(client, feeder, SEIZURES, limit=10, after=after).json()
        found += [one["cen_reference"] for one in page["seizures"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(found) == len(set(found)) == 25


def test_a_found_seizure_holds_allow_listed_fields_only(client: Client, feeder: str) -> None:
    take_in([a_record()], source="cencomm")
    found = get(client, feeder, SEIZURES, country="NG").json()["seizures"][0]
    assert found["quantity"] == "12.5"
    assert found["transport"] == {"container": "MSCU4127794", "traffic": "CAR"}
    assert not {"content_digest", "search_text", "id", "source_id"} & set(found)


def test_statistics_answer_with_labels_and_exact_sums(client: Client, feeder: str) -> None:
    take_in([a_record("A", quantity="0.1"), a_record("B", quantity="0.2", cases=3)], source="cencomm")
    content = get(client, feeder, STATISTICS, by="route", country="NG").json()
    row = content["rows"][0]
    assert (row["departure"], row["destination"], row["labels"]) == ("BR", "NG", ["Brazil", "Nigeria"])
    assert (row["seizures"], row["cases"], row["quantities"]) == (2, 4, {"KGM": "0.3"})
    assert content["total"]["cases"] == 4


@pytest.mark.parametrize(
    ("address", "query", "field"),
    [
        (SEIZURES, {"countri": "NG"}, "countri"),
        (SEIZURES, {"country": "QQ"}, "country"),
        (SEIZURES, {"from": "soon"}, "from"),
        (STATISTICS, {"by": "person"}, "by"),
        (STATISTICS, {"by": "month", "after": "x"}, "after"),
    ],
)
def test_a_wrong_question_names_its_field(
    client: Client, feeder: str, address: str, query: dict[str, str], field: str
) -> None:
    answer = get(client, feeder, address, **query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_wrong_cursor_is_a_problem(client: Client, feeder: str) -> None:
    assert get(client, feeder, SEIZURES, after="zzz").json()["code"] == "bad_cursor"


def test_reads_are_audited(client: Client, feeder: str, dmitri: Officer) -> None:
    get(client, feeder, SEIZURES, text="reefer")
    get(client, feeder, STATISTICS, by="month", country="NG")
    details = [
        entry.details for entry in Entry.objects.filter(action="cen:search:read", actor=dmitri.pk).order_by("id")
    ]
    assert [one["filters"] for one in details] == ["text", "country"]
    assert "reefer" not in str(details)
