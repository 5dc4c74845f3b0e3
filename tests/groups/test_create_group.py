"""A platform administrator makes a group: keys, countries, forms, one coordinator; and is no member of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.errors import AdministratorsOnly
from accounts.models import Officer
from audit import Action
from audit.models import Entry
from groups import announcements
from groups.actions import create_group
from groups.errors import AdministratorCannotJoin, CodeTaken, InvalidSettings, OfficerInactive
from groups.models import ClosedUserGroup, EpochKey, GroupCountry, Membership, Phase, Role
from groups.queries import current_sealer
from vault import Place, keystore

DAYS = {"starts_on": date(2026, 12, 1), "ends_on": date(2026, 12, 9)}


def create(actor: Officer, coordinator: Officer, **values: Any) -> ClosedUserGroup:
    settings: dict[str, Any] = {"code": "ZEPHYR", "name": "Operation Zephyr", **DAYS, **values}
    return create_group(actor, first_coordinator=coordinator, **settings)


def test_an_operation_starts_in_planning_with_its_coordinator_alone(padma: Officer, amina: Officer) -> None:
    group = create(padma, amina, countries=["GH", "FR"])
    assert group.phase == Phase.PLANNING
    member = Membership.objects.get(group=group)
    assert (member.officer_id, member.role, member.country) == (amina.pk, Role.COORDINATOR, "NG")
    assert list(GroupCountry.objects.filter(group=group).values_list("country", flat=True)) == ["FR", "GH", "NG"]


def test_its_key_lies_outside_the_database_and_seals(padma: Officer, amina: Officer) -> None:
    group = create(padma, amina)
    place = Place("message", "body", "1")
    assert keystore().has_group_key(group.pk)
    assert EpochKey.objects.filter(group=group, epoch=1).exists()
    assert current_sealer(group).open(current_sealer(group).seal(b"quay", place), place) == b"quay"


def test_a_standing_group_is_operational_at_once_and_has_no_days(padma: Officer, amina: Officer) -> None:
    group = create(padma, amina, kind="standing", starts_on=None, ends_on=None)
    assert (group.phase, group.starts_on) == (Phase.OPERATIONAL, None)


def test_listeners_hear_of_it_in_the_same_transaction(
    padma: Officer, amina: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[Any, bool]] = []
    monkeypatch.setattr(announcements, "_on_group_created", [])
    announcements.on_group_created(
        lambda group, actor: heard.append(((group.code, actor), transaction.get_connection().in_atomic_block))
    )
    create(padma, amina)
    assert heard == [(("ZEPHYR", padma.pk), True)]


def test_a_listener_that_fails_undoes_all_of_it_and_the_key(
    padma: Officer, amina: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ClosedUserGroup] = []

    def fail(group: ClosedUserGroup, actor: object) -> None:
        made.append(group)
        raise LookupError

    monkeypatch.setattr(announcements, "_on_group_created", [fail])
    with pytest.raises(LookupError):
        create(padma, amina)
    assert not ClosedUserGroup.objects.filter(code="ZEPHYR").exists()
    assert not keystore().has_group_key(made[0].pk)


@pytest.mark.parametrize("name", ["amina", "olga", "eve"])
def test_nobody_but_a_platform_administrator(name: str, amina: Officer, request: pytest.FixtureRequest) -> None:
    with pytest.raises(AdministratorsOnly):
        create(request.getfixturevalue(name), amina)
    assert not ClosedUserGroup.objects.exists()


def test_a_platform_administrator_cannot_be_its_coordinator(padma: Officer) -> None:
    with pytest.raises(AdministratorCannotJoin):
        create(padma, padma)


def test_a_shut_account_cannot_be_its_coordinator(padma: Officer, amina: Officer) -> None:
    amina.is_active = False
    with pytest.raises(OfficerInactive):
        create(padma, amina)


def test_a_code_is_taken_once(padma: Officer, amina: Officer) -> None:
    first = create(padma, amina)
    with pytest.raises(CodeTaken):
        create(padma, amina)
    assert keystore().has_group_key(first.pk)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("code", {"code": "a"}),
        ("code", {"code": "TOO-LONG-CODE"}),
        ("code", {"code": "ÄTHER"}),
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 121}),
        ("name", {"name": "a\x00b"}),
        ("starts_on", {"starts_on": None}),
        ("ends_on", {"ends_on": date(2026, 11, 30)}),
        ("ends_on", {"ends_on": date(2028, 1, 1)}),
        ("form_mode", {"form_mode": "long"}),
        ("kind", {"kind": "party"}),
        ("starts_on", {"kind": "standing"}),
        ("country", {"countries": ["GH", "QQ"]}),
        ("country", {"countries": ["ZZ"]}),
    ],
)
def test_what_cannot_be(padma: Officer, amina: Officer, field: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings) as caught:
        create(padma, amina, **values)
    assert field in {problem.field for problem in caught.value.errors}
    assert not ClosedUserGroup.objects.exists()


def test_it_leaves_entries(padma: Officer, amina: Officer) -> None:
    group = create(padma, amina)
    entries = Entry.objects.filter(group=group.pk, actor=padma.pk).values_list("action", flat=True)
    assert {Action.GROUP_CREATED, Action.GROUP_KEY_CREATED, Action.GROUP_MEMBER_ADDED} <= set(entries)


FORM = {
    "code": "zephyr",
    "name": "Operation Zephyr",
    "kind": "operation",
    "starts_on": "2026-12-01",
    "ends_on": "2026-12-09",
    "form_mode": "simplified",
    "first_coordinator": "AMINA@demo.invalid",
    "countries": ["GH", "BE"],
}


def test_on_its_page(client: Client, sign_in: Any, padma: Officer, amina: Officer) -> None:
    sign_in(client, padma)
    assert client.get("/administration/groups/new/").status_code == 200
    answer = client.post("/administration/groups/new/", FORM)
    assert answer.status_code == 302
    group = ClosedUserGroup.objects.get(code="ZEPHYR")
    assert b"Operation Zephyr" in client.get("/administration/groups/").content
    assert client.get(f"/groups/{group.pk}/members/").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"), [("first_coordinator", "nobody@demo.invalid"), ("countries", ["QQ"]), ("ends_on", "soon")]
)
def test_a_broken_form_says_where(
    client: Client, sign_in: Any, padma: Officer, amina: Officer, field: str, value: Any
) -> None:
    answer = sign_in(client, padma).post("/administration/groups/new/", {**FORM, field: value})
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert not ClosedUserGroup.objects.exists()


@pytest.mark.parametrize("path", ["/administration/groups/", "/administration/groups/new/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_its_pages_are_closed_to_members(
    client: Client, sign_in: Any, amina: Officer, path: str, method: str
) -> None:
    answer = getattr(sign_in(client, amina), method)(path, FORM)
    assert answer.status_code in {403, 405}
    assert not ClosedUserGroup.objects.exists()
