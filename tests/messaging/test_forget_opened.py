"""A destroyed key takes along what was opened with it: hubs, sums and newest items, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Officer
from groups.models import ClosedUserGroup, Membership
from messaging.delivery.hub import hub
from messaging.fresh import FreshItem, fresh
from messaging.models import Message
from messaging.queries import seized as sums
from messaging.queries.seized import seized
from vault import keystore

pytestmark = pytest.mark.django_db


class Nobody:
    """A socket that follows and hears nothing."""

    officer_id = uuid4()


def test_sums_and_newest_items_go_with_the_key(
    room: ClosedUserGroup, post: Callable[..., Any], member: Callable[[Officer], Membership], fatou: Officer
) -> None:
    seized(member(fatou))
    assert any(key[0] == room.pk for key in sums._kept)
    fresh.follow(room.pk)
    fresh.put(room.pk, room.stream_epoch, [FreshItem(1, b"opened")])
    keystore().destroy_group_key(room.pk)
    assert not any(key[0] == room.pk for key in sums._kept)
    assert fresh.take(room.pk, room.stream_epoch, 0) == []
    fresh.unfollow(room.pk)
    assert Message.objects.filter(group=room).count() == 0


def test_what_the_hub_remembers_goes_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    group_id = uuid4()

    async def live() -> tuple[int, int]:
        here = hub()
        client: Any = Nobody()
        here.follow(client, group_id)
        feed = here._feeds[group_id]
        feed.remember([SimpleNamespace(raw=b"opened", seq=1)])  # type: ignore[list-item]
        before = len(feed.recent)
        await asyncio.to_thread(keystore()._forget, group_id)
        await asyncio.sleep(0)
        return before, len(feed.recent) + feed.recent_bytes

    assert asyncio.run(live()) == (1, 0)
