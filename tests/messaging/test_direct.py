"""Frames that go straight to the transport and frames that go through ASGI: the same contract for both."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cencomm.web_protocols import LeanHttp, LeanSocket
from messaging.delivery.direct import DirectWriter, direct_writer, framed, recognised
from messaging.delivery.outbox import TOO_SLOW, Outbox, deliver_to, frame
from tests.cencomm.ports import PATIENCE, free_port

Serve = Callable[[Outbox], Awaitable[None]]


@pytest.fixture(params=["direct", "plain"])
def way(request: pytest.FixtureRequest, settings: Any) -> str:
    settings.CENCOMM_DIRECT_WRITES = request.param == "direct"
    return str(request.param)


@asynccontextmanager
async def serving(work: Serve, seen: list[Any], *, max_bytes: int = 1_000_000) -> AsyncIterator[str]:
    """Run uvicorn as the product does, with one outbox per socket."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        direct = direct_writer(send)
        outbox = Outbox(send, max_bytes=max_bytes, direct=direct)
        seen.append(direct)
        await work(outbox)
        await outbox.told()

    port = free_port()
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, http=LeanHttp, ws=LeanSocket, lifespan="off", log_config=None,
        ws_per_message_deflate=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").disabled = True
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.01)
    try:
        yield f"ws://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        await running


async def received(client: ClientConnection) -> tuple[list[Any], int]:
    items: list[Any] = []
    try:
        while True:
            items += json.loads(await client.recv())
    except ConnectionClosed as closed:
        return items, closed.rcvd.code if closed.rcvd else 1006


async def turns() -> None:
    """Let everything happen that waits for no clock."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_everything_comes_in_order_whatever_its_size(way: str) -> None:
    sizes = [0, 1, 100, 125, 126, 127, 1000, 65_530, 65_536, 100_000, 3]

    async def work(outbox: Outbox) -> None:
        for turn in range(3):
            for number, size in enumerate(sizes):
                one = frame({"n": turn * len(sizes) + number, "x": "é" * size})
                if (turn + number) % 3:
                    outbox.put(one)
                else:
                    deliver_to([outbox], [one])
            await asyncio.sleep(0)
        await outbox.room()
        while outbox.queued_bytes or outbox._writer is not None:
            await asyncio.sleep(0.01)
        await turns()
        outbox.close(4401)

    seen: list[Any] = []
    async with serving(work, seen) as url, connect(url, max_size=None, compression=None) as client:
        items, code = await received(client)
    assert [item["n"] for item in items] == list(range(3 * len(sizes)))
    assert [len(item["x"]) for item in items] == sizes * 3
    assert code == 4401
    assert isinstance(seen[0], DirectWriter) == (way == "direct")


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_reader_that_does_not_read_is_closed_and_holds_no_more_than_the_bound(
    way: str, at_once: bool
) -> None:
    held: list[int] = []
    told = asyncio.Event()

    async def work(outbox: Outbox) -> None:
        one = frame({"x": "y" * 20_000})
        for _ in range(5000):
            if at_once:
                deliver_to([outbox], [one])
            else:
                outbox.put(one)
            held.append(outbox.queued_bytes)
            if outbox.closed is not None:
                break
            await asyncio.sleep(0)
        told.set()

    seen: list[Any] = []
    async with serving(work, seen, max_bytes=300_000) as url:
        async with connect(url, max_size=None, max_queue=1, compression=None) as client:
            await asyncio.wait_for(told.wait(), PATIENCE)
            assert max(held) <= 300_000
            _items, code = await received(client)
            assert code == TOO_SLOW


class Spy:
    """A transport that remembers what was written."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.writes: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        self._transport.write(data)


