"""Who joins, in which role, and who leaves. A departure starts a new epoch of keys."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

import audit
from accounts.actions import invite_officer, renew_invitation, tighten_sessions, withdraw_links_held_by
from accounts.models import Administration, Invitation, Officer
from groups import keys, phases
from groups.access import Right
from groups.announcements import announce
from groups.errors import (
    AdministratorCannotJoin,
    AlreadyMember,
    CountryNotInGroup,
    InvitationAccepted,
    InvitationNotYours,
    LastCoordinator,
    NoSuchMember,
    OfficerInactive,
    OfficerNotThereYet,
)
from groups.gates import hold_group
from groups.models import ClosedUserGroup, GroupCountry, Membership, Role
from groups.phases import PhaseAct

CONTRIBUTING = frozenset({Role.CONTACT_POINT, Role.OFFICER})  # they report for their country


@transaction.atomic
def add_member(membership: Membership, *, officer: Officer, role: str) -> Membership:
    """Take an officer into the group, at once. Returns the new membership.

    Raises Stranger, NotAllowed, OperationClosed, AlreadyMember, CountryNotInGroup (for those who report for a
    country), OfficerInactive, OfficerNotThereYet, AdministratorCannotJoin.
    """
    group = hold_group(membership, Right.MANAGE_MEMBERS)
    phases.permits(group, PhaseAct.MANAGE)
    return join(group, officer=officer, role=Role(role), actor=membership.officer_id)


@transaction.atomic
def invite_member(
    membership: Membership, *, email: str, name: str, administration: Administration, language: str, role: str
) -> tuple[Membership, str]:
    """Make an account for somebody new and take the officer in; both happen, or neither.

    Returns the membership and the secret of the one-time link, told only here. Raises what `add_member` raises,
    and OfficerExists for an address that has an account.
    """
    group = hold_group(membership, Right.MANAGE_MEMBERS)
    phases.permits(group, PhaseAct.MANAGE)
    invitation, secret = invite_officer(
        email=email, name=name, administration=administration, language=language, actor=membership.officer
    )
    joined = join(group, officer=invitation.officer, role=Role(role), actor=membership.officer_id)
    return joined, secret


def join(group: ClosedUserGroup, *, officer: Officer, role: Role, actor: UUID) -> Membership:
    """Insert a membership into a group whose row lock (or creation) the caller holds."""
    if officer.is_platform_administrator:
        raise AdministratorCannotJoin
    if not officer.is_active:
        raise OfficerInactive
    _check_link(group, officer)
    if Membership.objects.filter(group=group, officer=officer, left_at__isnull=True).exists():
        raise AlreadyMember
    country = officer.country
    _check_country(group, role=role, country=country)
    joined = Membership.objects.create(group=group, officer=officer, role=role, country=country)
    _record(audit.Action.GROUP_MEMBER_ADDED, joined, actor=actor)
    announce(group, type="member", actor=actor, data=_told(joined, "added"))
    if role == Role.CONTACT_POINT:
        _become_contact_point(group, joined, actor=actor)
    if role == Role.COORDINATOR:
        tighten_sessions(officer.pk)
    return joined


@transaction.atomic
def change_role(membership: Membership, *, member_id: UUID, role: str) -> Membership:
    """Give a member another role. The same role again changes nothing.

    Raises Stranger, NotAllowed, OperationClosed, NoSuchMember, LastCoordinator, CountryNotInGroup.
    """
    group = hold_group(membership, Right.MANAGE_MEMBERS)
    phases.permits(group, PhaseAct.MANAGE)
    member, after = _member(group, member_id), Role(role)
    before = member.role
    if before == after:
        return member
    _check_country(group, role=after, country=member.country)
    if before == Role.COORDINATOR:
        _check_another_coordinator(member)
    member.role = after
    member.save(update_fields=["role"])
    if before == Role.COORDINATOR:
        _withdraw_links(group, member, actor=membership.officer_id)
    if before == Role.CONTACT_POINT:
        _answers_no_more(group, member, actor=membership.officer_id)
    _record(audit.Action.GROUP_MEMBER_ROLE_CHANGED, member, actor=membership.officer_id, before=before)
    announce(group, type="member", actor=membership.officer_id, data=_told(member, "role"))
    if after == Role.CONTACT_POINT:
        _become_contact_point(group, member, actor=membership.officer_id)
    if after == Role.COORDINATOR:
        tighten_sessions(member.officer_id)
    return member


@transaction.atomic
def invite_again(membership: Membership, *, member_id: UUID) -> tuple[Invitation, str]:
    """Make a new one-time link for a member who never opened the account; earlier links end.

    Whoever holds the link can become that officer. So a coordinator gets one only for an officer whom this group
    invited, and who is a member of nothing else: it opens nothing that the coordinator does not read already, and
    takes nobody's account who was invited by others. Returns the invitation
    and the link's secret, which is told only here. Raises Stranger, NotAllowed, OperationClosed, NoSuchMember,
    InvitationAccepted, InvitationNotYours.
    """
    group = hold_group(membership, Right.MANAGE_MEMBERS)
    phases.permits(group, PhaseAct.MANAGE)
    officer = _member(group, member_id).officer
    if officer.has_usable_password():
        raise InvitationAccepted
    elsewhere = Membership.objects.filter(officer=officer, left_at__isnull=True).exclude(group=group)
    invitations = Invitation.objects.filter(officer=officer)
    members = Membership.objects.filter(group=group).values("officer")  # whoever invited may have left since
    if (
        elsewhere.exists()
        or invitations.filter(accepted_at__isnull=False).exists()
        or invitations.exclude(invited_by__in=members).exists()
    ):
        raise InvitationNotYours
    return renew_invitation(officer, actor=membership.officer)


@transaction.atomic
def remove_member(membership: Membership, *, member_id: UUID) -> None:
    """End a membership and start a new epoch of keys, in every phase: who must not read any more, cannot.

    Raises Stranger, NotAllowed, NoSuchMember, LastCoordinator.
    """
    group = hold_group(membership, Right.MANAGE_MEMBERS)
    _end(group, _member(group, member_id), actor=membership.officer_id, reason="member_removed")


@transaction.atomic
def leave_group(membership: Membership) -> None:
    """End one's own membership; every member may. Raises Stranger, LastCoordinator."""
    group = hold_group(membership, Right.SEE_GROUP)
    member = _member(group, membership.pk)
    _end(group, member, actor=membership.officer_id, reason="member_left")


