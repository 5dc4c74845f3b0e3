"""The situation page: who has reported today, what is open, what was seized and on which routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from groups import phases
from groups.access import Right
from groups.gates import member_view
from groups.models import Membership
from messaging import queries
from messaging.kinds import RULES
from nomenclature.lists import code_list
from nomenclature.names import country_name
from simplified_forms.fields import Kind
from simplified_forms.presentation import number_text, unit_text


@member_view(Right.READ)
@require_GET
@never_cache
def situation(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the situation of a group."""
    language = get_language() or "en"
    found = queries.situation(membership)
    context = {
        "membership": membership,
        "group": membership.group,
        "day": found["day"],
        "coverage": [_coverage_row(row, language) for row in found["coverage"]],
        "reports_due": phases.reports_due(membership.group),
        "silent": sum(row["state"] == "silent" for row in found["coverage"]),
        "questions": [
            {"label": _("Warnings"), **found["questions"]["warning"]},
            {"label": _("Requests"), **found["questions"]["request"]},
        ],
        "seizures": found["seizures"],
        "commodities": [_commodity_row(row, language) for row in found["seizures"]["by_commodity"]],
        "sitrep_url": _sitrep_url(membership),
        "chart_data": _chart_data(found["seizures"], language),
    }
    return render(request, "messaging/situation.html", context)


def _sitrep_url(membership: Membership) -> str:
    """Return where the day's sitrep is written, "" for whoever may not send one now."""
    rule = RULES[Kind.SITREP]
    if not membership.has(rule.right) or not phases.allows(membership.group, rule.act):
        return ""
    return reverse("messaging:console", args=[membership.group_id]) + "#sitrep"


def _coverage_row(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    at = row["last_report_at"]
    return {
        **row,
        "name": country_name(row["country"], language),
        "last_report_at": datetime.fromisoformat(at) if at else None,
    }


def _commodity_row(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    totals = [
        f"{number_text(value, language)} {unit_text(unit, value, language)}"
        for unit, value in row["quantities"].items()
    ]
    group = row["commodity"].partition(".")[0]
    return {
        "label": _label("commodity", row["commodity"], language),
        "group": _label("commodity_group", group, language),
        "cases": row["cases"],
        "totals": " · ".join(totals),
    }


def _label(name: str, code: str, language: str) -> str:
    codes = code_list(name)
    return codes.label(code, language) if code in codes else code


def _chart_data(seizures: Mapping[str, Any], language: str) -> dict[str, Any]:
    groups = sorted({group for day in seizures["by_day"] for group in day["groups"]})
    countries = {flow[end] for flow in seizures["flows"] for end in ("from", "to")}
    return {
        "days": [day["day"] for day in seizures["by_day"]],
        "groups": [
            {
                "name": _label("commodity_group", group, language),
                "cases": [day["groups"].get(group, 0) for day in seizures["by_day"]],
            }
            for group in groups
        ],
        "flows": seizures["flows"],
        "countries": {code: country_name(code, language) for code in sorted(countries)},
        "atlas": static("vendor/world-atlas/countries-110m.json"),
        "centres": static("cencomm/countries.json"),
    }
