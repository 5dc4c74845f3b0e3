"""The coordinator invites somebody who has no account yet: account and membership, or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.errors import OfficerExists
from accounts.models import Invitation, Officer
from audit import Action
from audit.models import Entry
from groups.access import RIGHTS, Right
from groups.actions import invite_member, leave_group
from groups.errors import CountryNotInGroup, NotAllowed, OperationClosed, Stranger
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from tests.cast import membership_of
from tests.groups.conftest import entries, put


@pytest.fixture
def kofi(administrations: Any) -> dict[str, Any]:
    return {
        "email": "kofi@demo.invalid",
        "name": "Kofi",
        "administration": administrations["GH"],
        "language": "en",
        "role": Role.OFFICER,
    }


def nobody_was_made() -> bool:
    return not Officer.objects.filter(email="kofi@demo.invalid").exists()


def test_account_membership_and_entries(
    group: ClosedUserGroup, coordinator: Membership, kofi: dict[str, Any]
) -> None:
    joined, secret = invite_member(coordinator, **kofi)
    assert (joined.role, joined.country, joined.officer.has_usable_password()) == (Role.OFFICER, "GH", False)
    invitation = Invitation.objects.get(officer=joined.officer)
    assert secret.encode() not in bytes(invitation.secret_hash)
    assert Entry.objects.filter(action=Action.OFFICER_INVITED, subject=f"invitation:{invitation.pk}").exists()
    assert entries(group, Action.GROUP_MEMBER_ADDED)[-1].subject == f"membership:{joined.pk}"


def test_a_membership_that_is_refused_makes_no_account(
    group: ClosedUserGroup, coordinator: Membership, kofi: dict[str, Any]
) -> None:
    GroupCountry.objects.filter(group=group, country="GH").delete()
    with pytest.raises(CountryNotInGroup):
        invite_member(coordinator, **kofi)
    assert nobody_was_made()


def test_an_address_that_has_an_account(coordinator: Membership, kofi: dict[str, Any], eve: Officer) -> None:
    with pytest.raises(OfficerExists):
        invite_member(coordinator, **{**kofi, "email": "Eve@demo.invalid"})


@pytest.mark.parametrize("role", [role for role, rights in RIGHTS.items() if Right.MANAGE_MEMBERS not in rights])
def test_wrong_role(
    group: ClosedUserGroup, person: Callable[[str], Officer], role: str, kofi: dict[str, Any]
) -> None:
    with pytest.raises(NotAllowed):
        invite_member(membership_of(person(role), group), **kofi)
    assert nobody_was_made()


def test_one_who_left_since_the_gate(group: ClosedUserGroup, chloe: Officer, kofi: dict[str, Any]) -> None:
    membership = membership_of(chloe, group)
    leave_group(membership)
    with pytest.raises(Stranger):
        invite_member(membership, **kofi)
    assert nobody_was_made()


def test_closed(group: ClosedUserGroup, coordinator: Membership, kofi: dict[str, Any]) -> None:
    put(group, phase=Phase.CLOSED)
    with pytest.raises(OperationClosed):
        invite_member(coordinator, **kofi)
    assert nobody_was_made()
