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

import audit
from accounts.actions.factors import confirm_authenticator, make_recovery_codes, prove_new_authenticator
from accounts.actions.officers import create_officer
from accounts.actions.sessions import revoke_everything
from accounts.errors import HasFactor, InvitationInvalid, NoSuchObject, NotYourself
from accounts.models import Administration, AuthenticatorDevice, Invitation, Officer, RecoveryDevice
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
        officer = Officer.objects.select_for_update().get(pk=officer.pk)
        if not officer.is_active:
            raise NoSuchObject
        if AuthenticatorDevice.objects.filter(user=officer, confirmed=True).exists():
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
    """Set password and second factor of the invited officer at once; return him with ten recovery codes.

    Of two who use one link, one wins. Raises InvitationInvalid, WrongCode, TooManyTries.
    """
    now = timezone.now()
    open_ones = Invitation.objects.filter(
        pk=invitation_id, accepted_at=None, withdrawn_at=None, expires_at__gt=now, officer__is_active=True
    )
    invitation = open_ones.select_related("officer").first()
    if invitation is None:
        raise InvitationInvalid
    officer = invitation.officer
    prove_new_authenticator(officer, device_id, code)
    with transaction.atomic():
        if not open_ones.update(accepted_at=now):
            raise InvitationInvalid
        officer.password = password_hash
        officer.save(update_fields=["password"])
        device = confirm_authenticator(officer, device_id)
        codes = make_recovery_codes(officer)
        audit.record(audit.Action.INVITATION_ACCEPTED, actor=officer.pk, subject=f"invitation:{invitation.pk}")
    return officer, device, codes


def reset_officer(officer_id: UUID, *, actor: Officer) -> tuple[Invitation, str]:
    """Take password and factors away, end sessions and tokens, and invite anew: for a lost or stolen factor."""
    if officer_id == actor.pk:
        raise NotYourself
    with transaction.atomic():
        officer = Officer.objects.select_for_update().get(pk=officer_id)
        AuthenticatorDevice.objects.filter(user=officer).delete()
        RecoveryDevice.objects.filter(user=officer).delete()
        officer.set_unusable_password()
        officer.save(update_fields=["password"])
        revoke_everything(officer.pk, actor=actor.pk, tokens=True)
        audit.record(audit.Action.FACTOR_RESET, actor=actor.pk, subject=f"officer:{officer.pk}")
        return renew_invitation(officer, actor=actor)
