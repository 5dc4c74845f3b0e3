"""The coordinator moves the group from phase to phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import change_phase
from groups.announcements import Change
from groups.errors import BadMove, NotAllowed
from groups.models import ClosedUserGroup, Membership, Phase
from tests.cast import membership_of
from tests.groups.conftest import STRANGERS, entries, put

Person = Callable[[str], Officer]
WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_GROUP not in rights]


def phase_of(group: ClosedUserGroup) -> str:
    return ClosedUserGroup.objects.get(pk=group.pk).phase


def test_from_planning_to_closed(group: ClosedUserGroup, coordinator: Membership, changes: list[Change]) -> None:
    put(group, phase=Phase.PLANNING)
    way = [Phase.PREOPERATIONAL, Phase.OPERATIONAL, Phase.POSTOPERATIONAL, Phase.CLOSED]
    for phase in way:
        change_phase(coordinator, to=phase)
        assert phase_of(group) == phase
    told = [entry.details for entry in entries(group, Action.GROUP_PHASE_CHANGED)]
    assert told == [
        {"before": a.value, "after": b.value} for a, b in zip([Phase.PLANNING, *way], way, strict=False)
    ]
    assert [(c.type, c.data["from"], c.data["to"]) for c in changes] == [
        ("phase", a, b) for a, b in zip([Phase.PLANNING, *way], way, strict=False)
    ]


def test_when_it_closed_is_kept_until_it_opens_again(group: ClosedUserGroup, coordinator: Membership) -> None:
    put(group, phase=Phase.POSTOPERATIONAL)
    assert change_phase(coordinator, to=Phase.CLOSED).closed_at is not None
    assert change_phase(coordinator, to=Phase.POSTOPERATIONAL).closed_at is None


@pytest.mark.parametrize("to", [Phase.PLANNING, Phase.PREOPERATIONAL, Phase.OPERATIONAL, Phase.CLOSED])
def test_no_move_that_is_not_offered(group: ClosedUserGroup, coordinator: Membership, to: str) -> None:
    with pytest.raises(BadMove):
        change_phase(coordinator, to=to)
    assert phase_of(group) == Phase.OPERATIONAL
    assert not entries(group, Action.GROUP_PHASE_CHANGED)


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, person: Person, role: str) -> None:
    with pytest.raises(NotAllowed):
        change_phase(membership_of(person(role), group), to=Phase.POSTOPERATIONAL)
    assert phase_of(group) == Phase.OPERATIONAL


def url(group: ClosedUserGroup) -> str:
    return f"/groups/{group.pk}/phases/move/"


def test_on_its_page_confirmed_by_the_code(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    sign_in(client, amina)
    for confirm in ["", "ZEPHYR"]:
        answer = client.post(url(group), {"to": "postoperational", "confirm": confirm})
        assert answer.status_code == 200
        assert "confirm" in answer.context["form"].errors
    assert phase_of(group) == Phase.OPERATIONAL
    assert client.post(url(group), {"to": "postoperational", "confirm": "harmattan "}).status_code == 302
    assert phase_of(group) == Phase.POSTOPERATIONAL


def test_on_its_page_only_the_moves_offered(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    sign_in(client, amina)
    answer = client.post(url(group), {"to": "closed", "confirm": group.code})
    assert "to" in answer.context["form"].errors
    assert phase_of(group) == Phase.OPERATIONAL


@pytest.mark.parametrize("role", RIGHTS)
def test_every_member_sees_the_phases_and_coordinators_the_moves(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str
) -> None:
    page = sign_in(client, person(role)).get(f"/groups/{group.pk}/phases/")
    assert page.status_code == 200
    assert (url(group) in page.content.decode()) == (role not in WRONG)


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str
) -> None:
    sign_in(client, person(name))
    assert client.get(f"/groups/{group.pk}/phases/").status_code == 404
    assert client.post(url(group), {"to": "postoperational", "confirm": group.code}).status_code == 404
    assert phase_of(group) == Phase.OPERATIONAL


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str
) -> None:
    answer = sign_in(client, person(role)).post(url(group), {"to": "postoperational", "confirm": group.code})
    assert answer.status_code == 403
    assert phase_of(group) == Phase.OPERATIONAL
