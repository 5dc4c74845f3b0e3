"""A client that goes away in the middle of a request: the request ends by itself, quietly."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.testing import ApplicationCommunicator

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/sign-in/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "http_version": "1.1",
    "scheme": "http",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
    "asgi": {"version": "3.0"},
}


@pytest.mark.django_db(transaction=True)
async def test_client_that_goes_away_at_any_moment_breaks_nothing() -> None:
    from cencomm.asgi import application

    for moment in range(40):
        client = ApplicationCommunicator(application, dict(SCOPE))
        await client.send_input({"type": "http.request", "body": b"", "more_body": False})
        await asyncio.sleep(moment * 0.001)  # no waiting for anything: another moment of the request each time
        await client.send_input({"type": "http.disconnect"})
        await client.wait(300)


def posting(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    return {**SCOPE, "method": "POST", "headers": [(b"host", b"localhost"), *headers]}


async def test_a_body_that_is_announced_too_large_is_refused_unread() -> None:
    from cencomm.asgi import MAX_BODY, application

    size = str(MAX_BODY + 1).encode()
    client = ApplicationCommunicator(application, posting((b"content-length", size)))
    await client.send_input({"type": "http.request", "body": b"a", "more_body": True})
    assert (await client.receive_output(timeout=120))["status"] == 413
    assert b"too_large" in (await client.receive_output(timeout=120))["body"]
    await client.wait(300)


async def test_a_body_without_an_end_is_hung_up_on() -> None:
    from cencomm.asgi import application

    client = ApplicationCommunicator(application, posting((b"transfer-encoding", b"chunked")))
    for _ in range(10):
        await client.send_input({"type": "http.request", "body": b"a" * 2**20, "more_body": True})
    await client.wait(300)
    assert await client.receive_nothing()
