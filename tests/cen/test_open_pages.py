"""The pages of CEN: who may open them, what they show, what they leave in the audit trail."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Officer
from audit.models import Entry
from cen import views
from cen.actions import take_in
from cen.models import Seizure
from cen.sample import sample_records
from cen.statistics import BY
from tests.cen.records import TODAY, a_record

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

SignIn = Callable[[Client, Officer], Client]


@pytest.fixture
def reader(client: Client, dmitri: Officer, sign_in: SignIn) -> Client:
    return sign_in(client, dmitri)


@pytest.fixture
def seizure() -> Seizure:
    take_in([a_record(description='<script>alert("x")</script> bricks')], source="cencomm")
    return Seizure.objects.get()


def addresses(seizure: Seizure) -> list[str]:
    return [
        reverse("cen:search"),
        reverse("cen:charts"),
        reverse("cen:facets"),
        reverse("cen:chart_data") + "?by=month",
        reverse("cen:seizure", args=[seizure.cen_reference]),
        reverse("cen:download_csv"),
        reverse("cen:download_xlsx"),
    ]


def test_a_stranger_is_sent_to_sign_in(client: Client, seizure: Seizure) -> None:
    for address in addresses(seizure):
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert reverse("accounts:sign_in") in answer.headers["Location"]


def test_a_session_without_second_factor_reads_nothing(client: Client, dmitri: Officer, seizure: Seizure) -> None:
    client.force_login(dmitri)
    for address in addresses(seizure):
        answer = client.get(address)
        assert answer.status_code in (302, 403), address


def test_every_page_opens_for_an_officer(reader: Client, seizure: Seizure) -> None:
    for address in addresses(seizure):
        answer = reader.get(address)
        assert answer.status_code == 200, address
        assert "no-store" in answer.headers["Cache-Control"]


def test_pages_hold_no_inline_script_or_style(reader: Client, seizure: Seizure) -> None:
    for address in addresses(seizure)[:3] + addresses(seizure)[4:5]:
        text = reader.get(address).content.decode()
        assert "<style" not in text
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)", text), address


def test_pages_refuse_to_write(reader: Client, seizure: Seizure) -> None:
    for address in addresses(seizure)[:-2]:  # a download is a form: it asks for a second factor
        assert reader.post(address).status_code in (403, 405)


def test_an_empty_cen_says_so(reader: Client) -> None:
    assert "holds no seizures yet" in reader.get(reverse("cen:search")).content.decode()


def test_the_search_shows_rows_facets_and_chips(reader: Client) -> None:
    take_in(list(sample_records(rows=200, seed=5, until=TODAY)), source="cencomm")
    answer = reader.get(reverse("cen:search"), {"country": ["NG", "BE"], "text": "tablets", "from": "2023-01-01"})
    shown = {row["reference"] for row in answer.context["rows"]}
    expected = Seizure.objects.filter(country__in=["NG", "BE"], description__icontains="tablets")
    assert shown <= set(expected.values_list("cen_reference", flat=True))
    assert answer.context["total"] == expected.count()
    assert {chip["value"] for chip in answer.context["chips"]} == {"Nigeria", "Belgium", "tablets", "2023-01-01"}
    chip = next(chip for chip in answer.context["chips"] if chip["value"] == "Nigeria")
    assert "country=BE" in chip["href"]
    assert "country=NG" not in chip["href"]


def test_people_read_names_where_a_record_has_codes(reader: Client) -> None:
    take_in([a_record(place_text=None)], source="cencomm")
    search = reader.get(reverse("cen:search"))
    [row] = search.context["rows"]
    assert (row["place"], row["place_code"], row["route"]) == ("Apapa", "NGAPP", "Brazil → Côte d’Ivoire → Nigeria")
    assert "Brazil → Côte d’Ivoire → Nigeria" in search.content.decode()
    page = reader.get(row["url"]).content.decode()
    assert "Nigeria, Apapa" in page
    assert "NGAPP (Apapa, Nigeria)" in page


def test_a_place_code_that_nobody_knows_is_shown_as_it_is(reader: Client) -> None:
    take_in([a_record(place_text=None, place_code="NGQQQ")], source="cencomm")
    [row] = reader.get(reverse("cen:search")).context["rows"]
    assert row["place"] == "NGQQQ"
    assert "NGQQQ</dd>" in reader.get(row["url"]).content.decode()


def test_a_large_selection_gets_its_facets_afterwards(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "FACETS_AT_ONCE", 10)
    take_in(list(sample_records(rows=200, seed=5, until=TODAY)), source="cencomm")
    answer = reader.get(reverse("cen:search"), {"commodity_group": "DRG"})
    later = reader.get(answer.context["facets_url"])
    assert answer.context["facets"] == []
    assert "Cocaine" in later.content.decode()
    assert any(facet["name"] == "commodity" for facet in later.context["facets"])


def test_the_next_page_goes_on(reader: Client) -> None:
    take_in(list(sample_records(rows=70, seed=5, until=TODAY)), source="cencomm")
    first = reader.get(reverse("cen:search"))
    second = reader.get(reverse("cen:search") + first.context["next"])
    shown = [row["reference"] for page in (first, second) for row in page.context["rows"]]
    assert len(shown) == len(set(shown)) == 70
    assert second.context["next"] == ""


def test_a_wrong_filter_is_named_on_the_page(reader: Client, seizure: Seizure) -> None:
    answer = reader.get(reverse("cen:search"), {"country": "QQ"})
    assert answer.status_code == 200
    assert "Some filters were not applied" in answer.content.decode()


def test_reported_text_is_never_markup(reader: Client, seizure: Seizure) -> None:
    text = reader.get(reverse("cen:seizure", args=[seizure.cen_reference])).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_a_seizure_shows_its_versions(reader: Client, seizure: Seizure) -> None:
    take_in([a_record(version=2, quantity="14", place_text="Tin Can")], source="cencomm")
    answer = reader.get(reverse("cen:seizure", args=[seizure.cen_reference]))
    changes = {
        change["label"]: (change["before"], change["after"]) for change in answer.context["versions"][0]["changes"]
    }
    assert changes["Quantity"] == ("12.5", "14")
    assert changes["Place"] == ("Apapa, Lagos", "Tin Can")
    assert set(changes) == {"Quantity", "Normalised quantity", "Place", "Description"}


def test_a_withdrawn_seizure_says_so(reader: Client, seizure: Seizure) -> None:
    take_in([{"source_reference": seizure.source_reference, "version": 2, "withdrawn": True}], source="cencomm")
    text = reader.get(reverse("cen:seizure", args=[seizure.cen_reference])).content.decode()
    assert "withdrew this seizure" in text
    assert not reader.get(reverse("cen:search")).context["rows"]


def test_an_unknown_reference_is_not_found(reader: Client) -> None:
    assert reader.get(reverse("cen:seizure", args=["CEN-2026-9999999"])).status_code == 404


@pytest.mark.parametrize(
    "by", ["month", "commodity", "country", "route", "conveyance", "detection", "concealment", "year"]
)
def test_each_bar_of_a_chart_leads_to_its_rows(reader: Client, by: str) -> None:
    """The rows behind a bar are exactly as many as the bar says, under the filters of the page."""
    take_in(list(sample_records(rows=150, seed=5, until=TODAY)), source="cencomm")
    question = {"by": by, "from": "2025-01-15", "detection": "XRY"}
    data = reader.get(reverse("cen:chart_data"), question).json()
    assert data["rows"]
    for row in data["rows"][:6]:
        answer = reader.get(row["href"])
        expected = Seizure.objects.filter(seized_on__gte="2025-01-15")
        if by != "detection":
            expected = expected.filter(detection__contains=["XRY"])
        assert answer.context["total"] == row["seizures"], (by, row)
        shown = set(answer.context["filters"].names())
        assert {"from"} <= shown


def test_a_chart_that_is_not_listed_is_refused(reader: Client) -> None:
    answer = reader.get(reverse("cen:chart_data"), {"by": "source"}, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "by"
    assert "month" in BY


def test_reads_are_audited_by_filter_names_only(reader: Client, dmitri: Officer, seizure: Seizure) -> None:
    reader.get(reverse("cen:search"), {"text": "bricks", "country": "NG"})
    entry = Entry.objects.get(action="cen:search:read")
    assert entry.actor == dmitri.pk
    assert entry.details == {"filters": "country,text"}
    assert "bricks" not in str(vars(entry))


def test_pages_come_in_french(client: Client, chloe: Officer, sign_in: SignIn) -> None:
    take_in([a_record()], source="cencomm")
    answer = sign_in(client, chloe).get(reverse("cen:search"))
    assert "Navire" in answer.content.decode()
