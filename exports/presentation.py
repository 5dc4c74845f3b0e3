"""How records, reasons and states of a transfer are written for people. Words only; no reads, no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cen.schema import REASONS as CEN_REASONS
from nomenclature.lists import code_list
from nomenclature.names import place_name

REASONS: dict[str, str | Promise] = {
    "right_withdrawn": gettext_lazy("Whoever started this may not transfer any more."),
    "phase_forbids": gettext_lazy("The operation's phase does not allow transfers any more."),
    "withdrawn_meanwhile": gettext_lazy("The seizure was withdrawn or corrected meanwhile."),
    "changed_meanwhile": gettext_lazy("The seizure is not what was confirmed: look at it and confirm again."),
}
LABELS: dict[str, str | Promise] = {
    "source_reference": gettext_lazy("Source reference"),
    "version": gettext_lazy("Version"),
    "operation_code": gettext_lazy("Operation"),
    "reported_at": gettext_lazy("Reported at"),
    "entered_at": gettext_lazy("Entered at"),
    "warning_reference": gettext_lazy("From warning"),
    "seized_on": gettext_lazy("Date"),
    "country": gettext_lazy("Country"),
    "place_code": gettext_lazy("Place (code)"),
    "place_text": gettext_lazy("Place"),
    "location_type": gettext_lazy("Type of location"),
    "direction": gettext_lazy("Direction"),
    "conveyance": gettext_lazy("Conveyance"),
    "commodity": gettext_lazy("Commodity"),
    "description": gettext_lazy("Description"),
    "quantity": gettext_lazy("Quantity"),
    "unit": gettext_lazy("Unit"),
    "departure_country": gettext_lazy("Departure"),
    "transit_countries": gettext_lazy("Transit"),
    "destination_country": gettext_lazy("Destination"),
    "origin_country": gettext_lazy("Origin"),
    "detection": gettext_lazy("How found"),
    "selection": gettext_lazy("Why selected"),
    "concealment": gettext_lazy("Concealment"),
    "offence": gettext_lazy("Offence"),
    "cases": gettext_lazy("Cases"),
    "hs": gettext_lazy("HS code"),
    "value": gettext_lazy("Value"),
    "currency": gettext_lazy("Currency"),
    "transport": gettext_lazy("Transport"),
}
LISTS = {
    "country": "country",
    "location_type": "location_type",
    "direction": "direction",
    "conveyance": "conveyance",
    "commodity": "commodity",
    "unit": "unit",
    "departure_country": "country",
    "transit_countries": "country",
    "destination_country": "country",
    "origin_country": "country",
    "detection": "detection",
    "selection": "selection",
    "concealment": "concealment",
    "offence": "offence",
}


def reason_text(code: str) -> str:
    """Return the sentence of a reason code, ours or CEN's."""
    return str(REASONS.get(code) or CEN_REASONS.get(code) or (code and _("CEN refused it: %s") % code))


def column_label(column: str) -> str:
    """Return the label of a CEN column (`transport.voyage` too)."""
    if column.startswith("transport."):
        return f"{LABELS['transport']} · {column.removeprefix('transport.').replace('_', ' ')}"
    return str(LABELS.get(column, column.replace("_", " ")))


def record_lines(record: Mapping[str, Any], language: str) -> list[dict[str, str]]:
    """Return the exact record, column by column: `column`, `label`, `value` as sent, `meaning` of codes."""
    lines = []
    for column, value in record.items():
        if value in ("", [], {}, None):
            continue
        if column == "transport":
            lines += [_line(f"transport.{name}", text, "") for name, text in value.items()]
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(_line(column, shown, _meaning(column, value, language)))
    return lines


def _line(column: str, value: object, meaning: str) -> dict[str, str]:
    return {"column": column, "label": column_label(column), "value": str(value), "meaning": meaning}


def _meaning(column: str, value: Any, language: str) -> str:
    name = LISTS.get(column)
    if column == "place_code":
        return place_name(str(value), language)
    if name is None:
        return ""
    codes = value if isinstance(value, list) else [value]
    known = code_list(name)
    return ", ".join(known.label(code, language) for code in codes if code in known.codes)
