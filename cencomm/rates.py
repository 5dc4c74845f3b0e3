"""How often one officer or one token may ask for what costs most, counted before any of the work is done.

One table for pages and API alike: every call of the API, questions that open or scan a lot, the words of a
type-ahead, invitations. Posts, pieces of files and sign-ins are counted where they are done.
What must not live here: how a pace is counted (`messaging.limits`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from accounts.api_auth import bearer_secret
from accounts.models import Officer
from cencomm.middleware import problem_response, refusal_response
from messaging.limits import Pace, SharedPace
from problems import Refusal

_SPACE = UUID("6f0d7c1e-6f39-4b0e-8f9e-0a1f3f1c52d7")


class TooOften(Refusal):
    """You are asking too often: wait a moment."""

    code = "too_often"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Allowance(NamedTuple):
    """So many within so many seconds, all of them at once if need be."""

    acts: int
    seconds: float


def allowances() -> dict[str, Allowance]:
    """Return the table, by kind of act."""
    limits = settings.CENCOMM_LIMITS
    return {
        "api": Allowance(limits["api_calls_per_minute"], 60.0),
        "question": Allowance(limits["questions_per_minute"], 60.0),
        "type_ahead": Allowance(limits["type_ahead_per_minute"], 60.0),
        "invitation": Allowance(limits["invitations_per_hour"], 3600.0),
    }


QUESTIONS = frozenset(
    {
        "cen:search", "cen:facets", "cen:charts", "cen:chart_data", "cen:download_csv", "cen:download_xlsx",
        "exports:transfer", "exports:reconciliation", "api:get_statistics", "api:review", "api:search",
    }
)  # fmt: skip
# Of the API an address has one name, whatever the method: the name of its first operation.
_MESSAGES = frozenset({"api:messages", "api:post_message"})
_SEIZURES = frozenset({"api:get_seizures", "api:post_seizures"})
INVITATIONS = frozenset(
    {
        "accounts:new_officer", "accounts:renew_invitation", "accounts:reset_officer", "accounts:draw_reset",
        "groups:add_member", "groups:invite_again",
    }
)  # fmt: skip


def kinds_of(match: ResolverMatch, request: HttpRequest) -> list[str]:
    """Return what a request counts as."""
    name, writes = match.view_name, request.method == "POST"
    kinds = ["api"] if "api" in match.namespaces and not (writes and name in _MESSAGES) else []
    if name in QUESTIONS or (not writes and name in _SEIZURES):
        kinds.append("question")
    elif name == "nomenclature:search":
        kinds.append("type_ahead")
    elif name in INVITATIONS and writes:
        kinds.append("invitation")
    return kinds


class RatesMiddleware:
    """Refuses whoever asks too often, before the view or the operation begins."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None:
            return None
        in_api = "api" in match.namespaces
        who = asker_of(request, in_api=in_api)
        if who is None:
            return None
        for kind in kinds_of(match, request):
            wait = _pace(kind, allowances()[kind], settings.REDIS_URL).wait(uuid5(who, kind))
            if wait > 0:
                refusal = TooOften(math.ceil(wait))
                return problem_response(refusal) if in_api else refusal_response(request, refusal)
        return None


def asker_of(request: HttpRequest, *, in_api: bool) -> UUID | None:
    """Return who is counted: the officer of a session, or a token by its digest; None for neither.

    Only the API reads tokens: on a page the header is anybody's, and would buy another count with each word in it.
    """
    secret = bearer_secret(request.headers.get("Authorization", "")) if in_api else None
    if secret:
        return uuid5(_SPACE, hashlib.sha256(secret.encode()).hexdigest())
    return request.user.pk if isinstance(request.user, Officer) else None


@cache
def _pace(_kind: str, allowance: Allowance, url: str) -> Pace:
    pace = SharedPace(1, url) if url else Pace(1)
    pace.gap, pace.burst = allowance.seconds / allowance.acts, allowance.seconds
    return pace
