"""A client of the live stream inside the test's own process: Channels' communicator, no server, no wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from channels.testing import WebsocketCommunicator
from django.db import connection

from cencomm.asgi import application
from tests.cencomm.ports import PATIENCE


class Inside:
    """A client without a wire."""

    def __init__(self, token: str = "", path: str = "/ws/v1", **headers: str) -> None:
        given = {**headers, **({"authorization": f"Bearer {token}"} if token else {})}
        encoded = [(name.encode(), value.encode()) for name, value in given.items()]
        self.communicator = WebsocketCommunicator(application, path, encoded, ["cencomm.v1"])
        self.items: list[dict[str, Any]] = []

    async def connect(self) -> None:
        """Open the socket."""
        assert await self.communicator.connect(timeout=PATIENCE) == (True, "cencomm.v1")

    async def until(self, op: str) -> dict[str, Any]:
        """Return the next item of a kind."""
        async with asyncio.timeout(300):
            while True:
                for at, item in enumerate(self.items):
                    if item["op"] == op:
                        return self.items.pop(at)
                self.items += json.loads(await self.communicator.receive_from(timeout=PATIENCE))

    async def closed(self) -> int:
        """Return the code that the socket is closed with; what came before is kept."""
        while (told := await self.communicator.receive_output(timeout=PATIENCE))["type"] != "websocket.close":
            self.items += json.loads(told["text"])
        return int(told["code"])

    async def say(self, **item: Any) -> None:
        """Send one item."""
        await self.communicator.send_json_to(item)

    async def leave(self) -> None:
        """Go away."""
        await self.communicator.disconnect(timeout=PATIENCE)


async def aside[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous work in a thread, and leave no connection open there."""

    def run() -> T:
        try:
            return work(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(run)
