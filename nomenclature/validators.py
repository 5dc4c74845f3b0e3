"""Checks of codes that people copy from papers and steel: each returns the canonical form or raises BadCode.

Promise of every `check_x(text)`: spaces, hyphens, full stops and case do not matter; the error says what to do and
never repeats what was typed. Sources: ISO 6346, IMO resolution A.1117(30), IATA resolution 600a, UPU S10,
ISO 3779, UN/LOCODE, HS 2022.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _

from nomenclature import hs, names, places
from nomenclature.errors import BadCode, UnknownCode, WrongCheckDigit
from nomenclature.lists import code_list

__all__ = [
    "CHECKS",
    "check_air_waybill",
    "check_container_number",
    "check_country",
    "check_hs_code",
    "check_iata",
    "check_icao",
    "check_imo_number",
    "check_postal_item",
    "check_unlocode",
    "check_vin",
]

_LONGEST = 64
_SEPARATORS = re.compile(r"[\s.\-/·‐‑–—]+")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def check_container_number(text: str) -> str:
    """Return a container number (ISO 6346) such as `CSQU3054383`."""
    number = _compact(text)
    if not re.fullmatch(r"[A-Z]{3}[UJZ][0-9]{7}", number):
        raise BadCode(_("A container number is four letters, the last a U, J or Z, and seven digits."))
    from stdnum import iso6346

    if not iso6346.is_valid(number):
        raise WrongCheckDigit(_("The check digit does not fit: read the number on the container again."))
    return number


def check_imo_number(text: str) -> str:
    """Return a ship's IMO number, seven digits such as `9319466`."""
    number = _compact(text).removeprefix("IMO")
    if not re.fullmatch(r"[0-9]{7}", number):
        raise BadCode(_("An IMO number is seven digits."))
    from stdnum import imo

    if not imo.is_valid(number):
        raise WrongCheckDigit(_("The check digit does not fit: compare the IMO number with the ship’s papers."))
    return number


def check_air_waybill(text: str) -> str:
    """Return an air waybill number as `180-12345675`: airline prefix, serial number, check digit modulo 7."""
    number = _compact(text)
    if not re.fullmatch(r"[0-9]{11}", number):
        raise BadCode(_("An air waybill number is eleven digits: three for the airline, then eight."))
    if int(number[3:10]) % 7 != int(number[10]):
        raise WrongCheckDigit(_("The check digit does not fit: compare the number with the air waybill."))
    return f"{number[:3]}-{number[3:]}"


def check_postal_item(text: str) -> str:
    """Return a postal item identifier (UPU S10) such as `RR473124829GB`."""
    number = _compact(text)
    if not re.fullmatch(r"[A-Z]{2}[0-9]{9}[A-Z]{2}", number):
        raise BadCode(_("A postal item number is two letters, nine digits and two letters."))
    if postal_check_digit(number[2:10]) != int(number[10]):
        raise WrongCheckDigit(_("The check digit does not fit: read the number on the postal label again."))
    return number


def postal_check_digit(serial: str) -> int:
    """Return the check digit of the eight digits of a postal item (UPU S10, weights 8 6 4 2 3 5 9 7, modulo 11)."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_S10_WEIGHTS, serial, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def check_vin(text: str) -> str:
    """Return a vehicle identification number: 17 letters and digits without I, O and Q.

    Its check digit is not tested: only North American makers must set it (ISO 3779 leaves it open).
    """
    number = _compact(text)
    if len(number) != 17:
        raise BadCode(_("A vehicle identification number has 17 characters."))
    if not re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", number):
        raise BadCode(_("A vehicle identification number has no letter I, O or Q: write the digits 1 and 0."))
    return number


def check_iata(text: str) -> str:
    """Return the IATA code of an airport or of a city with several airports, such as `LOS` or `PAR`."""
    code = _compact(text)
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise BadCode(_("The IATA code of an airport is three letters."))
    if not places.is_iata(code):
        raise UnknownCode(_("No airport has this IATA code: search for the airport by name."))
    return code


def check_icao(text: str) -> str:
    """Return the ICAO code of an airport, such as `DNMM`."""
    code = _compact(text)
    if not re.fullmatch(r"[A-Z]{4}", code):
        raise BadCode(_("The ICAO code of an airport is four letters."))
    if not places.is_icao(code):
        raise UnknownCode(_("No airport has this ICAO code: search for the airport by name."))
    return code


def check_unlocode(text: str) -> str:
    """Return a UN/LOCODE such as `NGAPP`: a country's code and three letters or digits 2 to 9.

    Places outside the port and airport lists are accepted: the lists are not the whole of UN/LOCODE.
    """
    code = _compact(text)
    if not re.fullmatch(r"[A-Z]{2}[A-Z2-9]{3}", code):
        raise BadCode(_("A UN/LOCODE is the two letters of the country and three letters or digits."))
    if code[:2] not in code_list("country"):
        raise UnknownCode(_("A UN/LOCODE starts with the two letters of a country."))
    return code


def check_hs_code(text: str) -> str:
    """Return an HS 2022 code of 2, 4 or 6 digits without full stops."""
    code = _compact(text)
    if re.fullmatch(r"[0-9]{7,12}", code):
        raise BadCode(_("Give the first six digits: what follows differs from country to country."))
    if not re.fullmatch(r"[0-9]{2}(?:[0-9]{2}){0,2}", code):
        raise BadCode(_("An HS code is two, four or six digits."))
    if code not in hs.titles():
        raise UnknownCode(_("The Harmonized System 2022 has no such code: search for the goods by name."))
    return code


def check_country(text: str) -> str:
    """Return the two-letter code of a country given as a code of two or three letters or by name."""
    code = names.country_code(text)
    if code is None:
        raise UnknownCode(_("No country is known by this name or code: choose one from the list."))
    return code


def _compact(text: str) -> str:
    """Return what was typed in capitals without separators; digits of any script become 0 to 9."""
    if len(text) > _LONGEST:
        raise BadCode(_("This is too long for a code."))
    folded = unicodedata.normalize("NFKC", text).upper()
    digits = (str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in folded)
    return _SEPARATORS.sub("", "".join(digits))


CHECKS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "air_waybill": check_air_waybill,
        "container_number": check_container_number,
        "country": check_country,
        "hs_code": check_hs_code,
        "iata": check_iata,
        "icao": check_icao,
        "imo_number": check_imo_number,
        "postal_item": check_postal_item,
        "unlocode": check_unlocode,
        "vin": check_vin,
    }
)
