"""The coordinator gives a member another role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Officer, OfficerSession
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import change_role
from groups.announcements import Change
from groups.errors import CountryNotInGroup, LastCoordinator, NoSuchMember, NotAllowed, OperationClosed
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from tests.cast import membership_of
from tests.groups.conftest import STRANGERS, entries, put

Person = Callable[[str], Officer]
WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_MEMBERS not in rights]


def test_it_is_audited_and_announced(
    group: ClosedUserGroup, coordinator: Membership, fatou: Officer, changes: list[Change]
) -> None:
    member = membership_of(fatou, group)
    change_role(coordinator, member_id=member.pk, role=Role.ANALYST)
    assert membership_of(fatou, group).role == Role.ANALYST
    [entry] = entries(group, Action.GROUP_MEMBER_ROLE_CHANGED)
    assert (entry.details["before"], entry.details["role"]) == ("officer", "analyst")
    assert [(c.type, c.data["change"], c.data["role"]) for c in changes] == [("member", "role", "analyst")]


def test_the_same_role_changes_nothing(
    group: ClosedUserGroup, coordinator: Membership, fatou: Officer, changes: list[Change]
) -> None:
    change_role(coordinator, member_id=membership_of(fatou, group).pk, role=Role.OFFICER)
    assert (changes, entries(group, Action.GROUP_MEMBER_ROLE_CHANGED)) == ([], [])


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, person: Person, role: str) -> None:
    own = membership_of(person(role), group)
    with pytest.raises(NotAllowed):
        change_role(own, member_id=own.pk, role=Role.COORDINATOR)
    assert membership_of(person(role), group).role == role


def test_the_last_coordinator_stays_one(group: ClosedUserGroup, coordinator: Membership, chloe: Officer) -> None:
    with pytest.raises(LastCoordinator):
        change_role(coordinator, member_id=coordinator.pk, role=Role.ANALYST)
    change_role(coordinator, member_id=membership_of(chloe, group).pk, role=Role.COORDINATOR)
    assert change_role(coordinator, member_id=coordinator.pk, role=Role.ANALYST).role == Role.ANALYST


def test_a_coordinator_whose_account_is_shut_does_not_count(
    group: ClosedUserGroup, coordinator: Membership, chloe: Officer
) -> None:
    change_role(coordinator, member_id=membership_of(chloe, group).pk, role=Role.COORDINATOR)
    Officer.objects.filter(pk=chloe.pk).update(is_active=False)
    with pytest.raises(LastCoordinator):
        change_role(coordinator, member_id=coordinator.pk, role=Role.ANALYST)


def test_a_contact_point_who_is_none_any_more_answers_for_nobody(
    group: ClosedUserGroup, coordinator: Membership, bruno: Officer, fatou: Officer
) -> None:
    change_role(coordinator, member_id=membership_of(bruno, group).pk, role=Role.OFFICER)
    assert GroupCountry.objects.get(group=group, country="GH").contact_point is None
    successor = change_role(coordinator, member_id=membership_of(fatou, group).pk, role=Role.CONTACT_POINT)
    assert GroupCountry.objects.get(group=group, country="GH").contact_point == successor


def test_a_role_that_reports_needs_the_country_in_the_group(
    group: ClosedUserGroup, coordinator: Membership, olga: Officer
) -> None:
    GroupCountry.objects.filter(group=group, country="FR").delete()
    with pytest.raises(CountryNotInGroup):
        change_role(coordinator, member_id=membership_of(olga, group).pk, role=Role.OFFICER)


def test_a_member_of_another_group_is_no_member_here(
    coordinator: Membership, other_group: ClosedUserGroup, eve: Officer
) -> None:
    with pytest.raises(NoSuchMember):
        change_role(coordinator, member_id=membership_of(eve, other_group).pk, role=Role.OFFICER)
    with pytest.raises(NoSuchMember):
        change_role(coordinator, member_id=uuid4(), role=Role.OFFICER)


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_closed(group: ClosedUserGroup, coordinator: Membership, fatou: Officer, phase: str) -> None:
    put(group, phase=phase)
    with pytest.raises(OperationClosed):
        change_role(coordinator, member_id=membership_of(fatou, group).pk, role=Role.ANALYST)


def test_a_new_coordinators_sessions_idle_out_sooner(
    client: Client, sign_in: Any, group: ClosedUserGroup, coordinator: Membership, chloe: Officer
) -> None:
    sign_in(client, chloe)
    before = OfficerSession.objects.get(officer=chloe).idle_seconds
    change_role(coordinator, member_id=membership_of(chloe, group).pk, role=Role.COORDINATOR)
    assert OfficerSession.objects.get(officer=chloe).idle_seconds < before


def url(group: ClosedUserGroup, member: Officer) -> str:
    return f"/groups/{group.pk}/members/{membership_of(member, group).pk}/"


def test_on_its_page(client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, fatou: Officer) -> None:
    sign_in(client, amina)
    assert client.get(url(group, fatou)).status_code == 200
    assert client.post(url(group, fatou), {"role": "analyst"}).status_code == 302
    assert membership_of(fatou, group).role == Role.ANALYST


def test_on_its_page_a_refusal_is_told_in_the_form(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    answer = sign_in(client, amina).post(url(group, amina), {"role": "analyst"})
    assert answer.status_code == 409
    assert "at least one coordinator" in answer.content.decode()


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str, fatou: Officer
) -> None:
    assert sign_in(client, person(name)).post(url(group, fatou), {"role": "analyst"}).status_code == 404
    assert membership_of(fatou, group).role == Role.OFFICER


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str, fatou: Officer
) -> None:
    assert sign_in(client, person(role)).post(url(group, fatou), {"role": "analyst"}).status_code == 403
    assert membership_of(fatou, group).role == Role.OFFICER
