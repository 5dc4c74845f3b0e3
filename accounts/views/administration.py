"""What platform administrators do with accounts. They read no content; nobody else comes in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, belonging, health, queries, step_up
from accounts.errors import NotYourself
from accounts.forms import AdministrationForm, ClientSystemForm, NewOfficerForm, OfficerForm, tell_refusal
from accounts.gates import administrator_view
from accounts.models import Administration, Officer
from accounts.step_up import Act
from problems import Refusal

OFFICERS_PER_PAGE = 50


@require_safe
@administrator_view
def overview(request: HttpRequest, _administrator: Officer) -> HttpResponse:
    """Show how the installation is: its parts, its jobs, its versions."""
    context = {"parts": health.parts(), "jobs": health.jobs(), "versions": health.versions()}
    return render(request, "accounts/health.html", context)


@require_safe
@administrator_view
def administrations(request: HttpRequest, _administrator: Officer) -> HttpResponse:
    """List the administrations."""
    return render(request, "accounts/administrations.html", {"administrations": queries.administrations_counted()})


@require_http_methods(["GET", "HEAD", "POST"])
@administrator_view
def administration(
    request: HttpRequest, administrator: Officer, administration_id: UUID | None = None
) -> HttpResponse:
    """Make an administration, or change one."""
    chosen = queries.administration(administration_id) if administration_id else None
    form = AdministrationForm(request.POST or None, initial=_known(chosen))
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            if chosen:
                actions.change_administration(chosen.pk, actor=administrator, **form.cleaned_data)
            else:
                actions.create_administration(actor=administrator, **form.cleaned_data)
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:administrations")
    return render(request, "accounts/administration.html", {"form": form, "chosen": chosen}, status=status)


def _known(chosen: Administration | None) -> dict[str, Any]:
    if chosen is None:
        return {}
    return {name: getattr(chosen, name) for name in ("country", "name", "kind", "region")}


@require_safe
@administrator_view
def officers(request: HttpRequest, _administrator: Officer) -> HttpResponse:
    """List the officers, by a part of name or e-mail where one is given."""
    search = request.GET.get("q", "").strip()[:100]
    page = Paginator(queries.officers(search=search), OFFICERS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/officers.html", {"page": page, "search": search})


@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@administrator_view
def new_officer(request: HttpRequest, administrator: Officer) -> HttpResponse:
    """Make an officer, and show the invitation link this once."""
    form = NewOfficerForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["is_platform_administrator"]:
            step_up.require(request, Act.NAME_ADMINISTRATOR, back=reverse("accounts:officers"))
        try:
            invitation, secret = actions.invite_officer(actor=administrator, **form.cleaned_data)
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            return _show_link(request, invitation.officer, secret)
    return render(request, "accounts/new_officer.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@administrator_view
def officer(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Show one officer; a post changes what is known of him."""
    chosen = queries.officer(officer_id)
    names = ("name", "administration", "language", "time_zone", "is_platform_administrator")
    form = OfficerForm(request.POST or None, initial={name: getattr(chosen, name) for name in names})
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["is_platform_administrator"] != chosen.is_platform_administrator:
            step_up.require(request, Act.NAME_ADMINISTRATOR, back=request.path)
        try:
            actions.change_officer(chosen.pk, actor=administrator, **form.cleaned_data)
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:officer", officer_id=chosen.pk)
    reset = queries.reset_of(chosen.pk)
    context = {
        "form": form,
        "chosen": chosen,
        "sessions": queries.sessions_of(chosen),
        "reset": reset,
        "by_coordinator": belonging.has_coordinators(chosen),
        "drawn_by_me": reset is not None and administrator.pk in {reset.opened_by_id, reset.confirmed_by_id},
        "opened_by_me": reset is not None and administrator.pk == reset.opened_by_id,
    }
    return render(request, "accounts/officer.html", context, status=status)


