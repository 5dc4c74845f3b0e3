"""The members page: by country, with roles and contact points, for every member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Officer
from groups.access import RIGHTS, Right
from groups.models import ClosedUserGroup, GroupCountry, Membership
from groups.presentation import members_by_country
from tests.groups.conftest import STRANGERS

Person = Callable[[str], Officer]


def test_by_country_with_contact_points(group: ClosedUserGroup, coordinator: Membership) -> None:
    GroupCountry.objects.create(group=group, country="SN")
    blocks = {block.country: block for block in members_by_country(coordinator)}
    assert set(blocks) == {"BE", "FR", "GH", "NG", "SN"}
    assert [(line.membership.officer.name, line.is_contact_point) for line in blocks["GH"].lines] == [
        ("Bruno", True),
        ("Fatou", False),
    ]
    assert (blocks["SN"].lines, blocks["SN"].takes_part) == ([], True)
    assert [line.membership.officer.name for line in blocks["NG"].lines] == ["Amina"]


def test_staff_from_elsewhere_is_shown_last(group: ClosedUserGroup, coordinator: Membership) -> None:
    GroupCountry.objects.filter(group=group, country="BE").delete()
    last = members_by_country(coordinator)[-1]
    assert (last.country, last.takes_part) == ("BE", False)


@pytest.mark.parametrize("role", RIGHTS)
def test_every_member_reads_it_and_coordinators_manage(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str
) -> None:
    page = sign_in(client, person(role)).get(f"/groups/{group.pk}/members/")
    assert page.status_code == 200
    assert "Dmitri" in page.content.decode()
    assert (f"/groups/{group.pk}/members/add/" in page.content.decode()) == (
        Right.MANAGE_MEMBERS in RIGHTS[role]  # type: ignore[index]
    )


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str
) -> None:
    there = sign_in(client, person(name)).get(f"/groups/{group.pk}/members/")
    assert there.status_code == 404
    assert "Harmattan" not in there.content.decode()
