"""Sockets that are dropped are gone at once: nothing of them waits for the search for circles."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from websockets.asyncio.client import connect

from cencomm.web_protocols import Inbox, LeanHttp, LeanSocket
from messaging.delivery.outbox import Outbox, frame
from tests.messaging.test_direct import serving


async def test_a_dropped_socket_leaves_no_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[weakref.ref[Any]] = []
    made = LeanSocket.connection_made
    upgrade = LeanHttp.handle_websocket_upgrade

    def noted(self: LeanSocket, transport: Any) -> None:
        made(self, transport)
        left.extend((weakref.ref(self), weakref.ref(self.conn)))

    def upgraded(self: LeanHttp) -> None:
        left.append(weakref.ref(self))
        upgrade(self)

    monkeypatch.setattr(LeanSocket, "connection_made", noted)
    monkeypatch.setattr(LeanHttp, "handle_websocket_upgrade", upgraded)
    dropped = asyncio.Event()
    seen: list[Any] = []

    async def work(outbox: Outbox) -> None:
        outbox.put(frame({"n": 1}))
        await dropped.wait()

    gc.collect()
    gc.disable()
    try:
        async with serving(work, seen) as url:
            for _ in range(3):
                client = await connect(url, compression=None)
                await client.recv()
                client.transport.abort()
            dropped.set()
            seen.clear()
            async with asyncio.timeout(300):
                while any(one() is not None for one in left):
                    await asyncio.sleep(0.02)
    finally:
        gc.enable()
    assert len(left) == 9


async def test_an_inbox_keeps_the_order_and_waits() -> None:
    inbox = Inbox()
    for number in range(3):
        inbox.put_nowait(number)
    assert [await inbox.get() for _ in range(3)] == [0, 1, 2]
    assert inbox.empty()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.put_nowait(3)
    assert await waiting == 3
    cancelled = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    inbox.put_nowait(4)
    assert await inbox.get() == 4
