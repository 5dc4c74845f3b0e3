"""Catalogue, part: what a control found, what follows, and nominal data. Data only."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from simplified_forms.catalogue_rows import PERSON_COUNT
from simplified_forms.fields import BOTH, FULL_ONLY, MAX_TEXT, Field, Kind, maker

field = maker(Kind.SEIZURE)

FINDING: Final[tuple[Field, ...]] = (
    field(
        "selection",
        "codes",
        "finding",
        _("Why it was selected"),
        modes=FULL_ONLY,
        code_list="selection",
        cen_column="selection",
        max_items=9,
    ),
    field(
        "detection",
        "codes",
        "finding",
        _("How it was found"),
        modes=BOTH,
        code_list="detection",
        cen_column="detection",
        max_items=13,
    ),
    field("offence", "code", "finding", _("Offence"), modes=FULL_ONLY, code_list="offence", cen_column="offence"),
    field(
        "cases",
        "integer",
        "finding",
        _("Number of cases"),
        modes=BOTH,
        minimum=1,
        maximum=100_000,
        default=1,
        implied=1,
        cen_column="cases",
    ),
    maker(Kind.SEIZURE, Kind.BULLETIN)(
        "concealment",
        "code",
        "concealment",
        _("Concealment"),
        modes=FULL_ONLY,
        code_list="concealment",
        fits_field="conveyance",
        cen_column="concealment",
    ),
    field("concealment_place", "text", "concealment", _("Place of concealment"), modes=FULL_ONLY),
    field(
        "concealment_sophistication",
        "code",
        "concealment",
        _("Sophistication"),
        modes=FULL_ONLY,
        code_list="sophistication",
    ),
    field(
        "concealment_description",
        "long_text",
        "concealment",
        _("Description of the concealment"),
        modes=FULL_ONLY,
        max_length=2_000,
    ),
)

AFTER: Final[tuple[Field, ...]] = (
    field(
        "persons",
        "persons",
        "persons",
        _("Persons"),
        _("Counts only, never names"),
        modes=FULL_ONLY,
        fields=PERSON_COUNT,
        max_items=30,
    ),
    field("follow_up", "codes", "follow_up", _("Follow-up"), modes=FULL_ONLY, code_list="follow_up"),
    field(
        "national_reference",
        "text",
        "reference",
        _("National reference"),
        _("Number of the case in your own system"),
        modes=FULL_ONLY,
        max_length=60,
    ),
    field("warning", "message", "reference", _("Warning that led to it"), modes=BOTH),
    field("feedbacks", "messages", "reference", _("Feedback on that warning"), modes=FULL_ONLY, max_items=20),
    field(
        "remarks",
        "long_text",
        "reference",
        _("Remarks"),
        _("Stay in the group, never sent to CEN"),
        modes=FULL_ONLY,
        max_length=MAX_TEXT,
    ),
)

nominal = maker(Kind.SEIZURE, Kind.WARNING, Kind.FEEDBACK, Kind.REPLY, nominal=True)

NOMINAL: Final[tuple[Field, ...]] = (
    nominal("person_name", "text", "nominal", _("Name of a person"), max_length=200),
    nominal("person_birth_date", "date", "nominal", _("Date of birth"), past=False),
    nominal("person_document", "text", "nominal", _("Number of an identity document"), max_length=60),
    nominal("company_name", "text", "nominal", _("Name of a company"), max_length=200),
    nominal("vehicle_plate", "text", "nominal", _("Plate of a vehicle"), max_length=20),
    nominal("telephone", "text", "nominal", _("Telephone number"), max_length=40),
)
