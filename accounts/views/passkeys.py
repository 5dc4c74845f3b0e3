"""Passkeys: signing in with one, registering, removing, and the challenge of an act that a page asks for."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions, challenges, step_up, web_session
from accounts.challenges import Challenge, Purpose
from accounts.errors import ChallengeExpired, WrongPasskey
from accounts.forms import PasskeyNameForm, SignInCodeForm, tell_refusal
from accounts.middleware import is_verified
from accounts.models import Officer
from accounts.step_up import Act
from accounts.views.sign_in import NEXT, code_page, go_on, next_page, second_factor_challenge, sign_in_page
from accounts.web_session import may_register_first_passkey, officer_of, origin_of, session_id_of, session_of
from problems import Refusal

ANYBODY = Challenge(Purpose.SIGN_IN)
LONGEST_ANSWER = 64 * 1024


@login_not_required
@require_POST
def sign_in_challenge(request: HttpRequest) -> HttpResponse:
    """Tell a fresh challenge for signing in; it names nobody, and nothing is kept of it."""
    state, options = actions.offer_proof(None, challenge=ANYBODY, origin=origin_of(request))
    return JsonResponse({"state": state, "options": options})


@login_not_required
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey alone: it is what the officer has, and it has verified who holds it."""
    if is_verified(request):
        return redirect(next_page(request, request.POST.get("next", "")))
    wanted = request.POST.get("next", "")
    try:
        passkey = actions.check_passkey_sign_in(
            state=request.POST.get("state", ""),
            answer=answer_of(request),
            challenge=ANYBODY,
            origin=origin_of(request),
            address=web_session.address_of(request),
        )
    except Refusal as refusal:
        return sign_in_page(request, refusal, wanted)
    web_session.begin(request, passkey.user)
    request.session[NEXT] = next_page(request, wanted)
    return go_on(request, passkey)


@login_not_required
@require_POST
def second_factor(request: HttpRequest) -> HttpResponse:
    """Show a passkey after the password."""
    if not isinstance(request.user, Officer) or session_of(request) is None:
        return redirect("accounts:sign_in")
    if is_verified(request):
        return redirect(next_page(request, ""))
    try:
        passkey = actions.prove_passkey(
            request.user,
            state=request.POST.get("state", ""),
            answer=answer_of(request),
            challenge=second_factor_challenge(request),
            origin=origin_of(request),
        )
    except Refusal as refusal:
        form = SignInCodeForm()
        return code_page(request, form, refused=refusal.detail, status=422)
    return go_on(request, passkey)


@require_POST
def step_up_challenge(request: HttpRequest) -> HttpResponse:
    """Tell a fresh challenge for the act that a page asks about: its minute begins when the button is pressed."""
    officer, session = officer_of(request), session_of(request)
    if session is None:
        raise ChallengeExpired
    state = challenges.renewed(request.POST.get("state", ""), officer=officer.pk, session=session.pk)
    told = step_up.offer(officer, state, act=None, origin=origin_of(request))
    return JsonResponse({"state": state, "options": told["passkey"]})


@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Begin to register a passkey, after a second factor: the page asks the browser for it."""
    form = PasskeyNameForm(request.POST)
    if not form.is_valid():
        return redirect("accounts:security")
    step_up.require(request, Act.CHANGE_FACTORS, back=reverse("accounts:security"))
    return _registration_page(request, form.cleaned_data["name"])


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the browser made. Its challenge was told to this session after a second factor."""
    officer = officer_of(request)
    form = PasskeyNameForm(request.POST)
    name = form.cleaned_data["name"] if form.is_valid() else ""
    try:
        actions.register_passkey(officer, name=name, **_told(request, _registration(request)))
    except ChallengeExpired:
        raise
    except Refusal as refusal:
        return _registration_page(request, name, refused=refusal.detail, status=422)
    messages.success(request, _("The passkey is registered."))
    return redirect("accounts:security")


def _registration(request: HttpRequest) -> Challenge:
    return Challenge(Purpose.REGISTER, officer_of(request).pk, session_id_of(request))


def _registration_page(request: HttpRequest, name: str, *, refused: str = "", status: int = 200) -> HttpResponse:
    state, options = actions.offer_registration(
        officer_of(request), challenge=_registration(request), origin=origin_of(request)
    )
    context = {"name": name, "state": state, "options": options, "refused": refused}
    return render(request, "accounts/new_passkey.html", context, status=status)


@require_POST
def remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Take a passkey away, after a second factor; never the last factor."""
    step_up.require(request, Act.CHANGE_FACTORS, back=reverse("accounts:security"))
    actions.remove_passkey(officer_of(request), passkey_id, keep=session_id_of(request))
    web_session.adopt_factor(request)
    messages.success(request, _("The passkey was removed. Your other sessions have ended."))
    return redirect("accounts:security")


@require_POST
def remove_authenticator(request: HttpRequest) -> HttpResponse:
    """Take the authenticator away, after a second factor, where a passkey stays."""
    step_up.require(request, Act.CHANGE_FACTORS, back=reverse("accounts:security"))
    actions.remove_authenticator(officer_of(request), keep=session_id_of(request))
    web_session.adopt_factor(request)
    messages.success(request, _("The authenticator was removed. Your other sessions have ended."))
    return redirect("accounts:security")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def first(request: HttpRequest) -> HttpResponse:
    """Register the passkey that the role asks for, right after another factor was shown; then everything opens."""
    if not isinstance(request.user, Officer):
        return redirect("accounts:sign_in")
    if not may_register_first_passkey(request):
        return redirect("accounts:code")
    form, refused, status = PasskeyNameForm(request.POST or None), "", 200
    if request.method == "POST" and form.is_valid():
        try:
            passkey = actions.register_passkey(
                request.user, name=form.cleaned_data["name"], **_told(request, _registration(request))
            )
        except Refusal as refusal:
            refused, status = refusal.detail, tell_refusal(form, refusal)
        else:
            messages.success(request, _("The passkey is registered. From now on you sign in with it."))
            return go_on(request, passkey)
    state, options = actions.offer_registration(
        request.user, challenge=_registration(request), origin=origin_of(request)
    )
    context = {"form": form, "state": state, "options": options, "refused": refused}
    return render(request, "accounts/first_passkey.html", context, status=status)


def _told(request: HttpRequest, challenge: Challenge) -> dict[str, Any]:
    return {
        "state": request.POST.get("state", ""),
        "answer": answer_of(request),
        "challenge": challenge,
        "origin": origin_of(request),
    }


def answer_of(request: HttpRequest) -> dict[str, Any]:
    """Return what the browser's passkey said. Raises WrongPasskey for what is no answer at all."""
    text = request.POST.get("answer", "")
    try:
        found = json.loads(text) if len(text) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WrongPasskey
    return found
