"""How CEN writes its records for people and programmes: labels, JSON, download columns. No questions here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import Administration
from cen.filters import CODE_FILTERS, NOT_STATED
from cen.models import Seizure
from cen.statistics import Figures, Row, Statistic
from nomenclature.lists import code_list
from nomenclature.names import place_name
from nomenclature.places import place

# Column -> heading, in the order of a download. An allow-list: what is not here leaves by no download.
DOWNLOAD_COLUMNS: dict[str, object] = {
    "cen_reference": gettext_lazy("CEN reference"),
    "version": gettext_lazy("Version"),
    "source": gettext_lazy("Source"),
    "source_reference": gettext_lazy("Source reference"),
    "operation_code": gettext_lazy("Operation"),
    "seized_on": gettext_lazy("Date"),
    "country": gettext_lazy("Country"),
    "place_code": gettext_lazy("Place code"),
    "place_text": gettext_lazy("Place"),
    "location_type": gettext_lazy("Type of place"),
    "direction": gettext_lazy("Direction"),
    "conveyance": gettext_lazy("Conveyance"),
    "commodity_group": gettext_lazy("Commodity group"),
    "commodity": gettext_lazy("Commodity"),
    "description": gettext_lazy("Description"),
    "quantity": gettext_lazy("Quantity"),
    "unit": gettext_lazy("Unit"),
    "quantity_normalised": gettext_lazy("Normalised quantity"),
    "unit_normalised": gettext_lazy("Normalised unit"),
    "departure_country": gettext_lazy("Departure"),
    "transit_countries": gettext_lazy("Transit"),
    "destination_country": gettext_lazy("Destination"),
    "origin_country": gettext_lazy("Origin"),
    "selection": gettext_lazy("Why selected"),
    "detection": gettext_lazy("How found"),
    "concealment": gettext_lazy("Concealment"),
    "offence": gettext_lazy("Offence"),
    "cases": gettext_lazy("Cases"),
    "hs": gettext_lazy("HS code"),
    "value": gettext_lazy("Value"),
    "currency": gettext_lazy("Currency"),
    "warning_reference": gettext_lazy("Warning"),
    "reported_at": gettext_lazy("Reported at"),
    "entered_at": gettext_lazy("Entered at"),
    "received_at": gettext_lazy("Received at"),
}
# Column -> the list that names its codes.
COLUMN_LISTS = {
    "country": "country",
    "departure_country": "country",
    "destination_country": "country",
    "origin_country": "country",
    "transit_countries": "country",
    "location_type": "location_type",
    "direction": "direction",
    "conveyance": "conveyance",
    "commodity_group": "commodity_group",
    "commodity": "commodity",
    "unit": "unit",
    "unit_normalised": "unit",
    "selection": "selection",
    "detection": "detection",
    "concealment": "concealment",
    "offence": "offence",
    "currency": "currency",
}


def language() -> str:
    """Return the language of this answer, as the code lists name it."""
    return (get_language() or "en")[:2]


def label(list_name: str, code: str) -> str:
    """Return the name of a code in the language of this answer, or the code where the list has it no longer."""
    return code_list(list_name).label(code, language())


def column_label(column: str, code: str) -> str:
    """Return the name of a code of one column; empty for "not stated"."""
    if not code:
        return ""
    return unit_symbol(code) if COLUMN_LISTS[column] == "unit" else label(COLUMN_LISTS[column], code)


def place_label(seizure: Seizure) -> str:
    """Return where it was: in the source's words, else the name of the place's code, else the code."""
    known = None if seizure.place_text else place(seizure.place_code)
    return known.name if known else seizure.place_text or seizure.place_code


def place_code_text(code: str) -> str:
    """Return a place's code with its name: "NGAPP (Apapa, Nigeria)"; one that is unknown to us as it is."""
    name = place_name(code, language())
    return f"{code} ({name})" if name != code else code


def unit_symbol(code: str) -> str:
    """Return the short sign of a unit (kg), or its name where it has none."""
    units = code_list("unit")
    return str((code in units and units.attributes(code).get("symbol")) or label("unit", code))


def filter_label(name: str, code: str) -> str:
    """Return the name of a value of a code filter."""
    if code in ("", NOT_STATED):
        return _("not stated")
    if name == "source":
        return source_label(code)
    list_name = CODE_FILTERS[name].list_name
    return label(list_name, code) if list_name else code


def source_label(name: str) -> str:
    """Return how people know a source: the client system, or the administration whose officers feed it."""
    kind, _mark, rest = name.partition(":")
    if kind == "client":
        return rest
    if kind == "administration":
        try:
            found = Administration.objects.filter(pk=UUID(rest)).values_list("name", flat=True).first()
        except ValueError:
            found = None
        return found or name
    return "CENcomm" if name == "cencomm" else name


def number_text(number: Decimal | None) -> str:
    """Return a decimal as it travels: plain digits, no exponent, no zeros at the end."""
    if number is None:
        return ""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def seizure_json(seizure: Seizure) -> dict[str, Any]:
    """Return a seizure for programmes: the allow-listed columns, empty ones left out."""
    answer: dict[str, Any] = {}
    for column in DOWNLOAD_COLUMNS:
        value = seizure.source.name if column == "source" else getattr(seizure, column)
        if isinstance(value, Decimal):
            value = number_text(value)
        if value not in (None, "", []):
            answer[column] = value
    if seizure.transport:
        answer["transport"] = seizure.transport
    if seizure.withdrawn_at is not None:
        answer["withdrawn_at"] = seizure.withdrawn_at
    return answer


def figures_json(figures: Figures) -> dict[str, Any]:
    """Return sums for programmes: exact quantities travel as texts."""
    return {
        "seizures": figures.seizures,
        "cases": figures.cases,
        "quantities": {unit: number_text(q) for unit, q in sorted((figures.quantities or {}).items())},
    }


def row_json(by: str, row: Row) -> dict[str, Any]:
    """Return one row of a statistic, its key spelt out by name and label."""
    names = KEY_NAMES.get(by, (by,))
    answer: dict[str, Any] = {
        **dict(zip(names, row.key, strict=True)),
        "labels": [key_label(name, code) for name, code in zip(names, row.key, strict=True)],
        **figures_json(row.figures),
    }
    if row.year_before is not None:
        answer["year_before"] = figures_json(row.year_before)
    return answer


# The names of the parts of a key, where a statistic's own name does not say it.
KEY_NAMES = {"month": ("month", "commodity_group"), "route": ("departure", "destination")}


def key_label(name: str, code: str) -> str:
    """Return the name of one part of a statistic's key."""
    return code if name in ("month", "year") else filter_label(name, code)


def statistic_json(statistic: Statistic) -> dict[str, Any]:
    """Return a statistic for programmes."""
    return {
        "by": statistic.by,
        "rows": [row_json(statistic.by, row) for row in statistic.rows],
        "truncated": statistic.truncated,
        "total": figures_json(statistic.total),
    }
