"""Wake-ups over Redis by Sentinel and by Cluster: real processes, killed masters, slots that move."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import limits
from messaging.redis_places import BadRedisUrl, ClusterPlace, Node, RedisPlace, SentinelPlace, place_of
from messaging.redis_wakeups import CHANNEL, RedisListener, RedisWakeUps, Teller
from messaging.wakeups import GroupMoved, MemoryWakeUps, Resync, Wake, decode_all
from tests.cencomm.ports import PATIENCE, free_port
from tests.faults.certificate import Certificate, make_certificate
from tests.messaging.redis_servers import (
    PASSWORD,
    RedisServer,
    running_cluster,
    running_sentinels,
    wait_for,
)

BOUND = PATIENCE
pytestmark = pytest.mark.usefixtures("_redis_may_be_slow")


class Ear:
    """Remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[Wake] = []

    def __call__(self, wake: Wake) -> None:
        self.heard.append(wake)

    async def until(self, *wanted: Wake) -> None:
        """Wait until all of this was heard."""
        async with asyncio.timeout(BOUND):
            while not all(one in self.heard for one in wanted):
                await asyncio.sleep(0.02)

    async def resyncs(self, count: int) -> None:
        """Wait until it was said so often that wake-ups may have been missed."""
        async with asyncio.timeout(BOUND):
            while self.heard.count(Resync()) < count:
                await asyncio.sleep(0.02)

    async def told_or_resynced(self, wanted: list[Wake]) -> None:
        """Wait until it heard all of this, or that it must look at every head itself: nothing of a gap is lost."""
        async with asyncio.timeout(BOUND):
            while Resync() not in self.heard and not all(one in self.heard for one in wanted):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(url: str, *, servers: int) -> AsyncIterator[Ear]:
    """Listen with a process's carrier of its own, once every server has confirmed."""
    ear = Ear()
    subscription = RedisWakeUps(url).subscribe(ear)
    try:
        await ear.resyncs(servers)
        yield ear
    finally:
        await subscription.close()


def moved(groups: list[UUID], head: int) -> list[Wake]:
    return [GroupMoved(group, head) for group in groups]


async def tell(teller: RedisWakeUps, wakes: list[Wake]) -> None:
    for wake in wakes:
        teller.publish(wake)


