"""Checks of single values: text, numbers, dates, codes. Pure; each answers the canonical value or REFUSED.

A check is `check(value, path, run)`: it writes what is wrong into the run and answers REFUSED, or answers the
value in its one canonical spelling, so that equal input gives equal bytes and checking twice changes nothing. What
must not live here: rules between fields (`simplified_forms.rules`) and the walk over a body.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from nomenclature import validators
from nomenclature.errors import BadCode
from simplified_forms.fields import Field
from simplified_forms.run import Run

type Check = Callable[[object, str, Run], object]

REFUSED: Final = object()
WHOLE_DIGITS: Final = 15
DECIMALS: Final = 18  # as many as CEN keeps: figures of other systems carry the noise of their floats

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_ENDS = re.compile(r"\r\n?")
_LINE_BREAKS = re.compile(r"[\t\n\r\u2028\u2029]+")
_SPACES = re.compile(r"[ \u00a0\u2009\u202f]")
_DECIMAL = re.compile(rf"-?[0-9]{{1,{WHOLE_DIGITS}}}(?:\.[0-9]{{1,{DECIMALS}}})?", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def clean_line(value: str) -> str:
    """Return one line of text: NFC, no control characters, breaks turned into spaces, trimmed."""
    if value.isascii() and value.isprintable():
        return value.strip()
    text = _CONTROLS.sub("", _LINE_BREAKS.sub(" ", value))
    return unicodedata.normalize("NFC", text).strip()


def clean_lines(value: str) -> str:
    """Return text of several lines: NFC, no control characters but tab and newline, trimmed."""
    if value.isascii() and value.isprintable():
        return value.strip()
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", value))
    return unicodedata.normalize("NFC", text).strip()


def text_check(field: Field) -> Check:
    """Return the check of a text field; a field with a check-digit rule answers the rule's spelling."""
    limit = field.max_length
    clean = clean_lines if field.type == "long_text" else clean_line
    rule: Callable[[str], str] | None = getattr(validators, f"check_{field.check}") if field.check else None

    def check(value: object, path: str, run: Run) -> object:
        if not isinstance(value, str):
            run.refuse(path, "wrong_type")
            return REFUSED
        text = clean(value)
        if len(text) > limit:
            run.refuse(path, "too_long", limit=limit)
            return REFUSED
        if rule is None or not text:
            return text
        return by_rule(rule, text, path, run)

    return check


def by_rule(rule: Callable[[str], str], text: str, path: str, run: Run) -> object:
    """Return what a validator of `nomenclature` makes of the text, or REFUSED with the validator's own words."""
    try:
        return rule(text)
    except BadCode as refusal:
        run.refuse(path, refusal.code, refusal=refusal)
        return REFUSED


def hs_check(_field: Field) -> Check:
    """Return the check of an HS code of two, four or six digits."""

    def check(value: object, path: str, run: Run) -> object:
        if not isinstance(value, str):
            run.refuse(path, "wrong_type")
            return REFUSED
        text = clean_line(value)
        return by_rule(validators.check_hs_code, text, path, run) if text else text

    return check


def canonical_decimal(value: object) -> Decimal | None:
    """Return the number that a JSON value stands for, or None. Spaces between digits are allowed, commas are not:
    "1,240" means two numbers in two countries.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        value = f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)
        value = value.rstrip("0").rstrip(".") if "." in value else value
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = _SPACES.sub("", value)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def decimal_text(number: Decimal) -> str:
    """Return a number in its one spelling: no exponent, no needless zeros, no negative zero."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign = "-" if text.startswith("-") else ""
    text = text.lstrip("-0")
    if not text or text.startswith("."):
        text = f"0{text}"
    return text if text == "0" else sign + text


def decimal_check(field: Field) -> Check:
    """Return the check of a decimal number, between the field's limits."""

    def check(value: object, path: str, run: Run) -> object:
        number = canonical_decimal(value)
        if number is None:
            run.refuse(path, "not_a_number")
            return REFUSED
        return decimal_text(number) if _within(field, number, path, run) else REFUSED

    return check


def integer_check(field: Field) -> Check:
    """Return the check of a whole number, between the field's limits."""

    def check(value: object, path: str, run: Run) -> object:
        if isinstance(value, str):
            text = _SPACES.sub("", value[:60])
            value = int(text) if _WHOLE.fullmatch(text) else None
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 999_999_999:
            run.refuse(path, "not_a_whole_number")
            return REFUSED
        return value if _within(field, value, path, run) else REFUSED

    return check


def _within(field: Field, number: Decimal | int, path: str, run: Run) -> bool:
    if field.minimum is not None and number < field.minimum:
        run.refuse(path, "too_small", limit=field.minimum)
        return False
    if field.maximum is not None and number > field.maximum:
        run.refuse(path, "too_big", limit=field.maximum)
        return False
    return True


def boolean_check(_field: Field) -> Check:
    """Return the check of a yes or no."""

    def check(value: object, path: str, run: Run) -> object:
        if isinstance(value, bool):
            return value
        run.refuse(path, "wrong_type")
        return REFUSED

    return check


def date_check(field: Field) -> Check:
    """Return the check of a day; of a past day also that it lies between the operation's limit and today."""
    past = field.past

    def check(value: object, path: str, run: Run) -> object:
        day = _day(value)
        if day is None:
            run.refuse(path, "not_a_date")
            return REFUSED
        if past and not _timely(day, path, run):
            return REFUSED
        return day.isoformat()

    return check


def _day(value: object) -> date | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not _DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _timely(day: date, path: str, run: Run) -> bool:
    if day > run.context.today:
        run.refuse(path, "future")
        return False
    if run.earliest is not None and day < run.earliest:
        run.refuse(path, "before_operation", limit=run.earliest.isoformat())
        return False
    return True


def time_check(_field: Field) -> Check:
    """Return the check of a time of day, to the minute."""

    def check(value: object, path: str, run: Run) -> object:
        match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            run.refuse(path, "not_a_time")
            return REFUSED
        return f"{match[1]}:{match[2]}"

    return check


def datetime_check(field: Field) -> Check:
    """Return the check of a moment; without an offset it is UTC; a past moment cannot lie ahead."""
    past = field.past

    def check(value: object, path: str, run: Run) -> object:
        moment = _moment(value)
        if moment is None:
            run.refuse(path, "not_a_datetime")
            return REFUSED
        if past:
            if run.context.now is not None and moment > run.context.now + timedelta(minutes=1):
                run.refuse(path, "future")
                return REFUSED
            if not _timely(moment.date(), path, run):
                return REFUSED
        return f"{moment:%Y-%m-%dT%H:%M}Z"

    return check


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    text = value.strip()
    if len(text) < 16 or not _DAY.fullmatch(text[:10]):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(second=0, microsecond=0) if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
