"""A TCP proxy that does to connections what networks do: delays, cuts, half-opens, throttles, goes silent one way.

What waits while a direction is silent arrives when it speaks again, as with packets that TCP sends again. What must
not live here: which link is hurt when (`plan`, `injuries`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass, field

CHUNK = 16 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER that makes close() send a reset


@dataclass(slots=True)
class Weather:
    """What the link does to bytes now. `up` is from who connected, `down` is back to him."""

    delay: float = 0.0
    bytes_per_second: float = 0.0
    silent_up: bool = False
    silent_down: bool = False
    half_open: bool = False


@dataclass(eq=False, slots=True)
class _Line:
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def reset(self) -> None:
        for task in self.tasks:
            task.cancel()
        for writer in (self.near, self.far):
            if writer is None:
                continue
            made = writer.get_extra_info("socket")
            if made is not None:  # a line with TLS has none any more once it is lost
                with contextlib.suppress(OSError):
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


class FaultProxy:
    """One listening port in front of one target; its weather changes while connections are open.

    `tls`: what to show those who connect; to the target it speaks in clear.
    """

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.target, self._tls = target, tls
        self.port = 0
        self.accepted = 0
        self.weather = Weather()
        self._lines: set[_Line] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=CHUNK, backlog=1024, ssl=self._tls
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Stop listening and drop everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Reset every connection that is open now; new ones are taken."""
        for line in list(self._lines):
            line.reset()

    def set_weather(self, weather: Weather) -> None:
        """Change what the link does from now on; a half-open link that heals resets what it never carried."""
        was_half_open = self.weather.half_open
        self.weather = weather
        if was_half_open and not weather.half_open:
            self.cut()
        self._changed.set()
        self._changed = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        line = _Line(writer)
        self._lines.add(line)
        line.tasks = [task for task in [asyncio.current_task()] if task is not None]
        try:
            while self.weather.half_open:
                await self._changed.wait()  # accepted, never carried: it is reset when the link heals
            far_reader, line.far = await asyncio.open_connection("127.0.0.1", self.target, limit=CHUNK)
            up = asyncio.create_task(self._carry(reader, line.far, up=True))
            down = asyncio.create_task(self._carry(far_reader, writer, up=False))
            line.tasks += [up, down]
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_EXCEPTION)
        except OSError:
            pass  # nobody listens at the target: who connected is reset
        except asyncio.CancelledError:
            if not writer.transport.is_closing():
                raise
        finally:
            self._lines.discard(line)
            line.tasks = [task for task in line.tasks if task is not asyncio.current_task()]
            line.reset()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data := await reader.read(CHUNK):
            weather = self.weather
            if weather.delay:
                await asyncio.sleep(weather.delay)
            if weather.bytes_per_second:
                await asyncio.sleep(len(data) / weather.bytes_per_second)
            while self._is_silent(up=up):
                await self._changed.wait()
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            if writer.can_write_eof():  # over TLS one side cannot end alone
                writer.write_eof()

    def _is_silent(self, *, up: bool) -> bool:
        weather = self.weather
        return weather.half_open or (weather.silent_up if up else weather.silent_down)
