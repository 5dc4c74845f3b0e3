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
from typing import Any

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
        if _NOT_TEXT.search(text):
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


@cache
def cleaners() -> Mapping[str, Cleaner]:
    """Return what makes each field right, by its name. These are all the fields there are."""
    return {
        "source_reference": _text(120),
        "version": _whole,
        "withdrawn": _flag,
        "operation_code": _text(40),
        "seized_on": _date,
        "country": _code("country"),
        "place_code": _text(12),
        "place_text": _text(200),
        "location_type": _code("location_type"),
        "direction": _code("direction"),
        "conveyance": _code("conveyance"),
        "commodity": _code("commodity"),
        "commodity_group": _code("commodity_group"),
        "description": _text(500),
        "quantity": lambda value: _decimal(value, zero=False),
        "unit": _code("unit"),
        "departure_country": _code("country"),
        "transit_countries": _codes("country", in_order=True),
        "destination_country": _code("country"),
        "origin_country": _code("country"),
        "detection": _codes("detection"),
        "selection": _codes("selection"),
        "concealment": _code("concealment"),
        "offence": _code("offence"),
        "cases": _count,
        "hs": _hs,
        "value": lambda value: _decimal(value, zero=True),
        "currency": _code("currency"),
        "warning_reference": _text(120),
        "reported_at": _time,
        "entered_at": _time,
        "transport": _transport,
    }
