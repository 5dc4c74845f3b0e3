"""Candidates are found by country, commodity, day and quantity, and in both directions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exports.duplicates import Trace, alike, candidates

DAY = date(2026, 11, 19)


def trace(reference: str, *, day: date = DAY, quantity: str | None = "10", country: str = "NG") -> Trace:
    amount = None if quantity is None else Decimal(quantity)
    return Trace(reference, country, "DRG.cocaine", day, amount, "KGM")


def test_same_seizure_from_two_posts_is_found_both_ways() -> None:
    found = candidates(
        [trace("A"), trace("B", day=DAY + timedelta(days=1), quantity="10.1"), trace("C", quantity="50")]
    )
    assert found == {"A": ["B"], "B": ["A"]}


def test_another_country_or_a_later_day_is_another_seizure() -> None:
    assert candidates([trace("A"), trace("B", country="GH"), trace("C", day=DAY + timedelta(days=2))]) == {}


def test_unknown_quantity_is_alike_only_to_unknown() -> None:
    assert candidates([trace("A", quantity=None), trace("B"), trace("C", quantity=None)]) == {
        "A": ["C"],
        "C": ["A"],
    }


traces = st.lists(
    st.builds(
        trace,
        st.uuids().map(str),
        day=st.integers(0, 4).map(lambda n: DAY + timedelta(days=n)),
        quantity=st.sampled_from(["1", "1.01", "1.03", "2", "100"]),
        country=st.sampled_from(["NG", "GH"]),
    ),
    max_size=25,
    unique_by=lambda one: one.reference,
)


@given(traces)
def test_candidates_are_exactly_the_alike_pairs(found: list[Trace]) -> None:
    expected = {
        (one.reference, other.reference)
        for one in found
        for other in found
        if one.reference != other.reference and alike(one, other)
    }
    assert {(key, other) for key, others in candidates(found).items() for other in others} == expected
