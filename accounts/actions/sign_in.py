"""The first step of signing in: name and password, throttled, with one answer for every failure.

A try is counted before the password is looked at: a thousand tries at once are a thousand tries.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts.actions.officers import check_password_quality
from accounts.actions.passkeys import prove_passkey
from accounts.actions.sessions import revoke_other_sessions
from accounts.challenges import Challenge
from accounts.errors import TooManyTries, WrongSignIn
from accounts.letters import News, tell
from accounts.models import Officer, OfficerSession, SignInThrottle
from accounts.networks import network_of
from accounts.relying_party import Answer

FORGOTTEN_AFTER = timedelta(hours=1)


class Allowance(NamedTuple):
    """How many failures are free, and how long the wait grows after them (seconds, doubling)."""

    free: int
    longest: int


# The pair of name and address is held tightest, so that a stranger elsewhere hardly slows the owner down.
PAIR = Allowance(free=5, longest=60)
NAME = Allowance(free=25, longest=30)
ADDRESS = Allowance(free=40, longest=60)


def check_sign_in(*, email: str, password: str, address: str | None) -> Officer:
    """Return the active officer of this name and password.

    Raises WrongSignIn for an unknown name, a wrong password and a shut account alike, after the same work;
    TooManyTries while the name or the address has to wait.
    """
    name = email.strip().lower()
    keys = _throttle_keys(name, address or "")
    _count_try(keys)
    officer = authenticate(username=name, password=password)
    if not isinstance(officer, Officer):
        known = Officer.objects.filter(email__iexact=name).values_list("pk", flat=True).first()
        audit.record_now(
            audit.Action.OFFICER_SIGN_IN_FAILED,
            actor=known,
            subject=f"officer:{known}" if known else "",
            reason="password",
        )
        raise WrongSignIn
    _forgive(keys)
    return officer


def check_passkey_sign_in(
    *, state: str, answer: Answer, challenge: Challenge, origin: str, address: str | None
) -> WebAuthnCredential:
    """Return the passkey of an active officer who has named nobody: what it is, and that it knew its user, is both.

    Raises WrongPasskey for whatever is not one, ChallengeExpired, TooManyTries while the address has to wait.
    """
    keys = {_keyed("address", network_of(address or "")): ADDRESS}
    _count_try(keys)
    credential = prove_passkey(None, state=state, answer=answer, challenge=challenge, origin=origin)
    _forgive(keys)
    return credential


def check_password(officer: Officer, password: str, *, address: str | None) -> None:
    """Return when this is the present password of an officer who is signed in already.

    Raises WrongSignIn, counted and recorded as a failed sign-in, and TooManyTries while that has to wait.
    """
    keys = _throttle_keys(officer.email, address or "")
    _count_try(keys)
    if not officer.check_password(password):
        audit.record_now(
            audit.Action.OFFICER_SIGN_IN_FAILED,
            actor=officer.pk,
            subject=f"officer:{officer.pk}",
            reason="password",
        )
        raise WrongSignIn
    _forgive(keys)


def change_password(officer: Officer, *, present: str, new: str, keep: UUID | None, address: str | None) -> None:
    """Set a new password and end the officer's sessions but `keep`.

    Raises WrongSignIn when the present one is wrong (counted as a failed sign-in), BadPassword for a weak one.
    """
    check_password(officer, present, address=address)
    check_password_quality(new, officer)
    officer.set_password(new)
    with transaction.atomic():
        officer.save(update_fields=["password"])
        revoke_other_sessions(officer, keep=keep, reason="password")
        audit.record(audit.Action.PASSWORD_CHANGED, actor=officer.pk, subject=f"officer:{officer.pk}")
        tell(officer.pk, News.PASSWORD_CHANGED)


def prune_throttles() -> int:
    """Delete counts of failures that are forgotten; return how many rows."""
    deleted, _ = SignInThrottle.objects.filter(last_failed_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    return deleted


def _throttle_keys(name: str, address: str) -> dict[bytes, Allowance]:
    network = network_of(address)
    keys = {_keyed("pair", name, network): PAIR, _keyed("address", network): ADDRESS}
    # From where the officer has signed in before, strangers' tries at the name do not count: whoever tries all the
    # time from elsewhere would keep the owner out for as long.
    if not network or network not in _known_networks(name):
        keys[_keyed("name", name)] = NAME
    return dict(sorted(keys.items()))  # one order of locking for everybody


def _known_networks(name: str) -> set[str]:
    """Return from where the officer of this name has signed in, as tries are counted: by network."""
    rows = OfficerSession.objects.filter(officer__email__iexact=name, verified=True, address__isnull=False)
    return {network_of(str(address)) for address in rows.order_by().values_list("address", flat=True).distinct()}


def _keyed(*parts: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), "\x00".join(("throttle", *parts)).encode(), "sha256")


def _count_try(keys: dict[bytes, Allowance]) -> None:
    now = timezone.now()
    with transaction.atomic():
        SignInThrottle.objects.bulk_create(
            [SignInThrottle(key_hash=key, last_failed_at=now) for key in keys], ignore_conflicts=True
        )
        rows = {
            bytes(row.key_hash): row
            for row in SignInThrottle.objects.select_for_update()
            .filter(key_hash__in=list(keys))
            .order_by("key_hash")
        }
        wait = max(_wait(rows[key], allowance, now) for key, allowance in keys.items())
        if wait <= 0:
            for row in rows.values():
                row.failures = row.failures + 1 if now - row.last_failed_at < FORGOTTEN_AFTER else 1
                row.last_failed_at = now
            SignInThrottle.objects.bulk_update(rows.values(), ["failures", "last_failed_at"])
    if wait > 0:
        raise TooManyTries(retry_after=wait)


def _wait(row: SignInThrottle, allowance: Allowance, now: datetime) -> int:
    """Return the whole seconds until the next try is allowed."""
    if row.failures < allowance.free or now - row.last_failed_at >= FORGOTTEN_AFTER:
        return 0
    required = min(2 ** min(row.failures - allowance.free + 1, 16), allowance.longest)
    left = required - (now - row.last_failed_at).total_seconds()
    return max(0, int(left) + 1) if left > 0 else 0


def _forgive(keys: dict[bytes, Allowance]) -> None:
    """After a right password: its name starts afresh; the address keeps its other failures, less this try."""
    with transaction.atomic():
        rows = SignInThrottle.objects.select_for_update().filter(key_hash__in=list(keys)).order_by("key_hash")
        for row in rows:
            if keys[bytes(row.key_hash)] is ADDRESS:
                row.failures = max(0, row.failures - 1)
                row.save(update_fields=["failures"])
            else:
                row.delete()
