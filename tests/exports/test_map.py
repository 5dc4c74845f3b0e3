"""Only what a rule names leaves a group, in the column that the rule names."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cen import schema
from exports.mapping import Envelope, mappable_fields, problems_of, records_of, starting_rules
from simplified_forms.catalogue import CATALOGUE

AT = datetime(2026, 11, 21, 7, 31, tzinfo=UTC)
ENVELOPE = Envelope("HAR3-NG-SZR-00019", 1, "HAR3", AT, AT, "HAR3-OCU-WRN-00038")
BODY = {
    "date": "2026-11-21",
    "country": "NG",
    "place": "NGAPP",
    "location_type": "SPT",
    "direction": "IMP",
    "conveyance": "SEA",
    "commodity": "DRG.tramadol",
    "quantity": {"value": "1240000", "unit": "H87"},
    "departure_country": "IN",
    "destination_country": "NG",
    "detection": ["XRY"],
    "cases": 1,
    "remarks": "a secret remark",
}


def test_record_holds_what_the_rules_name_and_nothing_else() -> None:
    (record,) = records_of(starting_rules(), BODY, ENVELOPE)
    assert record["seized_on"] == "2026-11-21"
    assert (record["quantity"], record["unit"]) == ("1240000", "H87")
    assert record["warning_reference"] == "HAR3-OCU-WRN-00038"
    assert "a secret remark" not in str(record)


def test_record_is_one_that_cen_takes() -> None:
    (record,) = records_of(starting_rules(), BODY, ENVELOPE)
    assert isinstance(schema.clean(record, today=date(2026, 11, 22)), schema.CleanRecord)


def test_a_rule_that_is_taken_away_takes_its_column_away() -> None:
    rules = [rule for rule in starting_rules() if rule.field != "departure_country"]
    (record,) = records_of(rules, BODY, ENVELOPE)
    assert "departure_country" not in record


@pytest.mark.parametrize("place", ["Seme border post", "LUQUE", "LAGOS"])
def test_place_that_is_no_code_is_text(place: str) -> None:
    (record,) = records_of(starting_rules(), {**BODY, "place": place}, ENVELOPE)
    assert record["place_text"] == place
    assert "place_code" not in record


def test_goods_lines_become_records_with_references_of_their_own() -> None:
    goods = [
        {"commodity": "DRG.cocaine", "quantity": {"value": "2", "unit": "KGM"}},
        {"commodity": "CUR.banknotes", "value": {"value": "9000", "currency": "EUR"}},
    ]
    main, one, two = records_of(starting_rules(), {**BODY, "goods": goods}, ENVELOPE)
    references = [record["source_reference"] for record in (main, one, two)]
    assert references == ["HAR3-NG-SZR-00019", "HAR3-NG-SZR-00019/2", "HAR3-NG-SZR-00019/3"]
    assert [record["cases"] for record in (main, one, two)] == [1, 0, 0]
    assert (main["commodity"], main["quantity"]) == (BODY["commodity"], BODY["quantity"]["value"])
    assert (one["commodity"], one["unit"], two["commodity"]) == ("DRG.cocaine", "KGM", "CUR.banknotes")
    assert (two["value"], two["currency"]) == ("9000", "EUR")
    assert "quantity" not in two


def test_goods_lines_obey_the_rules_too() -> None:
    goods = [{"commodity": "DRG.cocaine", "description": "white bricks"}]
    rules = [rule for rule in starting_rules() if rule.column != "description"]
    _main, record = records_of(rules, {**BODY, "goods": goods}, ENVELOPE)
    assert "description" not in record


def test_nominal_fields_cannot_be_mapped() -> None:
    nominal = [name for name, field in CATALOGUE.items() if field.nominal]
    assert nominal, "the catalogue knows nominal fields"
    assert not set(nominal) & set(mappable_fields())
    for name in nominal:
        problems = problems_of([*_proposal(), {"field": name, "column": "description"}])
        assert [(problem.field, problem.code) for problem in problems] == [(name, "nominal")]


def _proposal() -> list[dict[str, str]]:
    return [{"field": rule.field, "column": rule.column} for rule in starting_rules()]


def test_the_proposal_has_no_problem() -> None:
    assert problems_of(_proposal()) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"field": "remarks", "column": "description"}, "unknown_field"),
        ({"field": "direction", "column": "nobody_knows"}, "unknown_column"),
        ({"field": "direction", "column": "country"}, "twice"),
    ],
)
def test_bad_rule_is_named(rule: dict[str, str], code: str) -> None:
    proposal = [one for one in _proposal() if one["field"] != rule["field"]]
    assert code in {problem.code for problem in problems_of([*proposal, rule])}


def test_missing_columns_are_named() -> None:
    assert {problem.field for problem in problems_of([])} == {"seized_on", "country", "commodity"}
