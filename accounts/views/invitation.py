"""The way in by an invitation: password, authenticator, recovery codes. No account changes before the last step."""

from __future__ import annotations

from hashlib import sha256

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, queries, web_session
from accounts.challenges import Challenge, Purpose
from accounts.errors import InvitationInvalid, NoSuchObject, PasskeyNeeded
from accounts.forms import CodeForm, NewPasswordForm, PasskeyNameForm, tell_refusal
from accounts.models import AuthenticatorDevice, Invitation
from accounts.passkey_policy import needs_passkey
from accounts.qr import qr_svg
from accounts.views.passkeys import answer_of
from accounts.views.sign_in import tell_news
from problems import Refusal

INVITATION = "accounts_invitation"
PASSWORD_HASH = "accounts_password_hash"  # noqa: S105 - a key of the session, not a password
DEVICE = "accounts_device"


@login_not_required
@require_safe
def accept_invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Open an invitation link. The secret stays out of every further address; a mere look uses nothing up.

    Links are opened from mail and chat on other sites. A browser sends no SameSite=Strict cookie along a redirect
    that began there: those get a page in between, which begins anew here.
    """
    invitation = queries.open_invitation(secret=secret)
    request.session.flush()
    request.session[INVITATION] = str(invitation.pk)
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return render(request, "accounts/invitation_opened.html", {"officer": invitation.officer})
    return redirect("accounts:welcome_password")


@login_not_required
@sensitive_post_parameters("password", "again")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Choose a password. It is kept by its hash in this session, until the second factor is there too."""
    invitation = _invitation(request)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.check_password_quality(form.cleaned_data["password"], invitation.officer)
        except Refusal as refusal:
            tell_refusal(form, refusal)
        else:
            request.session[PASSWORD_HASH] = make_password(form.cleaned_data["password"])
            request.session[DEVICE] = actions.begin_authenticator(invitation.officer).pk
            return redirect("accounts:welcome_authenticator")
    status = 422 if form.errors else 200
    return render(
        request, "accounts/welcome_password.html", {"form": form, "officer": invitation.officer}, status=status
    )


@login_not_required
@sensitive_post_parameters("code")
@sensitive_variables("form", "codes")
@require_http_methods(["GET", "HEAD", "POST"])
def authenticator(request: HttpRequest) -> HttpResponse:
    """Register the authenticator by a code of it; then everything takes effect, and the officer is signed in."""
    invitation = _invitation(request)
    device = queries.new_authenticator(invitation.officer, request.session.get(DEVICE))
    if device is None or PASSWORD_HASH not in request.session:
        return redirect("accounts:welcome_password")
    form = CodeForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            officer, confirmed, codes = actions.accept_invitation(
                invitation.pk,
                password_hash=request.session[PASSWORD_HASH],
                device_id=device.pk,
                code=form.cleaned_data["code"],
            )
        except (InvitationInvalid, NoSuchObject, PasskeyNeeded):
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            web_session.begin(request, officer)
            web_session.complete(request, confirmed)
            tell_news(request)
            return render(request, "accounts/recovery_codes.html", {"codes": codes, "welcome": True})
    return _factor_page(request, invitation, device, form=form, status=status)


@login_not_required
@sensitive_variables("codes")
@require_POST
def passkey(request: HttpRequest) -> HttpResponse:
    """Register a passkey in place of an authenticator; then everything takes effect, as with one."""
    invitation = _invitation(request)
    device = queries.new_authenticator(invitation.officer, request.session.get(DEVICE))
    if device is None or PASSWORD_HASH not in request.session:
        return redirect("accounts:welcome_password")
    try:
        officer, registered, codes = actions.accept_invitation_with_passkey(
            invitation.pk,
            password_hash=request.session[PASSWORD_HASH],
            name=request.POST.get("name", ""),
            state=request.POST.get("state", ""),
            answer=answer_of(request),
            challenge=_challenge(request, invitation),
            origin=web_session.origin_of(request),
        )
    except InvitationInvalid:
        raise
    except Refusal as refusal:
        return _factor_page(request, invitation, device, form=CodeForm(), refused=refusal.detail, status=422)
    web_session.begin(request, officer)
    web_session.complete(request, registered)
    tell_news(request)
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "welcome": True})


def _factor_page(
    request: HttpRequest,
    invitation: Invitation,
    device: AuthenticatorDevice,
    *,
    form: CodeForm,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page of the second factor: a passkey, or an authenticator where the role allows one."""
    officer = invitation.officer
    state, options = actions.offer_registration(
        officer, challenge=_challenge(request, invitation), origin=web_session.origin_of(request)
    )
    provisioning = queries.provisioning(device)
    context = {
        "form": form,
        "name_form": PasskeyNameForm(),
        "state": state,
        "options": options,
        "refused": refused,
        "needs_passkey": needs_passkey(officer),
        "qr": qr_svg(provisioning.uri),
        "secret_text": provisioning.secret_text,
    }
    return render(request, "accounts/welcome_factor.html", context, status=status)


def _challenge(request: HttpRequest, invitation: Invitation) -> Challenge:
    """Bound to this invitation and to the steps of this browser: whoever else opens the link has others."""
    about = sha256(f"{invitation.pk}:{request.session.get(DEVICE)}".encode()).hexdigest()
    return Challenge(Purpose.INVITATION, invitation.officer_id, None, about)


def _invitation(request: HttpRequest) -> Invitation:
    return queries.open_invitation(invitation_id=request.session.get(INVITATION, ""))
