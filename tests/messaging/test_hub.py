"""The hub and the outbox by themselves: what is hard to provoke over a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from messaging.delivery import feeds, following
from messaging.delivery import hub as module
from messaging.delivery.hub import SIGNED_OUT, Hub
from messaging.delivery.outbox import FRAME_BYTES, TOO_SLOW, Frame, Outbox, frame, frames_of
from messaging.delivery.reads import Batch, Item, Pulse
from messaging.measures import measures
from messaging.wakeups import GroupMoved, Resync, Revoked
from problems import Refusal

EPOCH = uuid4()
GROUP = uuid4()


class FakeClient:
    """A socket that remembers, and its outbox."""

    _direct = None  # everything is put

    def __init__(self, officer_id: UUID | None = None) -> None:
        self.officer_id = officer_id or uuid4()
        self.session_id: UUID | None = uuid4()
        self.token_id: UUID | None = None
        self.frames: list[Frame] = []
        self.refusals: list[Refusal] = []
        self.code: int | None = None

    @property
    def outbox(self) -> Any:
        return self

    def put(self, one: Frame) -> None:
        self.frames.append(one)

    def close(self, code: int) -> None:
        self.code = code

    def refuse(self, refusal: Refusal, _item: Mapping[str, Any]) -> None:
        self.refusals.append(refusal)

    async def room(self) -> None:
        pass

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for one in self.frames for item in json.loads(one.text)]

    @property
    def told(self) -> list[str]:
        return [item["op"] for item in self.items if item["op"] != "heads"]

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
        self.pulses = 0
        self.ended: frozenset[UUID] = frozenset()
        self.epoch = EPOCH
        monkeypatch.setattr(module, "in_thread_at_hand", self._in_thread)
        monkeypatch.setattr(module, "in_hub_thread", self._in_thread)
        monkeypatch.setattr(module, "in_watch_thread", self._in_thread)
        monkeypatch.setattr(module, "pulse", self.pulse)
        monkeypatch.setattr(module, "batches_for_hub", self.after)

    async def _in_thread(self, work: Any) -> Any:
        await asyncio.sleep(0)
        return work()

    def pulse(self, groups: Any, *_asked: Any) -> Pulse:
        self.pulses += 1
        heads = {group: (len(self.items), self.epoch) for group in groups}
        return Pulse(heads, self.ended, self.ended)

    def after(self, places: Mapping[UUID, int]) -> dict[UUID, Batch | Exception]:
        self.reads += 1
        return {group: self._of_one(position) for group, position in places.items()}

    def _of_one(self, position: int) -> Batch:
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


def joined(hub: Hub, client: FakeClient, at: int = 0, group: UUID = GROUP) -> Any:
    assert hub.attach(client, limit=5)
    follower = hub.follow(client, group)
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


async def test_groups_that_move_together_are_one_read_and_one_that_fails_stops_no_other(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = {uuid4(): FakeClient() for _ in range(5)}
    broken = next(iter(clients))
    for group, client in clients.items():
        joined(hub, client, group=group)
    stream.grow(7)
    asked: list[set[UUID]] = []

    def read(places: Mapping[UUID, int]) -> dict[UUID, Batch | Exception]:
        asked.append(set(places))
        return stream.after(places) | ({broken: OSError("secret words")} if broken in places else {})

    monkeypatch.setattr(module, "batches_for_hub", read)
    for group in clients:
        hub.wake(GroupMoved(group, 7))
    await settle()
    assert asked == [set(clients), set(clients) - {broken}]  # the stream gives five at a time
    assert [client.seqs for client in clients.values()] == [[], *[list(range(1, 8))] * 4]


async def test_what_is_heard_while_a_group_is_read_is_read_next(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, client, beside = uuid4(), FakeClient(), FakeClient()
    joined(hub, client)
    joined(hub, beside, group=other)
    reads: list[set[UUID]] = []

    async def slowly(work: Any) -> Any:
        found = work()
        if not reads:  # nothing can be read yet of what was told; meanwhile more is said, here and elsewhere
            stream.grow(2)
            hub.wake(GroupMoved(GROUP, 2))
            hub.wake(GroupMoved(other, 1))
        reads.append(set(found))
        return found

    monkeypatch.setattr(module, "in_hub_thread", slowly)
    hub.wake(GroupMoved(GROUP, 1))
    await settle()
    assert reads == [{GROUP}, {GROUP, other}]
    assert client.seqs == [1, 2] == beside.seqs


async def test_who_left_and_came_back_while_a_group_is_read_gets_nothing_twice(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FakeClient()
    follower = joined(hub, client)
    stream.grow(3)

    async def slowly(work: Any) -> Any:
        found = work()
        if not follower.ended:
            hub.unfollow(follower)
            back = hub.follow(client, GROUP)
            assert hub.join(back, Batch(EPOCH, 3, 3, [], restart=False))
        return found

    monkeypatch.setattr(module, "in_hub_thread", slowly)
    hub.wake(GroupMoved(GROUP, 3))
    await settle()
    assert client.seqs == []
    stream.grow(1)
    hub.wake(GroupMoved(GROUP, 4))
    await settle()
    assert client.seqs == [4]


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

    monkeypatch.setattr(module, "batches_for_hub", fail)
    hub.wake(GroupMoved(GROUP, 1))
    await settle()
    monkeypatch.setattr(module, "batches_for_hub", stream.after)
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
    async with asyncio.timeout(300):
        while beats != [False, False, True]:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert beats == [False, False, True]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not done():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ended", ["session", "token", "membership"])
async def test_nothing_goes_out_on_what_was_known_a_heartbeat_ago(hub: Hub, stream: Stream, ended: str) -> None:
    """The process stood still, or the database answered nobody, and no wake-up has told of the end."""
    gone, stays = FakeClient(), FakeClient()
    gone.token_id = uuid4()
    follower = joined(hub, gone)
    follower.membership_id = uuid4()
    joined(hub, stays)
    one = {"session": gone.session_id, "token": gone.token_id, "membership": follower.membership_id}[ended]
    stream.ended = frozenset({one} if one else ())
    hub._checked_at -= 3600
    stream.grow(2)
    hub.wake(GroupMoved(GROUP, 2))
    await until(lambda: stays.seqs == [1, 2])
    assert gone.seqs == []
    assert gone.told == (["left"] if ended == "membership" else [])
    assert gone.code == (None if ended == "membership" else SIGNED_OUT)


@pytest.mark.parametrize("fails", [False, True])
async def test_who_asks_for_more_is_asked_for_first(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch, settings: Any, fails: bool
) -> None:
    """Its sign-in ended while the process stood still, its membership did not; it asks before it is told."""
    # So long it waits to know who reads, and so long it knows it.
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "heartbeat_seconds": 0.3 if fails else 600}

    class Readers:
        async def ask(self, _pair: Any) -> UUID:
            return membership_id

    async def page(*_place: Any) -> Batch:
        return Batch(EPOCH, 1, 1, [item(1)], restart=False)

    async def refuse() -> None:
        raise OSError

    membership_id, client = uuid4(), FakeClient()
    monkeypatch.setattr(following, "hub", lambda: hub)
    monkeypatch.setattr(following, "_readers", Readers)
    monkeypatch.setattr(hub, "page", page)
    if fails:
        monkeypatch.setattr(hub, "check", refuse)
    stream.ended = frozenset({client.session_id} if client.session_id else ())
    assert hub.attach(client, limit=5)
    hub._checked_at -= 3600
    one = following.Following()
    one.follow(client, {GROUP: (0, EPOCH)})
    await until(lambda: one._followers.get(GROUP) is None or one._followers[GROUP].catching_up is None)
    assert client.items == []
    assert [refusal.code for refusal in client.refusals] == (["unavailable"] if fails else [])
    assert client.code == (None if fails else SIGNED_OUT)


async def test_what_is_read_while_nobody_can_tell_who_reads_waits(hub: Hub, stream: Stream) -> None:
    client = FakeClient()
    follower = joined(hub, client)
    follower.membership_id = uuid4()
    stream.ended = frozenset({follower.membership_id})
    read = stream.after

    def after(places: Mapping[UUID, int]) -> dict[UUID, Batch | Exception]:
        hub._checked_at -= 3600  # it took that long
        return read(places)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "batches_for_hub", after)
        stream.grow(1)
        hub.wake(GroupMoved(GROUP, 1))
        await until(lambda: follower.ended)
    assert client.told == ["left"]


def let_reading_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no group that is read ever comes."""
    for_ever = asyncio.Event()

    async def hang(_work: Any) -> Any:
        await for_ever.wait()

    monkeypatch.setattr(module, "in_hub_thread", hang)


