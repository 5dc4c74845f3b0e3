"""The coordinator sets name, days, hours and limits of a group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.models import Officer
from audit import Action
from groups.access import RIGHTS, Right
from groups.actions import change_settings
from groups.announcements import Change
from groups.errors import InvalidSettings, NotAllowed, OperationClosed
from groups.models import ClosedUserGroup, Membership, Phase
from groups.settings import GroupSettings
from tests.cast import membership_of
from tests.groups.conftest import STRANGERS, entries, put

Person = Callable[[str], Officer]
WRONG = [role for role, rights in RIGHTS.items() if Right.MANAGE_GROUP not in rights]


def test_what_differs_is_set_audited_and_announced_by_name(
    group: ClosedUserGroup, coordinator: Membership, changes: list[Change]
) -> None:
    settings = replace(GroupSettings.of(group), name="Harmattan II", cut_off_hour=18)
    change_settings(coordinator, settings=settings)
    group.refresh_from_db()
    assert GroupSettings.of(group) == settings
    [entry] = entries(group, Action.GROUP_CHANGED)
    assert set(entry.details["fields"].split(",")) == {"name", "cut_off_hour"}
    assert "Harmattan II" not in str(entry.details)
    [change] = changes
    assert (change.type, set(change.data["fields"])) == ("settings", {"name", "cut_off_hour"})  # type: ignore[call-overload]


def test_nothing_different_leaves_nothing(
    group: ClosedUserGroup, coordinator: Membership, changes: list[Change]
) -> None:
    change_settings(coordinator, settings=GroupSettings.of(group))
    assert (changes, entries(group, Action.GROUP_CHANGED)) == ([], [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("description", "x" * 501),
        ("cut_off_hour", 24),
        ("cut_off_hour", -1),
        ("late_limit_days", 366),
        ("retention_days", 29),
        ("retention_days", 3651),
        ("form_mode", "none"),
        ("ends_on", date(2000, 1, 1)),
        ("starts_on", None),
    ],
)
def test_what_cannot_be(group: ClosedUserGroup, coordinator: Membership, field: str, value: Any) -> None:
    with pytest.raises(InvalidSettings) as caught:
        change_settings(coordinator, settings=replace(GroupSettings.of(group), **{field: value}))
    assert [problem.field for problem in caught.value.errors] == [field]
    assert not entries(group, Action.GROUP_CHANGED)


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role(group: ClosedUserGroup, person: Person, role: str) -> None:
    with pytest.raises(NotAllowed):
        change_settings(membership_of(person(role), group), settings=replace(GroupSettings.of(group), name="Other"))


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_closed(group: ClosedUserGroup, coordinator: Membership, phase: str) -> None:
    put(group, phase=phase)
    with pytest.raises(OperationClosed):
        change_settings(coordinator, settings=replace(GroupSettings.of(group), retention_days=30))
    group.refresh_from_db()
    assert group.retention_days == 365


FORM = {
    "name": "Harmattan II",
    "description": "Air cargo",
    "starts_on": "2026-12-01",
    "ends_on": "2026-12-09",
    "cut_off_hour": "18",
    "form_mode": "full",
    "late_limit_days": "10",
    "retention_days": "90",
}


def url(group: ClosedUserGroup) -> str:
    return f"/groups/{group.pk}/settings/"


def test_on_its_page(client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer) -> None:
    sign_in(client, amina)
    assert client.get(url(group)).status_code == 200
    assert client.post(url(group), FORM).status_code == 302
    group.refresh_from_db()
    settings = GroupSettings.of(group)
    assert settings == GroupSettings(
        name="Harmattan II",
        description="Air cargo",
        starts_on=date(2026, 12, 1),
        ends_on=date(2026, 12, 9),
        cut_off_hour=18,
        form_mode="full",
        late_limit_days=10,
        retention_days=90,
    )


def test_a_standing_group_is_asked_no_days(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    put(group, kind="standing", starts_on=None, ends_on=None)
    assert sign_in(client, amina).post(url(group), FORM).status_code == 302
    group.refresh_from_db()
    assert (group.name, group.starts_on) == ("Harmattan II", None)


def test_on_its_page_a_refusal_is_told_at_its_field(
    client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer
) -> None:
    answer = sign_in(client, amina).post(url(group), {**FORM, "ends_on": "2026-11-01"})
    assert answer.status_code == 422
    assert "ends_on" in answer.context["form"].errors


def test_closed_on_its_page(client: Client, sign_in: Any, group: ClosedUserGroup, amina: Officer) -> None:
    put(group, phase=Phase.CLOSED)
    sign_in(client, amina)
    assert client.get(url(group)).status_code == 200
    assert client.post(url(group), FORM).status_code == 409


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, name: str
) -> None:
    sign_in(client, person(name))
    assert (client.get(url(group)).status_code, client.post(url(group), FORM).status_code) == (404, 404)


@pytest.mark.parametrize("role", WRONG)
def test_wrong_role_on_its_page(
    client: Client, sign_in: Any, group: ClosedUserGroup, person: Person, role: str
) -> None:
    sign_in(client, person(role))
    assert (client.get(url(group)).status_code, client.post(url(group), FORM).status_code) == (403, 403)
    group.refresh_from_db()
    assert group.name == "Operation Harmattan"
