"""What screening finds: a passage of a text and the kind of thing that may point at a person. Types only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class FindingKind(StrEnum):
    """What a passage may be."""

    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    PASSPORT = "passport"
    PLATE = "plate"
    BIRTH = "birth"
    NAME = "name"


LABELS: dict[FindingKind, str | Promise] = {
    FindingKind.EMAIL: _("e-mail address"),
    FindingKind.PHONE: _("phone number"),
    FindingKind.IBAN: _("bank account (IBAN)"),
    FindingKind.PASSPORT: _("passport or identity number"),
    FindingKind.PLATE: _("vehicle plate"),
    FindingKind.BIRTH: _("date of birth"),
    FindingKind.NAME: _("name of a person"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A passage of a text, from `start` to `end` (characters), that may be nominal."""

    kind: FindingKind
    start: int
    end: int

    def overlaps(self, other: Finding) -> bool:
        """Whether both share a character."""
        return self.start < other.end and other.start < self.end
