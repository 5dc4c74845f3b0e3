"""The ASGI application: HTTP by Django, `/ws/v1` by messaging's live delivery behind an origin check."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from contextvars import ContextVar
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")

from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler

get_asgi_application()  # sets Django up

from accounts.lasting import ASK_AGAIN_SECONDS, LongAnswer  # noqa: E402
from cencomm.errors import TooLarge  # noqa: E402
from cencomm.headers import raw_problem  # noqa: E402
from cencomm.logs import request_number  # noqa: E402
from cencomm.metrics.slots import share_figures  # noqa: E402
from messaging.live import live_stream  # noqa: E402

logger = logging.getLogger("cencomm.asgi")
MAX_BODY = 9 * 1024 * 1024  # the intake of CEN reads 8 MiB
_answering: ContextVar[asyncio.Event] = ContextVar("answering")


class PatientHandler(ASGIHandler):
    """Refuses bodies without an end; finishes what a client asked before it listens for the client's going away.

    Django takes a whole body, onto the disk beyond some size, before anybody asks who sent it: here it ends at
    MAX_BODY, which is a little more than the largest that an endpoint reads, and stays in memory.

    Django cancels a request whose client is gone. Our views are synchronous: their work goes on in its thread all
    the same, and asgiref then fails to end the request ("CurrentThreadExecutor already quit"). Answers are still
    cut short, so that nobody makes the server write a long download for nobody, and those whose reader may not have
    the rest any more.
    """

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        _answering.set(asyncio.Event())
        request_number.set(secrets.token_hex(8))
        if _announced_size(scope) > MAX_BODY:
            await _refuse(send)
            return
        await super().handle(scope, receive, send)

    async def read_body(self, receive: Any) -> Any:
        size = 0

        async def bounded() -> Any:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            # Sent without an announcement of its size: whoever sends on and on is hung up on.
            return message if size <= MAX_BODY else {"type": "http.disconnect"}

        return await super().read_body(bounded)

    async def send_response(self, response: Any, send: Any) -> None:
        _answering.get().set()
        if isinstance(response, LongAnswer):
            await self._send_while_allowed(response, send)
        else:
            await super().send_response(response, send)

    async def _send_while_allowed(self, response: LongAnswer, send: Any) -> None:
        sending = asyncio.ensure_future(super().send_response(response, send))
        try:
            while not (await asyncio.wait({sending}, timeout=ASK_AGAIN_SECONDS))[0]:
                if not await response.may_go_on():
                    logger.info("a download was cut short: its reader may not have the rest of it")
                    _hang_up(send)
                    raise RequestAborted
            await sending
        finally:
            sending.cancel()
            await asyncio.wait({sending})

    async def listen_for_disconnect(self, receive: Any) -> None:
        await _answering.get().wait()
        await super().listen_for_disconnect(receive)


def _announced_size(scope: Any) -> int:
    """Return the length that a request's headers announce, 0 where they announce none that can be read."""
    found = [value for name, value in scope.get("headers", ()) if name.lower() == b"content-length"]
    return int(found[0]) if found and found[0].isdigit() else 0


def _hang_up(send: Any) -> None:
    """End a connection in the middle of its answer; what the server still holds of it is dropped.

    A server other than uvicorn hangs up by itself on an answer that ends unfinished.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


async def _refuse(send: Any) -> None:
    headers, body = raw_problem(TooLarge(), Connection="close")
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


http = PatientHandler()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The whole server."""
    match scope["type"]:
        case "http":
            await http(scope, receive, send)
        case "websocket":
            await live_stream(scope, receive, send)
        case other:
            message = f"nothing is served over {other}"
            raise ValueError(message)


share_figures("web")
