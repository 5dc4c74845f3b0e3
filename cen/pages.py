"""What the templates of CEN show, prepared: rows, chips, facets, the filter bar, a seizure's record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from cen.filters import CODE_FILTERS, PLAIN_LABELS, Filters
from cen.models import Seizure, SeizureVersion
from cen.presentation import (
    COLUMN_LISTS,
    DOWNLOAD_COLUMNS,
    column_label,
    filter_label,
    label,
    language,
    number_text,
    place_code_text,
    place_label,
    source_label,
)
from cen.queries import Facet
from nomenclature.lists import code_list

OPEN_FACETS = ("commodity_group", "commodity", "country", "departure", "destination")
SHORT_FACET = 7
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "what",
        ("commodity_group", "commodity", "description", "hs", "quantity", "quantity_normalised", "value", "cases"),
    ),
    ("where", ("seized_on", "country", "place_text", "place_code", "location_type", "direction")),
    ("route", ("conveyance", "origin_country", "departure_country", "transit_countries", "destination_country")),
    ("how", ("selection", "detection", "concealment", "offence", "warning_reference", "operation_code")),
    ("record", ("source", "source_reference", "version", "reported_at", "entered_at", "received_at")),
)


def section_titles() -> dict[str, str]:
    """Return the headings of a seizure's page."""
    return {
        "what": _("Goods"),
        "where": _("Time and place"),
        "route": _("Conveyance and route"),
        "how": _("Control"),
        "record": _("Record"),
    }


def grouped(text: str) -> str:
    """Return a plain number as people read it: thousands apart by a narrow space, the language's decimal mark."""
    whole, point, rest = text.partition(".")
    digits = f"{int(whole):,}".replace(",", "\u202f") if whole.isdigit() else whole
    return digits + (get_format("DECIMAL_SEPARATOR") if point else "") + rest


def seizure_row(seizure: Seizure) -> dict[str, Any]:
    """Return one line of the table."""
    return {
        "url": reverse("cen:seizure", args=[seizure.cen_reference]),
        "reference": seizure.cen_reference,
        "seized_on": seizure.seized_on,
        "country": seizure.country,
        "country_name": column_label("country", seizure.country),
        "place": place_label(seizure),
        "place_code": seizure.place_code,
        "location_type": column_label("location_type", seizure.location_type),
        "group": column_label("commodity_group", seizure.commodity_group),
        "commodity": column_label("commodity", seizure.commodity),
        "quantity": quantity_text(seizure),
        "conveyance": column_label("conveyance", seizure.conveyance),
        "route": _route_text(seizure) if seizure.departure_country or seizure.destination_country else "",
        "detection": ", ".join(column_label("detection", code) for code in seizure.detection),
        "cases": seizure.cases,
        "operation": seizure.operation_code,
    }


def quantity_text(seizure: Seizure) -> str:
    """Return the quantity as reported, with its unit; the value where there is none."""
    if seizure.quantity is not None:
        return f"{grouped(number_text(seizure.quantity))} {column_label('unit', seizure.unit)}"
    if seizure.value is not None:
        return f"{grouped(number_text(seizure.value))} {seizure.currency}"
    return ""


def _route_text(seizure: Seizure) -> str:
    codes = [seizure.departure_country, *seizure.transit_countries, seizure.destination_country]
    return " → ".join(column_label("country", code) if code else _("not stated") for code in codes)


def chips(filters: Filters) -> list[dict[str, str]]:
    """Return the filters in use, each with the address without it."""
    answer = []
    for name, value in filters.pairs():
        known = CODE_FILTERS.get(name)
        shown = filter_label(name, value) if known else label("unit", value) if name == "unit" else value
        title = str(known.label if known else PLAIN_LABELS[name])
        answer.append({"title": title, "value": shown, "href": f"?{filters.query_string(without=(name, value))}"})
    return answer


def filter_bar(filters: Filters) -> dict[str, Any]:
    """Return the values of the bar's own fields, and as hidden fields what the facets chose."""
    return {
        "text": filters.text,
        "from": filters.seized_from.isoformat() if filters.seized_from else "",
        "to": filters.seized_to.isoformat() if filters.seized_to else "",
        "quantity_min": number_text(filters.quantity_min),
        "quantity_max": number_text(filters.quantity_max),
        "unit": filters.unit,
        "units": code_list("unit").items(language()),
        "hidden": [(name, value) for name, value in filters.pairs() if name in CODE_FILTERS],
    }


