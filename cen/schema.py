"""What a record must be to enter CEN: types, codes, units, dates. Pure: no database, no clock but `today`.

A record is a mapping of the fields below; any other name is refused, so a nominal field cannot exist here.
What must not live here: what becomes of a record that is right (that is `cen.actions`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypedDict

import orjson
from django.utils.translation import gettext_lazy as _

from nomenclature.lists import code_list
from nomenclature.units import allowed_units, normalise
from problems import FieldProblem

FIRST_DAY = date(1970, 1, 1)
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


class IntakeRecord(TypedDict, total=False):
    """One seizure as a source sends it. Codes are those of `nomenclature`; decimals may be texts."""

    source_reference: str
    version: int
    withdrawn: bool
    operation_code: str
    seized_on: date | str
    country: str
    place_code: str
    place_text: str
    location_type: str
    direction: str
    conveyance: str
    commodity: str
    commodity_group: str
    description: str
    quantity: Decimal | str | int | None
    unit: str
    departure_country: str
    transit_countries: list[str]
    destination_country: str
    origin_country: str
    detection: list[str]
    selection: list[str]
    concealment: str
    offence: str
    cases: int
    hs: str
    value: Decimal | str | int | None
    currency: str
    warning_reference: str
    reported_at: datetime | str | None
    entered_at: datetime | str | None
    transport: dict[str, str]


@dataclass(frozen=True, slots=True)
class CleanRecord:
    """A record that may enter: its column values, and the digest by which a replay is recognised."""

    source_reference: str
    version: int
    withdrawn: bool
    values: dict[str, Any]
    digest: bytes


class _BadValueError(Exception):
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
            raise _BadValueError("not_text")
        text = value.strip()
        if len(text) > limit:
            raise _BadValueError("too_long")
        if _NOT_TEXT.search(text):
            raise _BadValueError("control_characters")
        if "@" in text and _E_MAIL.search(text):
            raise _BadValueError("nominal_content")
        return text

    return clean_text


def _code(list_name: str) -> Cleaner:
    known = frozenset(code_list(list_name).codes)

    def clean_code(value: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise _BadValueError("unknown_code")

    return clean_code


def _codes(list_name: str, *, in_order: bool = False) -> Cleaner:
    known = frozenset(code_list(list_name).codes)

    def clean_codes(value: Any) -> list[str]:
        if not isinstance(value, (list, tuple)):
            raise _BadValueError("not_a_list")
        if len(value) > MAX_CODES:
            raise _BadValueError("too_many")
        for code in value:
            if not isinstance(code, str) or code not in known:
                raise _BadValueError("unknown_code")
        return list(dict.fromkeys(value)) if in_order else sorted(set(value))

    return clean_codes


def _decimal(value: Any, *, zero: bool) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise _BadValueError("not_a_number")
    if isinstance(value, str) and len(value) > 2 * ALL_DIGITS:
        raise _BadValueError("too_many_digits")
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise _BadValueError("not_a_number") from None
    if not number.is_finite():
        raise _BadValueError("not_a_number")
    _sign, digits, exponent = number.as_tuple()
    if number.adjusted() >= INTEGER_DIGITS or int(exponent) < -DECIMAL_PLACES or len(digits) > ALL_DIGITS:
        raise _BadValueError("too_many_digits")
    if number < 0 or (number == 0 and not zero):
        raise _BadValueError("not_positive")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _BadValueError("not_a_whole_number")
    if value < 1:
        raise _BadValueError("not_positive")
    if value > MAX_INTEGER:
        raise _BadValueError("too_many_digits")
    return value


def _date(value: Any) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise _BadValueError("not_a_date") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise _BadValueError("not_a_date")


def _time(value: Any) -> datetime:
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _BadValueError("not_a_time") from None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _BadValueError("not_a_time")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _BadValueError("not_a_time") from None


def _hs(value: Any) -> str:
    text = str(value).replace(".", "").replace(" ", "") if isinstance(value, str) else ""
    if not _HS.fullmatch(text):
        raise _BadValueError("bad_hs")
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _BadValueError("not_true_or_false")
    return value


def _transport(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _BadValueError("not_an_object")
    cleaned = {}
    for name, text in value.items():
        if name not in TRANSPORT_FIELDS:
            raise _BadValueError("unknown_field")
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
        "cases": _whole,
        "hs": _hs,
        "value": lambda value: _decimal(value, zero=True),
        "currency": _code("currency"),
        "warning_reference": _text(120),
        "reported_at": _time,
        "entered_at": _time,
        "transport": _transport,
    }


@cache
def _allowed_units(commodity: str) -> frozenset[str]:
    """Return the units of a commodity; none means that any unit fits."""
    return frozenset(allowed_units(commodity))


def commodity_group_of(commodity: str) -> str:
    """Return the group that an item code begins with: `DRG` of `DRG.cocaine`."""
    return commodity.partition(".")[0]


def clean(raw: object, *, today: date) -> CleanRecord | list[FieldProblem]:
    """Return the record as CEN keeps it, or every reason why it cannot.

    `today` is the day in UTC; a date of tomorrow passes, because it is tomorrow already east of Greenwich.
    A withdrawal (`withdrawn` true) needs its reference and version only; other fields it carries are dropped.
    """
    if not isinstance(raw, Mapping):
        return [_problem("", "not_a_record")]
    known = cleaners()
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, value in raw.items():
        cleaner = known.get(name) if isinstance(name, str) else None
        if cleaner is None:
            problems.append(_problem(str(name)[:60], "unknown_field"))
        elif value is not None and value != "":
            try:
                values[name] = cleaner(value)
            except _BadValueError as bad:
                problems.append(_problem(name, bad.code))
    withdrawn = values.pop("withdrawn", False)
    if not withdrawn:
        problems += _missing(values, refused={p.field for p in problems})
        problems += _contradictions(values, today=today)
    elif not values.get("source_reference"):
        problems.append(_problem("source_reference", "required"))
    return problems or _finished(values, withdrawn=withdrawn)


def _problem(field: str, code: str) -> FieldProblem:
    return FieldProblem(field, code, str(REASONS[code]))


def _missing(values: dict[str, Any], *, refused: set[str]) -> list[FieldProblem]:
    problems = [
        _problem(name, "required")
        for name in ("source_reference", "seized_on", "country", "commodity")
        if not values.get(name) and name not in refused
    ]
    if "quantity" not in values and "value" not in values and not refused & {"quantity", "value"}:
        problems.append(_problem("quantity", "quantity_missing"))
    if "quantity" in values and "unit" not in values and "unit" not in refused:
        problems.append(_problem("unit", "unit_missing"))
    if "value" in values and "currency" not in values and "currency" not in refused:
        problems.append(_problem("currency", "currency_missing"))
    return problems


def _contradictions(values: dict[str, Any], *, today: date) -> list[FieldProblem]:
    problems = []
    seized_on, commodity = values.get("seized_on"), values.get("commodity")
    if seized_on is not None and seized_on > today + timedelta(days=1):
        problems.append(_problem("seized_on", "date_in_future"))
    if seized_on is not None and seized_on < FIRST_DAY:
        problems.append(_problem("seized_on", "date_too_old"))
    if commodity:
        if values.get("commodity_group", commodity_group_of(commodity)) != commodity_group_of(commodity):
            problems.append(_problem("commodity_group", "group_mismatch"))
        units = _allowed_units(commodity)
        if units and values.get("quantity") is not None and values.get("unit", "") not in units | {""}:
            problems.append(_problem("unit", "unit_not_allowed"))
    return problems


def _finished(values: dict[str, Any], *, withdrawn: bool) -> CleanRecord:
    reference, version = values.pop("source_reference"), values.pop("version", 1)
    if withdrawn:
        return CleanRecord(reference, version, True, {}, _digest({"withdrawn": True}))
    values.pop("commodity_group", None)
    values.setdefault("cases", 1)
    if "quantity" not in values:
        values.pop("unit", None)
    if "value" not in values:
        values.pop("currency", None)
    digest = _digest(values)
    values["commodity_group"] = commodity_group_of(values["commodity"])
    if "quantity" in values:
        normalised = normalise(values["quantity"], values["unit"], values["commodity"])
        if normalised is not None:
            values["quantity_normalised"], values["unit_normalised"] = normalised.value, normalised.unit
    values["search_text"] = _search_text(reference, values)
    return CleanRecord(reference, version, False, values, digest)


def _search_text(reference: str, values: dict[str, Any]) -> str:
    parts = [reference]
    for name in ("description", "place_text", "place_code", "operation_code", "warning_reference"):
        if name in values:
            parts.append(values[name])
    transport = values.get("transport") or {}
    parts += [transport[name] for name in ("container", "voyage", "document_number") if name in transport]
    return folded(" ".join(parts))[:1200]


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    raise TypeError


def _digest(values: dict[str, Any]) -> bytes:
    """Return what two deliveries of the same content share: empty fields, order and zeros at the end aside."""
    stated = {name: value for name, value in values.items() if value not in ("", [], {})}
    return hashlib.sha256(orjson.dumps(stated, default=_plain, option=orjson.OPT_SORT_KEYS)).digest()
