"""The ASGI application: HTTP by Django, `/ws/v1` by messaging's live delivery behind an origin check."""

from __future__ import annotations

import asyncio
import os
from contextvars import ContextVar
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler

get_asgi_application()  # sets Django up

from messaging.live import websocket_routes  # noqa: E402

_answering: ContextVar[asyncio.Event] = ContextVar("answering")


class PatientHandler(ASGIHandler):
    """Finishes what a client asked before it listens for the client's going away.

    Django cancels a request whose client is gone. Our views are synchronous: their work goes on in its thread all
    the same, and asgiref then fails to end the request ("CurrentThreadExecutor already quit"). Answers are still
    cut short, so that nobody makes the server write a long download for nobody.
    """

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        _answering.set(asyncio.Event())
        await super().handle(scope, receive, send)

    async def send_response(self, response: Any, send: Any) -> None:
        _answering.get().set()
        await super().send_response(response, send)

    async def listen_for_disconnect(self, receive: Any) -> None:
        await _answering.get().wait()
        await super().listen_for_disconnect(receive)


http = PatientHandler()
application = ProtocolTypeRouter(  # type: ignore[no-untyped-call]
    {"http": http, "websocket": URLRouter(websocket_routes)}  # type: ignore[no-untyped-call]
)
