"""The page on which a seizure is reported in under a minute, on a phone, also without a network."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from groups import phases
from groups.access import Right
from groups.gates import member_view
from groups.models import Membership
from groups.queries import country_codes, today_utc
from messaging.errors import MessageUnknown
from messaging.presentation import message_json
from messaging.queries.board import last_seen
from messaging.queries.record import message_of_kind, standing_warnings
from messaging.views import page_data
from simplified_forms.fields import Kind
from simplified_forms.queries import form_description, template_in_force

WARNINGS = 60  # the newest, offered for choice
# What is said of a message beside its form: the page has no fields for it, and a correction keeps it.
ENVELOPE = ("priority", "handling", "grading", "addressed_to", "acknowledge", "in_reply_to")


@member_view(Right.POST_SEIZURE)
@require_GET
@never_cache
def seizure(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the form; `?warning=` starts it from a warning, `?supersedes=` corrects a seizure.

    Raises OperationClosed or PhaseForbids when nothing can be sent, MessageUnknown for a message of elsewhere.
    """
    phases.permits(membership.group, phases.PhaseAct.POST)
    language = get_language() or "en"
    warning = _start_from(membership, request.GET.get("warning"), Kind.WARNING)
    corrected = _start_from(membership, request.GET.get("supersedes"), Kind.SEIZURE)
    day = phases.day_of(membership.group, today_utc())
    data = {
        "group": page_data.place(membership, countries=country_codes(membership), today=day, language=language),
        "me": page_data.me(membership, language=language, last_seen=last_seen(membership)),
        "form": form_description(template_in_force(membership.group, Kind.SEIZURE), language),
        "today": today_utc().isoformat(),
        "warning": warning,
        "corrected": corrected,
        "warnings": [
            {"code": str(told.message.pk), "label": f"{told.message.reference} {told.subject}"}
            for told in standing_warnings(membership, limit=WARNINGS)
        ],
        "labels": page_data.labels(membership, language),
        "attachments": page_data.attachments(),
        "urls": page_data.urls(membership),
    }
    context = {
        "membership": membership,
        "group": membership.group,
        "warning": warning,
        "corrected": corrected,
        "seizure_data": data,
    }
    return render(request, "messaging/seizure.html", context)


def _start_from(membership: Membership, given: str | None, kind: Kind) -> dict[str, Any] | None:
    if not given:
        return None
    try:
        message_id = UUID(given)
    except ValueError:
        raise MessageUnknown from None
    told = message_json(message_of_kind(membership, message_id, kind=kind.value))
    return {
        **{name: told[name] for name in ("id", "reference", "subject", "body", "attachments")},
        "envelope": {name: told[name] for name in ENVELOPE},
    }