async def test_who_reads_is_asked_twice_in_each_heartbeat_however_slow_a_group_is(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "heartbeat_seconds": 0.2}
    let_reading_hang(monkeypatch)
    client = FakeClient()
    joined(hub, client)
    stream.grow(1)
    asked: list[int] = []

    def note(one: Frame) -> None:
        asked.append(stream.pulses)

    monkeypatch.setattr(client, "put", note)  # the only frames are heads: the group never comes
    await until(lambda: len(asked) == 4)
    assert asked == [2, 4, 6, 8]


class Storm:
    """Stands for wake-ups that come as fast as rights are checked: each check is met by more of them."""

    def __init__(self, hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch, *, checks: int) -> None:
        def pulse(*asked: Any) -> Pulse:
            if stream.pulses < checks:
                for _ in range(5):
                    hub.wake(Resync())
            return Stream.pulse(stream, *asked)

        monkeypatch.setattr(module, "pulse", pulse)
        hub.wake(Resync())


async def test_wake_ups_that_come_while_one_checks_are_one_more_check(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ASKED_PAUSE_SECONDS", 0.01)
    joined(hub, FakeClient())
    Storm(hub, stream, monkeypatch, checks=1)
    await until(lambda: stream.pulses == 2)
    await asyncio.sleep(0.2)
    assert stream.pulses == 2


async def test_checks_that_are_asked_for_leave_a_pause_and_the_heartbeat_goes_on(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(module, "ASKED_PAUSE_SECONDS", 3600.0)
    joined(hub, FakeClient())
    Storm(hub, stream, monkeypatch, checks=1_000_000)
    await until(lambda: stream.pulses == 1)
    await asyncio.sleep(0.2)
    assert stream.pulses == 1
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "heartbeat_seconds": 0.2}
    other = Hub()
    try:
        joined(other, FakeClient())
        Storm(other, stream, monkeypatch, checks=1_000_000)
        await until(lambda: stream.pulses > 4)
    finally:
        await other.stop()


async def test_a_check_that_is_asked_for_waits_for_no_group_that_is_read(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Too many wake-ups waited to be told, and a revocation among them: everybody is told to compare, instead."""
    monkeypatch.setattr(module, "LONGEST_READING_SECONDS", 3600.0)
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "heartbeat_seconds": 7200}
    let_reading_hang(monkeypatch)
    client = FakeClient()
    joined(hub, client)
    stream.grow(1)
    hub.wake(Resync())
    await until(lambda: hub._reading is not None)
    await settle()
    stream.ended = frozenset({client.session_id} if client.session_id else ())
    hub.wake(Resync())
    await until(lambda: client.code == SIGNED_OUT)


@pytest.mark.parametrize(("own", "healed"), [(True, 1), (False, 0)])
async def test_what_this_process_says_itself_hides_no_lost_wake_up(
    hub: Hub, stream: Stream, monkeypatch: pytest.MonkeyPatch, own: bool, healed: int
) -> None:
    monkeypatch.setattr(module, "HEALED_AFTER", 0.3)
    before = measures.wakeups_healed
    client = FakeClient()
    joined(hub, client)
    stream.grow(1)  # elsewhere, and nobody tells
    beat = asyncio.create_task(hub.beat())
    while not stream.reads:
        await asyncio.sleep(0)
    stream.grow(1)
    hub.wake(GroupMoved(GROUP, 2, own=own))
    await beat
    await settle()
    assert client.seqs == [1, 2]
    await asyncio.sleep(0.3)
    assert measures.wakeups_healed - before == healed