def _end(group: ClosedUserGroup, member: Membership, *, actor: UUID, reason: str) -> None:
    if member.role == Role.COORDINATOR:
        _check_another_coordinator(member)
        _withdraw_links(group, member, actor=actor)
    Membership.objects.filter(pk=member.pk, left_at__isnull=True).update(left_at=Now())
    _answers_no_more(group, member, actor=actor)
    _record(audit.Action.GROUP_MEMBER_REMOVED, member, actor=actor, reason=reason)
    if group.phase not in phases.READ_ONLY:
        # In a read-only phase nothing is sealed any more, and an archived group has no key to wrap one with.
        keys.rotate_epoch_or_leave(group, actor=actor, reason=reason)
    announce(group, type="member", actor=actor, data=_told(member, "removed"))


def _member(group: ClosedUserGroup, member_id: UUID) -> Membership:
    found = Membership.objects.filter(group=group, pk=member_id, left_at__isnull=True).first()
    if found is None:
        raise NoSuchMember
    return found


def _check_link(group: ClosedUserGroup, officer: Officer) -> None:
    """Refuse an account that somebody outside can still open: the holder of its link would read along."""
    if officer.has_usable_password():
        return
    coordinators = Membership.objects.filter(group=group, role=Role.COORDINATOR, left_at__isnull=True)
    held = Invitation.objects.filter(
        officer=officer, accepted_at=None, withdrawn_at=None, invited_by__is_platform_administrator=False
    )
    if held.exclude(invited_by__in=coordinators.values("officer")).exists():
        raise OfficerNotThereYet


def _withdraw_links(group: ClosedUserGroup, coordinator: Membership, *, actor: UUID) -> None:
    """A coordinator no more: the links that were told to him for officers of this group open nothing now."""
    members = Membership.objects.filter(group=group, left_at__isnull=True).values_list("officer_id", flat=True)
    withdraw_links_held_by(coordinator.officer_id, officer_ids=members, actor=actor)


def _check_country(group: ClosedUserGroup, *, role: Role, country: str) -> None:
    """Who reports for a country needs that country in the group; the unit's own staff may come from elsewhere."""
    if role in CONTRIBUTING and not GroupCountry.objects.filter(group=group, country=country).exists():
        raise CountryNotInGroup


def _check_another_coordinator(member: Membership) -> None:
    others = Membership.objects.filter(
        group_id=member.group_id, role=Role.COORDINATOR, left_at__isnull=True, officer__is_active=True
    ).exclude(pk=member.pk)
    if not others.exists():
        raise LastCoordinator


def _become_contact_point(group: ClosedUserGroup, member: Membership, *, actor: UUID) -> None:
    """The first member with this role answers for the country, until the coordinator names another."""
    vacant = GroupCountry.objects.filter(group=group, country=member.country, contact_point__isnull=True)
    if vacant.update(contact_point=member):
        _tell_contact_point(group, member.country, member.pk, actor=actor)


def _answers_no_more(group: ClosedUserGroup, member: Membership, *, actor: UUID) -> None:
    """Who answered for a country does not any more: nobody does, until another is named."""
    if GroupCountry.objects.filter(group=group, contact_point=member).update(contact_point=None):
        _tell_contact_point(group, member.country, None, actor=actor)


def _tell_contact_point(group: ClosedUserGroup, country: str, member_id: UUID | None, *, actor: UUID) -> None:
    data = {"change": "contact_point", "country": country, "membership": member_id}
    announce(group, type="country", actor=actor, data=data)


def _told(member: Membership, change: str) -> dict[str, object]:
    return {
        "change": change,
        "membership": member.pk,
        "officer": member.officer_id,
        "role": member.role,
        "country": member.country,
    }


def _record(action: audit.Action, member: Membership, *, actor: UUID, **details: str) -> None:
    audit.record(
        action,
        actor=actor,
        group=member.group_id,
        subject=f"membership:{member.pk}",
        officer=str(member.officer_id),
        role=member.role,
        country=member.country,
        **details,
    )
