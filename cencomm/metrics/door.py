"""`/metrics`: the only way in, and the token that opens it. Without a token there is nothing at this address.

It stands before everything else that a request meets: a scrape comes from inside, straight to a process, under a
host name that is none of ours, has no session, and must be answered also while the database is away. So it touches
no cookie, no language, and believes no header but its token.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from accounts.tries import Tries
from cencomm.headers import ALWAYS, NO_STORE, NOTHING
from cencomm.metrics.exposition import exposition
from cencomm.metrics.installation import installation_samples
from cencomm.metrics.slots import snapshots

ADDRESS = "/metrics"
TRIES = 10  # wrong tokens of one address in a minute; then it waits, with a right one as well


class MetricsMiddleware:
    """Answers a scrape; lets everything else pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._tries = Tries(TRIES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != ADDRESS or not settings.CENCOMM_METRICS_TOKEN:
            return self.get_response(request)
        response = self._answer(request)
        for name, value in {**ALWAYS, **NO_STORE, **NOTHING}.items():
            response.headers[name] = value
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        wait = self._tries.wait(address)
        if wait:
            return _words("Too many tries.", 429, Retry_After=str(int(wait) + 1))
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer" or not constant_time_compare(secret.strip(), settings.CENCOMM_METRICS_TOKEN):
            self._tries.note(address)
            return _words("A token is needed.", 401, WWW_Authenticate='Bearer realm="metrics"')
        if request.method not in {"GET", "HEAD"}:
            return _words("This address is read only.", 405, Allow="GET, HEAD")
        body, content_type = exposition(
            snapshots(), installation_samples(), accept=request.META.get("HTTP_ACCEPT", "")
        )
        return HttpResponse(body, content_type=content_type)


def _words(sentence: str, status: int, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8", headers=named)
