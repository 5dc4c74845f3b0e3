"""A coordinator lets a group take data about persons: confirmed, in the trail, told to all, seen by all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import set_nominal
from groups.announcements import Change
from groups.errors import NotAllowed, OperationClosed
from groups.models import ClosedUserGroup, Membership, Phase, Role
from tests.cast import membership_of
from tests.groups.conftest import entries, put

Person = Callable[[str], Officer]
WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_GROUP not in rights]


def test_it_is_switched_on_audited_and_announced(
    group: ClosedUserGroup, coordinator: Membership, changes: list[Change]
) -> None:
    set_nominal(coordinator, allowed=True)
    group.refresh_from_db()
    assert group.nominal_allowed
    [entry] = entries(group, Action.GROUP_NOMINAL_SET)
    assert (entry.actor, entry.details) == (coordinator.officer_id, {"allowed": True})
    assert [(change.type, change.data) for change in changes] == [("settings", {"fields": ["nominal_allowed"]})]


def test_the_same_again_changes_nothing(
    group: ClosedUserGroup, coordinator: Membership, changes: list[Change]
) -> None:
    set_nominal(coordinator, allowed=False)
    assert (changes, entries(group, Action.GROUP_NOMINAL_SET)) == ([], [])


def test_it_is_switched_off_again(group: ClosedUserGroup, coordinator: Membership) -> None:
    set_nominal(coordinator, allowed=True)
    assert not set_nominal(coordinator, allowed=False).nominal_allowed
    assert [entry.details["allowed"] for entry in entries(group, Action.GROUP_NOMINAL_SET)] == [True, False]


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, person: Person, role: Role) -> None:
    with pytest.raises(NotAllowed):
        set_nominal(membership_of(person(role), group), allowed=True)
    group.refresh_from_db()
    assert not group.nominal_allowed


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_not_in_a_closed_group(group: ClosedUserGroup, coordinator: Membership, phase: Phase) -> None:
    put(group, phase=phase)
    with pytest.raises(OperationClosed):
        set_nominal(coordinator, allowed=True)


def test_the_page_wants_the_code_and_every_member_sees_it(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, olga: Officer, eve: Officer
) -> None:
    page = f"/groups/{group.pk}/settings/nominal/"
    sign_in(client, amina)
    assert "Switch on for everybody" in client.get(page).content.decode()
    assert client.post(page, {"allowed": "True", "confirm": "WRONG"}).status_code == 200
    group.refresh_from_db()
    assert not group.nominal_allowed
    assert client.post(page, {"allowed": "True", "confirm": group.code.lower()}).status_code == 302
    group.refresh_from_db()
    assert group.nominal_allowed
    sign_in(client, olga)
    assert "Nominal data" in client.get(f"/groups/{group.pk}/members/").content.decode()
    assert client.post(page, {"allowed": "False", "confirm": group.code}).status_code == 403
    assert sign_in(client, eve).get(page).status_code == 404
