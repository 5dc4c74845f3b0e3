"""The fault proxy does what it says: nothing arrives that should not, and what was held back arrives later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.cencomm.ports import PATIENCE
from tests.faults.proxy import FaultProxy, Weather

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data)
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    made = FaultProxy(server.sockets[0].getsockname()[1])
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        server.close()


@pytest.fixture
def dial(proxy: FaultProxy) -> Dial:
    return lambda: asyncio.open_connection("127.0.0.1", proxy.port)


async def said(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(size)


async def test_bytes_pass_both_ways(dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"lantern" * 10_000)
    assert await said(reader, 70_000) == b"lantern" * 10_000


async def test_cut_resets_what_is_open_and_takes_new_connections(proxy: FaultProxy, dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"a")
    await said(reader, 1)
    proxy.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said(reader, 1)
    reader, writer = await dial()
    writer.write(b"b")
    assert await said(reader, 1) == b"b"


@pytest.mark.parametrize("weather", [Weather(silent_up=True), Weather(silent_down=True)], ids=["up", "down"])
async def test_silence_one_way_holds_bytes_back_and_loses_none(
    proxy: FaultProxy, dial: Dial, weather: Weather
) -> None:
    reader, writer = await dial()
    writer.write(b"a")
    await said(reader, 1)
    proxy.set_weather(weather)
    writer.write(b"later")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.readexactly(1)
    proxy.set_weather(Weather())
    assert await said(reader, 5) == b"later"


async def test_half_open_accepts_and_carries_nothing_then_resets(proxy: FaultProxy, dial: Dial) -> None:
    proxy.set_weather(Weather(half_open=True))
    reader, writer = await dial()
    writer.write(b"nobody hears")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.readexactly(1)
    proxy.set_weather(Weather())
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said(reader, 1)
    assert proxy.accepted == 1


async def test_throttled_bytes_arrive_all_the_same(proxy: FaultProxy, dial: Dial) -> None:
    proxy.set_weather(Weather(bytes_per_second=200_000, delay=0.01))
    reader, writer = await dial()
    writer.write(b"x" * 50_000)
    assert await said(reader, 50_000) == b"x" * 50_000


async def test_nobody_behind_the_proxy_is_a_reset(proxy: FaultProxy, dial: Dial) -> None:
    proxy.target = 1
    reader, _writer = await dial()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said(reader, 1)
