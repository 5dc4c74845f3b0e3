"""What a coordinator may set on a group, and the rules of each value.

What lives here: one value object and its checks, no database. What must not: the write (actions/lifecycle.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from groups.errors import InvalidSettings
from groups.models import ClosedUserGroup
from nomenclature.lists import code_list
from problems import FieldProblem

CODE = re.compile(r"[A-Z0-9]{2,12}")
NO_COUNTRY = frozenset({"XZ", "ZZ"})  # international waters, unknown: places of seizures, not members
LONGEST_OPERATION_DAYS = 366
RETENTION_DAYS = (30, 3650)  # shorter would let a coordinator destroy evidence at once
LATE_LIMIT_DAYS = (0, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """The settings of a group as the coordinator sees them. Days are None for a standing group only."""

    name: str
    description: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    cut_off_hour: int = 6
    form_mode: str = ClosedUserGroup.FormMode.SIMPLIFIED
    late_limit_days: int = 30
    retention_days: int = 365

    @classmethod
    def of(cls, group: ClosedUserGroup) -> GroupSettings:
        """Return the settings that a group has now."""
        return cls(**{name: getattr(group, name) for name in cls.__dataclass_fields__})

    def as_fields(self) -> dict[str, Any]:
        """Return the settings as fields of ClosedUserGroup."""
        return asdict(self)

    def check(self, kind: str) -> None:
        """Raise InvalidSettings (422) that names every field at fault."""
        problems = list(self._problems(kind))
        if problems:
            raise InvalidSettings(errors=problems)

    def _problems(self, kind: str) -> Iterator[FieldProblem]:
        if not 1 <= len(self.name.strip()) <= 120 or not self.name.isprintable():
            yield FieldProblem("name", "length", _("Give a name of at most 120 characters."))
        if len(self.description) > 500 or "\0" in self.description:
            yield FieldProblem("description", "length", _("Use at most 500 characters."))
        if not 0 <= self.cut_off_hour <= 23:
            yield FieldProblem("cut_off_hour", "range", _("Choose an hour from 0 to 23."))
        if self.form_mode not in ClosedUserGroup.FormMode.values:
            yield FieldProblem("form_mode", "choice", _("Choose one of the forms offered."))
        if not LATE_LIMIT_DAYS[0] <= self.late_limit_days <= LATE_LIMIT_DAYS[1]:
            yield FieldProblem("late_limit_days", "range", _("Choose from 0 to 365 days."))
        if not RETENTION_DAYS[0] <= self.retention_days <= RETENTION_DAYS[1]:
            yield FieldProblem("retention_days", "range", _("Choose from 30 to 3650 days."))
        yield from self._problems_of_days(kind)

    def _problems_of_days(self, kind: str) -> Iterator[FieldProblem]:
        if kind not in ClosedUserGroup.Kind.values:
            yield FieldProblem("kind", "choice", _("Choose an operation or a standing group."))
        if kind == ClosedUserGroup.Kind.STANDING:
            if self.starts_on or self.ends_on:
                yield FieldProblem("starts_on", "standing", _("A standing group has no first and last day."))
            return
        if self.starts_on is None:
            yield FieldProblem("starts_on", "required", _("An operation has a first day."))
        if self.ends_on is None:
            yield FieldProblem("ends_on", "required", _("An operation has a last day."))
        if self.starts_on is None or self.ends_on is None:
            return
        if self.ends_on < self.starts_on:
            yield FieldProblem("ends_on", "order", _("The last day is before the first."))
        elif (self.ends_on - self.starts_on).days >= LONGEST_OPERATION_DAYS:
            yield FieldProblem("ends_on", "range", _("An operation lasts a year at most: make a standing group."))


def check_code(code: str) -> str:
    """Return the group's code; it leads every reference, so it is short and plain. Raises InvalidSettings."""
    if CODE.fullmatch(code) is None:
        sentence = _("Use 2 to 12 capital letters and digits.")
        raise InvalidSettings(errors=[FieldProblem("code", "form", sentence)])
    return code


def check_country(country: str) -> str:
    """Return an ISO 3166-1 alpha-2 code of the country list. Raises InvalidSettings."""
    if country in NO_COUNTRY or country not in code_list("country"):
        raise InvalidSettings(errors=[FieldProblem("country", "unknown", _("There is no such country."))])
    return country
