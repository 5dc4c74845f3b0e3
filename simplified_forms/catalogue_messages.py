"""Catalogue, part: the fields of the other kinds of message. Data only.

The envelope (subject, priority, addressees, due time, handling, grading) is no field: every message has it.
"""

from typing import Final

from django.utils.translation import gettext_lazy as _

from simplified_forms.fields import MAX_TEXT, Field, Kind, maker

any_kind = maker(*Kind)
warning = maker(Kind.WARNING)
feedback = maker(Kind.FEEDBACK)
movement = maker(Kind.MOVEMENT)
daily = maker(Kind.NIL, Kind.SITREP)
nil = maker(Kind.NIL)
sitrep = maker(Kind.SITREP)
bulletin = maker(Kind.BULLETIN)


def only(*kinds: Kind) -> frozenset[str]:
    """Return the kinds as the set that `essential` wants."""
    return frozenset(kind.value for kind in kinds)


TEXT: Final[tuple[Field, ...]] = (
    any_kind("text", "long_text", "text", _("Text"), essential=only(Kind.NOTE), max_length=MAX_TEXT),
)

WARNING: Final[tuple[Field, ...]] = (
    warning(
        "target",
        "code",
        "target",
        _("Target"),
        _("What is to be controlled"),
        code_list="warning_target",
        essential=only(Kind.WARNING),
    ),
    warning(
        "target_description",
        "long_text",
        "target",
        _("Description of the target"),
        _("Without names of persons"),
        max_length=2_000,
    ),
    maker(Kind.WARNING, Kind.MOVEMENT)(
        "conveyance_identity",
        "text",
        "target",
        _("Vessel, flight or vehicle"),
        _("Name, registration or description"),
        max_length=100,
    ),
    warning("seal", "text", "target", _("Seal number"), max_length=40),
    warning("packages", "integer", "target", _("Number of packages"), minimum=1, maximum=1_000_000),
    warning("gross_mass", "quantity", "target", _("Gross mass"), unit_list="unit", units=("KGM", "TNE", "GRM")),
    warning("departure_place", "place", "transport", _("Place of departure")),
    warning("departs_at", "datetime", "transport", _("Departure, expected (UTC)")),
    warning("destination_place", "place", "transport", _("Place of arrival")),
    warning("arrives_at", "datetime", "transport", _("Arrival, expected (UTC)")),
    maker(Kind.WARNING, Kind.BULLETIN)(
        "risk_indicators", "codes", "target", _("Risk indicators"), code_list="risk_indicator", max_items=30
    ),
    warning(
        "requested_action",
        "codes",
        "target",
        _("Requested action"),
        code_list="requested_action",
        essential=only(Kind.WARNING),
        max_items=10,
    ),
)

FEEDBACK: Final[tuple[Field, ...]] = (
    feedback(
        "outcome",
        "code",
        "answer",
        _("Outcome"),
        _("What came of the warning"),
        code_list="feedback_outcome",
        essential=only(Kind.FEEDBACK),
    ),
    feedback("controls", "codes", "answer", _("Control made"), code_list="feedback_control", max_items=10),
    feedback("controlled_at", "datetime", "answer", _("Time of the control (UTC)"), past=True),
    feedback(
        "not_controlled_reason",
        "code",
        "answer",
        _("Reason for no control"),
        code_list="not_controlled_reason",
        show_when=("outcome", ("NCT",)),
    ),
    feedback(
        "usefulness",
        "integer",
        "answer",
        _("Usefulness of the warning"),
        _("From 1, of no use, to 5, decisive"),
        minimum=1,
        maximum=5,
    ),
    feedback("seizures", "messages", "answer", _("Seizures"), _("Reports of what was found"), max_items=20),
)

ANSWERS: Final[tuple[Field, ...]] = (
    maker(Kind.REQUEST)(
        "question", "long_text", "text", _("Question"), essential=only(Kind.REQUEST), max_length=MAX_TEXT
    ),
    maker(Kind.REPLY)("answer", "long_text", "text", _("Answer"), essential=only(Kind.REPLY), max_length=MAX_TEXT),
)

MOVEMENT: Final[tuple[Field, ...]] = (
    movement("event", "code", "when", _("Movement"), code_list="movement_event", essential=only(Kind.MOVEMENT)),
    movement(
        "occurred_at", "datetime", "when", _("Time (UTC)"), past=True, default="now", essential=only(Kind.MOVEMENT)
    ),
    movement("next_place", "place", "transport", _("Next place")),
    movement("next_at", "datetime", "transport", _("Expected there (UTC)")),
)

DAILY: Final[tuple[Field, ...]] = (
    daily(
        "day", "date", "when", _("Reporting day"), past=True, default="today", essential=only(Kind.NIL, Kind.SITREP)
    ),
    nil("controls_made", "integer", "figures", _("Controls made"), minimum=0, maximum=10_000_000),
    nil("targets_controlled", "integer", "figures", _("Targets controlled"), minimum=0, maximum=10_000_000),
    sitrep("warnings_sent", "integer", "figures", _("Warnings sent"), minimum=0, maximum=10_000_000),
    sitrep("warnings_open", "integer", "figures", _("Warnings open"), minimum=0, maximum=10_000_000),
    sitrep("warnings_overdue", "integer", "figures", _("Warnings overdue"), minimum=0, maximum=10_000_000),
    sitrep("feedback_received", "integer", "figures", _("Feedback received"), minimum=0, maximum=10_000_000),
    sitrep("seizures_reported", "integer", "figures", _("Seizures reported"), minimum=0, maximum=10_000_000),
    sitrep("cases_reported", "integer", "figures", _("Cases reported"), minimum=0, maximum=10_000_000),
    sitrep("nil_returns", "integer", "figures", _("Nil returns"), minimum=0, maximum=1_000),
    sitrep(
        "countries_reporting",
        "countries",
        "figures",
        _("Countries that reported"),
        code_list="country",
        max_items=250,
    ),
    sitrep("countries_silent", "countries", "figures", _("Silent countries"), code_list="country", max_items=250),
    sitrep("narrative", "long_text", "text", _("Narrative"), essential=only(Kind.SITREP), max_length=MAX_TEXT),
    sitrep("tasks", "long_text", "text", _("Tasks for the next day"), max_length=MAX_TEXT),
)

BULLETIN: Final[tuple[Field, ...]] = (
    bulletin(
        "modus_operandi",
        "long_text",
        "text",
        _("Modus operandi"),
        essential=only(Kind.BULLETIN),
        max_length=MAX_TEXT,
    ),
)

ADMINISTRATIVE: Final[tuple[Field, ...]] = (
    maker(Kind.ADMINISTRATIVE)("topic", "code", "text", _("Topic"), code_list="administrative_topic"),
)

MESSAGE_FIELDS: Final[tuple[Field, ...]] = (
    *WARNING,
    *FEEDBACK,
    *ANSWERS,
    *MOVEMENT,
    *DAILY,
    *BULLETIN,
    *ADMINISTRATIVE,
    *TEXT,
)
