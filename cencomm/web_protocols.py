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


MAX_HEAD = 64 * 1024  # of one request: its address and headers


class LeanHttp(HttpToolsProtocol):
    """Lets go of its parser, which refers to it, once the connection has become a socket; bounds what it reads.

    The parser gathers an address or a header for as long as it does not end: here a connection ends that sends more
    than MAX_HEAD and has not come to its body.
    """

    _head = 0
    _in_body = False
    _went_on = False  # past the end of a head, or of a request, with what has just come

    def data_received(self, data: bytes) -> None:
        self._went_on = False
        super().data_received(data)
        if self._went_on:
            self._head = 0
        elif not self._in_body and self.parser is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("")

    def on_headers_complete(self) -> None:
        self._in_body = self._went_on = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body, self._went_on = False, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that this cannot be read, with the headers of every other answer, and end the connection."""
        from cencomm.errors import Unreadable
        from cencomm.headers import raw_problem

        headers, body = raw_problem(Unreadable(), Connection="close")
        lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers), b"", body]
        self.transport.write(b"\r\n".join(lines))
        self.transport.close()

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
