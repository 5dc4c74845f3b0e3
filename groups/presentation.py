"""What the pages of groups show: members by country, the timeline of phases, the countries with their choices.

What must not live here: rules and writes. Labels are in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import get_language

from accounts.models import Recovery
from groups import queries
from groups.actions.lifecycle import retention_ends_at
from groups.actions.recovery import CONTACT_POINT, may_confirm, side_of
from groups.errors import NotAllowed
from groups.models import ClosedUserGroup, Membership, Phase, Role
from groups.phases import course, moves_from
from groups.wording import MOVE_TEXT, PHASE_TEXT, STANDING_TEXT
from nomenclature.names import country_name

ROLE_ORDER = list(Role)


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One member as the list shows it. `invited`: the account was not opened yet; `shut`: it is no more."""

    membership: Membership
    is_contact_point: bool
    invited: bool
    shut: bool


@dataclass(frozen=True, slots=True)
class CountryBlock:
    """The members of one country. A country without `takes_part` only lends staff to the unit."""

    country: str
    name: str
    takes_part: bool
    lines: list[MemberLine]

    @property
    def has_contact_point(self) -> bool:
        return any(line.is_contact_point for line in self.lines)


@dataclass(frozen=True, slots=True)
class PhaseStep:
    """One phase of the timeline."""

    phase: Phase
    label: str
    text: Promise
    state: str  # past, now, ahead
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One possible next phase, with what it means; `not_before` where it must wait."""

    phase: Phase
    label: str
    text: Promise
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CountryLine:
    """A country on the settings page, with those who could be its contact point."""

    country: str
    name: str
    contact_point: Membership | None
    candidates: list[Membership]
    members: int


def member_line(member: Membership, contact_points: Iterable[object] = ()) -> MemberLine:
    """Return one member as the list shows it."""
    return MemberLine(
        membership=member,
        is_contact_point=member.pk in set(contact_points),
        invited=not member.officer.has_usable_password(),
        shut=not member.officer.is_active,
    )


def members_by_country(membership: Membership) -> list[CountryBlock]:
    """Return the members of the group by country; countries that take part without a member are shown empty."""
    taking_part = {row.country: row for row in queries.countries_of(membership)}
    contact_points = {row.contact_point_id for row in taking_part.values() if row.contact_point_id}
    lines: dict[str, list[MemberLine]] = {country: [] for country in taking_part}
    members = sorted(queries.members_of(membership), key=lambda m: ROLE_ORDER.index(Role(m.role)))
    for member in members:
        lines.setdefault(member.country, []).append(member_line(member, contact_points))
    blocks = [CountryBlock(country, name_of(country), country in taking_part, lines[country]) for country in lines]
    return sorted(blocks, key=lambda block: (not block.takes_part, block.name))


def timeline(group: ClosedUserGroup) -> list[PhaseStep]:
    """Return the phases of the group's life, with which are past."""
    steps = list(course(group))
    now = steps.index(Phase(group.phase))
    texts = STANDING_TEXT if group.kind == ClosedUserGroup.Kind.STANDING else PHASE_TEXT
    return [
        PhaseStep(
            phase=phase,
            label=str(phase.label),
            text=texts[phase],
            state="past" if place < now else "now" if place == now else "ahead",
            starts_on=group.starts_on if phase == Phase.OPERATIONAL else None,
            ends_on=group.ends_on if phase == Phase.OPERATIONAL else None,
        )
        for place, phase in enumerate(steps)
    ]


def possible_moves(group: ClosedUserGroup) -> list[Move]:
    """Return the phases that may follow, the ordinary one first."""
    return [
        Move(
            phase=phase,
            label=str(phase.label),
            text=MOVE_TEXT[Phase(group.phase), phase],
            not_before=retention_ends_at(group) if phase == Phase.ARCHIVED else None,
        )
        for phase in moves_from(group)
    ]


def country_lines(membership: Membership) -> list[CountryLine]:
    """Return the countries that take part, by name, for the settings page."""
    members = list(queries.members_of(membership))
    lines = [
        CountryLine(
            country=row.country,
            name=name_of(row.country),
            contact_point=row.contact_point,
            candidates=[m for m in members if m.country == row.country and m.role == Role.CONTACT_POINT],
            members=sum(m.country == row.country for m in members),
        )
        for row in queries.countries_of(membership)
    ]
    return sorted(lines, key=lambda line: line.name)


def name_of(country: str) -> str:
    """Return a country's name in the reader's language."""
    return country_name(country, get_language() or "en")


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """One recovery, and what the reader may do about it."""

    recovery: Recovery
    may_confirm: bool
    may_draw: bool
    may_withdraw: bool


def recovery_lines(membership: Membership) -> list[RecoveryLine]:
    """Return the recoveries of the group that this member has a say in, the newest first."""
    lines = []
    for one in queries.recoveries_of(membership):
        try:
            side = side_of(membership, officer_administration=one.officer.administration_id)
        except NotAllowed:
            continue
        waits = one.confirmed_at is None
        agreed = membership.officer_id in {one.opened_by_id, one.confirmed_by_id}
        lines.append(
            RecoveryLine(
                recovery=one,
                may_confirm=waits and may_confirm(membership, one),
                may_draw=one.group is not None and not waits and side == CONTACT_POINT and agreed,
                may_withdraw=waits,
            )
        )
    return lines
