"""Which countries take part, and who answers for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import add_country, change_role, remove_country, set_contact_point
from groups.announcements import Change
from groups.errors import (
    CountryInUse,
    CountryNotInGroup,
    CountryTakesPart,
    InvalidSettings,
    NoSuchMember,
    NotAllowed,
    NotContactPoint,
    OperationClosed,
)
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from tests.cast import membership_of
from tests.groups.conftest import STRANGERS, entries, put

Person = Callable[[str], Officer]
WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_GROUP not in rights]
ACTS: dict[str, Callable[[Membership], object]] = {
    "add": lambda m: add_country(m, country="SN"),
    "remove": lambda m: remove_country(m, country="TG"),
    "contact": lambda m: set_contact_point(m, country="GH", member_id=None),
}
POSTS = {
    "add": ("", {"country": "SN"}),
    "remove": ("TG/remove/", {}),
    "contact": ("GH/contact-point/", {"member": ""}),
}


@pytest.fixture
def togo(group: ClosedUserGroup) -> GroupCountry:
    """A country without members."""
    return GroupCountry.objects.create(group=group, country="TG")


def state(group: ClosedUserGroup) -> list[tuple[str, object]]:
    return list(GroupCountry.objects.filter(group=group).values_list("country", "contact_point_id"))


def test_add(group: ClosedUserGroup, coordinator: Membership, changes: list[Change]) -> None:
    add_country(coordinator, country="SN")
    assert "SN" in dict(state(group))
    assert entries(group, Action.GROUP_COUNTRY_ADDED)[-1].subject == "country:SN"
    assert [(c.type, dict(c.data)) for c in changes] == [
        ("country", {"change": "added", "country": "SN", "membership": None})
    ]


def test_add_twice(coordinator: Membership) -> None:
    with pytest.raises(CountryTakesPart):
        add_country(coordinator, country="GH")


@pytest.mark.parametrize("country", ["", "QQ", "XZ", "gh", "GHA"])
def test_add_what_is_no_country(coordinator: Membership, country: str) -> None:
    with pytest.raises(InvalidSettings):
        add_country(coordinator, country=country)


def test_remove(group: ClosedUserGroup, coordinator: Membership, togo: GroupCountry, changes: list[Change]) -> None:
    remove_country(coordinator, country="TG")
    assert "TG" not in dict(state(group))
    assert entries(group, Action.GROUP_COUNTRY_REMOVED)[-1].subject == "country:TG"
    assert changes[-1].data["change"] == "removed"


def test_remove_while_members_take_part(group: ClosedUserGroup, coordinator: Membership) -> None:
    with pytest.raises(CountryInUse):
        remove_country(coordinator, country="GH")
    assert "GH" in dict(state(group))


def test_remove_what_does_not_take_part(coordinator: Membership) -> None:
    with pytest.raises(CountryNotInGroup):
        remove_country(coordinator, country="SN")


def test_name_a_contact_point(
    group: ClosedUserGroup, coordinator: Membership, bruno: Officer, fatou: Officer, changes: list[Change]
) -> None:
    second = change_role(coordinator, member_id=membership_of(fatou, group).pk, role=Role.CONTACT_POINT)
    assert dict(state(group))["GH"] == membership_of(bruno, group).pk
    set_contact_point(coordinator, country="GH", member_id=second.pk)
    assert dict(state(group))["GH"] == second.pk
    entry = entries(group, Action.GROUP_CONTACT_POINT_SET)[-1]
    assert (entry.subject, entry.details) == ("country:GH", {"membership": str(second.pk)})
    assert changes[-1].data == {"change": "contact_point", "country": "GH", "membership": second.pk}


def test_name_nobody(group: ClosedUserGroup, coordinator: Membership) -> None:
    set_contact_point(coordinator, country="GH", member_id=None)
    assert dict(state(group))["GH"] is None


def test_only_a_contact_point_of_that_country(
    group: ClosedUserGroup, coordinator: Membership, bruno: Officer, fatou: Officer
) -> None:
    for country, member in [("GH", fatou), ("FR", bruno)]:
        with pytest.raises(NotContactPoint):
            set_contact_point(coordinator, country=country, member_id=membership_of(member, group).pk)
    with pytest.raises(NoSuchMember):
        set_contact_point(coordinator, country="GH", member_id=uuid4())
    with pytest.raises(CountryNotInGroup):
        set_contact_point(coordinator, country="SN", member_id=None)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, togo: GroupCountry, person: Person, role: str, act: str) -> None:
    before = state(group)
    with pytest.raises(NotAllowed):
        ACTS[act](membership_of(person(role), group))
    assert state(group) == before


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_closed(group: ClosedUserGroup, togo: GroupCountry, coordinator: Membership, act: str, phase: str) -> None:
    before = state(group)
    put(group, phase=phase)
    with pytest.raises(OperationClosed):
        ACTS[act](coordinator)
    assert state(group) == before


def url(group: ClosedUserGroup, act: str) -> str:
    return f"/groups/{group.pk}/settings/countries/{POSTS[act][0]}"


@pytest.mark.parametrize("act", ACTS)
def test_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, togo: GroupCountry, amina: Officer, act: str
) -> None:
    before = state(group)
    assert sign_in(client, amina).post(url(group, act), POSTS[act][1]).status_code == 302
    assert state(group) != before


def test_a_country_twice_is_told_in_the_form(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    answer = sign_in(client, amina).post(url(group, "add"), {"country": "GH"})
    assert answer.status_code == 409
    assert "takes part already" in answer.content.decode()


def test_a_member_that_is_no_id(client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer) -> None:
    assert sign_in(client, amina).post(url(group, "contact"), {"member": "x"}).status_code == 422


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, togo: GroupCountry, person: Person, name: str, act: str
) -> None:
    before = state(group)
    assert sign_in(client, person(name)).post(url(group, act), POSTS[act][1]).status_code == 404
    assert state(group) == before


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", WRONG)
def test_wrong_role_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, togo: GroupCountry, person: Person, role: str, act: str
) -> None:
    before = state(group)
    assert sign_in(client, person(role)).post(url(group, act), POSTS[act][1]).status_code == 403
    assert state(group) == before
