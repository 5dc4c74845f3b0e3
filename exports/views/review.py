"""What is ready for CEN, what blocks a row and how to mend it, and the exact record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from exports import actions, queries
from exports.errors import UnknownTransfer
from exports.models import Resolution, Transfer
from exports.presentation import column_label, reason_text, record_lines
from exports.queries import Outline
from exports.review import Row
from groups import phases
from groups.access import Right
from groups.gates import member_view
from groups.models import Membership
from groups.phases import PhaseAct

PAGE = 50
TABS = ("ready", "blocked", "not_validated", "sent")


@require_GET
@member_view(Right.SEE_TRANSFERS)
def transfer(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show one tab of the review; `show` names it."""
    show = request.GET.get("show", "ready")
    show = show if show in TABS else "ready"
    outline = queries.outline_of(membership)
    listed: list[Any] = _sent_rows(membership) if show == "sent" else _listed(outline, show)
    page = Paginator(listed, PAGE).get_page(request.GET.get("page"))
    context = {
        "membership": membership,
        "show": show,
        "tabs": _tabs(outline, show),
        "page": page,
        "rows": page.object_list if show == "sent" else _rows(membership, list(page.object_list), show),
        "ready": len(outline.ready),
        "may_transfer": _may(membership),
        "batches": queries.batches_of(membership, limit=5),
        "automatic": queries.automatic_of(membership),
    }
    return render(request, "exports/transfer.html", context)


def _may(membership: Membership) -> bool:
    return membership.has(Right.TRANSFER) and phases.allows(membership.group, PhaseAct.TRANSFER)


def _tabs(outline: Outline, show: str) -> list[dict[str, Any]]:
    counts = {
        "ready": (_("Ready"), len(outline.ready)),
        "blocked": (_("Blocked"), len(outline.blocked)),
        "not_validated": (_("Not validated yet"), len(outline.not_validated)),
        "sent": (pgettext("seizures", "Sent"), sum(outline.sent.values())),
    }
    return [
        {"name": name, "label": label, "count": count, "current": name == show}
        for name, (label, count) in counts.items()
    ]


def _listed(outline: Outline, show: str) -> list[UUID]:
    messages: list[UUID] = getattr(outline, show)
    return messages + outline.set_aside if show == "blocked" else messages


def _rows(membership: Membership, messages: Sequence[UUID], show: str) -> list[dict[str, Any]]:
    """Open the rows of one page; what has moved elsewhere meanwhile is left out."""
    review = queries.review_of(membership, only=messages)
    rows: list[Row] = getattr(review, show)
    if show == "blocked":
        rows = rows + review.set_aside
    aside = {row.message for row in review.set_aside}
    return [{"row": row, "aside": row.message in aside, "blockers": _blockers(row)} for row in rows]


def _blockers(row: Row) -> list[dict[str, Any]]:
    kinds = Resolution.Kind
    answers = {
        "nominal": [(kinds.NOT_NOMINAL, _("Not nominal"))],
        "duplicate": [(kinds.NOT_DUPLICATE, _("Another seizure")), (kinds.DUPLICATE, _("The same: do not send"))],
    }
    return [
        {"blocker": blocker, "where": column_label(blocker.where), "answers": answers.get(blocker.kind, [])}
        for blocker in row.blockers
    ]


def _sent_rows(membership: Membership) -> list[dict[str, Any]]:
    return [
        {
            "transfer": transfer,
            "reason": reason_text(transfer.reason_code),
            "fields": [(column_label(name), reason_text(code)) for name, code in transfer.reason_fields],
            "refused": transfer.state == Transfer.State.REFUSED,
        }
        for transfer in queries.transfers_of(membership, limit=2000)
    ]


@require_GET
@member_view(Right.SEE_TRANSFERS)
def record(request: HttpRequest, membership: Membership, message_id: UUID) -> HttpResponse:
    """Show the exact records that CEN would get for one seizure."""
    rows = queries.rows_to_send(membership, [message_id])
    if not rows:
        raise UnknownTransfer
    language = get_language() or "en"
    context = {
        "membership": membership,
        "row": rows[0],
        "records": [record_lines(one, language) for one in rows[0].records],
    }
    template = "exports/record.html#records" if request.headers.get("HX-Request") else "exports/record.html"
    return render(request, template, context)


@require_POST
@member_view(Right.TRANSFER)
def resolve(request: HttpRequest, membership: Membership, message_id: UUID) -> HttpResponse:
    """Decide on what blocks one seizure, then show the blocked ones again."""
    kind, about = request.POST.get("kind", ""), request.POST.get("about", "")
    if kind in Resolution.Kind.values:
        actions.resolve(membership, message_id=message_id, kind=kind, about=about)
    response = redirect("exports:transfer", membership.group_id)
    response["Location"] += "?show=blocked"
    return response
