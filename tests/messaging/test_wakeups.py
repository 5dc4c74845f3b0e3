"""Wake-ups: one interface, memory and Redis, both for real."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging import limits
from messaging.redis_wakeups import CHANNEL, JOINED, RedisWakeUps
from messaging.wakeups import (
    GroupMoved,
    MemoryWakeUps,
    Resync,
    Revoked,
    Wake,
    WakeUps,
    decode,
    decode_all,
    encode,
    encode_all,
)
from tests.cencomm.ports import PATIENCE, wait_until
from tests.messaging.conftest import wire
from tests.messaging.server import running_redis, running_server

pytestmark = pytest.mark.usefixtures("_redis_may_be_slow")

WAKES: list[Wake] = [
    GroupMoved(uuid4(), 17),
    Revoked(uuid4()),
    Revoked(uuid4(), session_id=uuid4()),
    Revoked(None, token_id=uuid4()),
    Resync(),
]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def carriers(request: pytest.FixtureRequest) -> tuple[WakeUps, WakeUps]:
    """Who publishes and who listens: the same object in one process, two of them where Redis is between."""
    if request.param == "memory":
        one = MemoryWakeUps()
        return one, one
    url = request.getfixturevalue("redis_url")
    return RedisWakeUps(url), RedisWakeUps(url)


class Ear:
    """Remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[Wake] = []
        self._rang = asyncio.Event()

    def __call__(self, wake: Wake) -> None:
        self.heard.append(wake)
        self._rang.set()

    async def until(self, count: int) -> list[Wake]:
        """Return what was heard once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.heard) < count:
                self._rang.clear()
                await self._rang.wait()
        return list(self.heard)

    async def hears(self, wake: Wake) -> bool:
        """Wait until this was heard, whatever else is."""
        async with asyncio.timeout(PATIENCE):
            while wake not in self.heard:
                self._rang.clear()
                await self._rang.wait()
        return True


@asynccontextmanager
async def listening(carrier: WakeUps) -> AsyncIterator[Ear]:
    ear = Ear()
    subscription = carrier.subscribe(ear)
    if isinstance(carrier, RedisWakeUps):
        await ear.until(1)  # it says Resync once it is connected
        ear.heard.clear()
    yield ear
    await subscription.close()


@pytest.mark.parametrize("wake", WAKES, ids=lambda wake: type(wake).__name__)
def test_a_wake_up_travels_as_identifiers(wake: Wake) -> None:
    assert decode(encode(wake)) == wake


@given(st.binary(max_size=80))
def test_whatever_comes_is_understood_or_makes_one_look(data: bytes) -> None:
    assert isinstance(decode(data), GroupMoved | Revoked | Resync)
    assert all(isinstance(wake, GroupMoved | Revoked | Resync) for wake in decode_all(data))


def test_several_wake_ups_travel_as_one_message() -> None:
    assert decode_all(encode_all(WAKES)) == WAKES
    assert decode(encode_all(WAKES)) == Resync()  # what a process of an older version makes of it
    assert decode_all(b"\n".join([encode(WAKES[0]), b"?"])) == [WAKES[0], Resync()]


async def test_every_listener_hears_what_any_thread_publishes(carriers: tuple[WakeUps, WakeUps]) -> None:
    teller, carrier = carriers
    async with listening(carrier) as one, listening(carrier) as two:
        for wake in WAKES:
            threading.Thread(target=teller.publish, args=[wake]).start()
            assert await one.until(1) == [wake]
            assert await two.until(1) == [wake]
            one.heard.clear()
            two.heard.clear()


async def test_who_stopped_listening_hears_nothing(carriers: tuple[WakeUps, WakeUps]) -> None:
    teller, carrier = carriers
    async with listening(carrier) as gone:
        pass
    async with listening(carrier) as one:
        teller.publish(WAKES[0])
        await one.until(1)
    assert gone.heard == []


def test_a_listener_whose_loop_is_gone_hurts_nobody() -> None:
    carrier = MemoryWakeUps()

    async def listen() -> None:
        carrier.subscribe(lambda _wake: None)

    asyncio.run(listen())
    carrier.publish(WAKES[0])
    assert carrier._listeners == []


@pytest.mark.redis
async def test_redis_may_come_late_go_and_come_back(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        port = int(url.split(":")[-1].split("/")[0])
        carrier = RedisWakeUps(url)
        ear = Ear()
        subscription = carrier.subscribe(ear)
        assert await ear.until(1) == [Resync()]
    carrier.publish(WAKES[0])  # nobody is there: told locally, and no error
    assert WAKES[0] in await ear.until(2)
    ear.heard.clear()
    import subprocess

    process = await asyncio.to_thread(
        subprocess.Popen, ["redis-server", "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        assert (await ear.until(1))[0] == Resync()  # it has missed some, and says so
        other = RedisWakeUps(url)
        other.publish(WAKES[1])
        assert await ear.hears(WAKES[1])  # beside what was told while nobody was there, and is told again
    finally:
        await subscription.close()
        process.terminate()
        await asyncio.to_thread(process.wait)


def published(url: str) -> int:
    """Return how often something was published there."""
    found = redis.Redis.from_url(url).info("commandstats").get("cmdstat_publish", {"calls": 0})
    return int(found["calls"])


@pytest.mark.redis
async def test_what_gathers_while_redis_is_told_goes_out_together(redis_url: str) -> None:
    wakes = [GroupMoved(uuid4(), number) for number in range(1, 2 * JOINED + 2)] + [Revoked(uuid4())]
    async with listening(RedisWakeUps(redis_url)) as ear:
        before = published(redis_url)
        teller = RedisWakeUps(redis_url)
        with teller._teller._changed:  # the thread that tells waits meanwhile
            for wake in wakes:
                teller._teller._put(wake)
        teller.publish(wakes[0])
        assert await ear.until(len(wakes)) == wakes
    assert published(redis_url) - before == 3


@pytest.mark.redis
async def test_redis_carries_identifiers_only(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    pubsub = client.pubsub()
    pubsub.subscribe(CHANNEL)
    assert pubsub.get_message(timeout=PATIENCE)["type"] == "subscribe"
    RedisWakeUps(redis_url).publish(GroupMoved(group := uuid4(), 5))
    assert pubsub.get_message(timeout=PATIENCE)["data"] == f"g {group.hex} 5".encode()
    pubsub.close()


@pytest.mark.redis
def test_the_pace_is_shared_between_processes_and_passes(redis_url: str) -> None:
    one, two = limits.SharedPace(1, redis_url), limits.SharedPace(1, redis_url)
    officer = uuid4()
    assert one.wait(officer) == 0
    assert 0 < two.wait(officer) <= 60
    assert one.wait(uuid4()) == 0
    keys = redis.Redis.from_url(redis_url).keys("cencomm:pace:*")
    assert all(redis.Redis.from_url(redis_url).pttl(key) > 0 for key in keys)


@pytest.mark.usefixtures("_no_time_passes")
def test_the_pace_is_kept_without_redis() -> None:
    pace = limits.SharedPace(2, "redis://127.0.0.1:1/0")
    officer = uuid4()
    assert [pace.wait(officer), pace.wait(officer)] == [0, 0]
    assert pace.wait(officer) > 0


def test_redis_that_is_slow_to_fail_is_left_alone_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [1000.0], []

    def hang(**_: object) -> float:
        asked.append(now[0])
        now[0] += 3.0  # as a cluster does of which no node answers
        raise redis.ConnectionError

    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    pace = limits.SharedPace(100_000, "redis://127.0.0.1:1/0")
    pace._script = hang
    while now[0] < 1300:
        pace.wait(uuid4())
        now[0] += 0.1
    assert len(asked) <= 10  # else posts would wait for Redis most of the time
    assert len(asked) >= 2


def test_the_pace_of_many_officers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MAX_OFFICERS", 10)
    pace = limits.Pace(2)
    for _ in range(50):
        pace.wait(uuid4())
    assert len(pace._full) == 10


# Redis is told of nothing before the server, which leaves, waits for it.
TOLD_AT_THE_END = (
    "import threading, messaging.wakeups; from messaging.redis_wakeups import RedisWakeUps, Teller; "
    "messaging.wakeups.FLUSH_SECONDS = 60.0; end = threading.Event(); "
    "tell, flush = Teller._tell_all, RedisWakeUps.flush; "
    "Teller._tell_all = lambda self, wakes: (end.wait(), tell(self, wakes))[1]; "
    "RedisWakeUps.flush = lambda self, seconds: (end.set(), flush(self, seconds))[1]"
)


@pytest.mark.redis
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_server_that_is_told_to_stop_tells_what_it_knows_first(
    tmp_path: Path, redis_url: str, room: ClosedUserGroup, fatou: Officer, token_for: Any
) -> None:
    with (
        redis.Redis.from_url(redis_url) as client,
        client.pubsub() as ear,
        running_server(tmp_path, before=TOLD_AT_THE_END, REDIS_URL=redis_url) as server,
    ):
        ear.subscribe(CHANNEL)
        wait_until(lambda: ear.get_message() is not None, what="listening")
        assert server.request("POST", f"/groups/{room.pk}/messages", token_for(fatou), wire())[0] == 201
        server.process.terminate()
        server.process.wait(PATIENCE)
        heard: list[Wake] = []
        while GroupMoved(room.pk, 1) not in heard:
            told = ear.get_message(timeout=PATIENCE)
            assert told is not None, heard
            heard += decode_all(told["data"])
