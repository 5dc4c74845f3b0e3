"""What one web process has committed, handed to the others: privately, never the only copy."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.delivery.hub import Hub
from messaging.delivery.outbox import Frame
from messaging.delivery.reads import Batch, Item
from messaging.fresh import FreshItem, fresh
from messaging.measures import measures
from messaging.relay import MAX_BYTES, Handed, Relay, is_private, packed, unpacked
from tests.cencomm.ports import PATIENCE
from tests.messaging.conftest import wire
from tests.messaging.server import Server, Talker, running_server

Token = Callable[..., str]
ONE, TWO = FreshItem(1, b'{"seq":1}'), FreshItem(2, b'{"seq":2}')


class Nobody:
    """A socket that takes what it gets."""

    officer_id, session_id, token_id, outbox = uuid4(), None, None, None

    def put(self, one: Frame) -> None:
        """Take a frame."""

    def close(self, code: int) -> None:
        """Be closed."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a path that is short enough for sockets."""
    place = tmp_path / "r"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def followed() -> Iterator[UUID]:
    """A group that somebody follows in this process."""
    group_id = uuid4()
    fresh.follow(group_id)
    yield group_id
    fresh.unfollow(group_id)


def test_what_is_packed_is_unpacked_and_nothing_else_is() -> None:
    group, epoch = uuid4(), uuid4()
    data = packed(group, epoch, 12.5, [ONE, TWO])
    assert unpacked(data) == (group, epoch, 12.5, [ONE, TWO])
    for wrong in (b"", b"x", data[:-1], data + b"x", data[:40], packed(group, epoch, 1.0, [])):
        assert unpacked(wrong) is None


def test_what_is_unpacked_keeps_nothing_of_the_place_it_was_read_into() -> None:
    group, epoch = uuid4(), uuid4()
    data = packed(group, epoch, 12.5, [ONE, TWO])
    room = bytearray(data)
    handed = unpacked(memoryview(room))
    room[:] = bytes(len(room))
    assert handed == (group, epoch, 12.5, [ONE, TWO])


def test_a_folder_that_others_can_enter_is_not_used(folder: Path, followed: UUID, tmp_path: Path) -> None:
    assert is_private(folder)
    (tmp_path / "link").symlink_to(folder)
    for wrong in (tmp_path / "nowhere", tmp_path / "link"):
        assert not is_private(wrong)
    folder.chmod(0o710)
    assert not is_private(folder)

    async def listen() -> list[Path]:
        Relay(folder).listen(lambda *_told: None)
        return list(folder.iterdir())

    assert asyncio.run(listen()) == []


async def _hand(folder: Path, *batches: tuple[UUID, list[FreshItem]], epoch: UUID) -> list[Handed]:
    """Let one process hand batches to another, then one more; return what the other got before that."""
    got: list[Handed] = []
    heard = asyncio.Event()
    end = uuid4()

    def take(handed: Handed) -> None:
        if handed.group_id == end:
            heard.set()
        else:
            got.append(handed)

    listening = Relay(folder).listen(take)
    writer = Relay(folder)
    try:
        for group_id, items in batches:
            writer.hand_on(group_id, epoch, items)
        writer.hand_on(end, epoch, [ONE])
        await asyncio.wait_for(heard.wait(), PATIENCE)
    finally:
        listening.close()
        listening.close()  # twice does no harm
    return got


def test_the_other_process_gets_the_events(folder: Path) -> None:
    group, epoch = uuid4(), uuid4()
    [handed] = asyncio.run(_hand(folder, (group, [ONE, TWO]), epoch=epoch))
    assert (handed.group_id, handed.epoch, handed.items) == (group, epoch, [ONE, TWO])
    assert list(folder.iterdir()) == []  # who listens no more leaves nothing behind


