"""Check digits and forms of codes: the canonical form comes out, or a sentence that says what to do."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomenclature import validators as v
from nomenclature.errors import BadCode, UnknownCode, WrongCheckDigit

DIGITS = st.text(string.digits, min_size=1, max_size=1)
TYPED = st.text(max_size=80)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=count, max_size=count)


def letters(count: int) -> st.SearchStrategy[str]:
    return st.text(string.ascii_uppercase, min_size=count, max_size=count)


@pytest.mark.parametrize(
    ("name", "typed", "canonical"),
    [
        ("container_number", "csqu 305438-3", "CSQU3054383"),
        ("container_number", "MSKU 907032 3", "MSKU9070323"),
        ("imo_number", "imo 9319466", "9319466"),
        ("air_waybill", "180 1234 5675", "180-12345675"),
        ("air_waybill", "180-12345675", "180-12345675"),
        ("postal_item", "rr 473 124 829 gb", "RR473124829GB"),
        ("vin", "1m8gdm9axkp042788", "1M8GDM9AXKP042788"),
        ("iata", "los", "LOS"),
        ("iata", "par", "PAR"),
        ("icao", "dnmm", "DNMM"),
        ("unlocode", "ng app", "NGAPP"),
        ("unlocode", "FRXYZ", "FRXYZ"),
        ("hs_code", "2933.33", "293333"),
        ("hs_code", "24", "24"),
        ("hs_code", "٢٩٣٣", "2933"),
        ("country", "Iran, Islamic Republic of", "IR"),
        ("country", "fra", "FR"),
    ],
)
def test_canonical_form_comes_out_and_is_stable(name: str, typed: str, canonical: str) -> None:
    assert v.CHECKS[name](typed) == canonical
    assert v.CHECKS[name](canonical) == canonical


@pytest.mark.parametrize(
    ("name", "typed", "error"),
    [
        ("container_number", "CSQU3054384", WrongCheckDigit),
        ("container_number", "CSQA3054383", BadCode),
        ("container_number", "CSQU305438", BadCode),
        ("imo_number", "9319467", WrongCheckDigit),
        ("imo_number", "931946", BadCode),
        ("air_waybill", "180-12345676", WrongCheckDigit),
        ("air_waybill", "180-1234567", BadCode),
        ("postal_item", "RR473124828GB", WrongCheckDigit),
        ("postal_item", "RR473124829", BadCode),
        ("vin", "1M8GDM9AXKP04278", BadCode),
        ("vin", "1M8GDM9AXKPO42788", BadCode),
        ("iata", "QQQ", UnknownCode),
        ("iata", "LO", BadCode),
        ("icao", "QQQQ", UnknownCode),
        ("icao", "LOS", BadCode),
        ("unlocode", "QQABC", UnknownCode),
        ("unlocode", "NGAP1", BadCode),
        ("hs_code", "77", UnknownCode),
        ("hs_code", "293", BadCode),
        ("hs_code", "2933330010", BadCode),
        ("country", "Atlantis", UnknownCode),
    ],
)
def test_wrong_code_is_refused_with_a_sentence_that_does_not_repeat_it(
    name: str, typed: str, error: type[BadCode]
) -> None:
    with pytest.raises(error) as refusal:
        v.CHECKS[name](typed)
    assert type(refusal.value) is error
    assert refusal.value.status == 422
    assert refusal.value.detail.endswith(".")
    assert typed not in refusal.value.detail
    assert typed not in str(refusal.value)


@pytest.mark.parametrize("name", sorted(v.CHECKS))
@given(typed=TYPED)
def test_any_text_gives_a_canonical_code_or_a_refusal(name: str, typed: str) -> None:
    try:
        code = v.CHECKS[name](typed)
    except BadCode:
        return
    assert v.CHECKS[name](code) == code
    assert code.isascii()


@pytest.mark.parametrize("name", sorted(set(v.CHECKS) - {"country"}))
def test_endless_text_is_refused(name: str) -> None:
    with pytest.raises(BadCode):
        v.CHECKS[name]("1" * 100_000)


@given(letters(3), st.sampled_from("UJZ"), digits(6))
def test_exactly_one_check_digit_fits_a_container(owner: str, category: str, serial: str) -> None:
    fitting = [d for d in string.digits if accepts(v.check_container_number, owner + category + serial + d)]
    assert len(fitting) == 1


@given(digits(6))
def test_exactly_one_check_digit_fits_a_ship(serial: str) -> None:
    assert sum(accepts(v.check_imo_number, serial + d) for d in string.digits) == 1


@given(digits(3), digits(7))
def test_exactly_one_check_digit_fits_an_air_waybill(airline: str, serial: str) -> None:
    fitting = [d for d in string.digits if accepts(v.check_air_waybill, airline + serial + d)]
    assert fitting == [str(int(serial) % 7)]


@given(letters(2), digits(8), letters(2))
def test_exactly_one_check_digit_fits_a_postal_item(service: str, serial: str, country: str) -> None:
    assert sum(accepts(v.check_postal_item, service + serial + d + country) for d in string.digits) == 1


@given(digits(8), st.integers(0, 7), st.integers(1, 9))
def test_one_mistyped_digit_of_a_postal_item_is_noticed(serial: str, position: int, shift: int) -> None:
    """Not quite always by the letter of S10: remainders 0 and 10, 1 and 5 share a digit."""
    wrong = str((int(serial[position]) + shift) % 10)
    mistyped = serial[:position] + wrong + serial[position + 1 :]
    right_digit, wrong_digit = v.postal_check_digit(serial), v.postal_check_digit(mistyped)
    assert right_digit != wrong_digit or right_digit in {0, 5}


def accepts(check: object, text: str) -> bool:
    try:
        check(text)  # type: ignore[operator]
    except BadCode:
        return False
    return True
