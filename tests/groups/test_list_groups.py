"""My groups: on the page with what waits, over the API with role, rights, epoch and head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Officer
from groups import announcements, phases
from groups.access import RIGHTS, Right
from groups.announcements import CardFacts
from groups.models import ClosedUserGroup, Membership, Phase, Role
from groups.queries import groups_of, today_utc
from tests.cast import join
from tests.groups.conftest import BY_ROLE, STRANGERS, put

Person = Callable[[str], Officer]


def test_mine_and_no_others(group: ClosedUserGroup, other_group: ClosedUserGroup, person: Person) -> None:
    assert [m.group for m in groups_of(person("amina"))] == [group]
    assert [m.group for m in groups_of(person("eve"))] == [other_group]
    assert groups_of(person("removed")) == []
    assert groups_of(person("padma")) == []


def test_a_member_who_became_platform_administrator_sees_none(group: ClosedUserGroup, olga: Officer) -> None:
    olga.is_platform_administrator = True
    assert groups_of(olga) == []


def test_those_at_work_come_first(group: ClosedUserGroup, other_group: ClosedUserGroup, amina: Officer) -> None:
    join(other_group, amina, Role.OBSERVER)
    put(group, phase=Phase.CLOSED)
    assert [m.group.code for m in groups_of(amina)] == ["SIROCCO", "HARMATTAN"]


def test_the_page_shows_what_waits(
    client: Client, sign_in: Any, group: ClosedUserGroup, bruno: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def facts(memberships: Sequence[Membership]) -> dict[UUID, CardFacts]:
        asked.append(len(memberships))
        since = timezone.now() - timedelta(hours=5)
        return {group.pk: {"unread": 1234, "waiting": 3, "waiting_since": since, "overdue": 2}}

    monkeypatch.setattr(announcements, "_card_facts", [facts])
    asked_on = today_utc()
    page = sign_in(client, bruno).get("/groups/").content.decode()
    assert asked == [1]
    # The third, and the fourth where midnight has passed since the operation was made.
    days = {phases.day_of(group, day) for day in (asked_on, today_utc())}
    assert any(f"day {day[0]} of {day[1]}" in page for day in days if day)
    for shown in ["Operation Harmattan", "1,234", "5\xa0hours", "2 overdue", f"/groups/{group.pk}/"]:
        assert shown in page


def test_who_reads_no_messages_is_shown_no_counts(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer
) -> None:
    page = sign_in(client, audrey).get("/groups/").content.decode()
    assert f"/groups/{group.pk}/members/" in page
    assert "Unread" not in page


def test_who_has_none_is_told_so(client: Client, sign_in: Any, padma: Officer, removed: Officer) -> None:
    assert "/administration/groups/" in sign_in(client, padma).get("/groups/").content.decode()
    other = Client()
    assert "member of no group" in sign_in(other, removed).get("/groups/").content.decode()


def test_it_needs_a_sign_in(client: Client, db: None) -> None:
    assert client.get("/groups/").status_code == 302


def api(officer: Officer, token_for: Any, path: str) -> Any:
    return Client().get(f"/api/v1{path}", headers={"authorization": f"Bearer {token_for(officer)}"})


@pytest.mark.parametrize("role", BY_ROLE)
def test_over_the_api(group: ClosedUserGroup, person: Person, token_for: Any, role: Role) -> None:
    [mine] = api(person(role), token_for, "/groups").json()["groups"]
    assert (mine["id"], mine["code"], mine["role"]) == (str(group.pk), "HARMATTAN", role)
    assert mine["rights"] == sorted(RIGHTS[role])
    group.refresh_from_db()
    assert (mine["epoch"], mine["head"], mine["phase"]) == (str(group.stream_epoch), group.head, "operational")


@pytest.mark.parametrize("role", BY_ROLE)
def test_one_over_the_api(group: ClosedUserGroup, person: Person, token_for: Any, role: Role) -> None:
    answer = api(person(role), token_for, f"/groups/{group.pk}").json()
    assert {member["role"] for member in answer["members"]} == set(Role.values)
    assert "Removed" not in {member["name"] for member in answer["members"]}
    assert {"country": "BE", "contact_point": None} in answer["countries"]
    assert Right.SEE_GROUP in answer["rights"]


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_cannot_tell_the_group_exists(
    group: ClosedUserGroup, person: Person, token_for: Any, name: str
) -> None:
    there = api(person(name), token_for, f"/groups/{group.pk}")
    nowhere = api(person(name), token_for, "/groups/00000000-0000-4000-8000-000000000000")
    assert (there.status_code, there.content) == (404, nowhere.content)
    assert str(group.pk) not in api(person(name), token_for, "/groups").content.decode()


def test_over_the_api_without_a_sign_in(group: ClosedUserGroup) -> None:
    assert Client().get(f"/api/v1/groups/{group.pk}").status_code == 401
