"""A new link for a member who never opened the account. Whoever holds a link can become that officer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions import invite_officer
from accounts.models import Invitation, Officer
from audit import Action
from audit.models import Entry
from groups.access import RIGHTS, Right
from groups.actions import add_member, change_role, invite_again, remove_member
from groups.errors import (
    InvitationAccepted,
    InvitationNotYours,
    NoSuchMember,
    NotAllowed,
    OfficerNotThereYet,
    OperationClosed,
)
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from tests.cast import join, membership_of
from tests.groups.conftest import STRANGERS, put

WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_MEMBERS not in rights]


@pytest.fixture
def kofi(coordinator: Membership, administrations: Any) -> Membership:
    """A member who was invited and has not accepted."""
    invitation, _secret = invite_officer(
        email="kofi@demo.invalid", name="Kofi", administration=administrations["GH"], actor=coordinator.officer
    )
    return add_member(coordinator, officer=invitation.officer, role=Role.OFFICER)


def test_the_earlier_link_ends(coordinator: Membership, kofi: Membership) -> None:
    first = Invitation.objects.get(officer=kofi.officer)
    second, secret = invite_again(coordinator, member_id=kofi.pk)
    first.refresh_from_db()
    assert first.withdrawn_at is not None
    assert (second.officer_id, second.withdrawn_at, bool(secret)) == (kofi.officer_id, None, True)
    assert Entry.objects.filter(action=Action.OFFICER_INVITED, subject=f"invitation:{second.pk}").exists()


def test_not_for_an_open_account(group: ClosedUserGroup, coordinator: Membership, fatou: Officer) -> None:
    with pytest.raises(InvitationAccepted):
        invite_again(coordinator, member_id=membership_of(fatou, group).pk)


def test_not_for_one_who_belongs_to_another_group_too(
    coordinator: Membership, kofi: Membership, other_group: ClosedUserGroup
) -> None:
    join(other_group, kofi.officer, Role.OFFICER)
    with pytest.raises(InvitationNotYours):
        invite_again(coordinator, member_id=kofi.pk)


def test_not_for_one_whose_account_was_open_before(coordinator: Membership, kofi: Membership) -> None:
    Invitation.objects.filter(officer=kofi.officer).update(accepted_at=timezone.now())
    with pytest.raises(InvitationNotYours):
        invite_again(coordinator, member_id=kofi.pk)


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, kofi: Membership, person: Callable[[str], Officer], role: str) -> None:
    with pytest.raises(NotAllowed):
        invite_again(membership_of(person(role), group), member_id=kofi.pk)


def test_not_across_groups(kofi: Membership, other_group: ClosedUserGroup, eve: Officer) -> None:
    with pytest.raises(NoSuchMember):
        invite_again(membership_of(eve, other_group), member_id=kofi.pk)


def test_closed(group: ClosedUserGroup, coordinator: Membership, kofi: Membership) -> None:
    put(group, phase=Phase.CLOSED)
    with pytest.raises(OperationClosed):
        invite_again(coordinator, member_id=kofi.pk)


def test_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, kofi: Membership, amina: Officer
) -> None:
    sign_in(client, amina)
    assert "invited, not opened" in client.get(f"/groups/{group.pk}/members/{kofi.pk}/").content.decode()
    answer = client.post(f"/groups/{group.pk}/members/{kofi.pk}/invitation/")
    assert answer.status_code == 200
    assert Invitation.objects.filter(officer=kofi.officer, withdrawn_at=None).count() == 1
    assert answer.context["link"].startswith("http://testserver/")


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, kofi: Membership, name: str, request: Any
) -> None:
    sign_in(client, request.getfixturevalue(name))
    assert client.post(f"/groups/{group.pk}/members/{kofi.pk}/invitation/").status_code == 404


def test_not_for_one_whom_others_invited(coordinator: Membership, padma: Officer, administrations: Any) -> None:
    invitation, _secret = invite_officer(
        email="kofi@demo.invalid", name="Kofi", administration=administrations["GH"], actor=padma
    )
    joined = add_member(coordinator, officer=invitation.officer, role=Role.OFFICER)
    with pytest.raises(InvitationNotYours):
        invite_again(coordinator, member_id=joined.pk)
    invitation.refresh_from_db()
    assert invitation.withdrawn_at is None


def test_a_link_in_other_hands_keeps_its_officer_out_of_a_second_group(
    coordinator: Membership, kofi: Membership, other_group: ClosedUserGroup, eve: Officer
) -> None:
    elsewhere = membership_of(eve, other_group)
    GroupCountry.objects.create(group=other_group, country="GH")
    with pytest.raises(OfficerNotThereYet):
        add_member(elsewhere, officer=kofi.officer, role=Role.OFFICER)
    Invitation.objects.filter(officer=kofi.officer).update(accepted_at=timezone.now())
    kofi.officer.set_password("a lantern over quiet water")
    kofi.officer.save()
    assert add_member(elsewhere, officer=kofi.officer, role=Role.OFFICER).left_at is None


@pytest.mark.parametrize("end", ["removed", "another role"])
def test_who_coordinates_no_more_holds_no_link(
    group: ClosedUserGroup, coordinator: Membership, kofi: Membership, chloe: Officer, end: str
) -> None:
    change_role(coordinator, member_id=membership_of(chloe, group).pk, role=Role.COORDINATOR)
    other = membership_of(chloe, group)
    if end == "removed":
        remove_member(other, member_id=coordinator.pk)
    else:
        change_role(other, member_id=coordinator.pk, role=Role.OFFICER)
    assert Invitation.objects.get(officer=kofi.officer).withdrawn_at is not None
    assert Entry.objects.filter(action=Action.INVITATION_WITHDRAWN, actor=chloe.pk).exists()
    _invitation, secret = invite_again(other, member_id=kofi.pk)
    assert secret
