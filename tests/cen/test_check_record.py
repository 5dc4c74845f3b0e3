"""What a record must be: each reason for which one is refused, and what passes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cen.fields import REASONS, folded
from cen.schema import CleanRecord, clean
from tests.cen.records import TODAY, a_record


def reasons(**changes: Any) -> set[tuple[str, str]]:
    result = clean(a_record(**changes), today=TODAY)
    return set() if isinstance(result, CleanRecord) else {(problem.field, problem.code) for problem in result}


def cleaned(**changes: Any) -> CleanRecord:
    result = clean(a_record(**changes), today=TODAY)
    assert isinstance(result, CleanRecord), result
    return result


def test_a_right_record_passes() -> None:
    assert reasons() == set()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"suspect_name": "J. D."}, ("suspect_name", "unknown_field")),
        ({"source_reference": None}, ("source_reference", "required")),
        ({"seized_on": None}, ("seized_on", "required")),
        ({"country": None}, ("country", "required")),
        ({"commodity": None}, ("commodity", "required")),
        ({"country": "QQ"}, ("country", "unknown_code")),
        ({"country": 7}, ("country", "unknown_code")),
        ({"commodity": "DRG.moonshine"}, ("commodity", "unknown_code")),
        ({"commodity_group": "TOB"}, ("commodity_group", "group_mismatch")),
        ({"detection": ["XRY", "QQQ"]}, ("detection", "unknown_code")),
        ({"detection": "XRY"}, ("detection", "not_a_list")),
        ({"transit_countries": ["FR"] * 31}, ("transit_countries", "too_many")),
        ({"seized_on": "18/10/2026"}, ("seized_on", "not_a_date")),
        ({"seized_on": "2026-02-30"}, ("seized_on", "not_a_date")),
        ({"seized_on": datetime(2026, 1, 1, tzinfo=UTC)}, ("seized_on", "not_a_date")),
        ({"seized_on": TODAY + timedelta(days=2)}, ("seized_on", "date_in_future")),
        ({"seized_on": "1969-12-31"}, ("seized_on", "date_too_old")),
        ({"quantity": "twelve"}, ("quantity", "not_a_number")),
        ({"quantity": "NaN"}, ("quantity", "not_a_number")),
        ({"quantity": True}, ("quantity", "not_a_number")),
        ({"quantity": "0"}, ("quantity", "not_positive")),
        ({"quantity": "-3"}, ("quantity", "not_positive")),
        ({"quantity": "1e400"}, ("quantity", "too_many_digits")),
        ({"quantity": "0." + "1" * 19}, ("quantity", "too_many_digits")),
        ({"quantity": None}, ("quantity", "quantity_missing")),
        ({"unit": None}, ("unit", "unit_missing")),
        ({"unit": "BQL"}, ("unit", "unit_not_allowed")),
        ({"value": "10"}, ("currency", "currency_missing")),
        ({"cases": -1}, ("cases", "not_positive")),
        ({"cases": "2"}, ("cases", "not_a_whole_number")),
        ({"version": 2**31}, ("version", "too_many_digits")),
        ({"hs": "30a"}, ("hs", "bad_hs")),
        ({"reported_at": "2026-10-18T07:31:00"}, ("reported_at", "not_a_time")),
        ({"description": 5}, ("description", "not_text")),
        ({"description": "x" * 501}, ("description", "too_long")),
        ({"description": "null\x00byte"}, ("description", "control_characters")),
        ({"description": "half \ud800 pair"}, ("description", "control_characters")),
        ({"description": "ask broker.k@example.com"}, ("description", "nominal_content")),
        ({"transport": {"driver": "J. D."}}, ("transport", "unknown_field")),
        ({"transport": ["SEA"]}, ("transport", "not_an_object")),
        ({"withdrawn": "yes"}, ("withdrawn", "not_true_or_false")),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in reasons(**changes)


def test_every_fault_is_named_at_once() -> None:
    found = reasons(country="QQ", quantity="-1", cases=-1)
    assert {("country", "unknown_code"), ("quantity", "not_positive"), ("cases", "not_positive")} <= found


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_what_is_no_object_is_refused(raw: object) -> None:
    result = clean(raw, today=TODAY)
    assert isinstance(result, list)
    assert result[0].code == "not_a_record"


def test_tomorrow_passes_because_it_is_tomorrow_in_the_east() -> None:
    assert reasons(seized_on=TODAY + timedelta(days=1)) == set()


def test_a_value_stands_in_for_a_quantity() -> None:
    record = cleaned(commodity="CUR.banknotes", quantity=None, unit=None, value="250000", currency="EUR")
    assert record.values["value"] == Decimal(250000)


def test_problems_never_repeat_the_value() -> None:
    result = clean(a_record(country="SECRET"), today=TODAY)
    assert isinstance(result, list)
    assert "SECRET" not in str(result)


def test_the_digest_ignores_what_says_nothing() -> None:
    same = [
        cleaned(),
        cleaned(quantity=Decimal("12.5")),
        cleaned(quantity="12.500", hs=""),
        cleaned(detection=["PHY", "XRY", "PHY"]),
        cleaned(commodity_group="DRG"),
        cleaned(seized_on=date(2026, 10, 18)),
        cleaned(version=7),
    ]
    assert len({record.digest for record in same}) == 1


@pytest.mark.parametrize(
    "changes",
    [{"quantity": "12.51"}, {"detection": ["XRY"]}, {"place_text": "Apapa"}, {"transport": {}}, {"cases": 2}],
)
def test_the_digest_tells_contents_apart(changes: dict[str, Any]) -> None:
    assert cleaned(**changes).digest != cleaned().digest


@given(
    st.dictionaries(
        st.sampled_from(sorted(a_record())),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_no_input_breaks_the_check(changes: dict[str, Any]) -> None:
    """Whatever comes in comes out as a record or as known reasons."""
    result = clean(a_record() | changes, today=TODAY)
    assert isinstance(result, CleanRecord) or all(problem.code in REASONS for problem in result)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kapıkule", "kapıkule"),
        ("LOMÉ, Port", "lome port"),
        ("Straße", "strasse"),
        ("HAR3-NG-00019", "har3 ng 00019"),
    ],
)
def test_text_is_folded_for_searches(text: str, expected: str) -> None:
    assert folded(text) == expected
