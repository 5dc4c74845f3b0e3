"""Reads of groups: whose groups, who is in, which countries, which sealer.

What must not live here: writes, and anything about messages (counts come through announcements.card_facts).
"""

from __future__ import annotations

from datetime import UTC, date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils import timezone

from accounts import canary
from accounts.errors import AdministratorsOnly
from accounts.models import Officer, Recovery
from accounts.queries import recoveries_in
from groups.access import RIGHTS, Right
from groups.models import ClosedUserGroup, EpochKey, GroupCountry, Membership, Phase, Role
from vault import KeyDestroyed, SealBroken, Sealer, keystore


def groups_of(officer: Officer) -> list[Membership]:
    """Return the officer's present memberships with their groups loaded: living ones first, then by code."""
    if officer.is_platform_administrator:
        return []
    memberships = Membership.objects.filter(
        officer=officer, left_at__isnull=True, officer__is_active=True
    ).select_related("group", "officer__administration")
    order = list(Phase)
    done = {Phase.CLOSED, Phase.ARCHIVED}
    return sorted(
        memberships,
        key=lambda m: (m.group.phase in done, order.index(Phase(m.group.phase)) != 2, m.group.code),
    )


def all_groups(administrator: Officer) -> list[ClosedUserGroup]:
    """Return every group with its coordinators and the number of members and countries; nothing of its content.

    The canary's is left out: it is no operation, and nothing in it is for anybody.
    Raises AdministratorsOnly.
    """
    if not administrator.is_platform_administrator:
        raise AdministratorsOnly
    coordinators = Membership.objects.filter(role=Role.COORDINATOR, left_at__isnull=True).select_related("officer")
    return list(
        ClosedUserGroup.objects.annotate(
            member_count=Count("memberships", filter=Q(memberships__left_at__isnull=True), distinct=True),
            country_count=Count("countries", distinct=True),
        )
        .exclude(pk__in=Membership.objects.filter(officer_id=canary.OFFICER).values("group_id"))
        .prefetch_related(Prefetch("memberships", queryset=coordinators, to_attr="coordinators"))
        .order_by("code")
    )


def codes_known_to(officer_id: UUID | None) -> frozenset[str] | None:
    """Return the codes of the groups that an officer may know of: those of a member; none for who is no officer.

    None for administrators, who make the groups and know all of them.
    """
    if officer_id is None:
        return frozenset()
    if Officer.objects.filter(pk=officer_id, is_platform_administrator=True).exists():
        return None
    mine = Membership.objects.filter(officer=officer_id, left_at__isnull=True)
    return frozenset(mine.values_list("group__code", flat=True))


def members_of(membership: Membership) -> QuerySet[Membership]:
    """Return the present members of the group with officer and administration, by country, role and name."""
    return (
        Membership.objects.filter(group_id=membership.group_id, left_at__isnull=True)
        .select_related("officer__administration")
        .order_by("country", "role", "officer__name", "pk")
    )


def member_in(membership: Membership, member_id: UUID) -> Membership | None:
    """Return one present member of the group, or None."""
    return members_of(membership).filter(pk=member_id).first()


def recoverable(membership: Membership) -> list[Membership]:
    """Return the members whom this member may let in anew: everybody else; a contact point, of the own house."""
    others = members_of(membership).exclude(pk=membership.pk)
    others = others.filter(officer__is_active=True, officer__is_platform_administrator=False)
    if membership.role != Role.COORDINATOR:
        others = others.filter(officer__administration=membership.officer.administration_id)
    return [one for one in others if one.officer.has_usable_password()]


def countries_of(membership: Membership) -> QuerySet[GroupCountry]:
    """Return the countries that take part, with their contact points, by code."""
    return (
        GroupCountry.objects.filter(group_id=membership.group_id)
        .select_related("contact_point__officer__administration")
        .order_by("country")
    )


