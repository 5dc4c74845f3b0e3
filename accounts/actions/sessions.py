"""Server-side sessions as their owners see them: opened, seen, verified, revoked.

The session key itself never lies in these rows, only its hash.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

import audit
from accounts import idleness
from accounts.errors import NoSuchObject
from accounts.models import Invitation, Officer, OfficerSession, Token
from accounts.revocations import announce
from accounts.secrets import session_hash

LONGEST = timedelta(hours=12)
UNVERIFIED = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)


def open_session(
    officer: Officer, *, session_key: str, verified: bool, address: str | None = None, agent: str = ""
) -> OfficerSession:
    """List a session that has just been signed in. Without a second factor it lives ten minutes."""
    now = timezone.now()
    return OfficerSession.objects.create(
        officer=officer,
        key_hash=session_hash(session_key),
        created_at=now,
        last_seen_at=now,
        idle_seconds=int(idleness.allowed_for(officer).total_seconds()),
        ends_at=now + (LONGEST if verified else UNVERIFIED),
        address=address,
        agent=agent[:200],
        verified=verified,
    )


def rekey_session(session: OfficerSession, *, session_key: str) -> None:
    """Follow a session whose key was rotated, so that the old key opens nothing."""
    session.key_hash = session_hash(session_key)
    session.save(update_fields=["key_hash"])


def verify_session(session: OfficerSession, *, session_key: str) -> None:
    """Raise a session to a signed-in one after the second factor, under its rotated key."""
    now = timezone.now()
    session.verified = True
    session.key_hash = session_hash(session_key)
    session.created_at = session.last_seen_at = now
    session.ends_at = now + LONGEST
    session.idle_seconds = int(idleness.allowed_for(session.officer).total_seconds())
    session.save()


def see_session(session: OfficerSession, *, now: datetime) -> None:
    """Note that the session was used: at most one write a minute."""
    if now - session.last_seen_at < SEEN_EVERY:
        return
    OfficerSession.objects.filter(pk=session.pk, last_seen_at__lt=now).update(last_seen_at=now)
    session.last_seen_at = now


def shorten_idle(officer_id: UUID) -> None:
    """Bring open sessions to the officer's present idle time (called when somebody becomes a coordinator)."""
    officer = Officer.objects.get(pk=officer_id)
    seconds = int(idleness.allowed_for(officer).total_seconds())
    OfficerSession.objects.filter(officer=officer, revoked_at=None, idle_seconds__gt=seconds).update(
        idle_seconds=seconds
    )


def revoke_session(officer: Officer, session_id: UUID) -> None:
    """End one of the officer's own sessions. A session of somebody else does not exist (NoSuchObject)."""
    with transaction.atomic():
        moved = OfficerSession.objects.filter(pk=session_id, officer=officer, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if not moved:
            raise NoSuchObject
        audit.record(
            audit.Action.SESSION_REVOKED, actor=officer.pk, subject=f"session:{session_id}", reason="owner"
        )
        announce(officer.pk, session_id=session_id)


def revoke_other_sessions(officer: Officer, *, keep: UUID | None, reason: str) -> int:
    """End all of the officer's sessions but `keep`; return how many."""
    with transaction.atomic():
        others = OfficerSession.objects.select_for_update().filter(officer=officer, revoked_at=None)
        ids = [pk for pk in others.values_list("pk", flat=True) if pk != keep]
        OfficerSession.objects.filter(pk__in=ids).update(revoked_at=timezone.now())
        for pk in ids:
            audit.record(audit.Action.SESSION_REVOKED, actor=officer.pk, subject=f"session:{pk}", reason=reason)
            announce(officer.pk, session_id=pk)
    return len(ids)


def end_session(session: OfficerSession) -> None:
    """Sign out: the row stays as a record, and opens nothing."""
    with transaction.atomic():
        moved = OfficerSession.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=timezone.now())
        if moved:
            audit.record(audit.Action.OFFICER_SIGNED_OUT, actor=session.officer_id, subject=f"session:{session.pk}")
            announce(session.officer_id, session_id=session.pk)


def revoke_everything(officer_id: UUID, *, actor: UUID | None, tokens: bool) -> None:
    """End every session of an officer, open invitations, and (with `tokens`) every token. In a transaction."""
    now = timezone.now()
    for pk in OfficerSession.objects.filter(officer_id=officer_id, revoked_at=None).values_list("pk", flat=True):
        audit.record(audit.Action.SESSION_REVOKED, actor=actor, subject=f"session:{pk}", reason="administrator")
    OfficerSession.objects.filter(officer_id=officer_id, revoked_at=None).update(revoked_at=now)
    Invitation.objects.filter(officer_id=officer_id, accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)
    if tokens:
        for pk in Token.objects.filter(officer_id=officer_id, revoked_at=None).values_list("pk", flat=True):
            audit.record(audit.Action.TOKEN_REVOKED, actor=actor, subject=f"token:{pk}")
        Token.objects.filter(officer_id=officer_id, revoked_at=None).update(revoked_at=now)
    announce(officer_id)


def prune_sessions(*, older_than: timedelta = timedelta(days=30)) -> int:
    """Delete rows of sessions that ended long ago, and Django's expired ones; return how many rows."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    deleted, _ = OfficerSession.objects.filter(ends_at__lt=now - older_than).delete()
    return deleted
