"""Searches, facets and statistics against the same answers computed in Python over invented records."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from cen.actions import take_in
from cen.errors import BadCursor, QuestionTooBroad, SeizureUnknown
from cen.filters import CODE_FILTERS, Filters, read_filters
from cen.models import Seizure
from cen.queries import asking, facets, seizure, seizures_page, total
from cen.sample import sample_records
from cen.statistics import BY, statistic
from tests.cen.records import TODAY, a_record

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

ROWS = 600
QUESTIONS = [
    "",
    "from=2026-01-01",
    "to=2024-12-31",
    "from=2025-03-10&to=2025-09-20",
    "commodity_group=DRG",
    "commodity_group=DRG&commodity_group=TOB",
    "commodity=DRG.cocaine,DRG.tramadol",
    "country=NG&country=BE",
    "departure=IN",
    "departure=-",
    "transit=AE",
    "transit=-&commodity_group=TOB",
    "destination=NG&conveyance=SEA",
    "detection=XRY",
    "detection=XRY,DOG&direction=IMP",
    "detection=-",
    "concealment=-",
    "location_type=SPT&operation=HAR3",
    "source=cencomm",
    "source=nobody",
    "quantity_min=10&quantity_max=500&unit=KGM",
    "unit=H87&from=2026-05-01",
    "text=tablets",
    "text=COMPRIMÉS",
    "text=reefer panel&country=BE",
    "text=tramadol-nonsense",
]


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    records = list(sample_records(rows=ROWS, seed=7, until=TODAY))
    half = ROWS // 2
    take_in(records[:half], source="cencomm")
    take_in(records[half:], source="client:NCEN-FR")
    held = {
        reference: (quantity, unit)
        for reference, quantity, unit in Seizure.objects.values_list(
            "source_reference", "quantity_normalised", "unit_normalised"
        )
    }
    return [
        {
            **record,
            "source": "cencomm" if place < half else "client:NCEN-FR",
            "normalised": held[record["source_reference"]],
        }
        for place, record in enumerate(records)
    ]


def filters_of(query: str) -> Filters:
    filters, problems = read_filters(QueryDict(query), known=None)
    assert problems == []
    return filters


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


COLUMNS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "commodity_group": lambda row: [row["commodity"].split(".")[0]],
    "commodity": lambda row: [row["commodity"]],
    "country": lambda row: [row["country"]],
    "departure": lambda row: [row["departure_country"] or "-"],
    "transit": lambda row: row["transit_countries"] or ["-"],
    "destination": lambda row: [row["destination_country"] or "-"],
    "conveyance": lambda row: [row["conveyance"]],
    "detection": lambda row: row["detection"] or ["-"],
    "concealment": lambda row: [row["concealment"] or "-"],
    "direction": lambda row: [row["direction"]],
    "location_type": lambda row: [row["location_type"]],
    "operation": lambda row: [row["operation_code"] or "-"],
    "source": lambda row: [row["source"]],
}


def passes(row: dict[str, Any], query: str, *, ignoring: str = "") -> bool:
    """Say in plain Python whether a record passes the filters of a query string."""
    asked = QueryDict(query)
    if "from" in asked and row["seized_on"] < date.fromisoformat(asked["from"]):
        return False
    if "to" in asked and row["seized_on"] > date.fromisoformat(asked["to"]):
        return False
    if "unit" in asked:
        quantity, unit = row["normalised"]
        low, high = Decimal(asked.get("quantity_min", "0")), Decimal(asked.get("quantity_max", "1e30"))
        if unit != asked["unit"] or not low <= quantity <= high:
            return False
    if "text" in asked:
        words = plain(
            " ".join([row["description"], row["place_text"], row["source_reference"], row["operation_code"]])
        )
        tokens = "".join(c if c.isalnum() else " " for c in words).split()
        wanted = "".join(c if c.isalnum() else " " for c in plain(asked["text"])).split()
        if not all(any(token.startswith(word) for token in tokens) for word in wanted):
            return False
    for name, codes_of in COLUMNS.items():
        values = {part for value in asked.getlist(name) for part in value.split(",")}
        if values and name != ignoring and not values & set(codes_of(row)):
            return False
    return True


def test_searches_find_what_plain_python_finds(rows: list[dict[str, Any]]) -> None:
    found_any = 0
    for query in QUESTIONS:
        expected = {row["source_reference"] for row in rows if passes(row, query)}
        page = seizures_page(filters_of(query), limit=500)
        found = [one.source_reference for one in page.seizures]
        if page.after:
            found += [one.source_reference for one in seizures_page(filters_of(query), after=page.after).seizures]
        assert total(filters_of(query)) == len(expected), query
        assert set(found) <= expected, query
        if len(expected) <= 500:
            assert set(found) == expected, query
        found_any += bool(expected)
    assert found_any >= len(QUESTIONS) - 3


def test_pages_follow_each_other_without_gap_or_overlap(rows: list[dict[str, Any]]) -> None:
    found: list[Seizure] = []
    after = ""
    while True:
        page = seizures_page(Filters(), after=after, limit=47)
        found += page.seizures
        if page.after is None:
            break
        after = page.after
    assert [(one.seized_on, one.pk) for one in found] == sorted(((o.seized_on, o.pk) for o in found), reverse=True)
    assert {one.source_reference for one in found} == {row["source_reference"] for row in rows}
    assert len(found) == ROWS


def test_facets_count_what_choosing_them_would_show(rows: list[dict[str, Any]]) -> None:
    for query in QUESTIONS:
        counted = {facet.name: facet for facet in facets(filters_of(query))}
        assert set(counted) == set(CODE_FILTERS)
        for name, codes_of in COLUMNS.items():
            expected = Counter(
                code for row in rows if passes(row, query, ignoring=name) for code in set(codes_of(row))
            )
            found = {value.code: value.count for value in counted[name].values}
            assert {code: count for code, count in found.items() if count} == {
                code: expected[code] for code in found if expected[code]
            }, (query, name)
            assert len(found) >= min(len(expected), 40), (query, name)


def test_statistics_add_up_as_in_plain_python(rows: list[dict[str, Any]]) -> None:
    keys: dict[str, Callable[[dict[str, Any]], list[tuple[str, ...]]]] = {
        "month": lambda row: [(f"{row['seized_on']:%Y-%m}", row["commodity"].split(".")[0])],
        "year": lambda row: [(f"{row['seized_on']:%Y}",)],
        "route": lambda row: [(row["departure_country"], row["destination_country"])],
        "detection": lambda row: [(code,) for code in row["detection"]],
        "transit": lambda row: [(code,) for code in row["transit_countries"]],
    }
    for name in ("commodity_group", "commodity", "country", "conveyance", "direction", "location_type"):
        keys[name] = lambda row, name=name: [(COLUMNS[name](row)[0],)]  # type: ignore[misc]
    for name, column in (
        ("departure", "departure_country"),
        ("destination", "destination_country"),
        ("concealment", "concealment"),
        ("operation", "operation_code"),
    ):
        keys[name] = lambda row, column=column: [(row[column],)]  # type: ignore[misc]
    assert set(keys) == set(BY)
    for query in ("", "from=2025-04-01&to=2026-06-30", "commodity_group=DRG", "text=tablets"):
        for by, keys_of in keys.items():
            expected: dict[tuple[str, ...], list[Any]] = {}
            for row in rows:
                if not passes(row, query):
                    continue
                for key in keys_of(row):
                    sums = expected.setdefault(key, [0, 0, Counter()])
                    quantity, unit = row["normalised"]
                    sums[0] += 1
                    sums[1] += row["cases"]
                    sums[2][unit] += quantity
            answer = statistic(by, filters_of(query))
            found = {
                row.key: [row.figures.seizures, row.figures.cases, Counter(row.figures.quantities)]
                for row in answer.rows
            }
            assert found == expected, (query, by)
            assert answer.total.seizures == sum(passes(row, query) for row in rows)


def test_a_month_knows_the_same_month_a_year_before(rows: list[dict[str, Any]]) -> None:
    answer = statistic("month", filters_of("from=2026-01-01&commodity_group=DRG"))
    before = {row.key[0]: row.year_before for row in answer.rows}
    for month, figures in before.items():
        year, number = month.split("-")
        expected = sum(
            f"{row['seized_on']:%Y-%m}" == f"{int(year) - 1}-{number}" and row["commodity"].startswith("DRG")
            for row in rows
        )
        assert (figures.seizures if figures else 0) == expected
    assert all(row.key[0] >= "2026-01" for row in answer.rows)
    assert any(before.values())


def test_a_new_intake_shows_in_counts_at_once(rows: list[dict[str, Any]]) -> None:
    before = total(Filters())
    counted = statistic("commodity", Filters()).total.seizures
    take_in([a_record()], source="cencomm")
    assert total(Filters()) == before + 1
    assert statistic("commodity", Filters()).total.seizures == counted + 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("country=QQ", "unknown_code"),
        ("from=yesterday", "not_a_date"),
        ("quantity_min=lots&unit=KGM", "not_a_number"),
        ("quantity_min=NaN&unit=KGM", "not_a_number"),
        ("quantity_min=5", "required"),
        ("unit=KG%27", "unknown_code"),
        ("text=" + "x" * 101, "too_long"),
        ("operation=" + ",".join(f"O{number}" for number in range(60)), "too_many"),
    ],
)
def test_a_wrong_filter_is_named_and_not_applied(query: str, code: str) -> None:
    filters, problems = read_filters(QueryDict(query), known=None)
    assert [problem.code for problem in problems] == [code]
    assert list(filters.pairs()) in ([], [("unit", "KGM")])


@pytest.mark.parametrize(
    "text", ["' | 'x", "zq & b", "!x", ":*", "\\", "x':*A", "' OR 1=1 --", "ﬁ", "كوكايين", "%_"]
)
def test_no_text_breaks_the_search(text: str) -> None:
    take_in([a_record()], source="cencomm")
    filters, _problems = read_filters({"text": text}, known=None)
    assert seizures_page(filters).seizures == []


@pytest.mark.parametrize("text", ["Antwerp", "anvers", "BEANR"])
def test_a_place_is_found_by_its_code_and_by_its_names(text: str) -> None:
    take_in([a_record(), a_record("HAR3-BE-SZR-00020", place_code="BEANR", place_text=None)], source="cencomm")
    assert [one.source_reference for one in Filters(text=text).seizures()] == ["HAR3-BE-SZR-00020"]


def test_the_reference_of_cen_finds_its_seizure() -> None:
    receipts = take_in([a_record(), a_record("OTHER-1")], source="cencomm")
    reference = receipts[0].cen_reference
    for text in (reference, f" {reference.lower()} "):
        filters, problems = read_filters({"text": text}, known=None)
        assert problems == []
        assert [one.cen_reference for one in seizures_page(filters).seizures] == [reference]


@pytest.mark.parametrize(
    "after", ["x", "2026-01-01", "2026-01-01_", "2026-01-01_1; DROP", "9" * 50, "2026-99-01_1", "_1"]
)
def test_a_wrong_cursor_is_refused(after: str) -> None:
    with pytest.raises(BadCursor):
        seizures_page(Filters(), after=after)


def test_a_question_without_end_is_stopped() -> None:
    with pytest.raises(QuestionTooBroad), asking(seconds=1):
        list(Seizure.objects.raw("SELECT 1 AS id, pg_sleep(3)"))


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(SeizureUnknown):
        seizure("CEN-2026-0000000", known=None)
