"""A body in words: the rows of its record, and the line that stands for it."""

from __future__ import annotations

from simplified_forms.fields import Kind
from simplified_forms.presentation import number_text, place_text, rows, summary
from simplified_forms.starting import starting_spec
from tests.simplified_forms.bodies import FULL, SIMPLIFIED, seizure

SPACE = "\u202f"


def texts(language: str = "en", **values: object) -> dict[str, str]:
    return {row["name"]: row["value_text"] for row in rows(FULL, seizure(**values), language)}


def test_rows_follow_the_form_and_hold_words() -> None:
    found = rows(SIMPLIFIED, dict(reversed(seizure().items())), "en")
    assert [row["name"] for row in found][:3] == ["date", "country", "place"]
    assert texts()["country"] == "Nigeria"
    assert texts()["quantity"] == f"1{SPACE}240{SPACE}000 pieces"
    assert texts("fr")["conveyance"] == "Navire"


def test_a_value_that_the_form_does_not_ask_is_shown_all_the_same() -> None:
    found = rows({"fields": []}, seizure(), "en")
    assert {row["name"] for row in found} == set(seizure())


def test_a_list_is_told_value_by_value() -> None:
    row = next(row for row in rows(FULL, seizure(detection=["XRY", "DOG"]), "en") if row["name"] == "detection")
    assert len(row["values_text"]) == 2
    assert row["value_text"] == ", ".join(row["values_text"])


def test_goods_lines_are_records_of_their_own() -> None:
    goods = [{"commodity": "DRG.cocaine", "quantity": {"value": "2.5", "unit": "KGM"}}]
    row = next(row for row in rows(FULL, seizure(goods=goods), "fr") if row["name"] == "goods")
    assert [cell["value_text"] for cell in row["lines"][0]] == ["Cocaïne (chlorhydrate)", "2,5 kg"]


def test_a_reference_keeps_its_identifier() -> None:
    row = next(row for row in rows(FULL, seizure(warning="x-1"), "en") if row["name"] == "warning")
    assert row["messages"] == ["x-1"]


def test_numbers_are_grouped_and_take_the_mark_of_the_language() -> None:
    assert number_text("1234567.5", "en") == f"1{SPACE}234{SPACE}567.5"
    assert number_text("1234567.5", "fr") == f"1{SPACE}234{SPACE}567,5"
    assert number_text("-0.25", "en") == "-0.25"


def test_a_known_place_has_its_name_and_any_other_is_as_written() -> None:
    assert place_text("NGAPP", "en").startswith("Apapa")
    assert place_text("Seme border post", "en") == "Seme border post"


def test_a_summary_says_what_was_found() -> None:
    assert summary("seizure", seizure(), "en") == "Tramadol, 1 240 000 pieces"


def test_a_summary_is_one_short_line() -> None:
    line = summary("note", {"text": "word " * 200 + "\nsecond line"}, "en")
    assert len(line) <= 160
    assert "\n" not in line
    assert line.endswith("…")


def test_a_body_without_words_is_named_by_its_kind() -> None:
    for kind in Kind:
        assert summary(kind.value, {}, "en") == str(kind.label)


def test_every_starting_form_has_a_summary_of_its_own_fields() -> None:
    body = {"outcome": "NTH", "controls": ["DOC"], "text": "x"}
    assert summary("feedback", body, "en") == "Nothing found"
    assert [row["name"] for row in rows(starting_spec(Kind.FEEDBACK), body, "en")] == [
        "outcome",
        "controls",
        "text",
    ]
