"""`/metrics`: the only way in, and the token that opens it. Without a token there is nothing at this address.

It stands before everything else that a request meets: a scrape comes from inside, straight to a process, under a
host name that is none of ours, has no session, and must be answered also while the database is away. So it touches
no cookie, no language, and believes no header but its token.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from cencomm.metrics.exposition import exposition
from cencomm.metrics.installation import installation_samples
from cencomm.metrics.slots import snapshots

ADDRESS = "/metrics"
TRIES = 10  # wrong tokens of one address in a minute; then it waits, with a right one as well
WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 1000


class Tries:
    """How often an address came with a wrong token lately; bounded, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return how long an address must wait, 0 when it may try."""
        with self._lock:
            since, count = self._wrong.get(address, (0.0, 0))
            return max(0.0, since + WINDOW_SECONDS - time.monotonic()) if count >= TRIES else 0.0

    def note(self, address: str) -> None:
        """Count a wrong token."""
        now = time.monotonic()
        with self._lock:
            since, count = self._wrong.get(address, (now, 0))
            self._wrong[address] = (since, count + 1) if now - since < WINDOW_SECONDS else (now, 1)
            self._wrong.move_to_end(address)
            while len(self._wrong) > MOST_ADDRESSES:
                self._wrong.popitem(last=False)


class MetricsMiddleware:
    """Answers a scrape; lets everything else pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._tries = Tries()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != ADDRESS or not settings.CENCOMM_METRICS_TOKEN:
            return self.get_response(request)
        response = self._answer(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        wait = self._tries.wait(address)
        if wait:
            return HttpResponse("Too many tries.\n", status=429, headers={"Retry-After": str(int(wait) + 1)})
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer" or not constant_time_compare(secret.strip(), settings.CENCOMM_METRICS_TOKEN):
            self._tries.note(address)
            answer = HttpResponse("A token is needed.\n", status=401, content_type="text/plain; charset=utf-8")
            answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
            return answer
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        body, content_type = exposition(
            snapshots(), installation_samples(), accept=request.META.get("HTTP_ACCEPT", "")
        )
        return HttpResponse(body, content_type=content_type)
