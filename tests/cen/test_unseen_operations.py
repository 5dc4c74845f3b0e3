"""What names an operation is read by its members alone: rows, records, versions, counts, searches, downloads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import load_workbook

from accounts.models import Officer
from cen.actions import take_in
from cen.models import Seizure
from groups.models import ClosedUserGroup, Membership, Role
from tests.cast import join, make_group, sign_in, token_for
from tests.cen.records import a_record

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

CODE = "LANTERN"
RECORD = a_record(
    f"{CODE}-NG-SZR-00001", operation_code=CODE, warning_reference=f"{CODE}-NG-WRN-00002", description="bricks"
)
OTHER = a_record("A-1", operation_code="", description="lamps")
API = "/api/v1/cen/"


@pytest.fixture
def lantern(amina: Officer, padma: Officer) -> ClosedUserGroup:
    """An operation whose seizure is in CEN in two versions; beside it one of nobody's operation."""
    group = make_group(CODE, "Lantern", coordinator=amina, administrator=padma)
    take_in([RECORD, OTHER], source="cencomm")
    [receipt] = take_in([RECORD | {"version": 2, "warning_reference": f"{CODE}-NG-WRN-00003"}], source="cencomm")
    assert receipt.outcome == "updated"
    return group


def record() -> Seizure:
    return Seizure.objects.get(operation_code=CODE)


def readings(client: Client, **query: str) -> Iterator[tuple[str, str]]:
    """Everything that a session reads of CEN under these filters, as text."""
    yield "search", client.get(reverse("cen:search"), query).content.decode()
    yield "facets", client.get(reverse("cen:facets"), query).content.decode()
    yield "charts", client.get(reverse("cen:charts"), query).content.decode()
    for by in ("month", "commodity"):
        yield f"chart {by}", client.get(reverse("cen:chart_data"), {**query, "by": by}).content.decode()
    yield "csv", b"".join(client.get(reverse("cen:download_csv"), query).streaming_content).decode()  # type: ignore[attr-defined]
    book = b"".join(client.get(reverse("cen:download_xlsx"), query).streaming_content)  # type: ignore[attr-defined]
    yield "xlsx", str(load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python())
    yield "seizures", client.get(f"{API}seizures", query).content.decode()
    yield "statistics", client.get(f"{API}statistics", {**query, "by": "operation"}).content.decode()


def test_members_read_it_everywhere(client: Client, lantern: ClosedUserGroup, amina: Officer) -> None:
    sign_in(client, amina)
    assert {name for name, text in readings(client) if CODE in text} >= {
        "search", "facets", "csv", "xlsx", "seizures", "statistics",
    }  # fmt: skip
    page = client.get(reverse("cen:seizure", args=[record().cen_reference])).content.decode()
    assert f"{CODE}-NG-WRN-00002" in page
    assert f"{CODE}-NG-WRN-00003" in page
    assert [one["operation_code"] for one in found(client, operation=CODE)] == [CODE]


def test_administrators_who_make_operations_read_it(
    client: Client, lantern: ClosedUserGroup, padma: Officer
) -> None:
    sign_in(client, padma)
    assert CODE in dict(readings(client))["search"]


def found(client: Client, **query: str) -> list[dict[str, Any]]:
    answer = client.get(f"{API}seizures", query)
    assert answer.status_code == 200
    return list(answer.json()["seizures"])


def test_nobody_else_does(
    client: Client, lantern: ClosedUserGroup, other_group: ClosedUserGroup, eve: Officer, amina: Officer
) -> None:
    # What was counted for one is not shown to another.
    assert any(CODE in text for _, text in readings(sign_in(Client(), amina)))
    sign_in(client, eve)
    assert {name for name, text in readings(client) if CODE in text} == set()
    page = client.get(reverse("cen:seizure", args=[record().cen_reference])).content.decode()
    assert "bricks" in page
    assert CODE not in page
    # Its seizure is there all the same, and stands among those that state none.
    assert {one["description"] for one in found(client)} == {"bricks", "lamps"}
    assert {one["description"] for one in found(client, operation="-")} == {"bricks", "lamps"}
    statistics = client.get(f"{API}statistics", {"by": "operation"}).json()
    assert [(row["operation"], row["seizures"]) for row in statistics["rows"]] == [("", 2)]


def test_whoever_feeds_cen_learns_nothing_by_what_he_sent(
    client: Client, lantern: ClosedUserGroup, eve: Officer
) -> None:
    """A system may name its operations as it likes: whether there is one here of that name changes nothing."""
    sign_in(client, eve)
    guesses = [a_record(f"E-{code}", operation_code=code, description="guess") for code in (CODE, "NOWHERE")]
    take_in(guesses, source=f"administration:{eve.administration_id}")
    for code in (CODE, "NOWHERE"):
        assert [one["source_reference"] for one in found(client, operation=code)] == [f"E-{code}"]
        assert [one["source_reference"] for one in found(client, text=code)] == [f"E-{code}"]
    rows = client.get(f"{API}statistics", {"by": "operation"}).json()["rows"]
    assert {row["operation"]: row["seizures"] for row in rows} == {"": 2, CODE: 1, "NOWHERE": 1}


@pytest.mark.parametrize("text", ["lantern", "lan", "lan\u09f4", "LANTERN-NG-SZR-00001", "szr", "wrn 00003"])
def test_no_word_of_its_name_finds_a_seizure(
    client: Client, lantern: ClosedUserGroup, eve: Officer, text: str
) -> None:
    sign_in(client, eve)
    assert found(client, text=text) == []
    assert len(found(client, text="bricks")) == 1


def test_a_place_that_is_called_like_an_operation_is_found(
    client: Client, lantern: ClosedUserGroup, eve: Officer
) -> None:
    changed = RECORD | {"source_reference": f"{CODE}-NG-SZR-00009", "place_text": "Lantern Quay"}
    take_in([changed], source="cencomm")
    sign_in(client, eve)
    assert [one["place_text"] for one in found(client, text="lantern")] == ["Lantern Quay"]


@pytest.mark.parametrize("query", [{"operation": "{}"}, {"text": "{}"}, {"text": "{}-NG-WRN-00003"}])
def test_asking_for_it_by_name_answers_as_for_one_that_there_is_not(
    client: Client, lantern: ClosedUserGroup, eve: Officer, query: dict[str, str]
) -> None:
    sign_in(client, eve)
    [(name, pattern)] = query.items()

    def told(code: str) -> dict[str, str]:
        asked = {name: pattern.format(code)}
        return {
            what: text.replace(code, "…").replace(code.lower(), "…")
            for what, text in readings(client, **asked)
            if what not in {"search", "charts"}  # pages of these parts, with tokens of their own
        }

    assert told(CODE) == told("NOWHERE")
    assert found(client, **{name: pattern.format(CODE)}) == []


def test_whoever_left_reads_it_no_more(
    client: Client, lantern: ClosedUserGroup, bruno: Officer, amina: Officer
) -> None:
    join(lantern, bruno, Role.OFFICER)
    headers = {"Authorization": f"Bearer {token_for(bruno, 'cen:read')}"}
    address = f"{API}seizures?operation={CODE}"
    assert len(client.get(address, headers=headers).json()["seizures"]) == 1
    Membership.objects.filter(officer=bruno, group=lantern).update(left_at="2026-11-01T00:00:00Z")
    assert client.get(address, headers=headers).json()["seizures"] == []
