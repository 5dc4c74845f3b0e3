"""The one way in: an invitation, by which an officer sets a password and registers a second factor.

Nothing about the officer changes before both are there: then all of it changes in one transaction, once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts.actions.factors import (
    confirm_authenticator,
    has_factor,
    make_recovery_codes,
    prove_new_authenticator,
)
from accounts.actions.officers import create_officer
from accounts.actions.passkeys import register_passkey
from accounts.actions.sessions import revoke_everything
from accounts.challenges import Challenge
from accounts.errors import HasFactor, InvitationInvalid, NoSuchObject, OpenedBefore, PasskeyNeeded
from accounts.letters import News, tell
from accounts.models import Administration, AuthenticatorDevice, Invitation, Officer, RecoveryDevice
from accounts.passkey_policy import needs_passkey
from accounts.queries import open_invitation, open_invitations
from accounts.relying_party import Answer
from accounts.secrets import invitation_hash

USUAL_LIFE = timedelta(days=7)


def invite_officer(
    *,
    email: str,
    name: str,
    administration: Administration,
    language: str = "en",
    time_zone: str = "UTC",
    is_platform_administrator: bool = False,
    actor: Officer | None,
) -> tuple[Invitation, str]:
    """Make a new officer and the invitation; return it with its secret, told only here. Raises OfficerExists."""
    with transaction.atomic():
        officer = create_officer(
            email=email,
            name=name,
            administration=administration,
            language=language,
            time_zone=time_zone,
            is_platform_administrator=is_platform_administrator,
            actor=actor,
        )
        return renew_invitation(officer, actor=actor)


def renew_invitation(
    officer: Officer, *, actor: Officer | None, life: timedelta = USUAL_LIFE
) -> tuple[Invitation, str]:
    """Make a one-time invitation of an officer who cannot sign in yet; a former open one is withdrawn.

    Returns it with its secret, told only here.
    Raises HasFactor for an officer who can sign in already, NoSuchObject for a shut account.
    """
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        officer = Officer.objects.select_for_update(no_key=True).get(pk=officer.pk)
        if not officer.is_active:
            raise NoSuchObject
        if has_factor(officer):
            raise HasFactor
        Invitation.objects.filter(officer=officer, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=timezone.now()
        )
        invitation = Invitation.objects.create(
            officer=officer,
            secret_hash=invitation_hash(secret),
            invited_by=actor,
            expires_at=timezone.now() + life,
        )
        audit.record(
            audit.Action.OFFICER_INVITED,
            actor=actor.pk if actor else None,
            subject=f"invitation:{invitation.pk}",
            officer=str(officer.pk),
        )
    return invitation, secret


def withdraw_invitation(invitation_id: UUID, *, actor: Officer) -> None:
    """Make an open invitation useless. One that is used, withdrawn or unknown: NoSuchObject."""
    with transaction.atomic():
        moved = Invitation.objects.filter(pk=invitation_id, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=timezone.now()
        )
        if not moved:
            raise NoSuchObject
        audit.record(audit.Action.INVITATION_WITHDRAWN, actor=actor.pk, subject=f"invitation:{invitation_id}")


def withdraw_links_held_by(inviter_id: UUID, *, officer_ids: Iterable[UUID], actor: UUID) -> int:
    """Make useless the open links that one person was told for these officers; return how many. In a transaction.

    Whoever holds a link can become that officer: this is for the day on which the holder must not any more.
    """
    held = Invitation.objects.filter(
        invited_by_id=inviter_id, officer_id__in=list(officer_ids), accepted_at=None, withdrawn_at=None
    )
    ids = list(held.values_list("pk", flat=True))
    Invitation.objects.filter(pk__in=ids).update(withdrawn_at=timezone.now())
    for pk in ids:
        audit.record(audit.Action.INVITATION_WITHDRAWN, actor=actor, subject=f"invitation:{pk}")
    return len(ids)


def accept_invitation(
    invitation_id: UUID, *, password_hash: str, device_id: int, code: str
) -> tuple[Officer, AuthenticatorDevice, list[str]]:
    """Set password and authenticator of the invited officer at once; return him with ten recovery codes.

    Of two who use one link, one wins. Raises InvitationInvalid, WrongCode, TooManyTries, PasskeyNeeded for an
    officer whose role asks for a passkey.
    """
    officer = open_invitation(invitation_id=str(invitation_id)).officer
    if needs_passkey(officer):
        raise PasskeyNeeded
    prove_new_authenticator(officer, device_id, code)
    with transaction.atomic():
        codes = _let_in(officer, invitation_id, password_hash=password_hash)
        device = confirm_authenticator(officer, device_id)
    return officer, device, codes


def accept_invitation_with_passkey(
    invitation_id: UUID,
    *,
    password_hash: str,
    name: str,
    state: str,
    answer: Answer,
    challenge: Challenge,
    origin: str,
) -> tuple[Officer, WebAuthnCredential, list[str]]:
    """The same with a passkey. Raises InvitationInvalid, ChallengeExpired, WrongPasskey, PasskeyExists."""
    officer = open_invitation(invitation_id=str(invitation_id)).officer
    with transaction.atomic():
        codes = _let_in(officer, invitation_id, password_hash=password_hash)
        passkey = register_passkey(
            officer, name=name, state=state, answer=answer, challenge=challenge, origin=origin
        )
    return officer, passkey, codes


def _let_in(officer: Officer, invitation_id: UUID, *, password_hash: str) -> list[str]:
    """Use the invitation up and set the password, in the transaction that keeps the second factor."""
    if not open_invitations().filter(pk=invitation_id).update(accepted_at=timezone.now()):
        raise InvitationInvalid
    officer.password = password_hash
    officer.save(update_fields=["password"])
    codes = make_recovery_codes(officer)
    audit.record(audit.Action.INVITATION_ACCEPTED, actor=officer.pk, subject=f"invitation:{invitation_id}")
    return codes


def invite_again(officer: Officer, *, actor: Officer) -> tuple[Invitation, str]:
    """Make a new link as a platform administrator, for an officer who never opened the account.

    Raises OpenedBefore for one who did: whoever makes the link could become somebody whom others know. Also what
    `renew_invitation` raises.
    """
    if officer.last_login is not None:
        raise OpenedBefore
    return renew_invitation(officer, actor=actor)


def reset_from_the_machine(officer_id: UUID) -> tuple[Invitation, str]:
    """Take password and factors away and invite anew, as the machine's operator: where no two people are left."""
    with transaction.atomic():
        officer = take_factors_away(officer_id, actor=None)
        tell(officer.pk, News.RECOVERY_CONFIRMED)
        return renew_invitation(officer, actor=None)


def take_factors_away(officer_id: UUID, *, actor: Officer | None) -> Officer:
    """Leave an officer without password and factors; sessions, tokens and links end. In a transaction."""
    officer = Officer.objects.select_for_update(no_key=True).get(pk=officer_id)
    AuthenticatorDevice.objects.filter(user=officer).delete()
    RecoveryDevice.objects.filter(user=officer).delete()
    WebAuthnCredential.objects.filter(user=officer).delete()
    officer.set_unusable_password()
    officer.save(update_fields=["password"])
    by = actor.pk if actor else None
    revoke_everything(officer.pk, actor=by)
    audit.record(audit.Action.FACTOR_RESET, actor=by, subject=f"officer:{officer.pk}")
    return officer
