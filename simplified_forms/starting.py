"""The forms that a new group starts with, as specifications. Data and its assembly; nothing is stored here."""

from collections.abc import Mapping
from typing import Any, Final

from simplified_forms.catalogue import CATALOGUE
from simplified_forms.catalogue_seizure import SEIZURE_FIELDS
from simplified_forms.fields import Kind, Mode

FORMS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.NOTE: ("text",),
    Kind.WARNING: (
        "target",
        "target_description",
        "requested_action",
        "commodity",
        "quantity",
        "description",
        "hs",
        "conveyance",
        "conveyance_identity",
        "voyage",
        "container",
        "imo_number",
        "seal",
        "document_type",
        "document_number",
        "packages",
        "gross_mass",
        "departure_country",
        "departure_place",
        "departs_at",
        "transit_countries",
        "destination_country",
        "destination_place",
        "arrives_at",
        "risk_indicators",
        "text",
    ),
    Kind.FEEDBACK: (
        "outcome",
        "controls",
        "controlled_at",
        "not_controlled_reason",
        "usefulness",
        "seizures",
        "text",
    ),
    Kind.REQUEST: ("question",),
    Kind.REPLY: ("answer",),
    Kind.MOVEMENT: (
        "event",
        "occurred_at",
        "conveyance",
        "conveyance_identity",
        "voyage",
        "container",
        "imo_number",
        "country",
        "place",
        "next_place",
        "next_at",
        "text",
    ),
    Kind.NIL: ("day", "controls_made", "targets_controlled", "text"),
    Kind.SITREP: (
        "day",
        "warnings_sent",
        "warnings_open",
        "warnings_overdue",
        "feedback_received",
        "seizures_reported",
        "cases_reported",
        "nil_returns",
        "countries_reporting",
        "countries_silent",
        "narrative",
        "tasks",
    ),
    Kind.BULLETIN: (
        "modus_operandi",
        "risk_indicators",
        "commodity",
        "conveyance",
        "concealment",
        "departure_country",
        "destination_country",
        "text",
    ),
    Kind.ADMINISTRATIVE: ("topic", "text"),
}
REQUIRED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.ADMINISTRATIVE: frozenset({"text"}),
    Kind.MOVEMENT: frozenset({"conveyance"}),
}
SEIZURE_REQUIRED: Final = frozenset({"date", "country", "conveyance", "commodity", "quantity"})
SIMPLIFIED_ORDER: Final = (
    "date",
    "country",
    "place",
    "location_type",
    "direction",
    "conveyance",
    "commodity",
    "quantity",
    "description",
    "departure_country",
    "destination_country",
    "detection",
    "cases",
    "warning",
)


def entry(name: str, *, required: bool = False) -> dict[str, Any]:
    """Return one field of a specification with nothing narrowed and nothing explained."""
    return {
        "name": name,
        "required": required,
        "codes": None,
        "help": {"en": "", "fr": ""},
        "default": CATALOGUE[name].default,
    }


def starting_spec(kind: Kind, mode: Mode | None = None) -> dict[str, Any]:
    """Return the specification that a new group starts with; `mode` picks the seizure form."""
    if kind is Kind.SEIZURE:
        if mode is Mode.FULL:
            names: tuple[str, ...] = tuple(f.name for f in SEIZURE_FIELDS if Mode.FULL.value in f.modes)
        else:
            names = SIMPLIFIED_ORDER
        required = SEIZURE_REQUIRED
    else:
        names = FORMS[kind]
        required = REQUIRED.get(kind, frozenset())
    return {
        "fields": [
            entry(name, required=name in required or kind.value in CATALOGUE[name].essential) for name in names
        ]
    }
