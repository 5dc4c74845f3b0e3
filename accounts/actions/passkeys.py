"""Writes on passkeys: registered, proven, renamed, removed. Every challenge is answered at most once.

What must not live here: who needs a passkey (`accounts.passkey_policy`), and requests.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle
from webauthn.helpers.exceptions import WebAuthnException

import audit
from accounts import challenges
from accounts.actions.sessions import revoke_other_sessions
from accounts.challenges import Challenge, Purpose
from accounts.errors import ChallengeExpired, LastFactor, NoSuchObject, PasskeyExists, WrongPasskey
from accounts.letters import News, tell
from accounts.models import AuthenticatorDevice, Officer, SpentChallenge
from accounts.passkey_policy import needs_passkey
from accounts.passkey_seals import check_seal, seal_passkey
from accounts.relying_party import Answer, RelyingParty, credential_id_of, user_handle_of
from vault import KeyDestroyed, SealBroken

MOST_PASSKEYS = 20
NAME_LENGTH = 60
# What a hostile answer makes the library, or reading it, raise. All of it is one refusal.
_UNREADABLE = (WebAuthnException, OTPWebAuthnApiError, SealBroken, KeyDestroyed, ValueError, TypeError, KeyError)


def offer_registration(officer: Officer, *, challenge: Challenge, origin: str) -> tuple[str, dict[str, Any]]:
    """Return state and options for a new passkey of this officer. The caller has seen who asks."""
    state = challenges.begin(challenge)
    return state, _party(state, challenge.purpose, origin).creation_options(officer)


def offer_proof(officer: Officer | None, *, challenge: Challenge, origin: str) -> tuple[str, dict[str, Any]]:
    """Return state and options for proving a passkey: one of this officer, or any where nobody is named."""
    state = challenges.begin(challenge)
    return state, proof_options(officer, state, purpose=challenge.purpose, origin=origin)


def proof_options(officer: Officer | None, state: str, *, purpose: Purpose, origin: str) -> dict[str, Any]:
    """Return the options for a state that exists."""
    return _party(state, purpose, origin).request_options(officer)


def register_passkey(
    officer: Officer, *, name: str, state: str, answer: Answer, challenge: Challenge, origin: str
) -> WebAuthnCredential:
    """Keep a new passkey. Raises ChallengeExpired, WrongPasskey, PasskeyExists (also for one too many)."""
    challenges.check(state, challenge)
    spend_challenge(state)
    try:
        with transaction.atomic():
            Officer.objects.select_for_update(no_key=True).get(pk=officer.pk)
            if WebAuthnCredential.objects.filter(user=officer).count() >= MOST_PASSKEYS:
                raise PasskeyExists
            credential = _party(state, challenge.purpose, origin).register(officer, answer)
            credential.name = name.strip()[:NAME_LENGTH] or "passkey"
            WebAuthnCredential.objects.filter(pk=credential.pk).update(name=credential.name, confirmed=True)
            seal_passkey(credential)
            audit.record(
                audit.Action.FACTOR_ADDED, actor=officer.pk, subject=f"officer:{officer.pk}", factor="passkey"
            )
            tell(officer.pk, News.FACTORS_CHANGED)
    except IntegrityError as error:
        raise PasskeyExists from error
    except _UNREADABLE:
        raise WrongPasskey from None
    return credential


def prove_passkey(
    officer: Officer | None, *, state: str, answer: Answer, challenge: Challenge, origin: str
) -> WebAuthnCredential:
    """Return the passkey that answered, with its officer; its user was verified by it.

    With an officer only a passkey of that officer counts. Raises ChallengeExpired, WrongPasskey (for an unknown, a
    foreign, a tampered and a cloned one alike); both are audited.
    """
    try:
        challenges.check(state, challenge)
        spend_challenge(state)
        with transaction.atomic():
            return _verified(officer, answer, _party(state, challenge.purpose, origin))
    except (*_UNREADABLE, ChallengeExpired) as why:
        expired = isinstance(why, ChallengeExpired)
        audit.record_now(
            audit.Action.OFFICER_SIGN_IN_FAILED,
            actor=officer.pk if officer else None,
            subject=f"officer:{officer.pk}" if officer else "",
            reason="challenge" if expired else "passkey",
        )
        if expired:
            raise
        raise WrongPasskey from None


def _verified(officer: Officer | None, answer: Answer, party: RelyingParty) -> WebAuthnCredential:
    digest = WebAuthnCredential.get_credential_id_sha256(credential_id_of(answer))
    known = WebAuthnCredential.objects.select_for_update(of=("self",)).filter(
        credential_id_sha256=digest, confirmed=True, user__is_active=True
    )
    held = known.filter(user=officer).first() if officer else known.first()
    if held is None:
        raise ValueError
    check_seal(held)
    handle = user_handle_of(answer)
    if handle is not None and handle != WebAuthnUserHandle.get_handle_for_user(held.user):
        raise ValueError
    credential = party.authenticate(held.user, answer)
    if credential.pk != held.pk:
        raise ValueError
    return credential


def spend_challenge(state: str) -> None:
    """Use a challenge up: of two answers to it one is looked at. Raises ChallengeExpired for the other."""
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(challenge_hash=sha256(state.encode()).digest())
    except IntegrityError:
        raise ChallengeExpired from None


def rename_passkey(officer: Officer, passkey_id: int, *, name: str) -> None:
    """Give a passkey of one's own another name. Raises NoSuchObject."""
    if not WebAuthnCredential.objects.filter(user=officer, pk=passkey_id).update(name=name.strip()[:NAME_LENGTH]):
        raise NoSuchObject


