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
        await client.wait(timeout=10)
