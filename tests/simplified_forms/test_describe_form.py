"""The form as page and API get it: labels in the language asked for, choices, what narrows them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import orjson
import pytest

from simplified_forms.catalogue import CATALOGUE, essential_names, fields_of
from simplified_forms.description import described_fields, sections_of
from simplified_forms.fields import Kind, Mode
from simplified_forms.shapes import FieldDescription, FieldType
from simplified_forms.specification import checked_spec
from simplified_forms.starting import FORMS, entry, starting_spec
from tests.simplified_forms.bodies import FULL, SIMPLIFIED


def fields(spec: dict[str, Any], language: str = "en", *, nominal_allowed: bool = False) -> dict[str, Any]:
    found = described_fields(spec, language=language, nominal_allowed=nominal_allowed)
    return {field["name"]: field for field in found}


ALL_SPECS = [(kind, mode) for kind in Kind for mode in (Mode if kind is Kind.SEIZURE else [None])]


@pytest.mark.parametrize(("kind", "mode"), ALL_SPECS)
def test_every_starting_form_may_be_published_as_it_is(kind: Kind, mode: Mode | None) -> None:
    spec = starting_spec(kind, mode)
    assert checked_spec(spec, kind=kind.value, nominal_allowed=False, complete=True) == spec
    assert set(essential_names(kind.value)) <= {one["name"] for one in spec["fields"] if one["required"]}


@pytest.mark.parametrize(("kind", "mode"), ALL_SPECS)
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_starting_form_can_be_drawn(kind: Kind, mode: Mode | None, language: str) -> None:
    spec = starting_spec(kind, mode)
    found = described_fields(spec, language=language, nominal_allowed=False)
    assert [field["name"] for field in found] == [one["name"] for one in spec["fields"]]
    assert all(field["label"] and set(field) >= FieldDescription.__required_keys__ for field in found)
    sections = sections_of(found, language=language)
    assert sorted(name for section in sections for name in section["fields"]) == sorted(
        one["name"] for one in spec["fields"]
    )
    orjson.dumps(found)


def test_labels_of_codes_come_in_the_language_asked_for() -> None:
    english, french = (fields(SIMPLIFIED, language)["conveyance"]["options"] for language in ("en", "fr"))
    assert {"code": "SEA", "label": "Vessel"} in english
    assert {"code": "SEA", "label": "Navire"} in french


def test_commodities_are_grouped_and_name_their_units() -> None:
    options = fields(SIMPLIFIED)["commodity"]["options"]
    cocaine = next(option for option in options if option["code"] == "DRG.cocaine")
    assert cocaine["group"] == "DRG"
    assert cocaine["units"][0] == "KGM"
    groups = [option["group"] for option in options]
    assert sum(one != other for one, other in pairwise(groups)) == len(set(groups)) - 1


def test_a_quantity_names_the_field_that_narrows_its_units() -> None:
    quantity = fields(SIMPLIFIED)["quantity"]
    assert quantity["units_field"] == "commodity"
    assert {"code": "KGM", "label": "kilogram"} in quantity["units"]
    alone = fields({"fields": [entry("quantity")]})["quantity"]
    assert "units_field" not in alone


def test_concealments_say_which_conveyances_they_fit() -> None:
    concealment = fields(FULL)["concealment"]
    assert concealment["fits_field"] == "conveyance"
    hull = next(option for option in concealment["options"] if option["code"] == "SHL")
    assert hull["fits"] == ["SEA", "INL"]
    assert "fits_field" not in fields({"fields": [entry("concealment")]})["concealment"]


def test_a_subset_is_all_that_is_offered() -> None:
    spec = {"fields": [entry("conveyance") | {"codes": ["AIR", "MAI"]}, entry("commodity") | {"codes": ["ALC"]}]}
    found = fields(spec)
    assert [option["code"] for option in found["conveyance"]["options"]] == ["AIR", "MAI"]
    assert {option["group"] for option in found["commodity"]["options"]} == {"ALC"}


def test_countries_are_searched_until_a_subset_is_chosen() -> None:
    assert fields(SIMPLIFIED)["country"]["search"] == "country"
    assert "options" not in fields(SIMPLIFIED)["country"]
    narrowed = fields({"fields": [entry("country") | {"codes": ["NG", "BJ"]}]})["country"]
    assert {option["code"] for option in narrowed["options"]} == {"NG", "BJ"}


def test_own_help_takes_the_place_of_the_catalogues() -> None:
    spec = {"fields": [entry("place") | {"help": {"en": "Ours", "fr": "Le nôtre"}}, entry("date")]}
    assert fields(spec)["place"]["help"] == "Ours"
    assert fields(spec, "fr")["place"]["help"] == "Le nôtre"
    assert fields(spec, "pt")["place"]["help"] == "Ours"
    assert fields(spec)["date"]["help"] == str(CATALOGUE["date"].help)


def test_nominal_fields_are_drawn_only_where_the_group_takes_them() -> None:
    spec = {"fields": [entry("text"), entry("person_name")]}
    assert set(fields(spec)) == {"text"}
    assert set(fields(spec, nominal_allowed=True)) == {"text", "person_name"}


def test_the_catalogue_is_sound() -> None:
    types = set(get_args(FieldType.__value__))
    for field in CATALOGUE.values():
        assert field.type in types
        assert not (field.nominal and field.cen_column)
        assert field.essential <= field.kinds
        assert field.show_when is None or field.show_when[0] in CATALOGUE
        assert field.fits_field is None or field.fits_field in CATALOGUE
    assert [field.name for field in CATALOGUE.values() if field.nominal]


def test_every_kind_has_a_form_and_every_name_in_it_is_known() -> None:
    assert set(FORMS) | {Kind.SEIZURE} == set(Kind)
    for kind, names in FORMS.items():
        assert set(names) <= {field.name for field in fields_of(kind.value)}
