"""Writes on second factors: authenticators, recovery codes, and the proof that a code gives.

A wrong code is counted in a transaction of its own, so that the refusal that follows cannot undo the count.
"""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from hashlib import sha256

from django.db import transaction
from django.utils import timezone
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts import totp
from accounts.actions.sessions import revoke_other_sessions
from accounts.authenticator_keys import open_key, seal_key
from accounts.errors import FactorMissing, NoSuchObject, PasskeyNeeded, TooManyTries, WrongCode
from accounts.letters import News, tell
from accounts.models import AuthenticatorDevice, Officer, PatientThrottle, RecoveryCode, RecoveryDevice

RECOVERY_CODES = 10
_BLANKS = re.compile(r"[\s-]+")


def begin_authenticator(officer: Officer) -> AuthenticatorDevice:
    """Make a new authenticator with a fresh key, which counts for nothing until a code of it was proven."""
    key_id = uuid.uuid4()
    with transaction.atomic():
        AuthenticatorDevice.objects.filter(user=officer, confirmed=False).delete()
        device: AuthenticatorDevice = AuthenticatorDevice.objects.create(
            user=officer,
            name="authenticator",
            confirmed=False,
            key_id=key_id,
            sealed_key=seal_key(totp.new_key(), key_id=key_id, officer_id=officer.pk),
        )
    return device


def prove_new_authenticator(officer: Officer, device_id: int, code: str) -> None:
    """Check a code of an authenticator that is being registered. Raises WrongCode, TooManyTries, NoSuchObject."""
    with transaction.atomic():
        device = (
            AuthenticatorDevice.objects.select_for_update()
            .filter(user=officer, pk=device_id, confirmed=False)
            .first()
        )
        if device is None:
            raise NoSuchObject
        _stop_when_throttled(device)
        proven = _spend_code(device, _BLANKS.sub("", code))
    if not proven:
        raise WrongCode


def confirm_authenticator(
    officer: Officer, device_id: int, *, keep: uuid.UUID | None = None
) -> AuthenticatorDevice:
    """Let a proven authenticator take the place of the former one. The caller has seen a code of it.

    Sessions that were signed in with the former one end, but for `keep`: somebody else may hold both.
    """
    with transaction.atomic():
        Officer.objects.select_for_update(no_key=True).get(pk=officer.pk)  # see actions.raise_session
        device: AuthenticatorDevice | None = (
            AuthenticatorDevice.objects.select_for_update()
            .filter(user=officer, pk=device_id, confirmed=False, last_counter__gte=0)
            .first()
        )
        if device is None:
            raise NoSuchObject
        former, _ = AuthenticatorDevice.objects.filter(user=officer, confirmed=True).delete()
        if former:
            audit.record(audit.Action.FACTOR_REMOVED, actor=officer.pk, subject=f"officer:{officer.pk}")
            revoke_other_sessions(officer, keep=keep, reason="factor")
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        audit.record(
            audit.Action.FACTOR_ADDED,
            actor=officer.pk,
            subject=f"officer:{officer.pk}",
            factor="authenticator",
        )
        tell(officer.pk, News.FACTORS_CHANGED)
    return device


def prove_factor(
    officer: Officer, code: str, *, by_authenticator: bool = True, by_recovery_code: bool = True
) -> Device:
    """Check a code of the authenticator, or a recovery code; return the device that it belongs to.

    Each code works once, also when two requests bring it at the same time. Raises WrongCode, TooManyTries (with
    the seconds to wait), FactorMissing, PasskeyNeeded for a kind of code that is not taken here (none is used up).
    """
    plain = _BLANKS.sub("", code)
    is_totp = len(plain) == totp.DIGITS and plain.isascii() and plain.isdigit()
    if not (by_authenticator if is_totp else by_recovery_code):
        raise PasskeyNeeded
    with transaction.atomic():
        device = _locked_device(officer, is_totp=is_totp)
        _stop_when_throttled(device)
        if isinstance(device, AuthenticatorDevice):
            proven = _spend_code(device, plain)
        else:
            proven = _spend_recovery_code(officer, device, plain)
        if not proven:
            audit.record(
                audit.Action.OFFICER_SIGN_IN_FAILED,
                actor=officer.pk,
                subject=f"officer:{officer.pk}",
                reason="code" if is_totp else "recovery_code",
            )
    if not proven:
        raise WrongCode
    return device