def test_the_hub_keeps_only_what_its_followers_wait_for(followed: UUID) -> None:
    """Not what they have, nothing of another history, nothing of a group that nobody follows here."""

    async def hand() -> list[FreshItem]:
        hub, epoch = Hub(), uuid4()
        follower = hub.follow(Nobody(), followed)
        hub.take_handed(Handed(followed, epoch, 1.0, [ONE]))  # nobody has come as far as to wait
        assert fresh.take(followed, epoch, 0) == []
        hub.join(follower, Batch(epoch, 1, 1, [Item(1, b"{}", "message", {})], restart=False))
        for group_id, of, item in ((followed, epoch, ONE), (followed, uuid4(), TWO), (uuid4(), epoch, TWO)):
            hub.take_handed(Handed(group_id, of, 1.0, [item]))
            assert fresh.take(group_id, of, item.seq - 1) == []
        hub.take_handed(Handed(followed, epoch, 1.0, [TWO]))
        found = fresh.take(followed, epoch, 1)
        hub.unfollow(follower)
        return found

    assert asyncio.run(hand()) == [TWO]


def test_a_batch_that_is_too_large_is_left_to_the_database(folder: Path) -> None:
    large = FreshItem(1, b"x" * MAX_BYTES)
    assert asyncio.run(_hand(folder, (uuid4(), [large]), epoch=uuid4())) == []


def test_nobody_waits_for_a_process_that_takes_nothing(folder: Path, followed: UUID) -> None:
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    silent.bind(str(folder / f"{os.getppid()}-9"))
    writer, before = Relay(folder), measures.relayed["refused"]
    while measures.relayed["refused"] == before:  # until the kernel keeps no more of them
        writer.hand_on(followed, uuid4(), [ONE])
    silent.close()
    writer.hand_on(followed, uuid4(), [ONE])  # it is gone now, and what it left is swept away
    assert list(folder.iterdir()) == []


def test_what_a_dead_process_left_is_swept_away(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
        left.bind(str(folder / "999999999-9"))
    living = folder / f"{os.getppid()}-9"
    living.touch()

    async def listen() -> set[str]:
        listening = Relay(folder).listen(lambda *_told: None)
        found = {one.name.partition("-")[0] for one in folder.iterdir()}
        listening.close()
        return found

    assert asyncio.run(listen()) == {str(os.getpid()), str(os.getppid())}


@pytest.fixture(scope="module")
def pair(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("p")
    relay = folder / "r"
    relay.mkdir(mode=0o700)
    # Heartbeats far apart and no Redis: what arrives has been handed over.
    environment = {"REDIS_URL": "", "CENCOMM_HEARTBEAT": "600", "CENCOMM_RELAY": str(relay)}
    with (
        django_db_blocker.unblock(),
        running_server(folder, **environment) as one,
        running_server(folder, **environment) as two,
    ):
        yield one, two


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_messages_and_receipts_reach_the_other_process_without_redis(
    pair: tuple[Server, Server], token_for: Token, room: ClosedUserGroup, fatou: Officer, dmitri: Officer
) -> None:
    with Talker(pair[0].ws, token=token_for(fatou)) as a, Talker(pair[1].ws, token=token_for(dmitri)) as b:
        for client in (a, b):
            client.follow(room.pk)
        asking = wire(acknowledge=True)
        a.say(op="post", group=str(room.pk), message=asking)
        a.event(1)
        b.event(1)
        b.say(op="acknowledge", message=asking["id"])
        a.event(2)
        b.say(op="post", group=str(room.pk), message=wire())
        for client in (a, b):
            client.event(3)
            assert client.seqs() == [1, 2, 3]
        assert [i for i in a.items if i["op"] == "event"] == [i for i in b.items if i["op"] == "event"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_who_is_no_member_hears_nothing_that_is_handed_over(
    pair: tuple[Server, Server], token_for: Token, room: ClosedUserGroup, fatou: Officer, dmitri: Officer,
    eve: Officer,
) -> None:  # fmt: skip
    with (
        Talker(pair[0].ws, token=token_for(fatou)) as a,
        Talker(pair[1].ws, token=token_for(dmitri)) as b,
        Talker(pair[1].ws, token=token_for(eve)) as outside,
    ):
        for client in (a, b):
            client.follow(room.pk)
        outside.say(op="follow", groups={str(room.pk): {}})
        outside.until(lambda item: item["op"] == "refused")
        a.say(op="post", group=str(room.pk), message=wire())
        b.event(1)
        outside.say(op="ping")
        outside.until(lambda item: item["op"] == "pong")
        assert not [item for item in outside.items if item["op"] == "event"]
