"""The console: the page, the record of one message (a fragment), and the left pane's figures (JSON)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from groups import phases
from groups.access import Right
from groups.gates import member_view
from groups.models import Membership
from groups.queries import today_utc
from messaging.kinds import Status
from messaging.queries.board import CountryToday, board, last_seen
from messaging.queries.record import record_of
from messaging.views import page_data
from nomenclature.names import country_name
from simplified_forms.fields import Kind
from simplified_forms.queries import form_description, templates_in_force
from vault import KeyDestroyed


@member_view(Right.READ)
@require_GET
@never_cache
def console(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the console of a group. Raises KeyDestroyed for an archived one: there is nothing to show."""
    if not phases.can_be_read(membership):
        raise KeyDestroyed
    counts, countries = board(membership)
    kinds = page_data.kinds_for(membership)
    reports = any(kind["code"] == Kind.SEIZURE and kind["allowed"] for kind in kinds)
    context = {
        "membership": membership,
        "group": membership.group,
        "views": _views(membership, counts),
        "countries": _countries(countries, membership),
        "kinds": [{"code": code, "label": label} for code, label in Kind.choices],
        "statuses": [{"code": code, "label": label} for code, label in Status.choices],
        "writes": any(kind["allowed"] for kind in kinds),
        "closed_text": _closed_text(membership),
        "seizure_url": reverse("messaging:seizure", args=[membership.group_id]) if reports else "",
        "console_data": _console_data(membership, kinds, [country.code for country in countries]),
    }
    return render(request, "messaging/console.html", context)


@member_view(Right.READ)
@require_GET
@never_cache
def figures(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Answer the counts of the views and the states of the countries."""
    counts, countries = board(membership)
    return JsonResponse({"counts": counts, "countries": _countries(countries, membership)})


@member_view(Right.READ)
@require_GET
@never_cache
def record(request: HttpRequest, membership: Membership, message_id: UUID) -> HttpResponse:
    """Show one message as a record, with its thread, its receipts and its history."""
    found = record_of(membership, message_id, language=get_language() or "en")
    context = {"membership": membership, "record": found, "files": page_data.files(found.opened.attachments)}
    return render(request, "messaging/record.html", context)


def _views(membership: Membership, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    views = [
        ("all", _("Everything"), False),
        ("waiting", _("Waiting for us"), True),
        ("open_warnings", _("Open warnings"), False),
        ("overdue", _("Overdue"), True),
        ("seizures", _("Seizures"), False),
        ("validate", _("To validate"), True),
        ("requests", _("Open requests"), False),
        ("coordination", _("Sitreps and bulletins"), False),
    ]
    return [
        {"name": name, "label": label, "urgent": urgent, "count": counts[name]}
        for name, label, urgent in views
        if name != "validate" or page_data.validates(membership)
    ]


def _countries(countries: list[CountryToday], membership: Membership) -> list[dict[str, Any]]:
    language, due = get_language() or "en", phases.reports_due(membership.group)
    texts = {"silent": _("silent"), "nil": _("nil")}
    return [
        {
            "code": country.code,
            "name": country_name(country.code, language),
            "state": country.state,
            "overdue": due and country.state == "silent",
            "text": texts.get(country.state, str(country.messages)),
        }
        for country in countries
    ]


def _closed_text(membership: Membership) -> str:
    if membership.group.phase in phases.READ_ONLY:
        return _("This operation is closed: it can be read, nothing can be sent any more.")
    if not membership.has(Right.POST):
        return _("Your role reads here; it does not write.")
    return _("Nothing can be sent in this phase.")


def _console_data(membership: Membership, kinds: list[dict[str, Any]], countries: list[str]) -> dict[str, Any]:
    """Return everything the scripts need to start."""
    group, language = membership.group, get_language() or "en"
    allowed = {kind["code"] for kind in kinds if kind["allowed"]} - {Kind.SEIZURE.value}
    day = phases.day_of(group, today_utc())
    return {
        "group": {
            **page_data.place(membership, countries=countries, today=day, language=language),
            **page_data.people(membership),
        },
        "me": page_data.me(membership, language=language, last_seen=last_seen(membership)),
        "kinds": kinds,
        "forms": {
            template.kind: form_description(template, language)
            for template in templates_in_force(group)
            if template.kind in allowed
        },
        "views": page_data.view_filters(membership),
        "labels": page_data.labels(membership, language),
        "attachments": page_data.attachments(),
        "urls": page_data.urls(membership),
    }
