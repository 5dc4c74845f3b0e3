"""Units: exact, in the unit of the item, and never a guess."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomenclature.lists import code_list
from nomenclature.units import Normalised, allowed_units, is_plausible, normalise, normalised_unit

VALUES = st.decimals(min_value="0", max_value="1e9", places=6)
UNITS = st.sampled_from(sorted(code_list("unit")))
ITEMS = st.sampled_from(sorted(code_list("commodity")))


@pytest.mark.parametrize(
    ("value", "unit", "commodity", "expected"),
    [
        ("12.5", "MIL", "TOB.cigarettes_genuine", ("12500", "H87")),
        ("500", "GRM", "DRG.heroin", ("0.5", "KGM")),
        ("0.001", "MGM", "DRG.lsd", ("0.000000001", "KGM")),
        ("26", "TNE", "PRE.other", ("26000", "KGM")),
        ("5", "CTM", "CUR.diamonds", ("0.001", "KGM")),
        ("3", "PR", "IPR.footwear", ("6", "H87")),
        ("1", "LBR", None, ("0.45359237", "KGM")),
        ("12", "HLT", "FUE.diesel", ("1200", "LTR")),
        ("2", "MTQ", "FUE.diesel", ("2000", "LTR")),
        ("2", "MTQ", "CIT.timber", ("2", "MTQ")),
        ("2", "MTQ", None, ("2000", "LTR")),
        ("7", "4N", "NUC.sources", ("7000000", "BQL")),
        ("0", "KGM", "DRG.cocaine", ("0", "KGM")),
        ("1E+3", "KGM", None, ("1000", "KGM")),
    ],
)
def test_quantity_is_normalised_exactly(
    value: str, unit: str, commodity: str | None, expected: tuple[str, str]
) -> None:
    found = normalise(Decimal(value), unit, commodity)
    assert found == Normalised(Decimal(expected[0]), expected[1])
    assert f"{found.value:f}" == expected[0]


@pytest.mark.parametrize(
    ("unit", "commodity", "base"),
    [("H87", "DRG.tramadol", "H87"), ("LPA", "ALC.spirits", "LPA"), ("KGM", "FUE.lpg", "KGM")],
)
def test_what_cannot_be_converted_exactly_keeps_its_dimension(unit: str, commodity: str, base: str) -> None:
    assert normalise(Decimal(30), unit, commodity) == Normalised(Decimal(30), base)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e9999", "1e-9999", "sNaN"])
def test_absurd_numbers_are_not_normalised(value: str) -> None:
    assert normalise(Decimal(value), "KGM") is None
    assert not is_plausible(Decimal(value), "KGM", "DRG.cocaine")


def test_unknown_unit_is_not_normalised() -> None:
    assert normalise(Decimal(1), "XYZ", "DRG.cocaine") is None


@given(VALUES, VALUES, UNITS, ITEMS)
def test_normalising_a_sum_is_summing_what_was_normalised(a: Decimal, b: Decimal, unit: str, item: str) -> None:
    one, two, both = (normalise(value, unit, item) for value in (a, b, a + b))
    assert one is not None
    assert two is not None
    assert both == Normalised(one.value + two.value, one.unit)


@given(VALUES, UNITS, ITEMS)
def test_normalising_twice_changes_nothing(value: Decimal, unit: str, item: str) -> None:
    once = normalise(value, unit, item)
    assert once is not None
    assert normalise(once.value, once.unit, item) == once


@given(VALUES, UNITS)
def test_normalised_value_is_the_value_times_the_factor(value: Decimal, unit: str) -> None:
    found = normalise(value, unit)
    assert found is not None
    assert found.value == value * code_list("unit").attributes(unit)["factor"]
    assert "E+" not in str(found.value)


def test_item_says_its_units() -> None:
    assert set(allowed_units("DRG.cocaine")) == {"KGM", "GRM", "H87", "LTR", "MLT"}
    assert {"H87", "MIL", "KGM"} <= set(allowed_units("TOB"))
    assert allowed_units("NONE") == ()
    assert normalised_unit("TOB.cigarettes_genuine") == "H87"
    assert normalised_unit("DRG") == "KGM"
    assert normalised_unit("NONE") == ""


@pytest.mark.parametrize(
    ("value", "unit", "commodity", "plausible"),
    [
        ("12.5", "KGM", "DRG.cocaine", True),
        ("12500000", "KGM", "DRG.cocaine", False),
        ("0", "KGM", "DRG.cocaine", False),
        ("-1", "KGM", "DRG.cocaine", False),
        ("1240000", "H87", "DRG.tramadol", True),
        ("124000000", "H87", "DRG.tramadol", False),
        ("60000", "MIL", "TOB.cigarettes_genuine", False),
        ("60", "MIL", "TOB.cigarettes_genuine", True),
        ("999999999", "LPA", "ALC.spirits", True),
        ("999999999", "KGM", "NONE", True),
    ],
)
def test_unbelievable_quantities_are_noticed(value: str, unit: str, commodity: str, plausible: bool) -> None:
    assert is_plausible(Decimal(value), unit, commodity) is plausible
