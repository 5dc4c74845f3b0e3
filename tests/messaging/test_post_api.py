"""`POST /groups/{id}/messages`: every answer and every refusal that the protocol promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.models import Message
from tests.messaging.conftest import wire

pytestmark = pytest.mark.django_db
Api = Callable[..., Client]


def send(client: Client, group: ClosedUserGroup, message: Any) -> Any:
    return client.post(f"/api/v1/groups/{group.pk}/messages", message, content_type="application/json")


def test_the_first_time_is_201_with_the_message(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    message = wire(subject="Hello", priority="priority")
    answer = send(api(fatou), room, message)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told["id"] == message["id"]
    assert (told["seq"], told["reference"], told["status"]) == (1, "HARMATTAN-GH-MSG-00001", "sent")
    assert told["body"] == message["body"]
    assert told["sender"] == {"id": str(fatou.pk), "name": "Fatou"}
    assert told["administration"]["country"] == "GH"
    assert told["template"]["version"] >= 1
    assert told["sent_at"].endswith("Z")
    assert told["group"] == str(room.pk)


def test_a_replay_is_200_and_the_first_answer(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    message, client = wire(), api(fatou)
    first, again = send(client, room, message), send(client, room, message)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_a_conflicting_replay_is_409(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    message, client = wire(), api(fatou)
    send(client, room, message)
    answer = send(client, room, {**message, "subject": "changed"})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "conflicting_replay"


def test_a_stranger_cannot_tell_the_group_exists(
    api: Api, eve: Officer, removed: Officer, padma: Officer, room: ClosedUserGroup, other_group: ClosedUserGroup
) -> None:
    for officer in (eve, removed, padma):
        client = api(officer)
        real = send(client, room, wire())
        room_that_is_not = ClosedUserGroup(id=uuid4())
        none = send(client, room_that_is_not, wire())
        assert real.status_code == none.status_code == 404
        assert real.json() == none.json()


def test_without_the_right_it_is_403(api: Api, olga: Officer, room: ClosedUserGroup) -> None:
    assert send(api(olga), room, wire()).status_code == 403


def test_a_token_without_the_scope_is_403(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    assert send(api(fatou, "messages:read"), room, wire()).status_code == 403


def test_nobody_is_401(room: ClosedUserGroup) -> None:
    assert send(Client(), room, wire()).status_code == 401


def test_a_closed_operation_is_409(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    answer = send(api(fatou), room, wire())
    assert (answer.status_code, answer.json()["code"]) == (409, "operation_closed")


def test_a_broken_form_is_422_with_its_fields(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    answer = send(api(fatou), room, wire("seizure", body={"date": "yesterday"}))
    assert answer.status_code == 422
    errors = {error["field"]: error for error in answer.json()["errors"]}
    assert {"body.date", "body.quantity"} <= set(errors)
    assert all(error["code"] and error["message"] for error in errors.values())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "1"}, "id"),
        ({"body": "text"}, "body"),
        ({"kind": None}, "kind"),
        ({"colour": "red"}, "colour"),
        ({"due_at": "tomorrow"}, "due_at"),
        ({"grading": {"source": "A", "information": "1", "x": "y"}}, "grading.x"),
    ],
)
def test_a_misshapen_message_is_422_with_its_field(
    change: dict[str, Any], field: str, api: Api, fatou: Officer, room: ClosedUserGroup
) -> None:
    answer = send(api(fatou), room, {**wire(), **change})
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("body", ["{", "[]", "null", '"text"', "\x00"])
def test_no_json_object_is_refused(body: str, api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    assert send(api(fatou), room, body).status_code in {400, 422}
    assert not Message.objects.exists()


def test_an_oversized_message_is_413(api: Api, fatou: Officer, room: ClosedUserGroup) -> None:
    for size in (70_000, 3_000_000):
        assert send(api(fatou), room, wire(body={"text": "x" * size})).status_code == 413


@pytest.mark.usefixtures("_no_time_passes")
def test_too_fast_is_429_with_the_time_to_wait(
    api: Api, fatou: Officer, room: ClosedUserGroup, settings: Any
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "posts_per_officer_per_minute": 1}
    client = api(fatou)
    assert send(client, room, wire()).status_code == 201
    answer = send(client, room, wire())
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_a_session_needs_its_csrf_token(
    fatou: Officer, room: ClosedUserGroup, sign_in: Callable[[Client, Officer], Client]
) -> None:
    client = sign_in(Client(enforce_csrf_checks=True), fatou)
    assert send(client, room, wire()).status_code == 403
    assert send(sign_in(Client(), fatou), room, wire()).status_code == 201
