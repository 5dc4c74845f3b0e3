"""Type-ahead: the expected code comes first, whatever the case, accents and punctuation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomenclature import places
from nomenclature.errors import UnknownList
from nomenclature.search import LISTS, MAX_LIMIT, find


@pytest.mark.parametrize(
    ("list_name", "typed", "language", "first"),
    [
        ("country", "cote", "fr", "CI"),
        ("country", "CÔTE D’I", "fr", "CI"),
        ("country", "germ", "fr", "DE"),
        ("country", "𝐆𝐄𝐑𝐌", "fr", "DE"),
        ("country", "allem", "fr", "DE"),
        ("country", "ni", "en", "NI"),
        ("country", "nga", "en", "NG"),
        ("country", "franc", "en", "FR"),
        ("hs", "2933.33", "en", "293333"),
        ("hs", "2933", "en", "2933"),
        ("hs", "tabac", "fr", "24"),
        ("hs", "cocaine", "fr", "293972"),
        ("hs", "revolvers", "en", "9302"),
        ("airport", "heathrow", "en", "LHR"),
        ("airport", "dnmm", "en", "LOS"),
        ("airport", "sao paulo guar", "en", "GRU"),
        ("port", "apapa", "en", "NGAPP"),
        ("port", "rotter", "en", "NLRTM"),
        ("port", "anvers", "fr", "BEANR"),
        ("place", "ngapp", "en", "NGAPP"),
        ("place", "LOS", "en", "NGLOS"),
        ("place", "heathrow", "en", "GBLHR"),
        ("place", "rio de janeiro", "fr", "BRRIO"),
        ("commodity", "ecsta", "en", "DRG.mdma"),
        ("commodity", "COCAINE", "fr", "DRG.cocaine"),
        ("commodity", "jwh-018", "fr", "DRG.synthetic_cannabinoids"),
        ("commodity", "civelles", "fr", "CIT.eel"),
        ("currency", "eur", "fr", "EUR"),
        ("unit", "kilog", "en", "KGM"),
        ("conveyance", "navi", "fr", "SEA"),
    ],
)
def test_the_expected_code_comes_first(list_name: str, typed: str, language: str, first: str) -> None:
    assert find(list_name, typed, language=language)[0].code == first


def test_whole_start_comes_before_a_word_inside() -> None:
    labels = [match.label for match in find("country", "guinea", language="en")]
    assert labels[0] == "Guinea"
    assert labels.index("Guinea-Bissau") < labels.index("Equatorial Guinea")


def test_every_word_must_match() -> None:
    assert find("place", "paris orly")[0].code == "FRORY"
    assert find("place", "paris xqzw") == []


def test_country_narrows_places() -> None:
    assert {match.country for match in find("place", "san", country="ph", limit=50)} == {"PH"}
    assert find("place", "apapa", country="FR") == []


def test_detail_speaks_the_language_of_the_reader() -> None:
    assert find("place", "heathrow", language="fr")[0].detail == "Aéroport · Royaume-Uni · LHR · EGLL"
    assert find("hs", "240220", language="fr")[0].detail == "Tabacs et succédanés de tabac fabriqués"
    assert find("commodity", "heroin", language="fr")[0].detail == "Stupéfiants et substances psychotropes"


@pytest.mark.parametrize("typed", ["", "   ", "...", "%", "\x00", "zqxwv"])
def test_nothing_is_found_for_nothing(typed: str) -> None:
    assert find("place", typed) == []


def test_limit_is_kept_and_bounded() -> None:
    assert len(find("place", "a", limit=5)) == 5
    assert len(find("place", "a", limit=10_000)) == MAX_LIMIT
    assert len(find("place", "a", limit=0)) == 1


def test_unknown_list_is_refused() -> None:
    with pytest.raises(UnknownList):
        find("officer", "a")


@given(st.sampled_from(LISTS), st.text(max_size=40), st.sampled_from(["en", "fr", "ru", "xx"]))
def test_any_text_is_answered_without_double_codes(list_name: str, typed: str, language: str) -> None:
    codes = [match.code for match in find(list_name, typed, language=language)]
    assert len(codes) == len(set(codes)) <= 20


@given(st.sampled_from(sorted(places.places())))
def test_every_place_is_found_first_by_its_code(code: str) -> None:
    assert find("place", code)[0].code == code


def test_ports_and_airports_of_one_city_are_one_place() -> None:
    lagos = places.place("NGLOS")
    assert lagos is not None
    assert (lagos.functions, lagos.iata, lagos.icao) == ("14", "LOS", "DNMM")
    assert places.airport("DNMM") == places.airport("LOS")


def test_airport_does_not_take_the_code_of_a_port_of_another_name() -> None:
    """UN/LOCODE gives GBCOL to Colchester; COL is the IATA code of the isle of Coll."""
    colchester, coll = places.place("GBCOL"), places.airport("COL")
    assert colchester is not None
    assert coll is not None
    assert colchester.functions == places.PORT
    assert "Coll" in coll.name


def test_places_have_coordinates_and_known_countries() -> None:
    for place in places.places().values():
        assert -90 <= place.latitude <= 90
        assert -180 <= place.longitude <= 180
        assert place.code[:2] == place.country