def country_codes(membership: Membership) -> list[str]:
    """Return the codes of the countries that take part."""
    return list(countries_of(membership).values_list("country", flat=True))


def coordinates(officer_id: UUID) -> bool:
    """Whether the officer coordinates any group: such sessions idle out sooner."""
    return Membership.objects.filter(officer_id=officer_id, role=Role.COORDINATOR, left_at__isnull=True).exists()


def is_member_somewhere(officer_id: UUID) -> bool:
    """Whether the officer is a member of any group."""
    return Membership.objects.filter(officer_id=officer_id, left_at__isnull=True).exists()


def recoveries_of(membership: Membership) -> list[Recovery]:
    """Return the recoveries of the group, and the resets of its members, that somebody can still act on."""
    members = members_of(membership).values_list("officer_id", flat=True)
    return recoveries_in(membership.group_id, members=members.order_by())


def members_by_right(group: ClosedUserGroup, right: Right) -> QuerySet[Membership]:
    """Return the present members whose role carries `right`."""
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    return Membership.objects.filter(
        group=group, left_at__isnull=True, officer__is_active=True, role__in=roles
    ).select_related("officer")


@lru_cache(maxsize=4096)
def _wrapped_key(group_id: UUID, epoch: int) -> bytes:
    wrapped = EpochKey.objects.filter(group_id=group_id, epoch=epoch).values_list("wrapped", flat=True).first()
    if wrapped is None:
        raise SealBroken
    return bytes(wrapped)


def sealer_for(group: ClosedUserGroup, epoch: int) -> Sealer:
    """Return what seals and opens in one epoch of a group; wrapped keys are cached, they never change.

    Raises KeyDestroyed (410) for an archived group, SealBroken for an epoch that never was, KeyStoreUnavailable.
    """
    if group.phase == Phase.ARCHIVED:
        raise KeyDestroyed
    return keystore().group_sealer(group.pk, epoch, _wrapped_key(group.pk, epoch))


def current_sealer(group: ClosedUserGroup) -> Sealer:
    """Return the sealer of the group's present epoch. Give a group whose row is locked when you write with it."""
    return sealer_for(group, group.key_epoch)


def has_sealer_at_hand(group: ClosedUserGroup) -> bool:
    """Whether `current_sealer` has its answer without asking another machine or process for a key."""
    return keystore().is_at_hand(group.pk, group.key_epoch)


def today_utc() -> date:
    """Return today's date in UTC: the day that pages and rules of groups count in."""
    return timezone.now().astimezone(UTC).date()


def group_summary(membership: Membership) -> dict[str, Any]:
    """Return one group as `GET /groups` lists it."""
    group = membership.group
    return {
        "id": str(group.pk),
        "code": group.code,
        "name": group.name,
        "kind": group.kind,
        "phase": group.phase,
        "form_mode": group.form_mode,
        "starts_on": group.starts_on,
        "ends_on": group.ends_on,
        "cut_off_hour": group.cut_off_hour,
        "role": membership.role,
        "country": membership.country,
        "rights": sorted(RIGHTS[Role(membership.role)]),
        "epoch": str(group.stream_epoch),
        "head": group.head,
    }


def group_detail(membership: Membership) -> dict[str, Any]:
    """Return one group with its members and countries as `GET /groups/{id}` shows it."""
    return {
        **group_summary(membership),
        "description": membership.group.description,
        "roles": {role.value: sorted(rights) for role, rights in RIGHTS.items()},
        "members": [
            {
                "id": str(member.pk),
                "officer": str(member.officer_id),
                "name": member.officer.name,
                "administration": member.officer.administration.name,
                "country": member.country,
                "role": member.role,
            }
            for member in members_of(membership)
        ],
        "countries": [
            {
                "country": taking_part.country,
                "contact_point": str(taking_part.contact_point_id) if taking_part.contact_point_id else None,
            }
            for taking_part in countries_of(membership)
        ],
    }
