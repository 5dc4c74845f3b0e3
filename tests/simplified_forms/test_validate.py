"""What a body must be: fields, types, lists, dates, units, rows; and what is only asked about."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from simplified_forms.catalogue import CATALOGUE
from simplified_forms.fields import Kind
from simplified_forms.starting import entry, starting_spec
from simplified_forms.validation import MAX_BODY_BYTES, validate
from tests.simplified_forms.bodies import FULL, SIMPLIFIED, context, errors, judged, questions, seizure


def spec_of(*names: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"fields": [entry(name, required=name in required) for name in names]}


def test_a_whole_body_passes_and_keeps_the_order_of_the_form() -> None:
    outcome = judged(dict(reversed(seizure().items())))
    assert outcome.ok
    assert outcome.questions == []
    assert list(outcome.cleaned) == [e["name"] for e in SIMPLIFIED["fields"] if e["name"] in outcome.cleaned]


def test_equal_bodies_give_equal_bytes() -> None:
    plain = judged(seizure())
    other = judged(
        dict(
            reversed(
                seizure(
                    country=" ng ",
                    conveyance="sea",
                    commodity={"group": "DRG", "item": "tramadol"},
                    quantity={"unit": "h87", "value": "1 240 000.00"},
                    detection=["XRY", "XRY"],
                    cases="1",
                ).items()
            )
        )
    )
    assert orjson.dumps(plain.cleaned) == orjson.dumps(other.cleaned)


def test_an_unknown_field_is_refused_by_name() -> None:
    assert errors(judged(seizure(suspect="x"))) == {("suspect", "unknown_field")}


def test_a_field_of_the_catalogue_that_this_form_does_not_have_is_refused() -> None:
    assert errors(judged(seizure(brand="x"))) == {("brand", "unknown_field")}


@pytest.mark.parametrize("name", ["date", "country", "conveyance", "commodity", "quantity"])
@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_a_mandatory_field_is_needed(name: str, empty: object) -> None:
    body = seizure()
    body[name] = empty
    assert errors(judged(body)) == {(name, "required")}


def test_blank_text_does_not_fill_a_mandatory_field() -> None:
    outcome = validate(starting_spec(Kind.NOTE), {"text": " \n\t "}, context("note"))
    assert errors(outcome) == {("text", "required")}


def test_the_number_of_cases_is_one_when_nothing_is_said() -> None:
    assert judged(seizure(cases=None)).cleaned["cases"] == 1


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("country", 7, "wrong_type"),
        ("country", "QQ", "unknown_code"),
        ("conveyance", ["SEA"], "wrong_type"),
        ("detection", "XRY", "wrong_type"),
        ("place", 5, "wrong_type"),
        ("place", "x" * 201, "too_long"),
        ("cases", 0, "too_small"),
        ("cases", 1.5, "not_a_whole_number"),
        ("cases", True, "not_a_whole_number"),
        ("cases", "many", "not_a_whole_number"),
        ("cases", 10**12, "not_a_whole_number"),
        ("date", "21/11/2026", "not_a_date"),
        ("date", "2026-02-30", "not_a_date"),
        ("date", "2026-W47-6", "not_a_date"),
        ("date", 20261121, "not_a_date"),
        ("quantity", "12 kg", "wrong_type"),
        ("quantity", 12, "wrong_type"),
        ("warning", "not-a-uuid", "not_a_message"),
        ("commodity", "DRG", "unknown_code"),
        ("commodity", "DRG.moonlight", "unknown_code"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: object, code: str) -> None:
    assert errors(judged(seizure(**{name: value}))) == {(name, code)}


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ({"value": "12"}, {("quantity.unit", "required")}),
        ({"unit": "KGM"}, {("quantity.value", "required")}),
        ({"value": "0", "unit": "H87"}, {("quantity.value", "not_positive")}),
        ({"value": "-3", "unit": "H87"}, {("quantity.value", "not_positive")}),
        ({"value": "1,240", "unit": "H87"}, {("quantity.value", "not_a_number")}),
        ({"value": "1e3", "unit": "H87"}, {("quantity.value", "not_a_number")}),
        ({"value": "NaN", "unit": "H87"}, {("quantity.value", "not_a_number")}),
        ({"value": True, "unit": "H87"}, {("quantity.value", "not_a_number")}),
        ({"value": "1", "unit": "FURLONG"}, {("quantity.unit", "unknown_code")}),
        ({"value": "1", "unit": "MTQ"}, {("quantity.unit", "unit_not_allowed")}),
        ({"value": "1", "unit": "H87", "note": "x"}, {("quantity.note", "unknown_field")}),
    ],
)
def test_a_quantity_has_a_positive_number_and_a_unit_that_fits_the_goods(
    quantity: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert errors(judged(seizure(quantity=quantity))) == expected


def test_numbers_come_back_in_one_spelling() -> None:
    for given in ("12.50", 12.5, "012.5", "12.500000"):
        outcome = judged(seizure(commodity="DRG.cocaine", quantity={"value": given, "unit": "KGM"}))
        assert outcome.cleaned["quantity"] == {"value": "12.5", "unit": "KGM"}


def test_what_a_spreadsheet_computed_is_kept_to_the_last_digit() -> None:
    for given in ("0.11699999999999999", 0.11699999999999999):
        outcome = judged(seizure(commodity="DRG.cocaine", quantity={"value": given, "unit": "KGM"}))
        assert outcome.cleaned["quantity"]["value"] == "0.11699999999999999"


def test_a_unit_that_does_not_fit_names_those_that_do() -> None:
    outcome = judged(seizure(quantity={"value": "1", "unit": "MTQ"}))
    assert "kilogram" in outcome.errors[0].message


def test_a_huge_quantity_is_asked_about_and_not_refused() -> None:
    outcome = judged(seizure(commodity="DRG.cocaine", quantity={"value": "999999999", "unit": "KGM"}))
    assert outcome.ok
    assert questions(outcome) == {("quantity.value", "unusual_quantity")}


def test_tomorrow_is_the_future_and_today_is_not() -> None:
    assert errors(judged(seizure(date="2026-11-22"))) == {("date", "future")}
    assert judged(seizure(date="2026-11-21")).ok


def test_the_past_ends_before_the_operation_less_its_limit() -> None:
    assert judged(seizure(date="2026-10-16")).ok
    assert errors(judged(seizure(date="2026-10-15"))) == {("date", "before_operation")}
    assert judged(seizure(date="2016-10-15"), operation_starts_on=None).ok


def test_a_time_later_today_is_the_future() -> None:
    body = seizure(date="2026-11-21", time="12:01")
    assert errors(judged(body, FULL)) == {("time", "future")}
    assert judged(body | {"time": "11:59"}, FULL).ok
    assert judged(body | {"date": "2026-11-20"}, FULL).ok


def test_another_country_is_asked_about() -> None:
    outcome = judged(seizure(country="GH", destination_country="GH"))
    assert outcome.ok
    assert questions(outcome) == {("country", "country_not_senders")}


@pytest.mark.parametrize(
    ("direction", "departure", "destination", "question"),
    [
        ("IMP", "IN", "NG", None),
        ("IMP", "IN", "GH", "import_destination"),
        ("IMP", "NG", "NG", "import_departure"),
        ("EXP", "NG", "GH", None),
        ("EXP", "IN", "GH", "export_departure"),
        ("EXP", "NG", "NG", "export_destination"),
        ("REX", "IN", "GH", "export_departure"),
        ("TRA", "IN", "GH", None),
        ("TRA", "NG", "GH", "transit_route"),
        ("TSH", "IN", "NG", "transit_route"),
        ("INT", "NG", "NG", None),
        ("INT", "NG", "GH", "internal_route"),
        ("UNK", "IN", "GH", None),
    ],
)
def test_a_direction_that_contradicts_the_route_is_asked_about(
    direction: str, departure: str, destination: str, question: str | None
) -> None:
    outcome = judged(seizure(direction=direction, departure_country=departure, destination_country=destination))
    assert outcome.ok
    assert {problem.code for problem in outcome.questions} == ({question} if question else set())


def test_a_concealment_that_does_not_fit_the_conveyance_is_asked_about() -> None:
    assert questions(judged(seizure(concealment="SHL"), FULL)) == set()
    outcome = judged(seizure(concealment="SHL", conveyance="AIR"), FULL)
    assert questions(outcome) == {("concealment", "concealment_does_not_fit")}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("container", "CSQU 305438-3", "CSQU3054384"),
        ("imo_number", "IMO 9319466", "9319467"),
        ("air_waybill", "180-12345675", "180-12345676"),
        ("postal_item", "rr473124829gb", "RR473124828GB"),
        ("vin", "1M8GDM9AXKP042788", "1M8GDM9AXKP04278"),
    ],
)
def test_check_digits_are_checked(name: str, good: str, bad: str) -> None:
    spec = spec_of(name)
    assert validate(spec, {name: good}, context()).ok
    refused = validate(spec, {name: bad}, context())
    assert [problem.field for problem in refused.errors] == [name]
    assert bad not in refused.errors[0].message


def test_a_code_outside_the_subset_is_not_offered() -> None:
    spec = {
        "fields": [{**e, "codes": ["AIR", "MAI"]} if e["name"] == "conveyance" else e for e in SIMPLIFIED["fields"]]
    }
    assert errors(judged(seizure(), spec)) == {("conveyance", "code_not_offered")}
    assert judged(seizure(conveyance="AIR"), spec).ok


def test_a_group_in_a_commodity_subset_stands_for_its_items() -> None:
    spec = {"fields": [{**e, "codes": ["DRG"]} if e["name"] == "commodity" else e for e in SIMPLIFIED["fields"]]}
    assert judged(seizure(), spec).ok
    beer = seizure(commodity="ALC.beer", quantity={"value": "1", "unit": "LTR"})
    assert errors(judged(beer, spec)) == {("commodity", "code_not_offered")}


def test_goods_lines_are_judged_each_with_its_own_path() -> None:
    goods = [
        {"commodity": "DRG.cocaine", "quantity": {"value": "1", "unit": "KGM"}},
        {},
        {"commodity": "DRG.cocaine", "quantity": {"value": "1", "unit": "MTQ"}},
        {"quantity": {"value": "1", "unit": "KGM"}, "colour": "red"},
        "a line",
    ]
    assert errors(judged(seizure(goods=goods), FULL)) == {
        ("goods.2.quantity.unit", "unit_not_allowed"),
        ("goods.3.colour", "unknown_field"),
        ("goods.3.commodity", "required"),
        ("goods.4", "not_an_object"),
    }


def test_empty_rows_fall_away() -> None:
    line = {"commodity": "DRG.cocaine", "quantity": {"value": "1", "unit": "KGM"}}
    assert judged(seizure(goods=[{}, line, {"brand": ""}]), FULL).cleaned["goods"] == [line]


def test_a_leg_of_the_route_is_judged() -> None:
    route = [{"leg": "ORI", "country": "IN"}, {"leg": "SOMEWHERE"}, {"leg": "DES", "date": "soon"}]
    assert errors(judged(seizure(route=route), FULL)) == {
        ("route.1.leg", "unknown_code"),
        ("route.2.date", "not_a_date"),
    }


def test_lists_are_bounded() -> None:
    line = {"commodity": "DRG.cocaine", "quantity": {"value": "1", "unit": "KGM"}}
    assert judged(seizure(goods=[line] * 100), FULL).ok
    assert errors(judged(seizure(goods=[line] * 101), FULL)) == {("goods", "too_many")}


def test_text_is_bounded() -> None:
    spec = starting_spec(Kind.NOTE)
    assert validate(spec, {"text": "é" * 10_000}, context("note")).ok
    assert errors(validate(spec, {"text": "é" * 10_001}, context("note"))) == {("text", "too_long")}


def test_a_body_is_bounded() -> None:
    big = {"text": "x" * MAX_BODY_BYTES}
    assert errors(validate(starting_spec(Kind.NOTE), big, context("note"))) == {("", "too_large")}


def test_the_list_of_problems_is_bounded() -> None:
    body = {f"field{number}": 1 for number in range(500)}
    assert 100 <= len(judged(body).errors) <= 101


@pytest.mark.parametrize("body", [None, [], "text", 3, True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    assert errors(judged(body)) == {("", "not_an_object")}


def test_what_json_cannot_carry_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    for value in ("\ud800", deep, 2**80, {1: "x"}):
        assert errors(judged(seizure(place=value))) == {("", "not_json")}


def test_control_characters_are_taken_out_of_text() -> None:
    outcome = validate(starting_spec(Kind.NOTE), {"text": "a\x00b\r\nc\x1b[0m"}, context("note"))
    assert outcome.cleaned == {"text": "ab\nc[0m"}


def test_a_nominal_field_is_refused_where_the_group_takes_none() -> None:
    spec = {"fields": [*SIMPLIFIED["fields"], entry("person_name", required=True)]}
    assert errors(judged(seizure(person_name="A B"), spec)) == {("person_name", "nominal_not_allowed")}
    assert judged(seizure(), spec).ok
    assert judged(seizure(person_name="A B"), spec, nominal_allowed=True).ok


def test_a_field_that_is_not_shown_is_not_needed() -> None:
    spec = starting_spec(Kind.FEEDBACK)
    for e in spec["fields"]:
        e["required"] = e["name"] in ("outcome", "not_controlled_reason")
    assert validate(spec, {"outcome": "SZR"}, context("feedback")).ok
    missing = validate(spec, {"outcome": "NCT"}, context("feedback"))
    assert errors(missing) == {("not_controlled_reason", "required")}


def test_a_moment_is_kept_in_universal_time() -> None:
    spec = spec_of("occurred_at")
    outcome = validate(spec, {"occurred_at": "2026-11-21T13:30:59+02:00"}, context("movement"))
    assert outcome.cleaned == {"occurred_at": "2026-11-21T11:30Z"}
    ahead = validate(spec, {"occurred_at": "2026-11-21T13:30Z"}, context("movement"))
    assert errors(ahead) == {("occurred_at", "future")}


def test_problems_are_told_in_the_language_of_the_context() -> None:
    spec = spec_of("container", "date", required=("date",))
    body = {"container": "CSQU3054384"}
    english = validate(spec, body, context(language="en"))
    assert {problem.field for problem in english.errors} == {"container", "date"}
    assert all(problem.message for problem in english.errors)


def test_every_field_of_the_catalogue_has_a_check() -> None:
    for name, field in CATALOGUE.items():
        kind = sorted(field.kinds)[0]
        outcome = validate(spec_of(name), {name: object.__name__ * 5000}, context(kind, nominal_allowed=True))
        assert outcome.errors, name


def test_the_day_of_a_standing_group_has_no_first() -> None:
    outcome = judged(seizure(date="1999-01-01"), operation_starts_on=None, today=date(2026, 11, 21))
    assert outcome.ok
