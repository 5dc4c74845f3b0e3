"""The coordinator takes officers in: by account, by exact address, or by inviting somebody new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Invitation, Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import add_member, remove_member
from groups.announcements import Change
from groups.errors import (
    AdministratorCannotJoin,
    AlreadyMember,
    CountryNotInGroup,
    NotAllowed,
    OfficerInactive,
    OperationClosed,
    Stranger,
)
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from tests.cast import membership_of
from tests.groups.conftest import STRANGERS, entries, put

Person = Callable[[str], Officer]


def url(group: ClosedUserGroup) -> str:
    return f"/groups/{group.pk}/members/add/"


@pytest.mark.parametrize("role", Role.values)
def test_in_every_role(coordinator: Membership, make_officer: Any, role: str) -> None:
    joined = add_member(coordinator, officer=make_officer("kofi", "GH"), role=role)
    assert (joined.role, joined.country, joined.left_at) == (role, "GH", None)


def test_it_is_audited_and_announced(
    group: ClosedUserGroup, coordinator: Membership, make_officer: Any, changes: list[Change]
) -> None:
    kofi = make_officer("kofi", "GH")
    joined = add_member(coordinator, officer=kofi, role=Role.OFFICER)
    entry = entries(group, Action.GROUP_MEMBER_ADDED)[-1]
    assert (entry.actor, entry.subject) == (coordinator.officer_id, f"membership:{joined.pk}")
    assert entry.details == {"officer": str(kofi.pk), "role": "officer", "country": "GH"}
    [change] = changes
    assert (change.type, change.actor) == ("member", coordinator.officer_id)
    assert change.data == {
        "change": "added",
        "membership": joined.pk,
        "officer": kofi.pk,
        "role": "officer",
        "country": "GH",
    }


@pytest.mark.parametrize("role", [role for role, rights in RIGHTS.items() if Right.MANAGE_MEMBERS not in rights])
def test_wrong_role(group: ClosedUserGroup, person: Person, make_officer: Any, role: str) -> None:
    with pytest.raises(NotAllowed):
        add_member(membership_of(person(role), group), officer=make_officer("kofi", "GH"), role=Role.OFFICER)


def test_one_who_was_removed_since_the_gate(coordinator: Membership, make_officer: Any, chloe: Officer) -> None:
    add_member(coordinator, officer=make_officer("kofi", "NG"), role=Role.COORDINATOR)
    remove_member(coordinator, member_id=coordinator.pk)
    with pytest.raises(Stranger):
        add_member(coordinator, officer=make_officer("esi", "GH"), role=Role.OFFICER)


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_closed(group: ClosedUserGroup, coordinator: Membership, make_officer: Any, phase: str) -> None:
    put(group, phase=phase)
    with pytest.raises(OperationClosed):
        add_member(coordinator, officer=make_officer("kofi", "GH"), role=Role.OFFICER)
    assert not Membership.objects.filter(officer__name="Kofi").exists()


def test_once(coordinator: Membership, fatou: Officer) -> None:
    with pytest.raises(AlreadyMember):
        add_member(coordinator, officer=fatou, role=Role.ANALYST)


def test_again_after_leaving(group: ClosedUserGroup, coordinator: Membership, removed: Officer) -> None:
    add_member(coordinator, officer=removed, role=Role.OFFICER)
    assert Membership.objects.filter(group=group, officer=removed).count() == 2


@pytest.mark.parametrize("role", [Role.OFFICER, Role.CONTACT_POINT])
def test_who_reports_for_a_country_needs_it_in_the_group(
    group: ClosedUserGroup, coordinator: Membership, make_officer: Any, role: str
) -> None:
    kofi = make_officer("kofi", "BE")
    Membership.objects.filter(group=group, country="BE").update(left_at=timezone.now())
    GroupCountry.objects.filter(group=group, country="BE").delete()
    with pytest.raises(CountryNotInGroup):
        add_member(coordinator, officer=kofi, role=role)
    assert add_member(coordinator, officer=kofi, role=Role.OBSERVER).country == "BE"


def test_no_platform_administrator(coordinator: Membership, padma: Officer) -> None:
    with pytest.raises(AdministratorCannotJoin):
        add_member(coordinator, officer=padma, role=Role.OBSERVER)


def test_no_shut_account(coordinator: Membership, make_officer: Any) -> None:
    kofi = make_officer("kofi", "GH")
    kofi.is_active = False
    with pytest.raises(OfficerInactive):
        add_member(coordinator, officer=kofi, role=Role.OBSERVER)


def test_the_first_contact_point_answers_for_the_country(
    group: ClosedUserGroup, coordinator: Membership, make_officer: Any
) -> None:
    first = add_member(coordinator, officer=make_officer("marie", "FR"), role=Role.CONTACT_POINT)
    add_member(coordinator, officer=make_officer("paul", "FR"), role=Role.CONTACT_POINT)
    assert GroupCountry.objects.get(group=group, country="FR").contact_point == first


def test_on_its_page_by_exact_address(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, make_officer: Any
) -> None:
    kofi = make_officer("kofi", "GH")
    sign_in(client, amina)
    assert client.get(url(group)).status_code == 200
    assert client.post(url(group), {"email": "KOFI@demo.invalid", "role": "officer"}).status_code == 302
    assert Membership.objects.filter(group=group, officer=kofi, left_at=None).exists()


def test_on_its_page_a_refusal_is_told_in_the_form(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, fatou: Officer
) -> None:
    answer = sign_in(client, amina).post(url(group), {"email": fatou.email, "role": "officer"})
    assert answer.status_code == 409
    assert "member already" in answer.content.decode()


def test_somebody_new_is_invited_with_a_link_shown_once(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, administrations: Any
) -> None:
    sign_in(client, amina)
    asked = client.post(url(group), {"email": "Kofi@demo.invalid", "role": "officer"})
    assert asked.status_code == 200
    assert "administration" in asked.context["form"].fields
    assert not Officer.objects.filter(email="kofi@demo.invalid").exists()
    form = {
        "email": "Kofi@demo.invalid",
        "role": "officer",
        "name": "Kofi",
        "administration": str(administrations["GH"].pk),
        "language": "fr",
    }
    answer = client.post(url(group), form)
    kofi = Officer.objects.get(email="kofi@demo.invalid")
    assert (kofi.language, kofi.has_usable_password()) == ("fr", False)
    assert Invitation.objects.get(officer=kofi).invited_by == amina
    assert Membership.objects.get(officer=kofi, left_at=None).role == Role.OFFICER
    link = answer.context["link"]
    assert answer.headers["Cache-Control"] == "no-store"
    members = client.get(f"/groups/{group.pk}/members/").content.decode()
    assert link not in members
    assert "invited" in members


def test_an_invitation_whose_membership_is_refused_makes_no_officer(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer, administrations: Any
) -> None:
    GroupCountry.objects.filter(group=group, country="BE").delete()
    form = {
        "email": "jan@demo.invalid",
        "role": "officer",
        "name": "Jan",
        "administration": str(administrations["BE"].pk),
        "language": "en",
    }
    answer = sign_in(client, amina).post(url(group), form)
    assert answer.status_code == 409
    assert not Officer.objects.filter(email="jan@demo.invalid").exists()


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str
) -> None:
    sign_in(client, person(name))
    answer = client.post(url(group), {"email": "chloe@demo.invalid", "role": "officer"})
    nowhere = client.post("/groups/00000000-0000-4000-8000-000000000000/members/add/", {})
    assert (answer.status_code, nowhere.status_code) == (404, 404)


@pytest.mark.parametrize("role", [role for role, rights in RIGHTS.items() if Right.MANAGE_MEMBERS not in rights])
def test_wrong_role_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str, make_officer: Any
) -> None:
    make_officer("kofi", "GH")
    answer = sign_in(client, person(role)).post(url(group), {"email": "kofi@demo.invalid", "role": "officer"})
    assert answer.status_code == 403
    assert not Membership.objects.filter(officer__email="kofi@demo.invalid").exists()


def test_closed_on_its_page(client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer) -> None:
    put(group, phase=Phase.CLOSED)
    assert sign_in(client, amina).get(url(group)).status_code == 409
