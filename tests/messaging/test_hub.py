"""The hub and the outbox by themselves: what is hard to provoke over a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from messaging.delivery import feeds
from messaging.delivery import hub as module
from messaging.delivery.hub import Hub
from messaging.delivery.outbox import FRAME_BYTES, TOO_SLOW, Frame, Outbox, frame, frames_of
from messaging.delivery.reads import Batch, Item
from messaging.wakeups import GroupMoved, Resync, Revoked

EPOCH = uuid4()
GROUP = uuid4()


class FakeClient:
    """A socket that remembers."""

    def __init__(self, officer_id: UUID | None = None) -> None:
        self.officer_id = officer_id or uuid4()
        self.session_id: UUID | None = uuid4()
        self.token_id: UUID | None = None
        self.frames: list[Frame] = []
        self.code: int | None = None

    def put(self, one: Frame) -> None:
        self.frames.append(one)

    def close(self, code: int) -> None:
        self.code = code

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for one in self.frames for item in json.loads(one.text)]

    @property
    def seqs(self) -> list[int]:
        return [item["seq"] for item in self.items if item["op"] == "event"]


def item(seq: int, type: str = "message", **data: Any) -> Item:
    return Item(seq, orjson.dumps({"op": "event", "seq": seq, "event": {"type": type}}), type, data)


class Stream:
    """Stands for the database: what can be read, and how often it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.items: list[Item] = []
        self.reads = 0
        self.epoch = EPOCH
        monkeypatch.setattr(module, "in_thread", self._in_thread)
        monkeypatch.setattr(module, "batch_for_hub", self.after)

    async def _in_thread(self, work: Any) -> Any:
        await asyncio.sleep(0)
        return work()

    def after(self, _group_id: UUID, position: int) -> Batch:
        self.reads += 1
        items = [one for one in self.items if one.seq > position][:5]
        last = items[-1].seq if items else position
        return Batch(self.epoch, len(self.items), last, items, restart=False)

    def grow(self, count: int) -> None:
        self.items += [item(len(self.items) + n + 1) for n in range(count)]


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    return Stream(monkeypatch)


@pytest.fixture
async def hub() -> Any:
    one = Hub()
    yield one
    await one.stop()


def joined(hub: Hub, client: FakeClient, at: int = 0) -> Any:
    assert hub.attach(client, limit=5)
    follower = hub.follow(client, GROUP)
    assert hub.join(follower, Batch(EPOCH, at, at, [], restart=False))
    return follower


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_many_wake_ups_are_one_read_and_the_same_bytes_for_all(hub: Hub, stream: Stream) -> None:
    clients = [FakeClient() for _ in range(50)]
    for client in clients:
        joined(hub, client)
    stream.grow(3)
    for head in (1, 2, 3, 3, 2):
        hub.wake(GroupMoved(GROUP, head))
    await settle()
    assert stream.reads == 1
    assert {id(client.frames[0]) for client in clients} == {id(clients[0].frames[0])}
    assert all(client.seqs == [1, 2, 3] for client in clients)


async def test_a_long_run_comes_in_order_and_whole(hub: Hub, stream: Stream) -> None:
    client = FakeClient()
    joined(hub, client)
    stream.grow(23)
    hub.wake(GroupMoved(GROUP, 20))
    await settle()
    hub.wake(GroupMoved(GROUP, 23))
    await settle()
    assert client.seqs == list(range(1, 24))


async def test_who_is_ahead_of_the_hub_gets_no_duplicates(hub: Hub, stream: Stream) -> None:
    behind, ahead = FakeClient(), FakeClient()
    joined(hub, behind)
    stream.grow(4)
    joined(hub, ahead, at=3)  # it read 1 to 3 by itself a moment before the hub
    hub.wake(GroupMoved(GROUP, 4))
    await settle()
    assert behind.seqs == [1, 2, 3, 4]
    assert ahead.seqs == [4]
    far_ahead = FakeClient()
    stream.grow(7)  # the hub takes them in runs of five: this one is beyond the whole first run
    joined(hub, far_ahead, at=10)
    hub.wake(GroupMoved(GROUP, 11))
    await settle()
    assert far_ahead.seqs == [11]


async def test_who_is_behind_the_hub_does_not_join(hub: Hub, stream: Stream) -> None:
    joined(hub, FakeClient(), at=7)
    late = FakeClient()
    hub.attach(late, limit=5)
    follower = hub.follow(late, GROUP)
    assert not hub.join(follower, Batch(EPOCH, 5, 5, [], restart=False))
    assert not hub.join(follower, Batch(EPOCH, 9, 8, [], restart=False))


async def test_a_storm_is_served_from_memory(hub: Hub, stream: Stream) -> None:
    joined(hub, FakeClient())
    stream.grow(5)
    hub.wake(GroupMoved(GROUP, 5))
    await settle()
    back = hub.follow(FakeClient(), GROUP)
    found = hub.recent(back, 2, EPOCH)
    assert found is not None
    assert [one.seq for one in found.items] == [3, 4, 5]
    assert hub.join(back, found)
    assert hub.recent(back, 2, uuid4()) is None
    assert hub.recent(back, 6, EPOCH) is None
    assert hub.recent(back, -1, EPOCH) is None