async def test_what_is_delivered_leaves_at_once_but_never_before_what_waits(settings: Any) -> None:
    settings.CENCOMM_DIRECT_WRITES = True
    frames = [frame({"n": number}) for number in range(4)]
    left: list[int] = []
    seen: list[Any] = []

    async def work(outbox: Outbox) -> None:
        spy = seen[0]._transport = Spy(seen[0]._transport)
        deliver_to([outbox], [frames[0]])
        left.append(len(spy.writes))
        outbox.put(frames[1])
        deliver_to([outbox], [frames[2]])
        left.append(len(spy.writes))
        await turns()
        left.append(len(spy.writes))
        outbox.close(4401)
        deliver_to([outbox], [frames[3]])
        left.append(len(spy.writes))

    async with serving(work, seen) as url, connect(url, compression=None) as client:
        items, code = await received(client)
    assert [item["n"] for item in items] == [0, 1, 2]
    assert left == [1, 1, 2, 2]
    assert code == 4401


async def test_one_broken_socket_stops_no_other(settings: Any) -> None:
    """Three sockets get two frames: the second one's transport is broken, for the third something waits already."""
    settings.CENCOMM_DIRECT_WRITES = True
    seen: list[Any] = []
    outboxes: list[Outbox] = []
    sent = asyncio.Event()

    async def work(outbox: Outbox) -> None:
        outboxes.append(outbox)
        await sent.wait()
        outbox.close(1000)

    class Broken(Spy):
        def write(self, data: bytes) -> None:
            raise RuntimeError

    async with (
        serving(work, seen) as url,
        connect(url, compression=None) as one,
        connect(url, compression=None) as two,
        connect(url, compression=None) as three,
    ):
        while len(outboxes) < 3:
            await asyncio.sleep(0.01)
        whole = seen[1]._transport
        seen[1]._transport = Broken(whole)
        outboxes[2].put(frame({"n": 0}))
        try:
            deliver_to(outboxes, [frame({"n": 1}), frame({"n": 2})])
            await turns()
        finally:
            seen[1]._transport = whole
            sent.set()
        assert [item["n"] for item in (await received(one))[0]] == [1, 2]
        assert (await received(two))[0] == []
        assert [item["n"] for item in (await received(three))[0]] == [0, 1, 2]


async def test_one_turn_is_one_write(settings: Any) -> None:
    settings.CENCOMM_DIRECT_WRITES = True
    writes: list[bytes] = []
    seen: list[Any] = []

    async def work(outbox: Outbox) -> None:
        seen[0]._transport = Spy(seen[0]._transport)
        seen[0]._transport.writes = writes
        for number in range(5):
            outbox.put(frame({"n": number}))
        await turns()
        outbox.put(frame({"n": 5}))
        outbox.close(1000)  # what has not left is dropped

    async with serving(work, seen) as url, connect(url, compression=None) as client:
        items, code = await received(client)
    assert [item["n"] for item in items] == [0, 1, 2, 3, 4]
    assert writes == [b"".join(framed(b'[{"n":%d}]' % number) for number in range(5))]
    assert code == 1000


async def test_what_is_not_known_is_not_written_past(settings: Any) -> None:
    class Other:
        async def send(self, message: Any) -> None: ...

    async def plain(message: Any) -> None: ...

    settings.CENCOMM_DIRECT_WRITES = True
    assert direct_writer(plain) is None
    assert direct_writer(Other().send) is None
    assert not recognised(None)


async def test_a_compressing_socket_is_not_written_past(settings: Any) -> None:
    class WebSocketsSansIOProtocol:
        """Looks like the known one, with an extension on the wire."""

    known = WebSocketsSansIOProtocol()
    kind = type(known)
    kind.__module__ = "uvicorn.protocols.websockets.websockets_sansio_impl"
    kind.__qualname__ = "WebSocketsSansIOProtocol"
    transport = asyncio.Transport()
    for name, value in {
        "transport": transport, "writable": asyncio.Event(), "handshake_complete": True, "close_sent": False,
        "disconnected": False, "conn": type("Conn", (), {"extensions": []})(),
    }.items():  # fmt: skip
        setattr(known, name, value)
    assert recognised(known)
    known.conn.extensions = ["deflate"]  # type: ignore[attr-defined]
    assert not recognised(known)
    del known.writable  # type: ignore[attr-defined]
    known.conn.extensions = []  # type: ignore[attr-defined]
    assert not recognised(known)
