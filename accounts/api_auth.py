"""Who asks, over the API and over a socket: a browser's verified session, or a programme's token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import translation
from ninja.utils import check_csrf

from accounts import actions, queries
from accounts.errors import BadCsrf, ScopeMissing
from accounts.middleware import activate_time_zone, is_verified
from accounts.models import Officer, Token
from accounts.session_store import SessionStore

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a socket: an officer, by a session (all his rights) or by a token (its scopes only)."""

    officer: Officer
    session_id: UUID | None
    token_id: UUID | None
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether this identity may act under `scope`; a session may always."""
        return self.session_id is not None or scope in self.scopes


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
    system `request.user` is no officer. Raises BadCsrf for an unsafe call of a session without its CSRF token.
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
    token = queries.live_token(secret)
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


def officer_from_scope(scope: Mapping[str, Any]) -> Identity | None:
    """Say who opens a socket, by its ASGI scope: `Authorization: Bearer …`, else the session cookie.

    The caller checks the Origin of sessions. A token of a client system opens no socket. Synchronous: it reads the
    database.
    """
    headers = {name.lower(): value for name, value in scope.get("headers", [])}
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    secret = bearer_secret(authorization)
    if secret is not None:
        token = queries.live_token(secret)
        if token is None or token.officer is None:
            return None
        actions.use_token(token)
        return Identity(token.officer, None, token.pk, frozenset(token.scopes))
    return _by_session_key(_session_key(headers.get(b"cookie", b"").decode("latin-1")))


def _by_session_key(key: str | None) -> Identity | None:
    if not key or not queries.session_is_live(key):
        return None
    row = queries.session_of_key(key)
    # Django's own check too: a session from before a password change does not hold the officer's present hash.
    officer = get_user(SimpleNamespace(session=SessionStore(key)))  # type: ignore[arg-type]
    if row is None or not isinstance(officer, Officer) or officer.pk != row.officer_id:
        return None
    return Identity(officer, row.pk, None, frozenset(actions.SCOPES))


def _session_key(cookies: str) -> str | None:
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return morsel.value if morsel else None


def bearer_secret(header: str) -> str | None:
    """Return the token of an Authorization header, "" for one of another kind, None where there is no header."""
    if not header:
        return None
    kind, _, secret = header.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""
