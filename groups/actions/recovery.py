"""Letting a member in anew who lost every second factor: a contact point and a coordinator of the group agree.

One of them opens it, the other confirms it, and the contact point, who knows the officer, draws the one link. The
contact point is of the officer's own administration: its link opens that officer's account in every group. Whoever
holds an invitation's link may be whom it invites, so two people who owe their accounts to one member are one person
here. For an officer whose administration has no contact point a platform administrator opens it (a reset): a
coordinator of any group of the officer confirms that, and the administrator hands the link over. Platform
administrators are let in anew by each other alone.
What must not live here: what happens to the account (`accounts.actions.recovery`).
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from accounts import actions as accounts
from accounts import queries as account_queries
from accounts.errors import NotBySamePerson
from accounts.models import Invitation, Recovery
from groups import queries
from groups.access import Right
from groups.errors import NoSuchMember, NotAllowed
from groups.gates import hold_group
from groups.models import Membership, Role

ADMINISTRATOR = "administrator"
CONTACT_POINT = Role.CONTACT_POINT.value
COORDINATOR = Role.COORDINATOR.value


@transaction.atomic
def open_recovery(membership: Membership, *, member_id: UUID) -> Recovery:
    """Say that a member lost every second factor; somebody on the other side has to confirm it.

    Raises Stranger, NotAllowed (a contact point speaks for officers of the own administration only), NoSuchMember,
    NotYourself, RecoveryNotOpen where one is open already.
    """
    group = hold_group(membership, Right.RECOVER)
    member = (
        Membership.objects.select_related("officer__administration")
        .filter(
            group=group,
            pk=member_id,
            left_at__isnull=True,
            officer__is_active=True,
            officer__is_platform_administrator=False,
        )
        .first()
    )
    if member is None or not accounts.has_factor(member.officer):
        raise NoSuchMember
    side = side_of(membership, officer_administration=member.officer.administration_id)
    return accounts.open_recovery(member.officer, group=group.pk, actor=membership.officer, side=side)


@transaction.atomic
def confirm_recovery(membership: Membership, *, recovery_id: UUID) -> Recovery:
    """Agree from the other side: password, factors, sessions and tokens of the officer are gone at once.

    What an administrator opened, a coordinator confirms, whose account that administrator has not let in. Raises
    Stranger, NotAllowed (the same side as the one who opened it), RecoveryNotOpen, NotBySamePerson.
    """
    hold_group(membership, Right.RECOVER)
    recovery = _recovery_in(membership, recovery_id)
    side = side_of(membership, officer_administration=recovery.officer.administration_id)
    if not _is_other_side(side, opened_from(membership, recovery)):
        raise NotAllowed
    if membership.officer_id != recovery.opened_by_id and _may_be_one_hand(membership.officer_id, recovery):
        raise NotBySamePerson
    return accounts.confirm_recovery(recovery.pk, actor=membership.officer, side=side, group=membership.group_id)


@transaction.atomic
def draw_recovery(membership: Membership, *, recovery_id: UUID) -> tuple[Recovery, Invitation, str]:
    """Draw the one link, as the contact point who agreed; its secret is told only here.

    Raises Stranger, NotAllowed, NoSuchMember, RecoveryNotOpen.
    """
    hold_group(membership, Right.RECOVER)
    recovery = _recovery_in(membership, recovery_id)
    side = side_of(membership, officer_administration=recovery.officer.administration_id)
    if recovery.group is None or side != CONTACT_POINT:
        raise NotAllowed
    if recovery.confirmed_at and membership.officer_id not in {recovery.opened_by_id, recovery.confirmed_by_id}:
        raise NotAllowed
    invitation, secret = accounts.draw_recovery(recovery.pk, actor=membership.officer)
    return recovery, invitation, secret


@transaction.atomic
def withdraw_recovery(membership: Membership, *, recovery_id: UUID) -> None:
    """End an open recovery; either side may. Raises Stranger, NotAllowed, RecoveryNotOpen."""
    hold_group(membership, Right.RECOVER)
    recovery = _recovery_in(membership, recovery_id)
    side_of(membership, officer_administration=recovery.officer.administration_id)
    accounts.withdraw_recovery(recovery.pk, actor=membership.officer)


def side_of(membership: Membership, *, officer_administration: UUID) -> str:
    """Return on which side this member speaks: the coordinator's, or the contact point's. Raises NotAllowed."""
    if membership.role == Role.COORDINATOR:
        return COORDINATOR
    own = membership.officer.administration_id == officer_administration
    if membership.role == Role.CONTACT_POINT and own:
        return CONTACT_POINT
    raise NotAllowed


def may_confirm(membership: Membership, recovery: Recovery) -> bool:
    """Whether this member can be the second person."""
    try:
        side = side_of(membership, officer_administration=recovery.officer.administration_id)
        other = _is_other_side(side, opened_from(membership, recovery))
    except NotAllowed:
        return False
    involved = membership.officer_id in {recovery.opened_by_id, recovery.officer_id}
    return other and not involved and not _may_be_one_hand(membership.officer_id, recovery)


def _may_be_one_hand(officer_id: UUID, recovery: Recovery) -> bool:
    """Whether the one who opened a recovery may hold this account as well: it came in by a link of theirs."""
    if recovery.group is None:
        return account_queries.one_invited_the_other(officer_id, recovery.opened_by_id)
    return account_queries.are_one_line(officer_id, recovery.opened_by_id)


def _is_other_side(side: str, opened: str) -> bool:
    return side == COORDINATOR if opened == ADMINISTRATOR else side != opened


def opened_from(membership: Membership, recovery: Recovery) -> str:
    """Return the side that a recovery was opened from, by what the opener is now; who left speaks for nobody."""
    if recovery.group is None:
        if not (recovery.opened_by.is_active and recovery.opened_by.is_platform_administrator):
            raise NotAllowed
        return ADMINISTRATOR
    opener = Membership.objects.filter(
        group_id=membership.group_id, officer_id=recovery.opened_by_id, left_at__isnull=True
    ).first()
    if opener is None or opener.role not in {Role.COORDINATOR, Role.CONTACT_POINT}:
        raise NotAllowed
    return opener.role


def _recovery_in(membership: Membership, recovery_id: UUID) -> Recovery:
    for recovery in queries.recoveries_of(membership):
        if recovery.pk == recovery_id and not recovery.officer.is_platform_administrator:
            return recovery
    raise NoSuchMember
