"""Signing in, in two steps, and out; the choice of a language."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import translate_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST
from django_otp.models import Device

from accounts import actions, queries, web_session
from accounts.challenges import Challenge, Purpose
from accounts.errors import SignInOvertaken
from accounts.forms import SignInCodeForm, SignInForm, tell_refusal
from accounts.middleware import is_verified
from accounts.models import Officer
from accounts.passkey_policy import needs_passkey
from accounts.web_session import may_register_first_passkey
from problems import Refusal

NEXT = "accounts_next"


@login_not_required
@sensitive_post_parameters("password")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; a right pair leads to the code, and opens nothing else."""
    if is_verified(request):
        return redirect(next_page(request, request.GET.get("next", "")))
    form = SignInForm(request.POST or None)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    answer: dict[str, object] = {"form": form, "next": wanted}
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/sign_in.html", answer, status=422 if form.is_bound else 200)
    try:
        officer = actions.check_sign_in(address=web_session.address_of(request), **form.cleaned_data)
    except Refusal as refusal:
        response = render(request, "accounts/sign_in.html", answer, status=tell_refusal(form, refusal))
        return told_to_wait(response, refusal)
    web_session.begin(request, officer)
    request.session[NEXT] = next_page(request, wanted)
    return redirect("accounts:code")


@login_not_required
@sensitive_post_parameters("code")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask a session that knows the password for its second factor. It registers none: only an invitation does."""
    if not isinstance(request.user, Officer):
        return redirect("accounts:sign_in")
    if is_verified(request) or may_register_first_passkey(request):
        return redirect(next_page(request, "") if is_verified(request) else "accounts:first_passkey")
    if not actions.has_factor(request.user):
        return render(request, "accounts/factor_missing.html", status=403)
    form = SignInCodeForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return code_page(request, form, status=422 if form.is_bound else 200)
    return _prove(request, request.user, form)


def _prove(request: HttpRequest, officer: Officer, form: SignInCodeForm) -> HttpResponse:
    by_authenticator = not (needs_passkey(officer) and queries.passkeys_of(officer).exists())
    try:
        device = actions.prove_factor(officer, form.cleaned_data["code"], by_authenticator=by_authenticator)
    except Refusal as refusal:
        return told_to_wait(code_page(request, form, status=tell_refusal(form, refusal)), refusal)
    return go_on(request, device)


def go_on(request: HttpRequest, device: Device) -> HttpResponse:
    """Raise the session and lead on: where the officer wanted to go, or to the passkey that the role asks for.

    Where the account changed meanwhile, to the beginning.
    """
    try:
        verified = web_session.complete(request, device)
    except SignInOvertaken as refusal:
        return sign_in_page(request, refusal)
    if not verified:
        return redirect("accounts:first_passkey")
    tell_news(request)
    return redirect(next_page(request, request.session.pop(NEXT, "/")))


def tell_news(request: HttpRequest) -> None:
    """Say on the next page what others did to this officer's ways to sign in since the sign-in before this one."""
    present, officer = web_session.session_of(request), web_session.officer_of(request)
    if present is None:
        return
    before = queries.sign_in_before(officer, present.pk)
    for one in queries.recoveries_since(officer, before):
        if one.confirmed_by:
            names = {"one": one.opened_by.name, "other": one.confirmed_by.name}
            messages.warning(request, _("%(one)s and %(other)s have let you in anew.") % names)
        else:
            text = _("%(name)s said that you have lost your ways to sign in. See Account, Security.")
            messages.warning(request, text % {"name": one.opened_by.name})


def code_page(request: HttpRequest, form: SignInCodeForm, *, refused: str = "", status: int) -> HttpResponse:
    """The page of the second step; with a passkey's options where the officer has one."""
    officer = web_session.officer_of(request)
    context: dict[str, object] = {
        "form": form,
        "authenticator": queries.authenticator(officer),
        "refused": refused,
    }
    if queries.passkeys_of(officer).exists():
        form.fields["code"].widget.attrs.pop("autofocus", None)  # the passkey's button comes first
        challenge = second_factor_challenge(request)
        state, options = actions.offer_proof(officer, challenge=challenge, origin=web_session.origin_of(request))
        context |= {"state": state, "options": options, "needs_passkey": needs_passkey(officer)}
    return render(request, "accounts/code.html", context, status=status)


def second_factor_challenge(request: HttpRequest) -> Challenge:
    """Return what this session is asked for after the password."""
    officer = web_session.officer_of(request)
    return Challenge(Purpose.SECOND_FACTOR, officer.pk, web_session.session_id_of(request))


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    web_session.end(request)
    return redirect("accounts:sign_in")


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Change the language: of this browser, and of the account of whoever has shown both factors."""
    after = next_page(request, request.POST.get("next", ""))
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        return redirect(after)
    if isinstance(request.user, Officer) and is_verified(request):
        actions.change_profile(request.user, language=language, time_zone=request.user.time_zone)
    response = redirect(translate_url(after, language))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def next_page(request: HttpRequest, wanted: str) -> str:
    """Return where to go on, which is never another site."""
    safe = wanted.isprintable() and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def sign_in_page(request: HttpRequest, refusal: Refusal, wanted: str = "") -> HttpResponse:
    """Return the page of the first step, and why what came before was refused."""
    context = {"form": SignInForm(), "next": wanted, "refused": refusal.detail}
    status = 422 if refusal.status == 401 else refusal.status
    return told_to_wait(render(request, "accounts/sign_in.html", context, status=status), refusal)


def told_to_wait(response: HttpResponse, refusal: Refusal) -> HttpResponse:
    """Return the page of a refusal with the seconds to wait, where it names some."""
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
