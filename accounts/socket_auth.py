"""Who opens a socket: a browser's verified session, or a programme's token. Many are answered by one reading.

After a restart everybody comes back at once: what is asked for one is asked for all who wait, in one statement for
tokens and two for sessions. Nothing is remembered from one reading to the next. What must not live here: sockets,
and the Origin of sessions, which the caller checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

from accounts import actions, queries
from accounts.api_auth import bearer_secret
from accounts.models import Officer, OfficerSession, Token
from accounts.session_store import sessions_of_keys


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a socket: an officer, by a session (all his rights) or by a token (its scopes only)."""

    officer: Officer
    session_id: UUID | None
    token_id: UUID | None
    scopes: frozenset[str]
    use_noted: bool = True  # False for a token whose use has not been noted within the last minute

    @property
    def officer_id(self) -> UUID:
        """Who."""
        return self.officer.pk

    def may(self, scope: str) -> bool:
        """Whether this identity may act under `scope`; a session may always."""
        return self.session_id is not None or scope in self.scopes


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a client shows: the secret of a token, or the key of a session. A token stands alone."""

    secret: str | None
    session_key: str | None


def credential_of(scope: Mapping[str, Any]) -> Credential:
    """Return what an ASGI scope shows: `Authorization: Bearer …`, else the session cookie."""
    authorization = cookies = ""
    for name, value in scope.get("headers", ()):
        match name.lower():
            case b"authorization":
                authorization = value.decode("latin-1")
            case b"cookie":
                cookies = value.decode("latin-1")
    secret = bearer_secret(authorization)
    if secret is not None:
        return Credential(secret, None)
    return Credential(None, parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME) or None)


def identities_of(credentials: Sequence[Credential]) -> list[Identity | None]:
    """Say who shows each of these, None for whoever may not come in; two or three statements for all.

    A token of a client system opens no socket. That tokens were used is for the caller to note
    (`accounts.actions.use_tokens`). Synchronous: it reads the database.
    """
    tokens = queries.live_tokens_of({one.secret for one in credentials if one.secret})
    sessions = _by_session_keys({one.session_key for one in credentials if one.session_key})
    found: list[Identity | None] = []
    for one in credentials:
        if one.secret is not None:
            token = tokens.get(one.secret)
            found.append(_by_token(token) if token else None)
        else:
            found.append(sessions.get(one.session_key or ""))
    return found


def _by_token(token: Token) -> Identity | None:
    if token.officer is None:
        return None
    return Identity(token.officer, None, token.pk, frozenset(token.scopes), actions.use_is_noted(token))


def _by_session_keys(keys: set[str]) -> dict[str, Identity]:
    """Return who holds each session: live in our list of them, and known to Django, both of the same officer."""
    rows = queries.live_sessions_of(keys)
    data = sessions_of_keys(rows)
    scopes = frozenset(actions.SCOPES)
    return {
        key: Identity(row.officer, row.pk, None, scopes)
        for key, row in rows.items()
        if _is_of_officer(data.get(key, {}), row)
    }


def _is_of_officer(data: Mapping[str, Any], row: OfficerSession) -> bool:
    """Django's own check (`django.contrib.auth.get_user`), for an officer who was read already.

    A session from before a password change does not hold the officer's present hash.
    """
    told = data.get(HASH_SESSION_KEY)
    if (
        not told
        or data.get(SESSION_KEY) != str(row.officer_id)
        or data.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS
    ):
        return False
    officer = row.officer
    hashes = (officer.get_session_auth_hash(), *officer.get_session_auth_fallback_hash())
    return any(constant_time_compare(told, one) for one in hashes)