@pytest.mark.slow
@pytest.mark.redis
async def test_sentinels_lead_to_the_promoted_replica(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        watched = await asyncio.to_thread(stack.enter_context, running_sentinels(tmp_path))
        teller, groups = RedisWakeUps(watched.url), [uuid4() for _ in range(5)]
        async with listening(watched.url, servers=1) as ear:
            await tell(teller, moved(groups, 1))
            await ear.until(*moved(groups, 1))
            pace = limits.SharedPace(1, watched.url)
            officer = uuid4()
            assert (pace.wait(officer), pace.wait(officer) > 0) == (0, True)

            ear.heard.clear()
            await asyncio.to_thread(watched.kill_master)
            await tell(teller, moved(groups, 2))  # while nobody knows yet that the connection is dead
            await ear.told_or_resynced(moved(groups, 2))
            await ear.resyncs(1)
            await tell(teller, moved(groups, 3))
            await ear.until(*moved(groups, 3))
            assert pace.wait(uuid4()) == 0


@pytest.mark.slow
@pytest.mark.redis
async def test_over_tls_only_the_server_that_is_trusted_hears_anything(tmp_path: Path) -> None:
    trusted, other = make_certificate(tmp_path), make_certificate(tmp_path, "other")
    if not isinstance(trusted, Certificate) or not isinstance(other, Certificate):
        pytest.skip(str(trusted))
    port, settings = free_port(), " ".join(trusted.redis_settings).split("--")[1:]
    server = RedisServer(tmp_path, f"requirepass {PASSWORD}", f"tls-port {port}", *settings)
    await asyncio.to_thread(server.start)
    try:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs="
        async with listening(f"{url}{trusted.file}", servers=1) as ear:
            stranger, teller = RedisWakeUps(f"{url}{other.file}"), RedisWakeUps(f"{url}{trusted.file}")
            await tell(stranger, moved([uuid4()], 1))
            assert not await asyncio.to_thread(stranger.flush, 3)
            wakes = moved([uuid4()], 2)
            await tell(teller, wakes)
            await ear.until(*wakes)
            assert [wake for wake in ear.heard if isinstance(wake, GroupMoved)] == wakes
    finally:
        server.kill()


@pytest.mark.slow
@pytest.mark.redis
async def test_a_cluster_carries_wake_ups_by_its_shards_while_slots_move_and_a_master_dies(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        cluster = await asyncio.to_thread(stack.enter_context, running_cluster(tmp_path))
        place = place_of(cluster.url)
        owners = {cluster.owner(channel).port for channel in place.channels(CHANNEL)}
        assert len(owners) == 3  # the load is spread over every master
        teller, groups = RedisWakeUps(cluster.url), [uuid4() for _ in range(60)]
        async with listening(cluster.url, servers=3) as ear:
            await tell(teller, moved(groups, 1))
            await ear.until(*moved(groups, 1))
            for one in cluster.masters():  # by SPUBLISH alone: the other nodes are not bothered
                assert one.client().execute_command("PUBSUB", "CHANNELS") == []
                heard = lambda one=one: one.client().execute_command("PUBSUB", "SHARDCHANNELS")  # noqa: E731
                await asyncio.to_thread(wait_for, "sharded channels", heard)

            ear.heard.clear()
            await asyncio.to_thread(cluster.move_slot, f"{CHANNEL}:3")
            await ear.resyncs(1)
            await tell(teller, moved(groups, 2))
            await ear.until(*moved(groups, 2))

            ear.heard.clear()
            lost = cluster.owner(f"{CHANNEL}:5")
            await asyncio.to_thread(cluster.kill, lost)
            await tell(teller, moved(groups, 3))  # those of the lost master wait for its replica
            await asyncio.to_thread(wait_for, "a whole cluster", cluster.is_ok)
            await ear.told_or_resynced(moved(groups, 3))
            await ear.resyncs(1)
            await tell(teller, moved(groups, 4))
            await ear.until(*moved(groups, 4))
        pace = limits.SharedPace(1, cluster.url)
        officer = uuid4()
        assert (pace.wait(officer), pace.wait(officer) > 0) == (0, True)
        keys = [key for one in cluster.masters() for key in one.client().keys("*")]
        assert keys == [f"cencomm:pace:{officer.hex}"]


class DeadPlace(RedisPlace):
    """A Redis that takes nothing until it is told to."""

    taken: list[bytes]
    works = False

    def publish(self, client: object, channel: str, data: bytes) -> None:
        if not DeadPlace.works:
            raise OSError
        DeadPlace.taken.append(data)


def test_what_redis_did_not_take_is_told_when_it_is_back() -> None:
    DeadPlace.works, DeadPlace.taken = False, []
    teller, group, other = Teller(DeadPlace("redis://127.0.0.1:1/0")), uuid4(), uuid4()
    for head in range(1, 200):
        teller.tell(GroupMoved(group, head))
    teller.tell(GroupMoved(other, 7))
    teller.tell(GroupMoved(group, 3))  # late: it says nothing new
    assert not teller.flush(0.2)
    DeadPlace.works = True
    wait_for("everything told", lambda: teller.flush(1.0))
    told = [wake for data in DeadPlace.taken for wake in decode_all(data)]
    assert GroupMoved(group, 199) in told[-2:]
    assert GroupMoved(other, 7) in told


@dataclass(frozen=True, slots=True)
class HalfPlace(RedisPlace):
    """A cluster of two shards, one of which is away."""

    taken: list[Wake] = field(default_factory=list)

    def channels(self, channel: str) -> tuple[str, ...]:
        return ("away", "there")

    def publish(self, client: object, channel: str, data: bytes) -> None:
        if channel == "away":
            raise OSError
        self.taken.extend(decode_all(data))


def test_behind_a_shard_that_is_away_nobody_waits() -> None:
    place = HalfPlace("redis://127.0.0.1:1/0")
    teller = Teller(place)
    wakes = {teller._channel(wake): wake for wake in moved([uuid4() for _ in range(99)], 1)}
    lost, told = wakes["away"], wakes["there"]
    with teller._changed:
        teller._put(lost)
        teller.tell(told)
    wait_for("the other one told", lambda: place.taken == [told])
    assert not teller.flush(0.1)


@dataclass(frozen=True, slots=True)
class FaultyPlace(RedisPlace):
    """A client library that fails once in a way of its own, which is no failure of a connection."""

    asked: list[str] = field(default_factory=list)

    def commands(self, *, timeout: float) -> object:
        return object()

    def publish(self, client: object, channel: str, data: bytes) -> None:
        self._ask()

    async def routes(self, channel: str) -> Mapping[Node, frozenset[str]]:
        self._ask()
        return {}

    def _ask(self) -> None:
        self.asked.append("")
        if len(self.asked) == 1:
            raise KeyError


def test_a_fault_of_the_client_does_not_end_the_telling() -> None:
    place = FaultyPlace("redis://127.0.0.1:1/0")
    teller = Teller(place)
    teller.tell(GroupMoved(uuid4(), 1))
    wait_for("told again", lambda: len(place.asked) == 2)
    wait_for("everything told", lambda: teller.flush(1.0))


async def test_a_fault_of_the_client_leaves_nobody_deaf() -> None:
    place = FaultyPlace("redis://127.0.0.1:1/0")
    listener = RedisListener(MemoryWakeUps().subscribe(lambda wake: None), place, lambda wake: None)
    async with asyncio.timeout(BOUND):
        while len(place.asked) < 2:
            await asyncio.sleep(0.02)
    await listener.close()


def test_who_posts_never_waits_for_redis() -> None:
    started = time.monotonic()
    carrier = RedisWakeUps("redis://127.0.0.1:1/0")
    for head in range(1, 5000):
        carrier.publish(GroupMoved(uuid4(), head))
    assert time.monotonic() - started < 90  # each by itself would have tried to connect
    assert not carrier.flush(0.1)
    assert len(carrier._teller._waiting) <= 5000


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://127.0.0.1:6379/0", RedisPlace),
        ("unix:///run/redis.sock?db=0", RedisPlace),
        ("redis+sentinel://:p%40ss@one:1,two/quay/3?sentinel_password=x", SentinelPlace),
        ("rediss+cluster://user:pass@one:7000,two?ssl_ca_certs=/ca.pem", ClusterPlace),
    ],
)
def test_each_form_of_address_is_understood(url: str, place: type[RedisPlace]) -> None:
    found = place_of(url)
    assert type(found) is place
    if isinstance(found, SentinelPlace):
        assert (found.sentinels, found.service) == ((("one", 1), ("two", 26379)), "quay")
        assert found.options == {"password": "p@ss", "db": 3}
        assert found.sentinel_options == {"password": "x"}
    if isinstance(found, ClusterPlace):
        assert found.nodes == (("one", 7000), ("two", 6379))
        assert found.options == {"username": "user", "password": "pass", "ssl": True, "ssl_ca_certs": "/ca.pem"}


@pytest.mark.parametrize(
    "url",
    [
        f"redis+sentinel://:{PASSWORD}@one",
        f"redis+cluster://:{PASSWORD}@one/3",
        f"redis+cluster://:{PASSWORD}@",
        f"redis+cluster://:{PASSWORD}@one:99999",
        f"redis+cluster://:{PASSWORD}@one?color=red",
        f"http://:{PASSWORD}@one",
        "one",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadRedisUrl) as refused:
        place_of(url)
    assert PASSWORD not in str(refused.value)


@given(st.text(max_size=60))
def test_whatever_is_set_is_an_address_or_is_refused(text: str) -> None:
    with contextlib.suppress(BadRedisUrl):
        place_of(text)