async def test_what_one_reader_fetched_serves_all_who_come_after(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int | None, UUID | None]] = []

    def fetched(_group_id: UUID, position: int | None, epoch: UUID | None) -> Batch:
        asked.append((position, epoch))
        return Batch(EPOCH, 5, 5, [item(seq) for seq in range((position or 0) + 1, 6)], restart=False)

    monkeypatch.setattr(module, "batch_from", fetched)
    first, second, third = (hub.follow(FakeClient(), GROUP) for _ in range(3))
    pages = await asyncio.gather(*(hub.page(one, 2, EPOCH) for one in (first, second)))
    assert pages[0] is pages[1]
    assert asked == [(2, EPOCH)]
    assert hub.join(first, pages[0])
    assert hub.join(second, pages[1])
    remembered = hub.recent(third, 3, EPOCH)
    assert remembered is not None
    assert [one.seq for one in remembered.items] == [4, 5]
    assert hub.recent(third, 3, EPOCH) is remembered  # the same bytes for all who stand there
    assert hub.recent(third, 1, EPOCH) is None
    deeper = await hub.page(third, 0, EPOCH)
    assert hub.join(third, deeper)
    newest = hub.recent(third, None, None)
    assert newest is not None
    assert [one.seq for one in newest.items] == [1, 2, 3, 4, 5]


async def test_a_revocation_is_remembered_for_those_who_are_being_looked_up(hub: Hub) -> None:
    one = FakeClient()
    hub.wake(Revoked(one.officer_id, session_id=one.session_id))
    await asyncio.sleep(0.01)
    mark = hub.listen()
    assert not hub.ended_since(mark, one)
    hub.wake(Revoked(uuid4(), session_id=uuid4()))
    assert not hub.ended_since(mark, one)
    hub.wake(Revoked(one.officer_id))
    assert hub.ended_since(mark, one)


async def test_memory_is_bounded(hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "RECENT_ITEMS", 4)
    follower = joined(hub, FakeClient())
    stream.grow(10)
    hub.wake(GroupMoved(GROUP, 10))
    await settle()
    assert hub.recent(follower, 5, EPOCH) is None
    assert len(hub.recent(follower, 6, EPOCH).items) == 4
    assert hub._feeds[GROUP].recent_bytes == sum(len(one.raw) for one in hub._feeds[GROUP].recent)


async def test_the_removed_one_gets_nothing_of_the_batch_that_says_so(hub: Hub, stream: Stream) -> None:
    gone, stays = FakeClient(), FakeClient()
    joined(hub, gone)
    joined(hub, stays)
    stream.grow(1)
    stream.items.append(item(2, "member", change="removed", officer=str(gone.officer_id)))
    stream.grow(2)
    hub.wake(GroupMoved(GROUP, 4))
    await settle()
    assert gone.items == [{"op": "left", "group": str(GROUP)}]
    assert stays.seqs == [1, 2, 3, 4]


@pytest.mark.parametrize(("role", "stays"), [("auditor", False), ("observer", True), ("analyst", True)])
async def test_a_role_that_does_not_read_ends_delivery(hub: Hub, stream: Stream, role: str, stays: bool) -> None:
    client = FakeClient()
    joined(hub, client)
    stream.items.append(item(1, "member", change="role", officer=str(client.officer_id), role=role))
    hub.wake(GroupMoved(GROUP, 1))
    await settle()
    assert (client.seqs == [1]) is stays
    assert any(one["op"] == "left" for one in client.items) is not stays


async def test_a_revocation_closes_exactly_its_sockets(hub: Hub, stream: Stream) -> None:
    officer = uuid4()
    one, two, other = FakeClient(officer), FakeClient(officer), FakeClient()
    for client in (one, two, other):
        hub.attach(client, limit=5)
    hub.wake(Revoked(officer, session_id=one.session_id))
    assert [client.code for client in (one, two, other)] == [4401, None, None]
    hub.wake(Revoked(officer))
    assert [client.code for client in (one, two, other)] == [4401, 4401, None]


