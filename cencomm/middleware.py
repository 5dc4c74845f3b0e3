"""The edges of every HTTP answer: headers, and refusals turned into pages. No rule of an app lives here."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from problems import Refusal

Handler = Callable[[HttpRequest], HttpResponse]


class Unreadable(Refusal):
    """This address cannot be read."""

    code = "bad_request"
    status = 400


class NoSuchAddress(Refusal):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class NoSuchMethod(Refusal):
    """This address does not take this method."""

    code = "method_not_allowed"
    status = 405


class EdgeHeadersMiddleware:
    """Headers that Django has no setting for; nothing that carries content may be stored by a cache.

    An address with a NUL byte is refused: no name or code holds one, and PostgreSQL takes none.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            response: HttpResponse = problem_response(Unreadable())
        else:
            response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
        )
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class RefusalMiddleware:
    """A refusal that a view let pass becomes a page (or a problem document) with its own status."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/api/") or "problem+json" in response.headers.get("Content-Type", ""):
            return response
        refusal = {404: NoSuchAddress, 405: NoSuchMethod}.get(response.status_code)
        if refusal is None:
            return response
        problem = problem_response(refusal())
        if "Allow" in response.headers:
            problem.headers["Allow"] = response.headers["Allow"]
        return problem

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        return refusal_response(request, exception)


def refusal_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the answer that a refusal gives: JSON to programs, a page to people."""
    if "text/html" in request.headers.get("Accept", "text/html"):
        response = render(request, "errors/refusal.html", {"refusal": refusal}, status=refusal.status)
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
