"""One socket's way out: a bounded queue and the task that writes it. A slow reader slows nobody and grows nothing.

While the reader keeps up and the server is known, frames go straight to the transport (`direct`); the queue is for
everybody else. Both ways keep the order, the bound and the code that a slow reader is closed with.
What must not live here: what is sent, and to whom.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from messaging.delivery.direct import JOIN_BYTES, DirectWriter, framed

TOO_SLOW = 4408
MAX_FRAMES = 5000
FRAME_BYTES = 128 * 1024
CLOSE_SECONDS = 30.0  # how long a reader that was too slow may take to be told so

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Frame:
    """A text frame, a JSON array of items; made once and shared by every socket that gets it."""

    __slots__ = ("_text", "_wire", "data", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self._text: str | None = None
        self._wire: bytes | None = None

    @property
    def text(self) -> str:
        """The payload as ASGI takes it."""
        if self._text is None:
            self._text = self.data.decode()
        return self._text

    @property
    def wire(self) -> bytes:
        """The bytes that travel."""
        if self._wire is None:
            self._wire = framed(self.data)
        return self._wire


def frames_of(items: Iterable[bytes]) -> list[Frame]:
    """Return serialised items as frames of moderate size: what a socket holds beyond its queue is one of them."""
    frames: list[Frame] = []
    waiting: list[bytes] = []
    size = 0
    for item in items:
        if waiting and size + len(item) > FRAME_BYTES:
            frames.append(_frame(waiting))
            waiting, size = [], 0
        waiting.append(item)
        size += len(item)
    if waiting:
        frames.append(_frame(waiting))
    return frames


def frame(item: Mapping[str, Any]) -> Frame:
    """Return one item as a frame."""
    return _frame([orjson.dumps(item)])


def _frame(items: Sequence[bytes]) -> Frame:
    return Frame(b"[" + b",".join(items) + b"]")


def deliver_to(outboxes: Sequence[Outbox], frames: Iterable[Frame]) -> None:
    """Write frames to many sockets, at once where nothing is before them; otherwise queue them.

    The one loop that grows with the sockets: each call or look less shows.
    """
    for one in frames:
        wire = one.wire
        for outbox in outboxes:
            direct = outbox._direct
            if direct is None or outbox._writer is not None or outbox.closed is not None or not direct.write(wire):
                outbox.put(one)


class Outbox:
    """The queue of one socket. All of it runs on the socket's loop; while nothing waits it has no task.

    `on_end` is called once after `close`: the client was told the code, or did not read it in time.
    """

    __slots__ = ("_bytes", "_direct", "_frames", "_max_bytes", "_on_end", "_send", "_waiting", "_writer", "closed")

    def __init__(
        self,
        send: Send,
        *,
        max_bytes: int,
        direct: DirectWriter | None = None,
        on_end: Callable[[], object] | None = None,
    ) -> None:
        self._send = send
        self._direct = direct
        self._on_end = on_end
        self._max_bytes = max_bytes
        self._frames: deque[Frame] | None = None
        self._bytes = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self.closed: int | None = None

    @property
    def queued_bytes(self) -> int:
        """How much waits to be written."""
        return self._bytes

    def put(self, one: Frame) -> None:
        """Queue a frame; past the bound the socket is closed instead, with 4408, and what waited is dropped."""
        if self.closed is not None:
            return
        # Past the queue only while nothing is before it.
        if self._writer is None and self._direct is not None and self._direct.offer(one.wire):
            return
        if self._frames is None:
            self._frames = deque()
        if self._frames and (self._bytes + one.size > self._max_bytes or len(self._frames) >= MAX_FRAMES):
            self.close(TOO_SLOW)
            return
        self._frames.append(one)
        self._bytes += one.size
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    def close(self, code: int) -> None:
        """Close the socket with this code; nothing that still waits is written."""
        if self.closed is not None:
            return
        self.closed = code
        if self._direct is not None:
            self._direct.drop()
        self._frames = None
        self._bytes = 0
        self._let_in()
        if self._writer is not None:
            self._writer.cancel()  # it may be waiting for a reader that does not read
        self._writer = asyncio.get_running_loop().create_task(self._tell(code))

    async def room(self) -> None:
        """Wait until at most half of the bound is queued: for those who send pages, not for the hub."""
        while self._bytes > self._max_bytes // 2:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting

    def stop(self) -> asyncio.Task[None] | None:
        """Take nothing more; return the task that still writes, for its end."""
        self.closed = self.closed or 1000
        self._on_end = None
        writer, self._writer, self._frames = self._writer, None, None
        return writer

    async def told(self) -> None:
        """Wait until the client was told the code that it is closed with, or did not read it in time."""
        if self._writer is not None:
            await self._writer

    async def _tell(self, code: int) -> None:
        with contextlib.suppress(Exception):
            # Who still does not read is not told: the server drops the connection when the conversation ends.
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": code})
        if self._on_end is not None:
            self._on_end()

    async def _write(self) -> None:
        try:
            while self._frames:
                await self._send({"type": "websocket.send", "text": self._next_text(self._frames)})
        except Exception:  # noqa: BLE001
            self.closed = self.closed or 1000  # a client that vanished while it was written to is no error of ours
            if self._on_end is not None:
                self._on_end()
        finally:
            if self._writer is asyncio.current_task():
                self._frames = self._writer = None

    def _let_in(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def _next_text(self, frames: deque[Frame]) -> str:
        """Take the next frames; several that wait together leave as one, which keeps many sockets cheap."""
        first = frames.popleft()
        size = first.size
        texts = [first.text]
        while frames and size + frames[0].size <= JOIN_BYTES:
            following = frames.popleft()
            size += following.size
            texts.append(following.text)
        self._bytes -= size
        if self._bytes <= self._max_bytes // 2:
            self._let_in()
        if len(texts) == 1:
            return first.text
        return "[" + ",".join(text[1:-1] for text in texts) + "]"
