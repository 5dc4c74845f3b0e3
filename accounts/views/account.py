"""The officer's own account: profile, password, second factor, sessions, tokens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions, queries, step_up, web_session
from accounts.forms import ChangePasswordForm, CodeForm, PasskeyNameForm, ProfileForm, TokenForm, tell_refusal
from accounts.passkey_policy import needs_passkey
from accounts.qr import qr_svg
from accounts.step_up import Act
from accounts.web_session import officer_of, session_id_of
from problems import Refusal

NEW_DEVICE = "accounts_new_device"


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the profile; a post changes language and time zone."""
    officer = officer_of(request)
    form = ProfileForm(request.POST or None, initial={"language": officer.language, "time_zone": officer.time_zone})
    if request.method == "POST" and form.is_valid():
        actions.change_profile(officer, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("accounts:account")
    return render(request, "accounts/account.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters("present", "password", "again")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; every other session of the officer ends."""
    officer = officer_of(request)
    form = ChangePasswordForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_password(
                officer,
                present=form.cleaned_data["present"],
                new=form.cleaned_data["password"],
                keep=session_id_of(request),
                address=web_session.address_of(request),
            )
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            web_session.renew(request, officer)
            messages.success(request, _("Your password was changed. Your other sessions have ended."))
            return redirect("accounts:security")
    return render(request, "accounts/password.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD"])
def security(request: HttpRequest) -> HttpResponse:
    """Show the second factors, what is left of the recovery codes, and the live sessions."""
    officer = officer_of(request)
    context = {
        "passkeys": queries.passkeys_of(officer),
        "passkey_form": PasskeyNameForm(),
        "needs_passkey": needs_passkey(officer),
        "authenticator": queries.authenticator(officer),
        "codes_left": queries.recovery_codes_left(officer),
        "sessions": queries.sessions_of(officer),
        "present": session_id_of(request),
        "recovery": queries.open_recovery_of(officer),
    }
    return render(request, "accounts/security.html", context)


@require_POST
def refuse_recovery(request: HttpRequest) -> HttpResponse:
    """End an open recovery of oneself: whoever is here has lost nothing."""
    actions.refuse_recovery(officer_of(request))
    messages.success(request, _("Withdrawn. Nothing has changed."))
    return redirect("accounts:security")


@sensitive_variables("codes")
@require_POST
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make ten new recovery codes after a second factor; the former ones are worth nothing from then on."""
    step_up.require(request, Act.CHANGE_FACTORS, back=reverse("accounts:security"))
    codes = actions.make_recovery_codes(officer_of(request), keep=session_id_of(request))
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "welcome": False})


@require_POST
def replace_authenticator(request: HttpRequest) -> HttpResponse:
    """Begin to register another authenticator (or the first), after a second factor or a recovery code."""
    step_up.require(request, Act.CHANGE_FACTORS, back=reverse("accounts:security"))
    request.session[NEW_DEVICE] = actions.begin_authenticator(officer_of(request)).pk
    return redirect("accounts:new_authenticator")


@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def new_authenticator(request: HttpRequest) -> HttpResponse:
    """Register the other authenticator by a code of it; the former one is worth nothing from then on."""
    officer = officer_of(request)
    device = queries.new_authenticator(officer, request.session.get(NEW_DEVICE))
    if device is None:
        return redirect("accounts:security")
    form = CodeForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.prove_new_authenticator(officer, device.pk, form.cleaned_data["code"])
            confirmed = actions.confirm_authenticator(officer, device.pk, keep=session_id_of(request))
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            del request.session[NEW_DEVICE]
            web_session.adopt_device(request, confirmed)
            messages.success(request, _("The new authenticator is in use. Your other sessions have ended."))
            return redirect("accounts:security")
    provisioning = queries.provisioning(device)
    context = {"form": form, "qr": qr_svg(provisioning.uri), "secret_text": provisioning.secret_text}
    return render(request, "accounts/new_authenticator.html", context, status=status)


@require_POST
def revoke_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """End one of the officer's sessions, after a second factor."""
    queries.own_session(officer_of(request), session_id)
    step_up.require(request, Act.END_SESSIONS, back=reverse("accounts:security"))
    actions.revoke_session(officer_of(request), session_id)
    messages.success(request, _("The session has ended."))
    return redirect("accounts:security")


@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all of the officer's sessions but this one, after a second factor."""
    step_up.require(request, Act.END_SESSIONS, back=reverse("accounts:security"))
    actions.revoke_other_sessions(officer_of(request), keep=session_id_of(request), reason="owner")
    messages.success(request, _("Your other sessions have ended."))
    return redirect("accounts:security")


@sensitive_variables("form", "secret")
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the officer's tokens; a post with a second factor makes one and shows it this once."""
    officer = officer_of(request)
    form = TokenForm(request.POST or None)
    context: dict[str, object] = {"form": form, "tokens": queries.tokens_of(officer), "now": timezone.now()}
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        step_up.require(request, Act.MAKE_TOKEN, back=reverse("accounts:tokens"))
        try:
            token, secret = actions.create_token(
                officer=officer,
                name=values["name"],
                scopes=values["scopes"],
                expires_at=timezone.now() + timedelta(days=int(values["days"])),
            )
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            return render(request, "accounts/token_made.html", {"token": token, "secret": secret})
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End one of the officer's tokens."""
    actions.revoke_token(token_id, officer=officer_of(request))
    messages.success(request, _("The token is revoked."))
    return redirect("accounts:tokens")
