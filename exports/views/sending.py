"""Confirming a transfer, watching it, reading receipts, running a refused one again, comparing both sides."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import step_up
from accounts.step_up import Act
from exports import actions, queries
from exports.errors import NothingToTransfer, RecordChanged
from exports.presentation import column_label, reason_text, record_lines
from groups.access import Right
from groups.gates import member_view
from groups.models import Membership

SHOWN = 200


def _chosen(request: HttpRequest, name: str) -> list[UUID]:
    chosen = []
    for text in request.POST.getlist(name)[:20_000]:
        try:
            chosen.append(UUID(text))
        except ValueError:
            continue
    return chosen


def _transfer_url(membership: Membership) -> str:
    return reverse("exports:transfer", kwargs={"group_id": membership.group_id})


@require_POST
@member_view(Right.TRANSFER)
def confirm(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the exact records of what was chosen (or of all that is ready), to be confirmed."""
    chosen = None if "all" in request.POST else _chosen(request, "message")
    rows = queries.review_of(membership, only=chosen).ready
    if not rows:
        raise NothingToTransfer
    language = get_language() or "en"
    shown = [(row, [record_lines(record, language) for record in row.records]) for row in rows[:SHOWN]]
    context = {
        "membership": membership,
        "rows": rows,
        "shown": shown,
        "records": sum(len(row.records) for row in rows),
        "more": max(0, len(rows) - SHOWN),
    }
    return render(request, "exports/confirm.html", context)


@require_POST
@member_view(Right.TRANSFER)
def start(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Put the confirmed records into the queue; each came with the digest of what was shown."""
    confirmed: dict[UUID, str] = {}
    for pair in request.POST.getlist("confirmed")[:20_000]:
        message, _colon, digest = pair.partition(":")
        try:
            confirmed[UUID(message)] = digest
        except ValueError:
            raise RecordChanged from None
    step_up.require(request, Act.TRANSFER, back=_transfer_url(membership))
    batch = actions.start_transfer(membership, confirmed=confirmed)
    return redirect("exports:batch", membership.group_id, batch.pk)


@require_GET
@member_view(Right.SEE_TRANSFERS)
def batch(request: HttpRequest, membership: Membership, batch_id: UUID) -> HttpResponse:
    """Show the progress and receipts of one batch; the page asks for its progress while rows wait."""
    found = queries.batch_of(membership, batch_id)
    progress = queries.progress_of(found)
    transfers = list(found.transfers.order_by("state", "source_reference")[:500])
    context = {
        "membership": membership,
        "batch": found,
        "progress": progress,
        "done": progress["accepted"] + progress["refused"],
        "transfers": [
            {
                "transfer": transfer,
                "reason": reason_text(transfer.reason_code),
                "fields": [(column_label(name), reason_text(code)) for name, code in transfer.reason_fields],
            }
            for transfer in transfers
        ],
        "may_transfer": membership.has(Right.TRANSFER),
    }
    template = "exports/batch.html#progress" if request.headers.get("HX-Request") else "exports/batch.html"
    return render(request, template, context)


@require_POST
@member_view(Right.TRANSFER)
def again(request: HttpRequest, membership: Membership, transfer_id: UUID) -> HttpResponse:
    """Send one refused record again."""
    step_up.require(request, Act.TRANSFER, back=_transfer_url(membership))
    batch = actions.retry_refused(membership, transfer_id=transfer_id)
    return redirect("exports:batch", membership.group_id, batch.pk)


@require_POST
@member_view(Right.TRANSFER)
def automatic(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Switch the daily transfer on or off."""
    on = request.POST.get("on") == "yes"
    if on:
        step_up.require(request, Act.TRANSFER, back=_transfer_url(membership))
    actions.set_automatic(membership, on=on)
    text = _("The daily transfer is on.") if on else _("The daily transfer is off.")
    messages.success(request, text)
    return redirect("exports:transfer", membership.group_id)


@require_GET
@member_view(Right.SEE_TRANSFERS)
def reconciliation(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Compare what was sent with what CEN holds: equal, or which ones differ."""
    context = {"membership": membership, "result": queries.reconciliation_of(membership)}
    return render(request, "exports/reconciliation.html", context)
