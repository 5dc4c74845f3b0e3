"""Who asks the API: a browser's verified session, or a programme's token. Sockets: `socket_auth`."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import translation
from ninja.utils import check_csrf

from accounts import actions, queries
from accounts.errors import BadCsrf, ScopeMissing, TooManyTries
from accounts.middleware import activate_time_zone, is_verified
from accounts.models import Token
from accounts.tries import wrong_tokens
from accounts.web_session import address_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class ClientSystem(AnonymousUser):
    """A programme that belongs to no officer: it reaches CEN only, by its scopes."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __str__(self) -> str:
        return self.name


def signed_in(request: HttpRequest) -> object | None:
    """Say who asks the API, or None. Sets `request.user` and `request.token` (None for a session).

    A token stands alone: where the request carries one, its session is not looked at. For the token of a client
    system `request.user` is no officer. Raises BadCsrf for an unsafe call of a session without its CSRF token,
    TooManyTries where too many wrong tokens came from this address.
    """
    request.token = None  # type: ignore[attr-defined]
    secret = bearer_secret(request.headers.get("Authorization", ""))
    if secret is not None:
        return _by_token(request, secret)
    if not is_verified(request):
        return None
    if request.method not in SAFE_METHODS and check_csrf(request) is not None:
        raise BadCsrf
    return request.user


def _by_token(request: HttpRequest, secret: str) -> object | None:
    address = address_of(request) or ""
    if wait := wrong_tokens.wait_with(secret, address):
        raise TooManyTries(retry_after=int(wait) + 1)
    token = queries.live_token(secret)
    wrong_tokens.note_with(secret, address, right=token is not None)
    if token is None:
        return None
    actions.use_token(token)
    request.token = token  # type: ignore[attr-defined]
    request.user = token.officer or ClientSystem(token.client_system)
    if token.officer is not None:
        activate_time_zone(token.officer.time_zone)
        if "Accept-Language" not in request.headers:
            translation.activate(token.officer.language)
    return token


def require_scope(request: HttpRequest, scope: str) -> None:
    """Raise ScopeMissing for a token without `scope`. A session carries all of its officer's rights."""
    token: Token | None = getattr(request, "token", None)
    if token is not None and scope not in token.scopes:
        raise ScopeMissing


def bearer_secret(header: str) -> str | None:
    """Return the token of an Authorization header, "" for one of another kind, None where there is no header."""
    if not header:
        return None
    kind, _, secret = header.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""
