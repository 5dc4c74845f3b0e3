"""Letting an officer in anew who lost every second factor: two different people agree, then one link is drawn.

In a group those are a contact point and a coordinator (`groups.actions.recovery` knows roles). A platform
administrator may stand in for the contact point: a reset. Then a coordinator of any group of the officer agrees;
where there is no group, or for an administrator, another administrator does. Nobody does it alone.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

import audit
from accounts import belonging, queries
from accounts.actions.invitations import renew_invitation, take_factors_away
from accounts.errors import CoordinatorNeeded, NoSuchObject, NotBySamePerson, NotYourself, RecoveryNotOpen
from accounts.letters import News, tell
from accounts.models import Invitation, Officer, Recovery

ADMINISTRATOR = "administrator"  # the side of a reset
OPEN_FOR = timedelta(hours=Recovery.OPEN_FOR_HOURS)


def open_recovery(officer: Officer, *, group: UUID | None, actor: Officer, side: str) -> Recovery:
    """Say that this officer lost every factor. Nothing changes for the officer before somebody else agrees.

    Raises NotYourself, RecoveryNotOpen where one is open already.
    """
    if officer.pk == actor.pk:
        raise NotYourself
    now = timezone.now()
    with transaction.atomic():
        Recovery.objects.filter(officer=officer, confirmed_at=None, withdrawn_at=None, expires_at__lte=now).update(
            withdrawn_at=now
        )
        try:
            with transaction.atomic():
                recovery = Recovery.objects.create(
                    officer=officer, group=group, opened_by=actor, expires_at=now + OPEN_FOR
                )
        except IntegrityError:
            raise RecoveryNotOpen from None
        _record(audit.Action.RECOVERY_OPENED, recovery, actor, side=side)
        tell(officer.pk, News.RECOVERY_OPENED)
    return recovery


def confirm_recovery(recovery_id: UUID, *, actor: Officer, side: str, group: UUID | None = None) -> Recovery:
    """Agree as the second person: at once the officer's password, factors, sessions, tokens and links are gone.

    `group`: where the second person of a reset coordinates. Raises NotBySamePerson, NotYourself, RecoveryNotOpen.
    """
    now = timezone.now()
    with transaction.atomic():
        recovery = _locked(recovery_id)
        if not recovery.is_open(now):
            raise RecoveryNotOpen
        if recovery.officer_id == actor.pk:
            raise NotYourself
        if recovery.opened_by_id == actor.pk:
            raise NotBySamePerson
        recovery.confirmed_by, recovery.confirmed_at = actor, now
        recovery.save(update_fields=["confirmed_by", "confirmed_at"])
        take_factors_away(recovery.officer_id, actor=actor)
        _record(audit.Action.RECOVERY_CONFIRMED, recovery, actor, group=group, side=side)
        tell(recovery.officer_id, News.RECOVERY_CONFIRMED)
    return recovery


def draw_recovery(recovery_id: UUID, *, actor: Officer) -> tuple[Invitation, str]:
    """Draw the one link of a confirmed recovery; return it with its secret, told only here and only once.

    Raises RecoveryNotOpen.
    """
    now = timezone.now()
    with transaction.atomic():
        recovery = _locked(recovery_id)
        if not recovery.is_to_be_drawn(now):
            raise RecoveryNotOpen
        recovery.drawn_at = now
        recovery.save(update_fields=["drawn_at"])
        invitation, secret = renew_invitation(recovery.officer, actor=actor)
        _record(audit.Action.RECOVERY_DRAWN, recovery, actor, invitation=str(invitation.pk))
    return invitation, secret


def open_reset(officer_id: UUID, *, actor: Officer) -> Recovery:
    """Open a recovery as a platform administrator. Raises NoSuchObject, NotYourself, RecoveryNotOpen."""
    officer = Officer.objects.filter(pk=officer_id, is_active=True).first()
    if officer is None:
        raise NoSuchObject
    return open_recovery(officer, group=None, actor=actor, side=ADMINISTRATOR)


def confirm_reset(officer_id: UUID, *, actor: Officer) -> Recovery:
    """Agree as another administrator, for an officer whom no coordinator answers for.

    Raises RecoveryNotOpen, CoordinatorNeeded, NotYourself, NotBySamePerson (also where one let the other in).
    """
    recovery = _reset_of(officer_id)
    if belonging.has_coordinators(recovery.officer):
        raise CoordinatorNeeded
    opener = recovery.opened_by
    if not (opener.is_active and opener.is_platform_administrator):
        raise RecoveryNotOpen
    if queries.one_invited_the_other(actor.pk, opener.pk):
        raise NotBySamePerson
    return confirm_recovery(recovery.pk, actor=actor, side=ADMINISTRATOR)


def draw_reset(officer_id: UUID, *, actor: Officer) -> tuple[Invitation, str]:
    """Draw the link of a confirmed reset, as an administrator who agreed to it. Raises RecoveryNotOpen."""
    recovery = _reset_of(officer_id)
    if actor.pk not in {recovery.opened_by_id, recovery.confirmed_by_id}:
        raise RecoveryNotOpen
    return draw_recovery(recovery.pk, actor=actor)


def withdraw_reset(officer_id: UUID, *, actor: Officer) -> None:
    """End an open reset, as any administrator. Raises RecoveryNotOpen."""
    withdraw_recovery(_reset_of(officer_id).pk, actor=actor)


def refuse_recovery(officer: Officer) -> None:
    """End an open recovery of oneself: who can sign in has lost nothing. Raises RecoveryNotOpen."""
    recovery = queries.open_recovery_of(officer)
    if recovery is None:
        raise RecoveryNotOpen
    withdraw_recovery(recovery.pk, actor=officer)


def _reset_of(officer_id: UUID) -> Recovery:
    recovery = queries.reset_of(officer_id)
    if recovery is None:
        raise RecoveryNotOpen
    return recovery


def withdraw_recovery(recovery_id: UUID, *, actor: Officer) -> None:
    """End an open recovery: the officer found the telephone, or somebody doubts. Raises RecoveryNotOpen."""
    with transaction.atomic():
        recovery = _locked(recovery_id)
        if recovery.confirmed_at is not None or recovery.withdrawn_at is not None:
            raise RecoveryNotOpen
        recovery.withdrawn_at = timezone.now()
        recovery.save(update_fields=["withdrawn_at"])
        _record(audit.Action.RECOVERY_WITHDRAWN, recovery, actor)


def _locked(recovery_id: UUID) -> Recovery:
    found = Recovery.objects.select_for_update(of=("self",)).filter(pk=recovery_id).first()
    if found is None:
        raise RecoveryNotOpen
    return found


def _record(
    action: audit.Action, recovery: Recovery, actor: Officer, *, group: UUID | None = None, **details: str
) -> None:
    audit.record(
        action,
        actor=actor.pk,
        group=group or recovery.group,
        subject=f"officer:{recovery.officer_id}",
        recovery=str(recovery.pk),
        **details,
    )
