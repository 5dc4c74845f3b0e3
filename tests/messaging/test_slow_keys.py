"""Delivery beside a key agent that has the key of one group at once, of another not for a long time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Officer
from groups.models import ClosedUserGroup
from groups.queries import has_sealer_at_hand
from messaging.actions.together import send_together
from messaging.delivery.feeds import Follower
from messaging.delivery.hub import Hub
from messaging.delivery.reads import THREADS, Batch
from messaging.wakeups import GroupMoved
from tests.cencomm.ports import PATIENCE
from tests.messaging.conftest import parcel
from tests.messaging.inside import aside
from tests.messaging.test_hub import FakeClient
from tests.vault.agents import agent_within
from vault import KeyStore
from vault.agent.client import AgentLine
from vault.roots import FileRootKeys
from vault.sealing import SealingKeys

pytestmark = pytest.mark.django_db(transaction=True)


class SlowKey:
    """When the agent was asked for it, and whether it may be had now."""

    def __init__(self) -> None:
        self.asked, self.come = threading.Event(), threading.Event()


@pytest.fixture
def slow_key(
    there: ClosedUserGroup, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], SlowKey]]:
    """Put the keys that this process has used so far into an agent, from which one group's comes slowly."""
    slow, keys = SlowKey(), KeyStore.epoch_keys

    def slowly(store: KeyStore, group_id: Any, epoch: int, wrapped: bytes) -> SealingKeys:
        if group_id == there.pk:
            slow.asked.set()
            slow.come.wait(300)
        return keys(store, group_id, epoch, wrapped)

    monkeypatch.setattr(KeyStore, "epoch_keys", slowly)
    monkeypatch.setattr(AgentLine.ask, "__kwdefaults__", {"seconds": 120.0})
    store = KeyStore(
        roots=FileRootKeys(Path(settings.CENCOMM_ROOT_KEY_FILE)), folder=Path(settings.CENCOMM_KEY_STORE)
    )

    def begin() -> SlowKey:
        settings.CENCOMM_KEY_AGENT = tmp_path / "keys.sock"
        return slow

    slow.come.set()
    with agent_within(tmp_path, store=store):
        try:
            yield begin
        finally:
            slow.come.set()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    one = Hub()
    yield one
    await one.stop()


def follower(hub: Hub, client: FakeClient, group: ClosedUserGroup) -> Follower:
    """Follow a group from its beginning, of which nothing was read yet."""
    found = hub.follow(client, group.pk)
    assert hub.join(found, Batch(group.stream_epoch, 0, 0, [], restart=False))
    return found


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not is_so():
            await asyncio.sleep(0.02)


async def test_a_group_whose_key_is_long_in_coming_is_read_apart(
    hub: Hub,
    room: ClosedUserGroup,
    there: ClosedUserGroup,
    fatou: Officer,
    slow_key: Callable[[], SlowKey],
) -> None:
    def post(group: ClosedUserGroup) -> None:
        # With a receipt that is wanted it is read from the database, not given on from this process's memory.
        (answer,) = send_together([parcel(fatou, group.pk, acknowledge=True)])
        assert not isinstance(answer, Exception), answer

    for group in (room, there, there):
        await aside(post, group)
    key = slow_key()
    key.come.clear()
    here, elsewhere = FakeClient(), FakeClient()
    for client, group in ((here, room), (elsewhere, there)):
        client.session_id = None  # no sign-in that the database would not know
        assert hub.attach(client, limit=5)
        follower(hub, client, group)
    hub.wake(GroupMoved(there.pk, 1))
    hub.wake(GroupMoved(room.pk, 1))
    await until(lambda: here.seqs == [1])  # its key is fetched, too, and comes
    assert await aside(has_sealer_at_hand, room)
    assert await aside(key.asked.wait, PATIENCE)
    await aside(post, room)
    hub.wake(GroupMoved(there.pk, 2))
    await until(lambda: here.seqs == [1, 2])  # in the thread for all, with its key at hand
    await hub.beat()  # waits for no key
    assert elsewhere.seqs == []
    key.come.set()
    await until(lambda: elsewhere.seqs == [1, 2])
    assert here.seqs == [1, 2]


async def test_a_group_whose_key_is_long_in_coming_keeps_no_other_from_catching_up(
    hub: Hub, room: ClosedUserGroup, there: ClosedUserGroup, fatou: Officer, slow_key: Callable[[], SlowKey]
) -> None:
    """Asked for from more places than there are threads."""

    def post(group: ClosedUserGroup, count: int) -> None:
        answers = send_together([parcel(fatou, group.pk) for _ in range(count)])
        assert not [one for one in answers if isinstance(one, Exception)]

    await aside(post, there, THREADS + 1)
    key = slow_key()
    await aside(post, room, 1)  # its key is at hand from here on
    key.come.clear()
    client = FakeClient()
    one, other = hub.follow(client, there.pk), hub.follow(client, room.pk)
    waiting = [asyncio.create_task(hub.page(one, at, there.stream_epoch)) for at in range(THREADS + 1)]
    assert await aside(key.asked.wait, PATIENCE)
    async with asyncio.timeout(300):
        page = await hub.page(other, 0, room.stream_epoch)
    assert [item.seq for item in page.items] == [1]
    assert not any(task.done() for task in waiting)
    key.come.set()
    pages = await asyncio.gather(*waiting)
    assert [page.items[0].seq for page in pages] == list(range(1, THREADS + 2))
