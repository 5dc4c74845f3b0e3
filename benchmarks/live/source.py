"""A server that only writes ready frames, as fast as they are taken: what the load client is measured against.

Run as `python -m benchmarks.live.source PORT`; the path of a WebSocket says how many messages each write joins.
What comes is as long as a message of ours on the wire.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from benchmarks.live.wire import MARK

SIZE = 1000


class Source(asyncio.Protocol):
    """One socket that is written to until it takes no more."""

    everybody: set[Source] = set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.takes = True
        self.frames = b""

    def data_received(self, data: bytes) -> None:
        if not self.frames:
            joined = int(data.split(b" ", 2)[1].strip(b"/") or 1)
            self.frames = (b"\x81\x7e" + SIZE.to_bytes(2, "big") + MARK.rjust(SIZE, b"x")) * joined
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            self.everybody.add(self)

    def pause_writing(self) -> None:
        self.takes = False

    def resume_writing(self) -> None:
        self.takes = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.everybody.discard(self)


async def write_for_ever(port: int) -> None:
    """Listen, and write to everybody who is connected, in turn."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, sys.exit, 0)
    await loop.create_server(Source, "127.0.0.1", port)
    while True:
        for one in list(Source.everybody):
            if one.takes:
                one.transport.write(one.frames)
        await asyncio.sleep(0 if Source.everybody else 0.01)


if __name__ == "__main__":
    import uvloop

    uvloop.run(write_for_ever(int(sys.argv[1])))
