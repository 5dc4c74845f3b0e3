"""Lost second factors: a contact point and a coordinator let a member in anew, together."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from accounts import step_up
from accounts.step_up import Act
from groups import actions, presentation
from groups.access import Right
from groups.forms import RecoveryForm
from groups.gates import member_view
from groups.models import Membership


@member_view(Right.RECOVER)
@require_safe
def recoveries(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show what is open, what waits for its link, and a form to open another."""
    return _page(request, membership, RecoveryForm(membership=membership))


@member_view(Right.RECOVER)
@require_POST
def open_recovery(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Say that a member lost every second factor."""
    form = RecoveryForm(request.POST, membership=membership)
    if not form.is_valid():
        return _page(request, membership, form, status=422)
    step_up.require(request, Act.RECOVER, back=_url(membership))
    actions.open_recovery(membership, member_id=form.cleaned_data["member"])
    messages.success(request, _("Now the other side has to confirm it. Until then nothing changes."))
    return redirect(_url(membership))


@member_view(Right.RECOVER)
@require_POST
def confirm_recovery(request: HttpRequest, membership: Membership, recovery_id: UUID) -> HttpResponse:
    """Agree from the other side."""
    step_up.require(request, Act.RECOVER, back=_url(membership))
    actions.confirm_recovery(membership, recovery_id=recovery_id)
    messages.success(
        request, _("Confirmed. The old factors and sessions are gone; the contact point draws the link.")
    )
    return redirect(_url(membership))


@sensitive_variables("secret")
@member_view(Right.RECOVER)
@require_POST
def draw_recovery(request: HttpRequest, membership: Membership, recovery_id: UUID) -> HttpResponse:
    """Draw the link; it is shown in this one answer."""
    step_up.require(request, Act.RECOVER, back=_url(membership))
    recovery, _invitation, secret = actions.draw_recovery(membership, recovery_id=recovery_id)
    context = {
        "membership": membership,
        "invited": recovery.officer,
        "link": request.build_absolute_uri(reverse("accounts:accept_invitation", kwargs={"secret": secret})),
    }
    return render(request, "groups/invited.html", context)


@member_view(Right.RECOVER)
@require_POST
def withdraw_recovery(request: HttpRequest, membership: Membership, recovery_id: UUID) -> HttpResponse:
    """End an open recovery."""
    actions.withdraw_recovery(membership, recovery_id=recovery_id)
    messages.success(request, _("Withdrawn. Nothing has changed for the officer."))
    return redirect(_url(membership))


def _page(request: HttpRequest, membership: Membership, form: RecoveryForm, *, status: int = 200) -> HttpResponse:
    context = {"membership": membership, "form": form, "lines": presentation.recovery_lines(membership)}
    return render(request, "groups/recovery.html", context, status=status)


def _url(membership: Membership) -> str:
    return reverse("groups:recoveries", kwargs={"group_id": membership.group_id})
