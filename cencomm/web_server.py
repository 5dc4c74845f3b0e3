"""uvicorn as the product runs it: says when it is ready, and leaves without anybody losing anything.

Told to stop, it listens no more, lets its sockets go one after the other with the request to come back (1012),
answers what is in progress, and ends. Whoever came by the same listener finds the process that takes its place.
What must not live here: what is served; how a socket takes its leave (`messaging.delivery.draining`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

DRAIN_SECONDS = 8.0
# Who has been accepted and has not asked yet may still ask for so long.
LAST_REQUESTS_SECONDS = 0.5

type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class WebServer(uvicorn.Server):
    """One web process's server."""

    def __init__(self, config: uvicorn.Config, *, ready_fd: int | None = None) -> None:
        super().__init__(config)
        self.exit_code = 0
        self.draining = False
        self._application: Any = config.app
        self._ready_fd = ready_fd
        self._ready_when_started = True
        config.app = self._door

    def hold_ready(self) -> None:
        """Say nothing at the start: `tell_ready` will be called."""
        self._ready_when_started = False

    def tell_ready(self) -> None:
        """Tell the process that started this one that its place can be taken; from any thread, once."""
        handle, self._ready_fd = self._ready_fd, None
        if handle is not None:
            os.write(handle, b"ready\n")
            os.close(handle)

    def end(self, exit_code: int) -> None:
        """Stop by itself; from any thread."""
        self.exit_code = exit_code
        self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready_when_started:
            self.tell_ready()

    async def shutdown(self, sockets: Any = None) -> None:
        from messaging.delivery.draining import drain

        self.draining = True
        for server in self.servers:
            server.close()
        if self.server_state.connections:
            await asyncio.gather(asyncio.sleep(LAST_REQUESTS_SECONDS), drain(within=DRAIN_SECONDS))
        await super().shutdown(sockets)
        await asyncio.to_thread(_finish)

    async def _door(self, scope: Any, receive: Any, send: Send) -> None:
        """The application; while this process leaves, a connection ends with its answer."""
        if self.draining and scope["type"] == "http":
            send = _last(send)
        await self._application(scope, receive, send)


def _finish() -> None:
    """Do what a process does at its end: uvicorn raises the signal again, and nothing at exit runs after that."""
    from cencomm.metrics.slots import stop_sharing
    from messaging.history import stop_watching
    from messaging.wakeups import FLUSH_SECONDS, wake_ups

    stop_watching()
    wake_ups().flush(FLUSH_SECONDS)
    stop_sharing()


def _last(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return sending
