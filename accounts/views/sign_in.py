"""Signing in, in two steps, and out; the choice of a language."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import translate_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions, queries, web_session
from accounts.forms import SignInCodeForm, SignInForm, tell_refusal
from accounts.middleware import is_verified
from accounts.models import Officer
from problems import Refusal

NEXT = "accounts_next"


@login_not_required
@sensitive_post_parameters("password")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; a right pair leads to the code, and opens nothing else."""
    if is_verified(request):
        return redirect(_next(request, request.GET.get("next", "")))
    form = SignInForm(request.POST or None)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    answer: dict[str, object] = {"form": form, "next": wanted}
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/sign_in.html", answer, status=422 if form.is_bound else 200)
    try:
        officer = actions.check_sign_in(address=web_session.address_of(request), **form.cleaned_data)
    except Refusal as refusal:
        return _refused(request, "accounts/sign_in.html", answer, form, refusal)
    web_session.begin(request, officer)
    request.session[NEXT] = _next(request, wanted)
    return redirect("accounts:code")


@login_not_required
@sensitive_post_parameters("code")
@sensitive_variables("form")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask a session that knows the password for its second factor. It registers none: only an invitation does."""
    if not isinstance(request.user, Officer):
        return redirect("accounts:sign_in")
    if is_verified(request):
        return redirect(_next(request, ""))
    if queries.authenticator(request.user) is None:
        return render(request, "accounts/factor_missing.html", status=403)
    form = SignInCodeForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/code.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        device = actions.prove_factor(request.user, form.cleaned_data["code"])
    except Refusal as refusal:
        return _refused(request, "accounts/code.html", {"form": form}, form, refusal)
    after = request.session.pop(NEXT, "/")
    web_session.complete(request, device)
    return redirect(_next(request, after))


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    web_session.end(request)
    return redirect("accounts:sign_in")


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Change the language: of the account where somebody is signed in, of this browser otherwise."""
    after = _next(request, request.POST.get("next", ""))
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        return redirect(after)
    if isinstance(request.user, Officer):
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


def _next(request: HttpRequest, wanted: str) -> str:
    """Return where to go on, which is never another site."""
    safe = wanted.isprintable() and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def _refused(
    request: HttpRequest, template: str, context: dict[str, object], form: SignInForm | SignInCodeForm, why: Refusal
) -> HttpResponse:
    response = render(request, template, context, status=tell_refusal(form, why))
    if why.retry_after is not None:
        response.headers["Retry-After"] = str(why.retry_after)
    return response
