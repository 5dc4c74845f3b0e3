"""What a field of a form is: the vocabulary in which the catalogue is written. No entries here, and no checks.

A field is the same in every template that uses it: a template chooses, orders, narrows and explains, it never
changes the type or the meaning of a field. Only so can one mapping carry the seizures of every group into CEN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from simplified_forms.shapes import FieldType

type Text = str | Promise


class Kind(TextChoices):
    """The kinds of message, each with one form per group (a seizure has one per form mode)."""

    NOTE = "note", _("Note")
    WARNING = "warning", _("Warning")
    FEEDBACK = "feedback", _("Feedback")
    SEIZURE = "seizure", _("Seizure")
    REQUEST = "request", _("Request")
    REPLY = "reply", _("Reply")
    MOVEMENT = "movement", _("Movement")
    NIL = "nil", _("Nil return")
    SITREP = "sitrep", _("Situation report")
    BULLETIN = "bulletin", _("Bulletin")
    ADMINISTRATIVE = "administrative", _("Administrative")


class Mode(TextChoices):
    """The length of a seizure form; other kinds have one form only, whose mode is empty."""

    SIMPLIFIED = "simplified", _("Simplified form")
    FULL = "full", _("Full form")


ROW_TYPES: Final = frozenset({"lines", "route", "persons", "documents"})
MANY_TYPES: Final = ROW_TYPES | {"codes", "countries", "messages"}
CODED_TYPES: Final = frozenset({"code", "codes", "commodity", "country", "countries", "quantity", "money"})
WIDE_TYPES: Final = ROW_TYPES | {"long_text", "codes", "countries", "messages"}

MAX_TEXT: Final = 10_000
MAX_LINE: Final = 200
MAX_ROWS: Final = 100
BOTH: Final = frozenset({Mode.SIMPLIFIED.value, Mode.FULL.value})
FULL_ONLY: Final = frozenset({Mode.FULL.value})
ADDED_ONLY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the catalogue.

    `modes`: the starting seizure forms in which it stands (any template may add it). `kinds`: the message kinds
    whose templates may use it. `essential`: the kinds whose every template must hold it, mandatory. `cen_column`:
    the column of CEN that it may be mapped to, None when it never leaves the group. `fits_field`: the field whose
    value narrows the codes. `show_when`: (field, codes) that must be met for it to be asked. `check`: name of a
    check-digit rule of `nomenclature.validators`. `past`: a time that cannot lie ahead. `implied`: the value that
    absence stands for.
    """

    name: str
    type: FieldType
    section: str
    label: Text
    help: Text = ""
    kinds: frozenset[str]
    modes: frozenset[str] = ADDED_ONLY
    essential: frozenset[str] = frozenset()
    code_list: str | None = None
    unit_list: str | None = None
    units: tuple[str, ...] = ()
    cen_column: str | None = None
    nominal: bool = False
    max_length: int = MAX_LINE
    minimum: int | None = None
    maximum: int | None = None
    max_items: int = MAX_ROWS
    default: object = None
    implied: object = None
    past: bool = False
    check: str | None = None
    fits_field: str | None = None
    units_field: str | None = None
    show_when: tuple[str, tuple[str, ...]] | None = None
    fields: tuple["Field", ...] = ()

    def __post_init__(self) -> None:
        """Refuse an entry that would carry a person's data out of the group."""
        if self.nominal and self.cen_column is not None:
            raise ValueError(f"nominal field {self.name} must not name a CEN column")

    @property
    def multiple(self) -> bool:
        """Tell whether the value is a list."""
        return self.type in MANY_TYPES

    @property
    def wide(self) -> bool:
        """Tell whether the field takes the full width of a form."""
        return self.type in WIDE_TYPES


type FieldMaker = Callable[..., Field]


def maker(*kinds: Kind, **common: object) -> FieldMaker:
    """Return a short way to write fields of the same kinds: `field(name, type, section, label, help, …)`."""
    shared: Mapping[str, object] = {"kinds": frozenset(kind.value for kind in kinds), **common}

    def field(name: str, type: FieldType, section: str, label: Text, help: Text = "", **rest: object) -> Field:
        merged: dict[str, object] = {**shared, **rest}
        return Field(name=name, type=type, section=section, label=label, help=help, **merged)  # type: ignore[arg-type]

    return field


SECTIONS: Final[Mapping[str, Text]] = {
    "text": _("Text"),
    "when": _("When and where"),
    "target": _("Target"),
    "goods": _("Goods"),
    "transport": _("Transport and route"),
    "finding": _("Control and finding"),
    "concealment": _("Concealment"),
    "answer": _("Answer"),
    "figures": _("Figures"),
    "persons": _("Persons, as counts"),
    "follow_up": _("Follow-up"),
    "reference": _("References"),
    "nominal": _("Nominal data"),
}
