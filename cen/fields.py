"""What each field of a record must be, by itself, and the reasons for which one is refused.

These are all the fields there are: no nominal one can be added by a source. What must not live here: what fields
must be to each other (`cen.schema`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from nomenclature.lists import code_list

INTEGER_DIGITS, DECIMAL_PLACES, ALL_DIGITS = 15, 18, 28
MAX_INTEGER = 2**31 - 1
MAX_CODES = 30

REASONS = {
    "not_a_record": _("A record is an object with named fields."),
    "unknown_field": _("CEN has no such field."),
    "required": _("This field is required."),
    "not_text": _("This must be a text."),
    "too_long": _("This text is too long."),
    "control_characters": _("This text holds characters that are not text."),
    "nominal_content": _("This text holds an e-mail address: CEN is non-nominal."),
    "unknown_code": _("This code is not in its list."),
    "not_a_list": _("This must be a list of codes."),
    "too_many": _("This list holds too many codes."),
    "not_a_date": _("This must be a date, written year-month-day."),
    "date_in_future": _("This date is in the future."),
    "date_too_old": _("This date is before 1970."),
    "not_a_time": _("This must be a time with its offset, as RFC 3339 writes it."),
    "not_a_number": _("This must be a number."),
    "not_positive": _("This must be more than zero."),
    "too_many_digits": _("This number has too many digits."),
    "not_a_whole_number": _("This must be a whole number."),
    "bad_hs": _("An HS code has two, four or six digits."),
    "not_an_object": _("This must be an object of short texts."),
    "not_true_or_false": _("This must be true or false."),
    "quantity_missing": _("A seizure needs a quantity, or a value."),
    "unit_missing": _("A quantity needs its unit."),
    "unit_not_allowed": _("This unit does not fit the commodity."),
    "currency_missing": _("A value needs its currency."),
    "group_mismatch": _("The commodity does not belong to this group."),
    "conflicting_version": _("CEN holds this version of the record already, with other content."),
    "older_version": _("CEN holds a newer version of this record."),
    "nothing_to_withdraw": _("CEN holds no such record: there is nothing to withdraw."),
}

TRANSPORT_FIELDS = {
    "traffic": 20,
    "registration_country": 2,
    "voyage": 40,
    "container": 40,
    "document_type": 40,
    "document_number": 60,
    "packaging": 20,
    "concealment_place": 120,
    "route": 500,
}


class BadValueError(Exception):
    """One value is wrong; carries the code of its reason."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


Cleaner = Callable[[Any], Any]