async def test_a_failing_read_is_tried_again_at_the_next_wake_up(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FakeClient()
    joined(hub, client)
    stream.grow(2)

    def fail(*_: Any) -> Batch:
        raise OSError("secret words")

    monkeypatch.setattr(module, "batch_for_hub", fail)
    hub.wake(GroupMoved(GROUP, 1))
    await settle()
    monkeypatch.setattr(module, "batch_for_hub", stream.after)
    hub.wake(GroupMoved(GROUP, 2))
    await settle()
    assert client.seqs == [1, 2]


async def test_a_new_epoch_restarts_everybody(hub: Hub, stream: Stream) -> None:
    client = FakeClient()
    joined(hub, client)
    stream.grow(1)
    stream.epoch = uuid4()
    hub.wake(GroupMoved(GROUP, 1))
    await settle()
    assert client.items == [{"op": "restart", "group": str(GROUP), "epoch": str(stream.epoch)}]


@pytest.mark.parametrize("head", [3, 30])
async def test_a_reader_who_brings_a_new_epoch_restarts_everybody(hub: Hub, head: int) -> None:
    known, brings = FakeClient(), FakeClient()
    joined(hub, known, at=10)
    follower, epoch = hub.follow(brings, GROUP), uuid4()
    follower.membership_id = uuid4()
    # Else a shorter history would be read again and again, and a longer one be taken for the one that is known.
    assert not hub.join(follower, Batch(epoch, head, head, [], restart=False))
    assert follower.ended
    for client in (known, brings):
        assert client.items[-1] == {"op": "restart", "group": str(GROUP), "epoch": str(epoch)}


async def test_a_group_that_nobody_follows_is_forgotten(hub: Hub, stream: Stream) -> None:
    client = FakeClient()
    joined(hub, client)
    hub.detach(client)
    assert hub._feeds == {}
    hub.wake(GroupMoved(GROUP, 5))
    await settle()
    assert stream.reads == 0


class Wire:
    """A transport that can be stopped."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.open.wait()
        self.sent.append(message)

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]

    @property
    def codes(self) -> list[int]:
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]


async def test_frames_that_wait_together_leave_as_one() -> None:
    wire = Wire()
    outbox = Outbox(wire.send, max_bytes=10_000)
    for number in range(5):
        outbox.put(frame({"n": number}))
    await settle()
    assert [json.loads(text) for text in wire.texts] == [[{"n": n} for n in range(5)]]
    assert outbox.queued_bytes == 0
    outbox.close(4401)
    await outbox.told()
    assert wire.codes == [4401]


async def test_past_its_bound_a_queue_is_dropped_and_closed() -> None:
    wire = Wire()
    wire.open.clear()
    ended: list[bool] = []
    outbox = Outbox(wire.send, max_bytes=1000, on_end=lambda: ended.append(True))
    for number in range(200):
        outbox.put(frame({"n": number, "x": "y" * 20}))
    assert outbox.closed == TOO_SLOW
    assert outbox.queued_bytes == 0
    await settle()
    assert not ended  # the reader is given time to hear it
    wire.open.set()
    await outbox.told()
    assert ended
    assert wire.codes == [TOO_SLOW]


async def test_room_waits_for_the_reader() -> None:
    wire = Wire()
    wire.open.clear()
    outbox = Outbox(wire.send, max_bytes=1000)
    outbox.put(frame({"x": "y" * 300}))
    await settle()
    outbox.put(frame({"x": "y" * 600}))
    waiting = asyncio.create_task(outbox.room())
    await settle()
    assert not waiting.done()
    wire.open.set()
    await waiting
    outbox.close(1000)
    await outbox.told()


def test_frames_are_of_moderate_size() -> None:
    items = [b'"' + b"x" * 50_000 + b'"' for _ in range(10)]
    frames = frames_of(items)
    assert len(frames) == 5
    assert max(one.size for one in frames) <= FRAME_BYTES + 10
    assert [value for one in frames for value in json.loads(one.text)] == ["x" * 50_000] * 10
    assert len(frames_of([b'"' + b"x" * 500_000 + b'"'])) == 1
    assert frames_of([]) == []


async def test_who_is_not_known_as_a_member_hears_nothing_of_a_new_epoch(hub: Hub, stream: Stream) -> None:
    member, stranger = FakeClient(), FakeClient()
    stream.grow(1)
    known = joined(hub, member, at=1)
    assert hub.attach(stranger, limit=5)
    asking = hub.follow(stranger, GROUP)  # nobody has asked yet whether it may
    stream.epoch = uuid4()
    stream.grow(1)
    hub.wake(GroupMoved(GROUP, 2))
    await settle()
    assert [item["op"] for item in member.items] == ["restart"]
    assert known.ended
    assert stranger.items == []
    # Whoever proves to be a member after all goes on with what was read under the new epoch.
    assert not asking.ended
    assert hub.join(asking, Batch(stream.epoch, 2, 2, [], restart=False))


async def test_everything_is_compared_when_wake_ups_may_be_missing_until_it_succeeds(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(hub, FakeClient())
    monkeypatch.setattr("messaging.delivery.hub.BEAT_AGAIN_SECONDS", 0.01)
    beats: list[bool] = []

    async def beat() -> None:
        beats.append(len(beats) > 1)
        if not beats[-1]:
            raise OSError

    monkeypatch.setattr(hub, "beat", beat)
    for _ in range(5):
        hub.wake(Resync())  # those of one moment are one
    async with asyncio.timeout(30):
        while beats != [False, False, True]:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert beats == [False, False, True]