@require_POST
@administrator_view
def deactivate_officer(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Shut an account, after a second factor."""
    chosen = queries.officer(officer_id)
    if chosen.pk == administrator.pk:
        raise NotYourself
    step_up.require(request, Act.SHUT_ACCOUNT, back=reverse("accounts:officer", args=[chosen.pk]))
    actions.deactivate_officer(chosen.pk, actor=administrator)
    messages.success(request, _("The account is shut; its sessions and tokens have ended."))
    return redirect("accounts:officer", officer_id=officer_id)


@require_POST
@administrator_view
def activate_officer(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Open a shut account again, after a second factor."""
    chosen = queries.officer(officer_id)
    step_up.require(request, Act.SHUT_ACCOUNT, back=reverse("accounts:officer", args=[chosen.pk]))
    actions.activate_officer(chosen.pk, actor=administrator)
    messages.success(request, _("The account is open again."))
    return redirect("accounts:officer", officer_id=officer_id)


@require_POST
@administrator_view
def reset_officer(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Say that an officer lost every way to sign in; somebody else has to agree."""
    chosen = _to_reset(request, officer_id)
    actions.open_reset(chosen.pk, actor=administrator)
    messages.success(request, _("Now somebody else has to confirm it. Until then nothing changes."))
    return redirect("accounts:officer", officer_id=chosen.pk)


@require_POST
@administrator_view
def confirm_reset(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Agree, as another administrator, to what one has opened."""
    chosen = _to_reset(request, officer_id)
    actions.confirm_reset(chosen.pk, actor=administrator)
    messages.success(request, _("Confirmed. The old factors and sessions are gone; the link can be drawn."))
    return redirect("accounts:officer", officer_id=chosen.pk)


@sensitive_variables("secret")
@require_POST
@administrator_view
def draw_reset(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Draw the link of what two people agreed to; it is shown this once."""
    chosen = _to_reset(request, officer_id)
    invitation, secret = actions.draw_reset(chosen.pk, actor=administrator)
    return _show_link(request, invitation.officer, secret)


@require_POST
@administrator_view
def withdraw_reset(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """End an open reset."""
    actions.withdraw_reset(queries.officer(officer_id).pk, actor=administrator)
    messages.success(request, _("Withdrawn. Nothing has changed for the officer."))
    return redirect("accounts:officer", officer_id=officer_id)


def _to_reset(request: HttpRequest, officer_id: UUID) -> Officer:
    chosen = queries.officer(officer_id)
    step_up.require(request, Act.RECOVER, back=reverse("accounts:officer", args=[officer_id]))
    return chosen


@sensitive_variables("secret")
@require_POST
@administrator_view
def renew_invitation(request: HttpRequest, administrator: Officer, officer_id: UUID) -> HttpResponse:
    """Invite an officer again who never opened the account; the link is shown this once."""
    chosen = queries.officer(officer_id)
    # Whoever has the link becomes that officer: an administrator, perhaps, or a coordinator.
    step_up.require(request, Act.RECOVER, back=reverse("accounts:officer", args=[chosen.pk]))
    invitation, secret = actions.invite_again(chosen, actor=administrator)
    return _show_link(request, invitation.officer, secret)


def _show_link(request: HttpRequest, invited: Officer, secret: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("accounts:accept_invitation", kwargs={"secret": secret}))
    return render(request, "accounts/invitation_made.html", {"invited": invited, "link": link})


@require_safe
@administrator_view
def invitations(request: HttpRequest, _administrator: Officer) -> HttpResponse:
    """List the invitations, the newest first."""
    page = Paginator(queries.invitations(), OFFICERS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/invitations.html", {"page": page, "now": timezone.now()})


@require_POST
@administrator_view
def withdraw_invitation(request: HttpRequest, administrator: Officer, invitation_id: UUID) -> HttpResponse:
    """Make an open invitation useless."""
    actions.withdraw_invitation(invitation_id, actor=administrator)
    messages.success(request, _("The invitation is withdrawn."))
    return redirect("accounts:invitations")


@sensitive_variables("form", "secret")
@require_http_methods(["GET", "HEAD", "POST"])
@administrator_view
def client_systems(request: HttpRequest, administrator: Officer) -> HttpResponse:
    """List the tokens of client systems of CEN; a post with a second factor makes one and shows it this once."""
    form = ClientSystemForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        step_up.require(request, Act.MAKE_TOKEN, back=reverse("accounts:client_systems"))
        try:
            token, secret = actions.create_token(
                client_system=values["client_system"],
                name=values["name"],
                scopes=values["scopes"],
                expires_at=timezone.now() + timedelta(days=int(values["days"])),
                actor=administrator,
            )
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            context = {"token": token, "secret": secret, "of_system": True}
            return render(request, "accounts/token_made.html", context)
    context = {"form": form, "tokens": queries.client_system_tokens(), "now": timezone.now()}
    return render(request, "accounts/client_systems.html", context, status=status)


@require_POST
@administrator_view
def revoke_client_token(request: HttpRequest, administrator: Officer, token_id: UUID) -> HttpResponse:
    """End a token of a client system."""
    actions.revoke_token(token_id, officer=administrator)
    messages.success(request, _("The token is revoked."))
    return redirect("accounts:client_systems")
