"""A membership ends: the officer is a stranger at once, and what follows is sealed with a new key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import change_role, leave_group, remove_member
from groups.announcements import Change
from groups.errors import LastCoordinator, NoSuchMember, NotAllowed, Stranger
from groups.gates import member_of
from groups.keys import rotate_old_epochs
from groups.models import ClosedUserGroup, EpochKey, GroupCountry, Membership, Phase, Role
from groups.queries import current_sealer, sealer_for
from problems import Refusal
from tests.cast import membership_of
from tests.groups.conftest import STRANGERS, entries, put
from vault import (
    KeyAgentAway,
    KeyDestroyed,
    KeyServiceAway,
    KeyStore,
    Place,
    SealBroken,
    TooManyOpenings,
)

Person = Callable[[str], Officer]
WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_MEMBERS not in rights]


def test_the_officer_is_a_stranger_at_once(group: ClosedUserGroup, coordinator: Membership, fatou: Officer) -> None:
    remove_member(coordinator, member_id=membership_of(fatou, group).pk)
    with pytest.raises(Stranger):
        member_of(fatou, group.pk, Right.SEE_GROUP)


@pytest.mark.parametrize("refusal", [KeyAgentAway, KeyServiceAway, TooManyOpenings, SealBroken, KeyDestroyed])
def test_nobody_stays_because_no_key_can_be_made(
    group: ClosedUserGroup,
    coordinator: Membership,
    fatou: Officer,
    monkeypatch: pytest.MonkeyPatch,
    refusal: type[Refusal],
) -> None:
    """Whoever stops the key agent or seals the key service would otherwise keep a member in."""
    EpochKey.objects.filter(group=group).update(created_at=timezone.now() - timedelta(minutes=1))

    def away(_store: KeyStore, _group: object, _epoch: int) -> bytes:
        raise refusal

    with monkeypatch.context() as patch:
        patch.setattr(KeyStore, "new_epoch_key", away)
        remove_member(coordinator, member_id=membership_of(fatou, group).pk)
        with pytest.raises(refusal):
            rotate_old_epochs()
    with pytest.raises(Stranger):
        member_of(fatou, group.pk, Right.SEE_GROUP)
    group.refresh_from_db()
    assert (group.key_epoch, entries(group, Action.GROUP_EPOCH_STARTED)) == (1, [])
    assert current_sealer(group).seal(b"on", Place("message", "body", "1"))
    assert rotate_old_epochs() == 1
    group.refresh_from_db()
    assert group.key_epoch == 2
    [epoch] = entries(group, Action.GROUP_EPOCH_STARTED)
    assert (epoch.actor, epoch.details) == (None, {"epoch": 2, "reason": "member_left"})
    assert rotate_old_epochs() == 0


def test_it_is_audited_and_announced(
    group: ClosedUserGroup, coordinator: Membership, fatou: Officer, changes: list[Change]
) -> None:
    member = membership_of(fatou, group)
    remove_member(coordinator, member_id=member.pk)
    [entry] = entries(group, Action.GROUP_MEMBER_REMOVED)
    assert (entry.actor, entry.subject) == (coordinator.officer_id, f"membership:{member.pk}")
    [epoch] = entries(group, Action.GROUP_EPOCH_STARTED)
    assert epoch.details == {"epoch": 2, "reason": "member_removed"}
    [change] = changes
    assert (change.type, change.data["change"], change.data["officer"]) == ("member", "removed", fatou.pk)


def test_a_new_epoch_seals_and_old_values_still_open(
    group: ClosedUserGroup, coordinator: Membership, fatou: Officer
) -> None:
    place = Place("message", "body", "1")
    before = current_sealer(group).seal(b"container at berth 4", place)
    remove_member(coordinator, member_id=membership_of(fatou, group).pk)
    group.refresh_from_db()
    assert group.key_epoch == 2
    assert EpochKey.objects.get(group=group, epoch=1).wrapped != EpochKey.objects.get(group=group, epoch=2).wrapped
    after = current_sealer(group).seal(b"container at berth 5", place)
    assert sealer_for(group, 1).open(before, place) == b"container at berth 4"
    assert sealer_for(group, 2).open(after, place) == b"container at berth 5"
    with pytest.raises(SealBroken):
        sealer_for(group, 1).open(after, place)


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, person: Person, role: str, amina: Officer) -> None:
    with pytest.raises(NotAllowed):
        remove_member(membership_of(person(role), group), member_id=membership_of(amina, group).pk)
    assert membership_of(amina, group).left_at is None


def test_twice_is_no_member(group: ClosedUserGroup, coordinator: Membership, fatou: Officer) -> None:
    member = membership_of(fatou, group)
    remove_member(coordinator, member_id=member.pk)
    with pytest.raises(NoSuchMember):
        remove_member(coordinator, member_id=member.pk)
    assert len(entries(group, Action.GROUP_MEMBER_REMOVED)) == 1


def test_the_last_coordinator_cannot_be_removed(coordinator: Membership) -> None:
    with pytest.raises(LastCoordinator):
        remove_member(coordinator, member_id=coordinator.pk)


def test_a_contact_point_leaves_the_country_without_one(
    group: ClosedUserGroup, coordinator: Membership, bruno: Officer
) -> None:
    remove_member(coordinator, member_id=membership_of(bruno, group).pk)
    assert GroupCountry.objects.get(group=group, country="GH").contact_point is None


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_also_in_a_closed_group_where_nothing_is_sealed_any_more(
    group: ClosedUserGroup, coordinator: Membership, fatou: Officer, phase: str
) -> None:
    put(group, phase=phase)
    remove_member(coordinator, member_id=membership_of(fatou, group).pk)
    group.refresh_from_db()
    assert group.key_epoch == 1
    with pytest.raises(Stranger):
        member_of(fatou, group.pk, Right.SEE_GROUP)


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.COORDINATOR])
def test_every_member_may_leave(group: ClosedUserGroup, person: Person, role: str) -> None:
    officer = person(role)
    leave_group(membership_of(officer, group))
    with pytest.raises(Stranger):
        member_of(officer, group.pk, Right.SEE_GROUP)
    [epoch] = entries(group, Action.GROUP_EPOCH_STARTED)
    assert epoch.details["reason"] == "member_left"


def test_the_last_coordinator_cannot_leave(group: ClosedUserGroup, coordinator: Membership, chloe: Officer) -> None:
    with pytest.raises(LastCoordinator):
        leave_group(coordinator)
    change_role(coordinator, member_id=membership_of(chloe, group).pk, role=Role.COORDINATOR)
    leave_group(coordinator)
    assert entries(group, Action.GROUP_MEMBER_REMOVED)[0].details["reason"] == "member_left"


def test_who_left_cannot_leave_again(group: ClosedUserGroup, fatou: Officer) -> None:
    own = membership_of(fatou, group)
    leave_group(own)
    with pytest.raises(Stranger):
        leave_group(own)


def url(group: ClosedUserGroup, member: Officer) -> str:
    return f"/groups/{group.pk}/members/{membership_of(member, group).pk}/remove/"


def test_on_its_page_with_a_confirmation(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, fatou: Officer
) -> None:
    sign_in(client, amina)
    address = url(group, fatou)
    assert client.post(address, {}).status_code == 200
    assert membership_of(fatou, group).left_at is None
    assert client.post(address, {"confirm": "on"}).status_code == 302
    assert not Membership.objects.filter(group=group, officer=fatou, left_at=None).exists()


def test_on_its_page_the_last_coordinator_is_told_why_not(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    answer = sign_in(client, amina).post(url(group, amina), {"confirm": "on"})
    assert answer.status_code == 409
    assert "at least one coordinator" in answer.content.decode()


def test_leaving_on_its_page(client: Client, sign_in: Any, group: ClosedUserGroup, olga: Officer) -> None:
    sign_in(client, olga)
    address = f"/groups/{group.pk}/members/leave/"
    assert client.get(address).status_code == 200
    assert client.post(address, {}).status_code == 200
    assert client.post(address, {"confirm": "on"}).status_code == 302
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str, fatou: Officer
) -> None:
    sign_in(client, person(name))
    assert client.post(url(group, fatou), {"confirm": "on"}).status_code == 404
    assert client.post(f"/groups/{group.pk}/members/leave/", {"confirm": "on"}).status_code == 404
    assert membership_of(fatou, group).left_at is None


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str, dmitri: Officer
) -> None:
    assert sign_in(client, person(role)).post(url(group, dmitri), {"confirm": "on"}).status_code == 403
    assert membership_of(dmitri, group).left_at is None