# Control characters, and halves of surrogate pairs, which UTF-8 cannot carry.
_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_E_MAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,200}\.[^\W\d_]{2,}")
_HS = re.compile(r"(?:\d{2}){1,3}", re.ASCII)
_NOT_WORD = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """Return the text without case, accents and punctuation, so that a search finds it however it is typed."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if not unicodedata.combining(c)).casefold()
    return _NOT_WORD.sub(" ", text.lower()).strip()


def _text(limit: int) -> Cleaner:
    def clean_text(value: Any) -> str:
        if not isinstance(value, str):
            raise BadValueError("not_text")
        text = value.strip()
        if len(text) > limit:
            raise BadValueError("too_long")
        if not text.isprintable() and _NOT_TEXT.search(text):
            raise BadValueError("control_characters")
        if "@" in text and _E_MAIL.search(text):
            raise BadValueError("nominal_content")
        return text

    return clean_text


def _code(list_name: str) -> Cleaner:
    known = frozenset(code_list(list_name).codes)

    def clean_code(value: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise BadValueError("unknown_code")

    return clean_code


def _codes(list_name: str, *, in_order: bool = False) -> Cleaner:
    known = frozenset(code_list(list_name).codes)

    def clean_codes(value: Any) -> list[str]:
        if not isinstance(value, (list, tuple)):
            raise BadValueError("not_a_list")
        if len(value) > MAX_CODES:
            raise BadValueError("too_many")
        for code in value:
            if not isinstance(code, str) or code not in known:
                raise BadValueError("unknown_code")
        return list(dict.fromkeys(value)) if in_order else sorted(set(value))

    return clean_codes


def _decimal(value: Any, *, zero: bool) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise BadValueError("not_a_number")
    if isinstance(value, str) and len(value) > 2 * ALL_DIGITS:
        raise BadValueError("too_many_digits")
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise BadValueError("not_a_number") from None
    if not number.is_finite():
        raise BadValueError("not_a_number")
    _sign, digits, exponent = number.as_tuple()
    if number.adjusted() >= INTEGER_DIGITS or int(exponent) < -DECIMAL_PLACES or len(digits) > ALL_DIGITS:
        raise BadValueError("too_many_digits")
    if number < 0 or (number == 0 and not zero):
        raise BadValueError("not_positive")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValueError("not_a_whole_number")
    if value < 1:
        raise BadValueError("not_positive")
    if value > MAX_INTEGER:
        raise BadValueError("too_many_digits")
    return value


def _count(value: Any) -> int:
    """Zero is a further record of a case that another record counts."""
    return 0 if value == 0 and not isinstance(value, bool | float) else _whole(value)


def _date(value: Any) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise BadValueError("not_a_date") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise BadValueError("not_a_date")


def _time(value: Any) -> datetime:
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise BadValueError("not_a_time") from None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise BadValueError("not_a_time")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise BadValueError("not_a_time") from None


def _hs(value: Any) -> str:
    text = str(value).replace(".", "").replace(" ", "") if isinstance(value, str) else ""
    if not _HS.fullmatch(text):
        raise BadValueError("bad_hs")
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValueError("not_true_or_false")
    return value


def _transport(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise BadValueError("not_an_object")
    cleaned = {}
    for name, text in value.items():
        if name not in TRANSPORT_FIELDS:
            raise BadValueError("unknown_field")
        if text not in (None, ""):
            cleaned[name] = _text(TRANSPORT_FIELDS[name])(text)
    return cleaned


class Field(NamedTuple):
    """What makes a value right, and what the OpenAPI document says of it (JSON Schema)."""

    clean: Cleaner
    schema: dict[str, Any]


def _words(limit: int) -> Field:
    return Field(_text(limit), {"type": "string", "maxLength": limit})


def _of(list_name: str) -> Field:
    return Field(_code(list_name), reference(list_name))


def _some_of(list_name: str, *, in_order: bool = False) -> Field:
    codes = {"type": "array", "maxItems": MAX_CODES, "items": reference(list_name)}
    return Field(_codes(list_name, in_order=in_order), codes)


def _number(*, zero: bool) -> Field:
    least = {"minimum": 0} if zero else {"exclusiveMinimum": 0}
    text = {
        "type": "string",
        "pattern": rf"^[0-9]{{1,{INTEGER_DIGITS}}}(\.[0-9]{{1,{ALL_DIGITS - INTEGER_DIGITS}}})?$",
    }
    number = {"type": "number", **least, "exclusiveMaximum": 10**INTEGER_DIGITS}
    return Field(lambda value: _decimal(value, zero=zero), {"anyOf": [text, number]})


@cache
def fields() -> Mapping[str, Field]:
    """Return each field by its name. These are all the fields there are."""
    moment = Field(_time, {"type": "string", "format": "date-time"})
    largest = {"type": "integer", "maximum": MAX_INTEGER}
    parts = {name: _words(limit).schema for name, limit in TRANSPORT_FIELDS.items()}
    return {
        "source_reference": Field(_text(120), {"type": "string", "minLength": 1, "maxLength": 120}),
        "version": Field(_whole, {**largest, "minimum": 1}),
        "withdrawn": Field(_flag, {"type": "boolean"}),
        "operation_code": _words(40),
        "seized_on": Field(_date, {"type": "string", "format": "date"}),
        "country": _of("country"),
        "place_code": _words(12),
        "place_text": _words(200),
        "location_type": _of("location_type"),
        "direction": _of("direction"),
        "conveyance": _of("conveyance"),
        "commodity": _of("commodity"),
        "commodity_group": _of("commodity_group"),
        "description": _words(500),
        "quantity": _number(zero=False),
        "unit": _of("unit"),
        "departure_country": _of("country"),
        "transit_countries": _some_of("country", in_order=True),
        "destination_country": _of("country"),
        "origin_country": _of("country"),
        "detection": _some_of("detection"),
        "selection": _some_of("selection"),
        "concealment": _of("concealment"),
        "offence": _of("offence"),
        "cases": Field(_count, {**largest, "minimum": 0}),
        "hs": Field(_hs, {"type": "string", "pattern": "^([0-9]{2}){1,3}$"}),
        "value": _number(zero=True),
        "currency": _of("currency"),
        "warning_reference": _words(120),
        "reported_at": moment,
        "entered_at": moment,
        "transport": Field(_transport, {"type": "object", "additionalProperties": False, "properties": parts}),
    }


@cache
def cleaners() -> Mapping[str, Cleaner]:
    """Return what makes each field right, by its name."""
    return {name: field.clean for name, field in fields().items()}


def reference(list_name: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of a code of a list: the codes stand there once (`components`)."""
    return {"$ref": f"#/components/schemas/code.{list_name}"}


def components() -> dict[str, dict[str, Any]]:
    """Return what the OpenAPI document says once for all operations of CEN: a record, and each list of codes."""
    record = {
        "type": "object",
        "description": "A null, an empty text and a missing field are the same.",
        "required": ["source_reference"],
        "anyOf": [
            {"required": ["seized_on", "country", "commodity"]},
            {"required": ["withdrawn"], "properties": {"withdrawn": {"const": True}}},
        ],
        "additionalProperties": False,
        "properties": {name: field.schema for name, field in fields().items()},
    }
    codes = {
        f"code.{name}": {"type": "string", "enum": list(code_list(name).codes)}
        for name in (
            "country", "location_type", "direction", "conveyance", "commodity", "commodity_group", "unit",
            "detection", "selection", "concealment", "offence", "currency",
        )
    }  # fmt: skip
    return {"IntakeRecord": record, **codes}
