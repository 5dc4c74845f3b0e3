"""Ports and airports. Ports are searoute's, with their UN/LOCODE; airports are airportsdata's.

A place's code is a UN/LOCODE. UN/LOCODE gives an airport its country and IATA code as a rule (`GBLHR`), so that is
an airport's code here; where a port of another name holds the code already, the airport stays out of the places
and is found in the airport list only. Neither source has land border crossings or postal offices.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from nomenclature.folding import words
from nomenclature.lists import code_list
from nomenclature.sources import own_file, package_file

__all__ = ["AIRPORT", "PORT", "Place", "airport", "airports", "is_iata", "is_icao", "place", "places"]

# UN/LOCODE functions, see data/lists/locode_function.csv.
PORT = "1"
AIRPORT = "4"
_GENERIC = frozenset(
    [
        "airport",
        "international",
        "intl",
        "regional",
        "municipal",
        "airfield",
        "field",
        "port",
        "of",
        "the",
        "de",
        "la",
        "el",
        "new",
        "san",
        "city",
        "county",
    ]
)


@dataclass(frozen=True, slots=True)
class Place:
    """A port, an airport, or a city that has both. Coordinates in degrees; `weight` is 0 for the best known."""

    code: str
    name: str
    country: str
    functions: str
    latitude: float
    longitude: float
    weight: int = 1
    iata: str = ""
    icao: str = ""
    other_names: tuple[str, ...] = ()


def place(code: str) -> Place | None:
    """Return the port or airport with that UN/LOCODE."""
    return places().get(code)


def airport(code: str) -> Place | None:
    """Return the airport with that IATA or ICAO code; its own `code` is the IATA code if it has one."""
    return airports().get(code) or _airports_by_icao().get(code)


def is_iata(code: str) -> bool:
    """Say whether an airport, or a city with several airports, has this IATA code."""
    return code in _cities() or bool((found := airports().get(code)) and found.iata == code)


def is_icao(code: str) -> bool:
    """Say whether an airport has this ICAO code."""
    return code in _airports_by_icao()


@cache
def places() -> Mapping[str, Place]:
    """Return ports and airports by UN/LOCODE; a port and an airport of one city are one place."""
    found = _ports()
    for candidate in airports().values():
        if not candidate.iata:
            continue
        code = candidate.country + candidate.iata
        port = found.get(code)
        if port is None:
            found[code] = replace(candidate, code=code)
        elif _name_words(port) & _name_words(candidate):
            found[code] = replace(
                port,
                functions=PORT + AIRPORT,
                weight=min(port.weight, candidate.weight),
                iata=candidate.iata,
                icao=candidate.icao,
                other_names=(candidate.name,),
            )
    for code, name, aliases in _aliases():
        if one := found.get(code):
            found[code] = replace(one, name=name or one.name, other_names=(*one.other_names, *aliases))
    return MappingProxyType(found)


@cache
def airports() -> Mapping[str, Place]:
    """Return airports by IATA code, those without one by ICAO code; airstrips with neither are left out."""
    countries = code_list("country")
    found: dict[str, Place] = {}
    with package_file("airportsdata", "airports.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            icao = row["icao"] if re.fullmatch("[A-Z]{4}", row["icao"]) else ""
            code = row["iata"] or icao
            if not code or row["country"] not in countries:
                continue
            found[code] = Place(
                code=code,
                name=_airport_name(row["name"], row["city"]),
                country=row["country"],
                functions=AIRPORT,
                latitude=float(row["lat"]),
                longitude=float(row["lon"]),
                weight=_airport_weight(row),
                iata=row["iata"],
                icao=icao,
            )
    return MappingProxyType(found)


def _ports() -> dict[str, Place]:
    """Read searoute's ports; those of countries that are no more (AN, CS) are left out."""
    countries = code_list("country")
    found: dict[str, Place] = {}
    features = json.loads(package_file("searoute", "data/ports.geojson").read_text(encoding="utf-8"))["features"]
    for feature in features:
        properties = feature["properties"]
        code, name = properties["port"], properties["name"].strip()
        if len(code) != 5 or code[:2] not in countries or not name:
            continue
        longitude, latitude = feature["geometry"]["coordinates"][:2]
        weight = 0 if properties["t"] == 1 else 1
        if code in found and found[code].weight <= weight:
            continue
        found[code] = Place(code, name, code[:2], PORT, latitude, longitude, weight)
    return found


def _aliases() -> Iterator[tuple[str, str, list[str]]]:
    """Yield (code, corrected name or "", other names) of places that people look for by another name."""
    with own_file("place_alias.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["code"], row["name"], row["aliases|"].split("|")


@cache
def _airports_by_icao() -> Mapping[str, Place]:
    return {one.icao: one for one in airports().values() if one.icao}


@cache
def _cities() -> frozenset[str]:
    """Return the IATA codes of cities with several airports (`PAR`, `LON`)."""
    with package_file("airportsdata", "iata_macs.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["City Code"] for row in csv.DictReader(file))


def _airport_name(name: str, city: str) -> str:
    """Return the airport's name with its city before it, unless the name says the city already."""
    return name if not city or set(words(city)) <= set(words(name)) else f"{city}, {name}"


def _airport_weight(row: Mapping[str, str]) -> int:
    """Return 0 for an international airport, 1 for another that airlines serve, 2 for the rest."""
    if not row["iata"]:
        return 2
    return 0 if "international" in row["name"].lower() else 1


def _name_words(one: Place) -> set[str]:
    return set(words(one.name)) - _GENERIC