def has_factor(officer: Officer) -> bool:
    """Whether the officer has a second factor that counts: an authenticator or a passkey."""
    return (
        AuthenticatorDevice.objects.filter(user=officer, confirmed=True).exists()
        or WebAuthnCredential.objects.filter(user=officer, confirmed=True).exists()
    )


def _locked_device(officer: Officer, *, is_totp: bool) -> AuthenticatorDevice | RecoveryDevice:
    if not has_factor(officer):
        raise FactorMissing
    kind: type[AuthenticatorDevice | RecoveryDevice] = AuthenticatorDevice if is_totp else RecoveryDevice
    device: AuthenticatorDevice | RecoveryDevice | None = (
        kind.objects.select_for_update().filter(user=officer, confirmed=True).first()
    )
    if device is None:
        raise WrongCode
    return device


def _stop_when_throttled(device: PatientThrottle) -> None:
    allowed, why = device.verify_is_allowed()  # type: ignore[no-untyped-call]
    if not allowed:
        wait = (why["locked_until"] - timezone.now()).total_seconds()
        raise TooManyTries(retry_after=max(1, int(wait) + 1))


def _spend_code(device: AuthenticatorDevice, code: str) -> bool:
    """Use a code up: the counter moves forward by a conditional update, so that of two users one wins."""
    step = totp.matching_step(open_key(device), code, now=timezone.now(), after=device.last_counter)
    if step is not None:
        moved = AuthenticatorDevice.objects.filter(pk=device.pk, last_counter__lt=step).update(
            last_counter=step, throttling_failure_count=0, throttling_failure_timestamp=None
        )
        if moved:
            device.last_counter = step
            return True
    device.throttle_increment()
    return False


def _spend_recovery_code(officer: Officer, device: RecoveryDevice, code: str) -> bool:
    moved = RecoveryCode.objects.filter(device=device, code_hash=_recovery_hash(device, code), used_at=None).update(
        used_at=timezone.now()
    )
    if not moved:
        device.throttle_increment()
        return False
    device.throttle_reset()  # type: ignore[no-untyped-call]
    audit.record(audit.Action.RECOVERY_CODE_USED, actor=officer.pk, subject=f"officer:{officer.pk}")
    return True


def make_recovery_codes(officer: Officer, *, keep: uuid.UUID | None = None) -> list[str]:
    """Replace the officer's recovery codes by ten new ones; they are told here and never again.

    Whoever replaces codes may have lost the former ones to somebody: sessions end with them, but for `keep`.
    """
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        Officer.objects.select_for_update(no_key=True).get(pk=officer.pk)
        device, _ = RecoveryDevice.objects.select_for_update().get_or_create(
            user=officer, defaults={"name": "recovery codes"}
        )
        former, _ = RecoveryCode.objects.filter(device=device).delete()
        if former:
            revoke_other_sessions(officer, keep=keep, reason="factor")
        RecoveryCode.objects.bulk_create(
            RecoveryCode(device=device, code_hash=_recovery_hash(device, _BLANKS.sub("", code))) for code in codes
        )
        device.throttle_reset()
        audit.record(audit.Action.RECOVERY_CODES_MADE, actor=officer.pk, subject=f"officer:{officer.pk}")
        tell(officer.pk, News.FACTORS_CHANGED)
    return codes


def _new_recovery_code() -> str:
    """Return 136 random bits in base32, in seven groups."""
    plain = base64.b32encode(secrets.token_bytes(17)).decode().rstrip("=")
    return "-".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def _recovery_hash(device: RecoveryDevice, code: str) -> bytes:
    return sha256(f"{device.pk}:{code.upper()}".encode()).digest()
