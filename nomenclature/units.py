"""Units of measure (UN/ECE Recommendation 20) and their exact normalisation.

What lives here: arithmetic on quantities. What must not: guesses. A tablet has no mass and a litre of spirits no
strength here: what cannot be converted exactly stays in the base unit of its own dimension.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from typing import NamedTuple

from nomenclature.lists import code_list

__all__ = ["Normalised", "allowed_units", "is_plausible", "normalise", "normalised_unit"]

# Wide enough for any quantity a form takes times any factor; an inexact result would be a fault, not a rounding.
_EXACT = Context(prec=120, traps=[Inexact])
_LARGEST_EXPONENT = 40


class Normalised(NamedTuple):
    """A quantity in a base unit: kilograms, litres, pieces, metres, square or cubic metres, becquerels."""

    value: Decimal
    unit: str


def normalise(value: Decimal, unit: str, commodity: str | None = None) -> Normalised | None:
    """Return the quantity in the commodity's normalised unit, or in the base unit of its dimension.

    12 MIL of cigarettes are 12000 H87, 500 GRM of heroin 0.5 KGM, 30 H87 of heroin stay 30 H87. Without a
    commodity the base unit of the dimension is used. None for an unknown unit, and for a value that is not a
    number of a sensible size. Exact: factors are the legal definitions of the units.
    """
    units = code_list("unit")
    if unit not in units or not value.is_finite() or _is_absurd(value):
        return None
    source = units.attributes(unit)
    target = source["base"]
    wished = normalised_unit(commodity) if commodity else ""
    if wished and units.attributes(wished)["dimension"] == source["dimension"]:
        target = wished
    result = _EXACT.multiply(value, source["factor"])
    if target != source["base"]:
        result = _EXACT.divide(result, units.attributes(target)["factor"])
    return Normalised(_plain(result), target)


def normalised_unit(commodity: str) -> str:
    """Return the unit that quantities of an item (`DRG.cocaine`) or group (`DRG`) add up in, "" if unknown."""
    for name in ("commodity", "commodity_group"):
        if commodity in code_list(name):
            return str(code_list(name).attributes(commodity)["normalised"])
    return ""


def allowed_units(commodity: str) -> tuple[str, ...]:
    """Return the units that an item may be reported in, the usual one first; for a group, those of its items."""
    items = code_list("commodity")
    if commodity in items:
        return tuple(items.attributes(commodity)["units"])
    found: dict[str, None] = {}
    for code in items:
        if items.attributes(code)["group"] == commodity:
            found.update(dict.fromkeys(items.attributes(code)["units"]))
    return tuple(found)


def is_plausible(value: Decimal, unit: str, commodity: str) -> bool:
    """Say whether a quantity is positive and not larger than any believable seizure of that item.

    The answer is for a question to the officer, never for a refusal. Where no limit is known it is True.
    """
    if not value.is_finite() or value <= 0 or _is_absurd(value):
        return False
    quantity = normalise(value, unit, commodity)
    items = code_list("commodity")
    if quantity is None or commodity not in items:
        return True
    item = items.attributes(commodity)
    if quantity.unit == item["normalised"]:
        limit = item["sane_max"]
    elif quantity.unit == "H87":
        limit = code_list("commodity_group").attributes(item["group"])["sane_max_pieces"]
    else:
        limit = None
    return limit is None or quantity.value <= limit


def _is_absurd(value: Decimal) -> bool:
    """Say whether a number is so long or large that arithmetic on it would only burn time."""
    exponent = value.as_tuple().exponent
    return (
        not isinstance(exponent, int) or abs(exponent) > _LARGEST_EXPONENT or value.adjusted() > _LARGEST_EXPONENT
    )


def _plain(value: Decimal) -> Decimal:
    """Return the number without trailing zeros and without an exponent (1E+3 -> 1000)."""
    if not value:
        return Decimal(0)
    value = value.normalize(_EXACT)
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1), context=_EXACT) if isinstance(exponent, int) and exponent > 0 else value