def facet_groups(filters: Filters, facets: list[Facet]) -> list[dict[str, Any]]:
    """Return the facets with labels, addresses, and what shows at once; those without a value are left out."""
    answer = []
    for facet in facets:
        values = [
            {
                "label": filter_label(facet.name, value.code),
                "count": value.count,
                "chosen": value.chosen,
                "href": "?" + _toggled(filters, facet.name, value.code, value.chosen),
            }
            for value in facet.values
        ]
        if not values:
            continue
        values.sort(key=lambda value: not value["chosen"])
        chosen = sum(bool(value["chosen"]) for value in values)
        short = max(SHORT_FACET, chosen)
        answer.append(
            {
                "name": facet.name,
                "label": CODE_FILTERS[facet.name].label,
                "open": facet.name in OPEN_FACETS or chosen > 0,
                "first": values[:short],
                "more": values[short:],
            }
        )
    return answer


def _toggled(filters: Filters, name: str, code: str, chosen: bool) -> str:
    pair = (name, code)
    return filters.query_string(without=pair) if chosen else filters.query_string(plus=pair)


def seizure_sections(seizure: Seizure) -> list[dict[str, Any]]:
    """Return the record of a seizure in sections; what is not stated is left out."""
    titles = section_titles()
    answer = []
    for name, columns in SECTIONS:
        facts = [(str(DOWNLOAD_COLUMNS[column]), _fact(seizure, column)) for column in columns]
        if name == "route":
            facts += [
                (_transport_label(key), _transport_text(key, text)) for key, text in seizure.transport.items()
            ]
        answer.append({"title": titles[name], "facts": [fact for fact in facts if fact[1] not in ("", None)]})
    return [section for section in answer if section["facts"]]


def _fact(seizure: Seizure, column: str) -> Any:
    if column == "source":
        return source_label(seizure.source.name)
    if column == "quantity":
        return quantity_text(seizure) if seizure.quantity is not None else ""
    if column == "value":
        return f"{grouped(number_text(seizure.value))} {seizure.currency}" if seizure.value is not None else ""
    if column == "quantity_normalised":
        normalised = seizure.quantity_normalised
        unit = column_label("unit", seizure.unit_normalised)
        return f"{grouped(number_text(normalised))} {unit}" if normalised is not None else ""
    value = getattr(seizure, column)
    return _text_of(column, value) if isinstance(value, (str, list)) else value


def _transport_label(key: str) -> str:
    return {
        "traffic": _("Traffic"),
        "registration_country": _("Country of registration"),
        "voyage": _("Voyage"),
        "container": _("Container"),
        "document_type": _("Document type"),
        "document_number": _("Document number"),
        "packaging": _("Packaging"),
        "concealment_place": _("Place of concealment"),
        "route": _("Route"),
    }.get(key, key)


def _transport_text(key: str, text: str) -> str:
    lists = {"traffic": "traffic", "registration_country": "country", "document_type": "document_type"}
    return label(lists[key], text) if key in lists else text


def version_rows(seizure: Seizure, versions: list[SeizureVersion]) -> list[dict[str, Any]]:
    """Return the replaced versions, newest first, each with the fields in which its successor differs."""
    answer = []
    newer: Mapping[str, Any] = _content_of(seizure)
    for version in versions:
        answer.append(
            {
                "version": version.version,
                "received_at": version.received_at,
                "superseded_at": version.superseded_at,
                "withdrawn": bool(version.content.get("withdrawn_at")),
                "changes": _changes(version.content, newer),
            }
        )
        newer = version.content
    return answer


def _content_of(seizure: Seizure) -> dict[str, Any]:
    return {column: getattr(seizure, column) for column in _COMPARED}


_COMPARED = tuple(
    column
    for column in DOWNLOAD_COLUMNS
    if column
    not in ("cen_reference", "version", "source", "source_reference", "received_at", "reported_at", "entered_at")
)


def _changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[dict[str, str]]:
    changes = []
    for column in _COMPARED:
        before, after = _shown(column, older.get(column)), _shown(column, newer.get(column))
        if before != after:
            changes.append({"label": str(DOWNLOAD_COLUMNS[column]), "before": before, "after": after})
    return changes


def _shown(column: str, value: Any) -> str:
    if value in (None, "", []):
        return _("not stated")
    if column in ("quantity", "quantity_normalised", "value"):
        from decimal import Decimal

        return grouped(number_text(Decimal(str(value))))
    return _text_of(column, value)


def _text_of(column: str, value: Any) -> str:
    """Return a stated value in words: names of codes, a place's code with its name."""
    if isinstance(value, list):
        return ", ".join(column_label(column, code) for code in value)
    if column in COLUMN_LISTS:
        return column_label(column, value)
    return place_code_text(value) if column == "place_code" else str(value)
