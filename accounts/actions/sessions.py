"""Server-side sessions as their owners see them: opened, seen, verified, revoked.

The session key itself never lies in these rows, only its hash.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django_otp.models import Device

import audit
from accounts import idleness
from accounts.errors import NoSuchObject, SignInOvertaken
from accounts.models import Invitation, Officer, OfficerSession, Token
from accounts.passkey_policy import needs_passkey
from accounts.revocations import announce
from accounts.secrets import session_hash

LONGEST = timedelta(hours=12)
UNVERIFIED = timedelta(minutes=10)
MOST_SESSIONS = 10  # of one officer at a time
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


def raise_session(session: OfficerSession, *, session_key: str, device: Device, factor: str) -> bool:
    """Note the second factor that a session has shown, under its rotated key; return whether it opens everything.

    Where the role needs a passkey and this was none, it opens nothing: for ten minutes it may register one. Whoever
    takes factors, sessions or accounts away, or gives a role, locks the officer as well: what was taken while the
    factor was being shown has ended this sign-in too, not only those before it. Raises SignInOvertaken then.
    """
    with transaction.atomic():
        officer = Officer.objects.select_for_update(no_key=True).get(pk=session.officer_id)
        found = OfficerSession.objects.select_for_update().filter(pk=session.pk).first()
        now = timezone.now()
        registered = type(device).objects.filter(pk=device.pk, user=officer, confirmed=True).exists()
        if found is None or not found.is_live(now) or not officer.is_active or not registered:
            raise SignInOvertaken
        session.refresh_from_db()
        session.factor, session.key_hash = factor, session_hash(session_key)
        session.verified = factor == OfficerSession.Factor.PASSKEY or not needs_passkey(officer)
        if session.verified:
            session.created_at = session.last_seen_at = now
            session.ends_at = now + LONGEST
            session.idle_seconds = int(idleness.allowed_for(officer).total_seconds())
            _end_oldest(officer, now=now, but=session.pk)
            audit.record(
                audit.Action.OFFICER_SIGNED_IN, actor=officer.pk, subject=f"session:{session.pk}", factor=factor
            )
        else:
            session.ends_at = min(session.ends_at, now + UNVERIFIED)
        session.save()
    return session.verified


def _end_oldest(officer: Officer, *, now: datetime, but: UUID) -> None:
    """Leave room for one more session: those that were used longest ago end."""
    mine = OfficerSession.objects.filter(officer=officer, verified=True, revoked_at=None, ends_at__gt=now)
    live = [one for one in mine.exclude(pk=but).order_by("-last_seen_at", "-pk") if one.is_live(now)]
    for one in live[MOST_SESSIONS - 1 :]:
        OfficerSession.objects.filter(pk=one.pk, revoked_at=None).update(revoked_at=now)
        audit.record(audit.Action.SESSION_REVOKED, actor=officer.pk, subject=f"session:{one.pk}", reason="number")
        announce(officer.pk, session_id=one.pk)


def see_session(session: OfficerSession, *, now: datetime) -> None:
    """Note that the session was used: at most one write a minute."""
    if now - session.last_seen_at < SEEN_EVERY:
        return
    OfficerSession.objects.filter(pk=session.pk, last_seen_at__lt=now).update(last_seen_at=now)
    session.last_seen_at = now


def tighten_sessions(officer_id: UUID) -> None:
    """Bring open sessions to what the officer's present role asks for (called when somebody gets such a role).

    They idle out sooner; those without a passkey, where the role needs one, open nothing until it was shown.
    """
    with transaction.atomic():
        officer = Officer.objects.select_for_update(no_key=True).get(pk=officer_id)  # see raise_session
        now, seconds = timezone.now(), int(idleness.allowed_for(officer).total_seconds())
        mine = OfficerSession.objects.filter(officer=officer, revoked_at=None)
        mine.filter(idle_seconds__gt=seconds).update(idle_seconds=seconds)
        if not needs_passkey(officer):
            return
        weak = mine.select_for_update().filter(verified=True).exclude(factor=OfficerSession.Factor.PASSKEY)
        for session in weak:
            session.verified, session.ends_at = False, min(session.ends_at, now + UNVERIFIED)
            session.save(update_fields=["verified", "ends_at"])
            audit.record(audit.Action.SESSION_LOWERED, actor=officer.pk, subject=f"session:{session.pk}")
            announce(officer.pk, session_id=session.pk)


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


def revoke_everything(officer_id: UUID, *, actor: UUID | None) -> None:
    """End every session, open invitation and token of an officer. In a transaction."""
    now = timezone.now()
    for pk in OfficerSession.objects.filter(officer_id=officer_id, revoked_at=None).values_list("pk", flat=True):
        audit.record(audit.Action.SESSION_REVOKED, actor=actor, subject=f"session:{pk}", reason="administrator")
    OfficerSession.objects.filter(officer_id=officer_id, revoked_at=None).update(revoked_at=now)
    Invitation.objects.filter(officer_id=officer_id, accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)
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
