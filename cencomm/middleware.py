"""The edges of every HTTP answer: headers, and refusals turned into pages. No rule of an app lives here.

The headers themselves are in `cencomm.headers`; the content policy is Django's own middleware with our settings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import orjson
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views import defaults

from cencomm.errors import MethodNotAllowed, NoSuchAddress, NotAllowed, TooLarge, Unreadable
from cencomm.headers import ALWAYS, NOTHING
from messaging.delivery.errors import Unavailable, Unexpected, failure_of
from problems import Refusal

Handler = Callable[[HttpRequest], HttpResponse]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")  # TRACE, OPTIONS and invented ones reach no view


class EdgeHeadersMiddleware:
    """Headers that Django has no setting for; nothing that carries content may be stored by a cache.

    Outermost but one: whatever answers, or fails, further inside leaves with them. An address with a NUL byte is
    refused: no name or code holds one, and PostgreSQL takes none.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            response: HttpResponse = problem_response(Unreadable())
        elif request.method not in METHODS:
            response = problem_response(MethodNotAllowed())
            response.headers["Allow"] = ", ".join(METHODS)
        else:
            response = _as_problem(request, self.get_response(request))
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith(settings.STATIC_URL) or response.status_code >= 400:
            response.headers.setdefault("Cache-Control", "no-store")
        for name, value in NOTHING.items():
            response.headers.setdefault(name, value)  # where the content policy of pages was not reached
        return response


# What Django itself answers, or a page's view in front of the API, before an operation of the API is reached.
_PROBLEMS: dict[int, type[Refusal]] = {
    400: Unreadable,
    403: NotAllowed,
    404: NoSuchAddress,
    405: MethodNotAllowed,
    413: TooLarge,
    500: Unexpected,
    503: Unavailable,
}


def _as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return an answer of the API as a program expects it: every error is a problem document."""
    if not request.path.startswith("/api/") or "problem+json" in response.headers.get("Content-Type", ""):
        return response
    refusal = _PROBLEMS.get(response.status_code)
    if refusal is None:
        return response
    problem = problem_response(refusal())
    if "Allow" in response.headers:
        problem.headers["Allow"] = response.headers["Allow"]
    return problem


class RefusalMiddleware:
    """A refusal that a view let pass becomes a page (or a problem document) with its own status."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _as_problem(request, self.get_response(request))  # in the officer's language

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        return refusal_response(request, exception)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that shows no token of its session: our own page, and not a word of why."""
    return render(request, "errors/403.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that failed: 503 and when to come back where the database is away, 500 otherwise.

    The page asks the database nothing: not who reads it, nor what was to be told.
    """
    error = sys.exception()
    failure = failure_of(error) if isinstance(error, Exception) else None
    if not isinstance(failure, Unavailable):
        return defaults.server_error(request, "errors/500.html")
    language = getattr(request, "LANGUAGE_CODE", "") or translation.get_language_from_request(request)
    with translation.override(language):
        return refusal_response(request, failure, user=AnonymousUser(), messages=())


def refusal_response(request: HttpRequest, refusal: Refusal, **known: object) -> HttpResponse:
    """Return the answer that a refusal gives: JSON to programs, a page to people; `known` is not looked up."""
    if "text/html" in request.headers.get("Accept", "text/html"):
        response = render(request, "errors/refusal.html", {"refusal": refusal, **known}, status=refusal.status)
    else:
        return problem_response(refusal)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def problem_response(refusal: Refusal) -> HttpResponse:
    """Return a refusal as an RFC 9457 problem document."""
    response = HttpResponse(
        orjson.dumps(refusal.as_problem()), status=refusal.status, content_type="application/problem+json"
    )
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="cencomm"'
    return response