def remove_passkey(officer: Officer, passkey_id: int, *, keep: UUID | None) -> None:
    """Take a passkey of one's own away; all sessions but `keep` end. Raises NoSuchObject, LastFactor."""
    with transaction.atomic():
        officer = Officer.objects.select_for_update(no_key=True).get(pk=officer.pk)
        passkeys = WebAuthnCredential.objects.filter(user=officer, confirmed=True)
        chosen = passkeys.filter(pk=passkey_id).first()
        if chosen is None:
            raise NoSuchObject
        others = passkeys.exclude(pk=chosen.pk).exists()
        authenticator = AuthenticatorDevice.objects.filter(user=officer, confirmed=True).exists()
        if not others and (needs_passkey(officer) or not authenticator):
            raise LastFactor
        chosen.delete()
        _removed(officer, keep, factor="passkey")


def remove_authenticator(officer: Officer, *, keep: UUID | None) -> None:
    """Take the authenticator away, where a passkey stays; other sessions end. Raises NoSuchObject, LastFactor."""
    with transaction.atomic():
        officer = Officer.objects.select_for_update(no_key=True).get(pk=officer.pk)
        if not WebAuthnCredential.objects.filter(user=officer, confirmed=True).exists():
            raise LastFactor
        deleted, _ = AuthenticatorDevice.objects.filter(user=officer, confirmed=True).delete()
        if not deleted:
            raise NoSuchObject
        _removed(officer, keep, factor="authenticator")


def _removed(officer: Officer, keep: UUID | None, *, factor: str) -> None:
    audit.record(audit.Action.FACTOR_REMOVED, actor=officer.pk, subject=f"officer:{officer.pk}", factor=factor)
    revoke_other_sessions(officer, keep=keep, reason="factor")
    tell(officer.pk, News.FACTORS_CHANGED)


def prune_challenges() -> int:
    """Delete challenges that nobody could answer any more; return how many rows."""
    old = timezone.now() - timedelta(seconds=2 * challenges.KEPT_SECONDS)
    deleted, _ = SpentChallenge.objects.filter(spent_at__lt=old).delete()
    return deleted


def _party(state: str, purpose: Purpose, origin: str) -> RelyingParty:
    return RelyingParty(origin=origin, state=state, seconds=challenges.LIFE_SECONDS[purpose])
