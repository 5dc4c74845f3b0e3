"""The audit trail on pages: of a group for those who may read it, of accounts for platform administrators.

Reading it is itself an entry. What must not live here: which entries there are (`audit.queries`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

import audit
from accounts.gates import administrator_view
from accounts.models import Officer
from audit.models import Entry
from audit.queries import entries, newest_signature, proof_of
from audit.sealing import TrailBroken
from audit.wording import action_text
from groups.access import Right
from groups.errors import TrailNotSealed
from groups.forms import TrailForm
from groups.gates import member_view
from groups.models import Membership

PAGE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the page shows it. `who` is empty where nobody was signed in."""

    entry: Entry
    who: str
    what: str
    subject: str
    details: Sequence[tuple[str, str]]


@member_view(Right.READ_AUDIT)
@require_safe
def trail(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the trail of one group, newest first."""
    context = _page(request, group=membership.group_id, reader=membership.officer)
    return render(request, "groups/trail.html", {**context, "membership": membership})


@member_view(Right.READ_AUDIT)
@require_safe
def proof(_request: HttpRequest, membership: Membership, entry: int) -> HttpResponse:
    """Give the proof that an entry of this group stands in the signed tree, as a file."""
    return _proof(entry, group=membership.group_id, reader=membership.officer)


@administrator_view
@require_safe
def accounts_trail(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Show what was done to accounts and to the platform: entries that belong to no group."""
    return render(request, "groups/accounts_trail.html", _page(request, group=None, reader=officer))


@administrator_view
@require_safe
def accounts_proof(_request: HttpRequest, officer: Officer, entry: int) -> HttpResponse:
    """Give the proof of an entry that belongs to no group."""
    return _proof(entry, group=None, reader=officer)


def _page(request: HttpRequest, *, group: UUID | None, reader: Officer) -> dict[str, Any]:
    form = TrailForm(request.GET)
    found: list[Entry] = []
    if form.is_valid():
        wanted = entries(form.filters, group=group)
        if form.cleaned_data["before"]:
            wanted = wanted.filter(id__lt=form.cleaned_data["before"])
        found = list(wanted[: PAGE + 1])
        audit.record_now(audit.Action.TRAIL_READ, actor=reader.pk, group=group, filters=form.names_of_filters)
    shown = found[:PAGE]
    newest = newest_signature()
    return {
        "form": form,
        "lines": _lines(shown),
        "older": shown[-1].pk if len(found) > PAGE else None,
        "state": dict(zip(("size", "at", "root"), newest, strict=True)) if newest else None,
        "filtered": bool(form.names_of_filters),
    }


def _lines(shown: Sequence[Entry]) -> list[Line]:
    names = dict(Officer.objects.filter(pk__in={one.actor for one in shown if one.actor}).values_list("pk", "name"))
    return [
        Line(
            entry=one,
            who=names.get(one.actor, str(one.actor)) if one.actor else "",
            what=action_text(one.action),
            subject=one.subject,
            details=[
                (name, _shown(value)) for name, value in sorted(one.details.items()) if value not in (None, "")
            ],
        )
        for one in shown
    ]


def _shown(value: object) -> str:
    """Return a detail as it stands in the entry, which is JSON; words without their quotation marks."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _proof(number: int, *, group: UUID | None, reader: Officer) -> HttpResponse:
    if not Entry.objects.filter(pk=number, group=group).exists():
        raise Http404
    try:
        text = proof_of(number)
    except TrailBroken:
        text = None
    if text is None:
        raise TrailNotSealed
    audit.record_now(audit.Action.TRAIL_PROVEN, actor=reader.pk, group=group, subject=f"entry:{number}")
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="cencomm-audit-{number}.txt"'},
    )
