"""Ready frames straight to a socket's transport, past the ASGI send: the lever of the fan-out.

Only for the protocol class that this was written against and tested with (uvicorn's websockets-sansio); for
anything else `direct_writer` gives None, and the outbox sends through ASGI alone. A frame's bytes are made once and
shared by every socket; what one socket gets in one turn of the loop leaves in one write. What must not live here:
queues and bounds (`outbox`): while a transport is paused nothing is written here.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import Any

from django.conf import settings

from messaging.delivery.per_loop import PerLoop

logger = logging.getLogger("cencomm.messaging")
PROTOCOLS = {
    ("uvicorn.protocols.websockets.websockets_sansio_impl", "WebSocketsSansIOProtocol"),
    ("cencomm.web_protocols", "LeanSocket"),
}
_NEEDED = ("transport", "conn", "writable", "handshake_complete", "close_sent", "disconnected")
JOIN_BYTES = 64 * 1024  # what a reader that keeps up may have waiting
_TEXT = 0x81  # a whole text frame, RFC 6455, section 5.2; a server's frames carry no mask


def framed(payload: bytes) -> bytes:
    """Return a payload as the bytes of one text frame."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload


class DirectWriter:
    """Writes one socket's frames while its reader keeps up. All of it runs on the socket's loop."""

    __slots__ = ("_held", "_pending", "_protocol", "_transport", "_turn")

    def __init__(self, protocol: Any, turn: Turn) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._turn = turn
        self._pending: list[bytes] = []
        self._held = 0  # what the reader had not taken when this turn began, and what this turn adds

    def write(self, wire: bytes) -> bool:
        """Write a framed payload at once; False if something of this turn is before it, or its reader lags or is
        gone.
        """
        transport = self._transport
        if self._pending or self._protocol.close_sent or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > JOIN_BYTES:
            return False
        try:
            transport.write(wire)
        except Exception as error:  # noqa: BLE001
            _told_broken(error)
        return True

    def offer(self, wire: bytes) -> bool:
        """Write a framed payload, with all others of this turn; False if its reader lags or is gone."""
        held = self._held
        if not self._pending:
            transport = self._transport
            if self._protocol.close_sent or transport.is_closing():
                return False
            held = transport.get_write_buffer_size()
        if held > JOIN_BYTES:
            return False
        if not self._pending:
            self._turn.add(self)
        self._held = held + len(wire)
        self._pending.append(wire)
        return True

    def drop(self) -> None:
        """Forget what has not left yet."""
        self._pending.clear()

    def flush(self) -> None:
        """Hand everything of this turn to the transport."""
        pending, self._pending = self._pending, []
        protocol = self._protocol
        if not pending or protocol.close_sent or protocol.disconnected or self._transport.is_closing():
            return
        self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))


class Turn:
    """The writers that have something to write in this turn of a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._writers: list[DirectWriter] = []

    def add(self, writer: DirectWriter) -> None:
        """Flush this writer at the end of the turn."""
        if not self._writers:
            self._loop.call_soon(self._flush)
        self._writers.append(writer)

    def _flush(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            try:
                writer.flush()
            except Exception as error:  # noqa: BLE001
                _told_broken(error)


def _told_broken(error: Exception) -> None:
    # One broken socket stops no other; its own reader notices.
    logger.error("a socket could not be written to: %s", type(error).__name__)


_turn = PerLoop(lambda: Turn(asyncio.get_running_loop()))


def direct_writer(send: Any) -> DirectWriter | None:
    """Return the writer behind an ASGI send of an accepted socket; None where plain sends must do."""
    protocol = getattr(send, "__self__", None)
    if not settings.CENCOMM_DIRECT_WRITES or not recognised(protocol):
        return None
    return DirectWriter(protocol, _turn())


def recognised(protocol: Any) -> bool:
    """Whether this is a protocol that can be written past: its class, its parts, and no extension on the wire."""
    kind = type(protocol)
    if (kind.__module__, kind.__qualname__) not in PROTOCOLS:
        return False
    if not all(hasattr(protocol, name) for name in _NEEDED):
        return False
    transport = protocol.transport
    able = all(
        callable(getattr(transport, name, None)) for name in ("write", "is_closing", "get_write_buffer_size")
    )
    return bool(able and protocol.handshake_complete and not getattr(protocol.conn, "extensions", True))
