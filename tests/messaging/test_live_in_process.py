"""The live stream inside the test's own process, through Channels' communicator: no server, one application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.testing import WebsocketCommunicator
from django.db import connection
from django.test import Client

from accounts.models import Officer
from cencomm.asgi import application
from groups.models import ClosedUserGroup
from messaging.actions import post_message
from messaging.delivery.hub import hub
from tests.cast import membership_of
from tests.messaging.conftest import draft

pytestmark = pytest.mark.django_db(transaction=True)


class Inside:
    """A client without a wire."""

    def __init__(self, token: str = "", path: str = "/ws/v1", **headers: str) -> None:
        given = {**headers, **({"authorization": f"Bearer {token}"} if token else {})}
        encoded = [(name.encode(), value.encode()) for name, value in given.items()]
        self.communicator = WebsocketCommunicator(application, path, encoded, ["cencomm.v1"])
        self.items: list[dict[str, Any]] = []

    async def until(self, op: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                for at, item in enumerate(self.items):
                    if item["op"] == op:
                        return self.items.pop(at)
                self.items += json.loads(await self.communicator.receive_from(timeout=20))

    async def say(self, **item: Any) -> None:
        await self.communicator.send_json_to(item)


async def aside[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous work in a thread, and leave no connection open there."""

    def run() -> T:
        try:
            return work(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(run)


async def test_the_application_works_without_a_server(
    room: ClosedUserGroup, fatou: Officer, token_for: Callable[..., str]
) -> None:
    token = await aside(token_for, fatou)
    one = Inside(token)
    assert await one.communicator.connect(timeout=20) == (True, "cencomm.v1")
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
    assert (await one.communicator.connect(timeout=20))[0]
    closed = await one.communicator.receive_output(timeout=20)
    assert closed == {"type": "websocket.close", "code": 4403}


async def test_following_many_groups_again_and_again_is_a_flood(
    room: ClosedUserGroup, fatou: Officer, token_for: Callable[..., str]
) -> None:
    one = Inside(await aside(token_for, fatou))
    await one.communicator.connect(timeout=20)
    groups: dict[str, Any] = {str(room.pk): {}, **{str(uuid4()): {} for _ in range(199)}}
    for _ in range(30):  # far fewer items than a socket may send at once
        await one.say(op="follow", groups=groups)
    while (told := await one.communicator.receive_output(timeout=20))["type"] != "websocket.close":
        pass
    assert told["code"] == 4429
    await hub().stop()


async def test_there_is_no_socket_elsewhere() -> None:
    connected, code = await Inside(path="/ws/v2").communicator.connect(timeout=20)
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
