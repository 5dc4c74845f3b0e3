"""uvicorn's protocols, made to hold little: a socket stays for hours, and a thousand of them are dropped at once.

uvicorn keeps what the handshake was for as long as a socket is open, and leaves each connection that ends in
circles of references, which only the cyclic collector finds: in a storm it then walks over everything again and
again. What must not live here: what is served, and how a frame is written (`messaging.delivery.direct`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Inbox:
    """What uvicorn needs of `asyncio.Queue` for one reader; while nothing waits it holds nothing."""

    __slots__ = ("_items", "_reader")

    def __init__(self) -> None:
        self._items: deque[Any] | None = None
        self._reader: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items

    def put_nowait(self, item: Any) -> None:
        """Add an item."""
        if self._items is None:
            self._items = deque()
        self._items.append(item)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Any:
        """Return the next item, waiting for it."""
        while not self._items:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        item = self._items.popleft()
        if not self._items:
            self._items = None
        return item


class LeanHttp(HttpToolsProtocol):
    """Lets go of its parser, which refers to it, once the connection has become a socket."""

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]


class LeanSocket(WebSocketsSansIOProtocol):
    """A socket that forgets its handshake once it is accepted, and leaves no circle behind."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.queue = Inbox()  # type: ignore[assignment]

    def start_keepalive(self) -> None:
        """Called once, when the socket has been accepted: whoever needs the scope has read it by now."""
        super().start_keepalive()
        self.request.headers.clear()
        self.response.headers.clear()
        self.scope.clear()  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.conn.parser.close()
