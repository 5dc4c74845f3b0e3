"""From a row of a source to the body of a seizure message, by the rules of a mapping. Pure.

What must not live here: whether the body may be sent (the group's form says), files, the database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from exports.importing.mapping_file import FieldRule, ImportMapping
from nomenclature.names import country_code

# Wider than any amount times any factor: an inexact product would be a fault, not a rounding.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
_LARGEST_EXPONENT = 40


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be mapped: the column at fault and the code of the reason."""

    column: str
    code: str


class Converter:
    """Makes bodies of the rows of one file for one form. Fields that the form does not have are left out."""

    def __init__(self, mapping: ImportMapping, header: Sequence[str], *, form_fields: Collection[str]) -> None:
        self._mapping = mapping
        self._at = {name: at for at, name in enumerate(header)}
        self._rules = [rule for rule in mapping.rules.values() if rule.name in form_fields]
        self.left_out = sorted(mapping.rules.keys() - set(form_fields))
        self._countries: dict[str, str | None] = {}

    def body_of(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[RowProblem]]:
        """Return the body of a row, and everything that stands in its way."""
        body: dict[str, Any] = {}
        problems: list[RowProblem] = []
        for rule in self._rules:
            value = self._value(rule, cells, problems)
            if value:
                body[rule.name] = value
        return body, problems

    def _value(self, rule: FieldRule, cells: Sequence[str], problems: list[RowProblem]) -> Any:
        if rule.kind == "text":
            texts = [" ".join(cells[self._at[column]].split()) for column in rule.columns]
            return ", ".join(text for text in texts if text)
        word = cells[self._at[rule.columns[0]]].strip()
        if rule.kind == "quantity":
            return self._quantity(rule, word, cells, problems)
        if rule.kind == "code":
            found = rule.values.get(word)
            missing = "value_missing" if not word else "value_not_mapped"
        elif rule.kind == "country":
            found = rule.values.get(word) if word in rule.values else self._country(word)
            missing = "country_unknown"
        else:
            found, missing = _day(word, rule.date_format), "not_a_date"
        if found is None:
            problems.append(RowProblem(rule.columns[0], missing))
        return found

    def _country(self, word: str) -> str | None:
        if not word:
            return ""
        if word not in self._countries:
            self._countries[word] = country_code(word)
        return self._countries[word]

    def _quantity(
        self, rule: FieldRule, word: str, cells: Sequence[str], problems: list[RowProblem]
    ) -> dict[str, str] | None:
        amount = read_number(word, self._mapping.decimal_mark)
        if amount is None:
            problems.append(RowProblem(rule.columns[0], "value_missing" if not word else "not_a_number"))
        unit_word = cells[self._at[rule.unit_column]].strip()
        unit = rule.units.get(unit_word)
        if unit is None:
            problems.append(RowProblem(rule.unit_column, "unit_not_mapped" if unit_word else "unit_missing"))
        if amount is None or unit is None:
            return None
        return {"value": plain_text(EXACT.multiply(amount, unit.factor)), "unit": unit.unit}


def read_number(word: str, decimal_mark: str = ".") -> Decimal | None:
    """Return the number that a word of a source means, exactly; None for what is none, or none of a seizure."""
    if decimal_mark != ".":
        word = word.replace(decimal_mark, ".") if "." not in word else ""
    try:
        number = Decimal(word if "_" not in word else "")
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or max(abs(exponent), abs(number.adjusted())) > _LARGEST_EXPONENT:
        return None
    return number


def plain_text(number: Decimal) -> str:
    """Return the number without exponent and needless zeros: what a form takes."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(word: str, date_format: str) -> str | None:
    try:
        # A day has no zone.
        day = datetime.strptime(word, date_format).date() if date_format else date.fromisoformat(word)  # noqa: DTZ007
    except ValueError:
        return None
    return day.isoformat()
