"""Tokens of programmes: made once, shown once, stored as a hash."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

import audit
from accounts.errors import BadToken, NoSuchObject
from accounts.models import Officer, Token
from accounts.revocations import announce
from accounts.secrets import token_hash

PREFIX = "cen_"
SCOPES = ("messages:read", "messages:write", "cen:read", "cen:write", "transfers")
CLIENT_SYSTEM_SCOPES = frozenset({"cen:read", "cen:write"})
USUAL_LIFE = timedelta(days=90)
LONGEST_LIFE = timedelta(days=366)
USED_EVERY = timedelta(minutes=1)


def create_token(
    *,
    officer: Officer | None = None,
    client_system: str = "",
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    actor: Officer | None = None,
) -> tuple[Token, str]:
    """Make a token of one officer, or of one client system of CEN; return it with its secret, told only here.

    Without an end it lives 90 days, at most 366. Raises BadToken for a nameless token, an unknown scope, a scope
    of groups for a client system, both or neither owner, or an end in the past or too far away.
    """
    now = timezone.now()
    wanted = sorted(set(scopes))
    expires_at = expires_at or now + USUAL_LIFE
    allowed = set(SCOPES) if officer else CLIENT_SYSTEM_SCOPES
    if (
        (officer is None) == (not client_system)
        or not name.strip()
        or not wanted
        or not set(wanted) <= allowed
        or not now < expires_at <= now + LONGEST_LIFE
    ):
        raise BadToken
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = Token.objects.create(
            officer=officer,
            client_system=client_system,
            name=name.strip(),
            secret_hash=token_hash(secret),
            scopes=wanted,
            expires_at=expires_at,
        )
        by = actor or officer
        audit.record(
            audit.Action.TOKEN_CREATED,
            actor=by.pk if by else None,
            subject=f"token:{token.pk}",
            scopes=",".join(wanted),
        )
    return token, secret


def revoke_token(token_id: UUID, *, officer: Officer) -> None:
    """End a token: one's own, or (platform administrators) one of a client system. Else NoSuchObject."""
    with transaction.atomic():
        mine = Token.objects.filter(pk=token_id, revoked_at=None)
        if officer.is_platform_administrator:
            mine = mine.filter(officer=officer) | mine.filter(officer=None)
        else:
            mine = mine.filter(officer=officer)
        token = mine.select_for_update().first()
        if token is None:
            raise NoSuchObject
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(audit.Action.TOKEN_REVOKED, actor=officer.pk, subject=f"token:{token.pk}")
        announce(token.officer_id, token_id=token.pk)


def use_token(token: Token) -> None:
    """Note that the token was used: at most one write a minute."""
    if not use_is_noted(token):
        use_tokens([token.pk])


def use_tokens(token_ids: Collection[UUID]) -> None:
    """Note that these tokens were used, in one write."""
    Token.objects.filter(pk__in=token_ids).update(last_used_at=timezone.now())


def use_is_noted(token: Token) -> bool:
    """Whether a use of this token within the last minute has been noted already."""
    return token.last_used_at is not None and timezone.now() - token.last_used_at < USED_EVERY
