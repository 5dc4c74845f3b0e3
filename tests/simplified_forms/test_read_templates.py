"""GET /api/v1/groups/{id}/templates: the forms in force, for members only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup
from simplified_forms import actions
from simplified_forms.fields import Kind
from tests.cast import membership_of


@pytest.fixture
def url(group: ClosedUserGroup) -> str:
    return f"/api/v1/groups/{group.pk}/templates"


def test_a_member_reads_the_form_of_every_kind(
    client: Client, url: str, fatou: Officer, sign_in: Callable[..., Client]
) -> None:
    answer = sign_in(client, fatou).get(url).json()
    assert [template["kind"] for template in answer["templates"]] == Kind.values
    seizure = next(template for template in answer["templates"] if template["kind"] == "seizure")
    assert seizure["mode"] == "simplified"
    assert seizure["description"]["template"] == seizure["id"]
    assert seizure["description"]["version"] == seizure["version"] == 1
    assert seizure["spec"]["fields"][0]["name"] == seizure["description"]["fields"][0]["name"] == "date"


def test_the_description_is_in_the_officers_language(
    client: Client, url: str, fatou: Officer, sign_in: Callable[..., Client]
) -> None:
    answer = sign_in(client, fatou).get(url).json()
    assert {template["description"]["language"] for template in answer["templates"]} == {"fr"}


def test_the_mode_of_the_group_picks_the_seizure_form(
    client: Client, url: str, group: ClosedUserGroup, amina: Officer, sign_in: Callable[..., Client]
) -> None:
    actions.choose_form_mode(membership_of(amina, group), mode="full")
    answer = sign_in(client, amina).get(url).json()
    modes = [template["mode"] for template in answer["templates"] if template["kind"] == "seizure"]
    assert modes == ["full"]


def test_a_token_with_the_scope_reads_and_one_without_does_not(
    client: Client, url: str, fatou: Officer, token_for: Callable[..., str]
) -> None:
    good = client.get(url, headers={"authorization": f"Bearer {token_for(fatou, 'messages:read')}"})
    assert good.status_code == 200
    bad = client.get(url, headers={"authorization": f"Bearer {token_for(fatou, 'cen:read')}"})
    assert bad.status_code == 403


@pytest.mark.parametrize("name", ["eve", "removed", "padma"])
def test_a_stranger_cannot_tell_the_group_exists(
    request: pytest.FixtureRequest, client: Client, url: str, name: str, sign_in: Callable[..., Client]
) -> None:
    sign_in(client, request.getfixturevalue(name))
    refused = client.get(url)
    unknown = client.get(f"/api/v1/groups/{'0' * 8}-{'0' * 4}-4{'0' * 3}-8{'0' * 3}-{'0' * 12}/templates")
    assert (refused.status_code, refused.content) == (404, unknown.content)


def test_an_auditor_reads_no_forms(
    client: Client, url: str, audrey: Officer, sign_in: Callable[..., Client]
) -> None:
    assert sign_in(client, audrey).get(url).status_code == 403


def test_nobody_is_nobody(client: Client, url: str, db: None) -> None:
    assert client.get(url).status_code == 401
