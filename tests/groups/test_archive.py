"""Archiving ends a group for good: its key is destroyed, and what was sealed opens nowhere any more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import archive, change_phase
from groups.errors import BadMove, NotAllowed, RetentionRuns
from groups.keys import destroy_keys_of_archived
from groups.models import ClosedUserGroup, Membership, Phase
from groups.queries import current_sealer, sealer_for
from tests.cast import membership_of
from tests.groups.conftest import entries, put
from vault import KeyAgentAway, KeyDestroyed, KeyStore, Place, keystore

PLACE = Place("message", "body", "1")
Commit = Callable[..., Any]


@pytest.fixture
def ripe(group: ClosedUserGroup) -> ClosedUserGroup:
    """The group, closed so long ago that its retention has passed."""
    put(group, phase=Phase.CLOSED, closed_at=timezone.now() - timedelta(days=group.retention_days, minutes=1))
    return group


def test_nothing_opens_any_more(
    ripe: ClosedUserGroup, coordinator: Membership, django_capture_on_commit_callbacks: Commit
) -> None:
    sealed = current_sealer(ripe).seal(b"quay 4", PLACE)
    with django_capture_on_commit_callbacks(execute=True):
        archive(coordinator)
    assert not keystore().has_group_key(ripe.pk)
    with pytest.raises(KeyDestroyed):
        # Also for a process that still holds the group as it was.
        sealer_for(ripe, 1).open(sealed, PLACE)
    ripe.refresh_from_db()
    assert ripe.phase == Phase.ARCHIVED
    with pytest.raises(KeyDestroyed):
        current_sealer(ripe)


def test_it_is_audited(ripe: ClosedUserGroup, coordinator: Membership) -> None:
    change_phase(coordinator, to=Phase.ARCHIVED)
    assert entries(ripe, Action.GROUP_PHASE_CHANGED)[-1].details["after"] == "archived"
    assert entries(ripe, Action.GROUP_KEY_DESTROYED)[-1].actor == coordinator.officer_id


def test_not_before_the_retention_has_passed(ripe: ClosedUserGroup, coordinator: Membership) -> None:
    put(ripe, closed_at=timezone.now() - timedelta(days=ripe.retention_days - 1))
    for act in (archive, lambda m: change_phase(m, to=Phase.ARCHIVED)):
        with pytest.raises(RetentionRuns):
            act(coordinator)
    assert keystore().has_group_key(ripe.pk)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase != Phase.CLOSED])
def test_only_a_closed_group(ripe: ClosedUserGroup, coordinator: Membership, phase: str) -> None:
    put(ripe, phase=phase)
    with pytest.raises(BadMove):
        archive(coordinator)


@pytest.mark.parametrize("role", [role for role, rights in RIGHTS.items() if Right.MANAGE_GROUP not in rights])
def test_wrong_role(ripe: ClosedUserGroup, person: Callable[[str], Officer], role: str) -> None:
    with pytest.raises(NotAllowed):
        archive(membership_of(person(role), ripe))


def test_an_archiving_that_is_undone_leaves_the_key(
    ripe: ClosedUserGroup, coordinator: Membership, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(LookupError), transaction.atomic():
            archive(coordinator)
            raise LookupError
    assert keystore().has_group_key(ripe.pk)
    ripe.refresh_from_db()
    assert current_sealer(ripe).seal(b"x", PLACE)


def test_what_a_crash_left_is_destroyed_later(
    ripe: ClosedUserGroup, coordinator: Membership, other_group: ClosedUserGroup
) -> None:
    archive(coordinator)  # the commit's callback never runs here, as after a crash
    assert keystore().has_group_key(ripe.pk)
    assert destroy_keys_of_archived() == 1
    assert not keystore().has_group_key(ripe.pk)
    assert keystore().has_group_key(other_group.pk)
    assert destroy_keys_of_archived() == 0


def test_a_key_agent_that_is_away_delays_the_destruction_only(
    ripe: ClosedUserGroup,
    coordinator: Membership,
    django_capture_on_commit_callbacks: Commit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sealed = current_sealer(ripe).seal(b"quay 4", PLACE)

    def away(_store: KeyStore, _group: object) -> None:
        raise KeyAgentAway

    with monkeypatch.context() as patch:
        patch.setattr(KeyStore, "destroy_group_key", away)
        with django_capture_on_commit_callbacks(execute=True):
            archive(coordinator)
    ripe.refresh_from_db()
    assert keystore().has_group_key(ripe.pk)
    assert ripe.phase == Phase.ARCHIVED
    with pytest.raises(KeyDestroyed):
        sealer_for(ripe, 1).open(sealed, PLACE)
    assert destroy_keys_of_archived() == 1
    assert not keystore().has_group_key(ripe.pk)


@pytest.mark.parametrize("name", ["amina", "chloe", "fatou", "olga", "audrey"])
def test_its_pages_lead_nowhere_that_is_gone(
    client: Client,
    sign_in: Any,
    person: Callable[[str], Officer],
    ripe: ClosedUserGroup,
    coordinator: Membership,
    name: str,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        archive(coordinator)
    sign_in(client, person(name))
    card = client.get("/groups/").content.decode()
    entrance = f"/groups/{ripe.pk}/members/"
    assert re.findall(rf'href="(/groups/{ripe.pk}/[^"]*)"', card) == [entrance]
    page = client.get(entrance).content.decode()
    links = set(re.findall(rf'href="(/groups/{ripe.pk}/[^"]*)"', page))
    assert {entrance, f"/groups/{ripe.pk}/phases/"} <= links
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_on_its_page_too_early_is_told(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    put(group, phase=Phase.CLOSED, closed_at=timezone.now())
    sign_in(client, amina)
    assert "not before" in client.get(f"/groups/{group.pk}/phases/").content.decode()
    answer = client.post(f"/groups/{group.pk}/phases/move/", {"to": "archived", "confirm": group.code})
    assert answer.status_code == 409
    assert keystore().has_group_key(group.pk)
