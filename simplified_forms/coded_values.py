"""Checks of codes, and of what is made of them: lists, quantities, money, references. Pure; a check promises what
`simplified_forms.values` says.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import cast
from uuid import UUID

from simplified_forms.fields import Field
from simplified_forms.run import Run
from simplified_forms.values import REFUSED, Check, canonical_decimal, decimal_text


def code_check(known: frozenset[str], offered: frozenset[str]) -> Check:
    """Return the check of one code: known to the list and offered by the form, in the list's spelling."""
    spelling: Mapping[str, str] = {code.casefold(): code for code in known}

    def check(value: object, path: str, run: Run) -> object:
        if value in offered if isinstance(value, str) else False:
            return value
        if not isinstance(value, str):
            run.refuse(path, "wrong_type")
            return REFUSED
        text = value.strip()
        code = spelling.get(text.casefold())
        if not text:
            return text
        if code is None:
            run.refuse(path, "unknown_code")
            return REFUSED
        if code not in offered:
            run.refuse(path, "code_not_offered")
            return REFUSED
        return code

    return check


def commodity_check(known: frozenset[str], offered: frozenset[str]) -> Check:
    """Return the check of a commodity: "DRG.cocaine", or {"group": "DRG", "item": "cocaine"}."""
    one = code_check(known, offered)

    def check(value: object, path: str, run: Run) -> object:
        if isinstance(value, dict) and value.keys() <= {"group", "item"}:
            group, item = value.get("group"), value.get("item")
            if isinstance(group, str) and isinstance(item, str):
                value = item if item.startswith(f"{group}.") else f"{group}.{item}"
        return one(value, path, run)

    return check


def many_check(one: Check, limit: int) -> Check:
    """Return the check of a list of distinct values, each checked by `one`; order is kept, repeats fall away."""

    def check(value: object, path: str, run: Run) -> object:
        if not isinstance(value, list):
            run.refuse(path, "wrong_type")
            return REFUSED
        if len(value) > limit:
            run.refuse(path, "too_many", limit=limit)
            return REFUSED
        found: dict[object, None] = {}
        refused = False
        for at, item in enumerate(value):
            cleaned = one(item, f"{path}.{at}", run)
            if cleaned is REFUSED:
                refused = True
            elif cleaned != "":
                found[cleaned] = None
        return REFUSED if refused else list(found)

    return check


def amount_check(part: str, unit: Check) -> Check:
    """Return the check of {"value", `part`}: more than zero, with a unit or a currency."""

    def check(value: object, path: str, run: Run) -> object:
        if not isinstance(value, dict):
            run.refuse(path, "wrong_type")
            return REFUSED
        amount = cast("dict[str, object]", value)
        for name in amount:
            if name not in ("value", part):
                run.refuse(f"{path}.{name[:40]}", "unknown_field")
                return REFUSED
        given, unit_given = amount.get("value"), amount.get(part)
        if given in (None, "") and unit_given in (None, ""):
            return ""
        number = _positive(given, f"{path}.value", run)
        code: object = REFUSED
        if unit_given in (None, ""):
            run.refuse(f"{path}.{part}", "required")
        else:
            code = unit(unit_given, f"{path}.{part}", run)
            if code == "":
                run.refuse(f"{path}.{part}", "required")
                code = REFUSED
        if number is None or code is REFUSED:
            return REFUSED
        return {"value": decimal_text(number), part: code}

    return check


def _positive(value: object, path: str, run: Run) -> Decimal | None:
    if value in (None, ""):
        run.refuse(path, "required")
        return None
    number = canonical_decimal(value)
    if number is None:
        run.refuse(path, "not_a_number")
        return None
    if number <= 0:
        run.refuse(path, "not_positive")
        return None
    return number


def message_check(_field: Field) -> Check:
    """Return the check of a reference to a message: a UUID. Whether it exists is not judged here."""

    def check(value: object, path: str, run: Run) -> object:
        try:
            return str(UUID(value)) if isinstance(value, str) and len(value) <= 45 else _no_message(path, run)
        except ValueError:
            return _no_message(path, run)

    return check


def _no_message(path: str, run: Run) -> object:
    run.refuse(path, "not_a_message")
    return REFUSED
