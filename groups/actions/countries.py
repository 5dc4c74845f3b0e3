"""Which countries take part, and who answers for each."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

import audit
from groups import phases
from groups.access import Right
from groups.announcements import announce
from groups.errors import CountryInUse, CountryNotInGroup, CountryTakesPart, NoSuchMember, NotContactPoint
from groups.gates import hold_group
from groups.models import ClosedUserGroup, GroupCountry, Membership, Role
from groups.phases import PhaseAct
from groups.settings import check_country


@transaction.atomic
def add_country(membership: Membership, *, country: str) -> GroupCountry:
    """Let a country (ISO 3166-1 alpha-2) take part.

    Raises Stranger, NotAllowed, OperationClosed, InvalidSettings for an unknown country, CountryTakesPart.
    """
    group = _managed(membership)
    check_country(country)
    if GroupCountry.objects.filter(group=group, country=country).exists():
        raise CountryTakesPart
    added = GroupCountry.objects.create(group=group, country=country)
    _tell(group, membership, audit.Action.GROUP_COUNTRY_ADDED, change="added", country=country)
    return added


@transaction.atomic
def remove_country(membership: Membership, *, country: str) -> None:
    """End a country's part. Raises Stranger, NotAllowed, OperationClosed, CountryNotInGroup, CountryInUse."""
    group = _managed(membership)
    taking_part = _country(group, country)
    if Membership.objects.filter(group=group, country=country, left_at__isnull=True).exists():
        raise CountryInUse
    taking_part.delete()
    _tell(group, membership, audit.Action.GROUP_COUNTRY_REMOVED, change="removed", country=country)


@transaction.atomic
def set_contact_point(membership: Membership, *, country: str, member_id: UUID | None) -> None:
    """Name who answers for a country: a member of it with the role of contact point, or nobody.

    Raises Stranger, NotAllowed, OperationClosed, CountryNotInGroup, NoSuchMember, NotContactPoint.
    """
    group = _managed(membership)
    taking_part = _country(group, country)
    member: Membership | None = None
    if member_id is not None:
        member = Membership.objects.filter(group=group, pk=member_id, left_at__isnull=True).first()
        if member is None:
            raise NoSuchMember
        if member.country != country or member.role != Role.CONTACT_POINT:
            raise NotContactPoint
    if taking_part.contact_point_id == member_id:
        return
    taking_part.contact_point = member
    taking_part.save(update_fields=["contact_point"])
    _tell(
        group,
        membership,
        audit.Action.GROUP_CONTACT_POINT_SET,
        change="contact_point",
        country=country,
        member=member,
    )


def _managed(membership: Membership) -> ClosedUserGroup:
    group = hold_group(membership, Right.MANAGE_GROUP)
    phases.permits(group, PhaseAct.MANAGE)
    return group


def _country(group: ClosedUserGroup, country: str) -> GroupCountry:
    found = GroupCountry.objects.filter(group=group, country=country).first()
    if found is None:
        raise CountryNotInGroup
    return found


def _tell(
    group: ClosedUserGroup,
    membership: Membership,
    action: audit.Action,
    *,
    change: str,
    country: str,
    member: Membership | None = None,
) -> None:
    member_id = member.pk if member else None
    audit.record(
        action,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"country:{country}",
        membership=str(member_id) if member_id else None,
    )
    announce(
        group,
        type="country",
        actor=membership.officer_id,
        data={"change": change, "country": country, "membership": member_id},
    )
