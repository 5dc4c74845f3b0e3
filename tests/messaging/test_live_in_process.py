"""The live stream inside the test's own process, through Channels' communicator: no server, one application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.actions import post_message
from messaging.delivery import receipts
from messaging.delivery.hub import hub
from tests.cast import membership_of
from tests.messaging.conftest import draft
from tests.messaging.inside import Inside, aside

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_application_works_without_a_server(
    room: ClosedUserGroup, fatou: Officer, token_for: Callable[..., str]
) -> None:
    token = await aside(token_for, fatou)
    one = Inside(token)
    assert await one.communicator.connect(timeout=120) == (True, "cencomm.v1")
    assert (await one.until("hello"))["officer"] == str(fatou.pk)
    await one.say(op="follow", groups={str(room.pk): {}})
    await one.until("caught_up")
    member = await aside(membership_of, fatou, room)
    posted = await aside(post_message, member, draft=draft())  # another thread of this process
    event = await one.until("event")  # woken through memory, long before a heartbeat
    assert event["event"]["message"]["id"] == str(posted.message.pk)
    await one.communicator.disconnect()
    await hub().stop()


@pytest.mark.parametrize("more", [{}, {"authorization": ""}])
async def test_a_foreign_page_is_turned_away_before_anything_is_said(more: dict[str, str]) -> None:
    one = Inside(origin="https://evil.example", host="testserver", **more)
    assert (await one.communicator.connect(timeout=120))[0]
    closed = await one.communicator.receive_output(timeout=120)
    assert closed == {"type": "websocket.close", "code": 4403}


async def test_following_many_groups_again_and_again_is_a_flood(
    room: ClosedUserGroup, fatou: Officer, token_for: Callable[..., str]
) -> None:
    one = Inside(await aside(token_for, fatou))
    await one.communicator.connect(timeout=120)
    groups: dict[str, Any] = {str(room.pk): {}, **{str(uuid4()): {} for _ in range(199)}}
    for _ in range(30):  # far fewer items than a socket may send at once
        await one.say(op="follow", groups=groups)
    while (told := await one.communicator.receive_output(timeout=120))["type"] != "websocket.close":
        pass
    assert told["code"] == 4429
    await hub().stop()


async def test_who_is_not_let_in_is_written(caplog: pytest.LogCaptureFixture) -> None:
    one = Inside("cen_nonsense")
    await one.communicator.connect(timeout=120)
    assert await one.communicator.receive_output(timeout=120) == {"type": "websocket.close", "code": 4401}
    assert "a socket that showed a token was not let in" in caplog.text
    assert "nonsense" not in caplog.text
    await hub().stop()


async def test_what_a_socket_is_refused_is_written(
    room: ClosedUserGroup, fatou: Officer, token_for: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    """The verb, the code, the officer; of a verb that there is not, and of what was sent, no word."""
    one = Inside(await aside(token_for, fatou))
    await one.communicator.connect(timeout=120)
    await one.say(op="lantern", text="the lantern is lit")
    await one.until("refused")
    await one.say(op="seen", group=str(uuid4()), seq=1)
    await one.until("refused")
    written = [record.getMessage() for record in caplog.records if record.name == "cencomm.messaging"]
    assert written == [
        f"a socket: ? was refused (bad_frame) officer={fatou.pk}",
        f"a socket: seen was refused (not_found) officer={fatou.pk}",
    ]
    await one.communicator.disconnect()
    await hub().stop()


async def test_where_a_message_is_that_is_followed_nobody_asks(
    room: ClosedUserGroup, fatou: Officer, amina: Officer, token_for: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[object] = []
    ask = receipts._places

    def noted() -> object:
        asked.append(1)
        return ask()

    monkeypatch.setattr(receipts, "_places", noted)
    one = Inside(await aside(token_for, fatou))
    await one.communicator.connect(timeout=120)
    member = await aside(membership_of, amina, room)
    messages = [(await aside(post_message, member, draft=draft())).message for _ in range(2)]
    await one.say(op="acknowledge", group=str(room.pk), message=str(messages[0].pk))
    await one.until("acknowledged")
    assert len(asked) == 1  # nobody follows yet
    await one.say(op="follow", groups={str(room.pk): {}})
    await one.until("caught_up")
    await one.say(op="acknowledge", group=str(room.pk), message=str(messages[1].pk))
    await one.until("acknowledged")
    assert len(asked) == 1
    await one.communicator.disconnect()
    await hub().stop()


async def test_there_is_no_socket_elsewhere() -> None:
    connected, code = await Inside(path="/ws/v2").communicator.connect(timeout=120)
    assert (connected, code) == (False, 4404)


@pytest.mark.django_db
def test_the_document_of_the_api_names_every_path(fatou: Officer, sign_in: Callable[..., Client]) -> None:
    document = sign_in(Client(), fatou).get("/api/v1/openapi.json").json()
    expected = {
        ("get", "/api/v1/groups/{group_id}/events"),
        ("get", "/api/v1/groups/{group_id}/messages"),
        ("post", "/api/v1/groups/{group_id}/messages"),
        ("get", "/api/v1/messages/{message_id}"),
        ("put", "/api/v1/messages/{message_id}/acknowledgement"),
        ("post", "/api/v1/messages/{message_id}/status"),
    }
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert expected <= described
    assert all(document["paths"][path][method]["description"] for method, path in expected)


async def test_a_socket_too_many_is_told_so_and_ends_without_a_failure(
    fatou: Officer, token_for: Callable[..., str], settings: Any
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "sockets_per_officer": 1}
    token = await aside(token_for, fatou)
    first, second = Inside(token), Inside(token)
    await first.connect()
    await first.until("hello")
    await second.connect()
    assert await second.closed() == 4429
    ending = second.communicator.future
    await asyncio.wait([ending], timeout=300)
    assert not ending.cancelled()  # a server writes a trace of that into its log
    assert ending.result() is None
    await first.leave()
    await hub().stop()
