"""What every request passes: is its session still live, in which language, and has the second factor been shown.

Pages only. The API decides in `api_auth.signed_in`, which every one of its operations has; sockets decide in
`socket_auth.identities_of`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from accounts import actions, queries, step_up
from accounts.errors import StepUpRefused, StepUpRequired
from accounts.forms import StepUpForm
from accounts.models import Officer
from accounts.web_session import OFFICER_SESSION, session_of

Handler = Callable[[HttpRequest], HttpResponse]
# What a page asks by itself while nobody sits there (static/cencomm/attendance.js) is no use of the session.
UNATTENDED = "X-Unattended"


class OfficerSessionMiddleware:
    """A session that was revoked, lay idle too long or is past its end signs nobody in any more."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        setattr(request, OFFICER_SESSION, None)
        if SESSION_KEY in request.session:
            self._check(request)
        return self.get_response(request)

    def _check(self, request: HttpRequest) -> None:
        row = queries.session_of_key(request.session.session_key)
        now = timezone.now()
        if row is None or not row.officer.is_active or not row.is_live(now):
            request.session.flush()
            request.user = AnonymousUser()
            return
        if UNATTENDED not in request.headers:
            actions.see_session(row, now=now)
        setattr(request, OFFICER_SESSION, row)


class OfficerLocaleMiddleware:
    """The officer's own language and time zone; before both factors, what the browser asks for, and UTC."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        row = session_of(request)
        if row is not None and row.verified:
            language = row.officer.language
            activate_time_zone(row.officer.time_zone)
        else:
            language = translation.get_language_from_request(request)
            timezone.deactivate()
        translation.activate(language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE)
        request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


class SecondFactorRequiredMiddleware(LoginRequiredMiddleware):
    """Every page asks for a sign-in with a second factor, but those marked @login_not_required."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if match is not None and "api" in match.namespaces:
            return None
        refused = super().process_view(request, view_func, view_args, view_kwargs)
        if refused is not None or not getattr(view_func, "login_required", True):
            return refused
        return None if is_verified(request) else redirect("accounts:code")


class StepUpMiddleware:
    """Where an act asks for a second factor of its own, people get a page that asks, and sends the act again.

    Programs get the problem document that every refusal is (cencomm.middleware).
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StepUpRequired) or "text/html" not in request.headers.get(
            "Accept", "text/html"
        ):
            return None
        repeated = [(name, value) for name, values in request.POST.lists() for value in values]
        context = {
            "step_up": exception.step_up,
            "text": step_up.ACT_TEXT[step_up.Act(exception.step_up["act"])],
            "refused": exception.detail if isinstance(exception, StepUpRefused) else "",
            "repeated": [pair for pair in repeated if pair[0] not in step_up.NOT_PART_OF_IT],
            "form": StepUpForm(),
            "with_password": exception.step_up["act"] in step_up.WITH_PASSWORD,
            "back": exception.back,
        }
        return render(request, "accounts/step_up.html", context, status=exception.status)


def is_verified(request: HttpRequest) -> bool:
    """Whether this request's session is live and has passed the second factor."""
    row = session_of(request)
    user = request.user
    return bool(row and row.verified and isinstance(user, Officer) and getattr(user, "otp_device", None))


def activate_time_zone(name: str) -> None:
    """Show times in the officer's zone; a zone that this machine does not know is UTC."""
    try:
        timezone.activate(zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        timezone.deactivate()
