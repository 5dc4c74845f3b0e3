"""Everybody comes back at once: few questions for many sockets, each answered by its own right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from accounts import actions as accounts
from accounts.models import Officer, Token
from accounts.socket_auth import Credential, Identity, identities_of
from groups.actions import remove_member
from groups.models import ClosedUserGroup
from messaging.delivery import desk, entrance, following, reads
from messaging.delivery.hub import hub
from messaging.delivery.reads import readers_among
from problems import Refusal
from tests.cast import membership_of
from tests.messaging.inside import Inside, aside

pytestmark = pytest.mark.django_db(transaction=True)
TokenFor = Callable[..., str]


class Slow:
    """Stands before a question to the database: keeps the first one waiting, and notes how many each was for."""

    def __init__(self, ask: Callable[[Sequence[Any]], Any]) -> None:
        self.ask = ask
        self.sizes: list[int] = []
        self.go_on = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, questions: Sequence[Any]) -> Any:
        self.sizes.append(len(questions))
        asyncio.run_coroutine_threadsafe(self.go_on.wait(), self._loop).result(300)
        return self.ask(questions)


async def condition(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(300):
        while not holds():
            await asyncio.sleep(0.005)


async def test_who_comes_while_the_database_is_asked_goes_into_the_next_question(
    room: ClosedUserGroup, fatou: Officer, dmitri: Officer, eve: Officer, audrey: Officer, token_for: TokenFor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    signing_in, reading = Slow(identities_of), Slow(readers_among)
    monkeypatch.setattr(entrance, "identities_of", signing_in)
    monkeypatch.setattr(following, "readers_among", reading)
    secrets = {one.email: await aside(token_for, one) for one in (fatou, dmitri, eve, audrey)}
    clients = [Inside(secrets[one.email]) for one in (fatou, fatou, dmitri, eve, audrey, dmitri)]
    nobody = Inside("nonsense")
    await clients[0].connect()
    await condition(lambda: signing_in.sizes == [1])
    for one in (*clients[1:], nobody):
        await one.connect()
    await condition(lambda: entrance._entrance()._desk.waiting == len(clients))
    signing_in.go_on.set()
    for one in clients:
        await one.until("hello")
    assert await nobody.closed() == 4401
    assert signing_in.sizes == [1, 6]

    await clients[0].say(op="follow", groups={str(room.pk): {}})
    await condition(lambda: reading.sizes == [1])
    for one in clients[1:]:
        await one.say(op="follow", groups={str(room.pk): {}})
    await condition(lambda: following._readers().waiting == len(clients) - 1)
    reading.go_on.set()
    for number, one in enumerate(clients):
        if number == 3:
            assert (await one.until("refused"))["problem"]["status"] == 404
        elif number == 4:
            assert (await one.until("refused"))["problem"]["status"] == 403
        else:
            await one.until("caught_up")
    assert reading.sizes[:2] == [1, 5]
    for one in clients:
        await one.leave()
    await hub().stop()


async def test_a_token_that_is_revoked_right_after_its_lookup_lets_nobody_in(
    fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, secret = await aside(accounts.create_token, officer=fatou, name="x", scopes=["messages:read"])
    _, other = await aside(accounts.create_token, officer=fatou, name="y", scopes=["messages:read"])

    def looked_up_before(shown: Sequence[Credential]) -> list[Identity | None]:
        found = identities_of(shown)
        if Token.objects.filter(pk=token.pk, revoked_at=None).exists():
            accounts.revoke_token(token.pk, officer=fatou)
        return found

    monkeypatch.setattr(entrance, "identities_of", looked_up_before)
    gone, stays = Inside(secret), Inside(other)
    await gone.connect()
    await stays.connect()
    assert await gone.closed() == 4401
    assert gone.items == []
    await stays.until("hello")
    await stays.leave()
    await hub().stop()


async def test_a_token_that_is_revoked_while_its_group_is_looked_up_hears_nothing(
    room: ClosedUserGroup, fatou: Officer, amina: Officer, monkeypatch: pytest.MonkeyPatch, post: Callable[..., Any]
) -> None:
    token, secret = await aside(accounts.create_token, officer=fatou, name="x", scopes=["messages:read"])
    await aside(post, amina)

    def looked_up_before(pairs: Sequence[tuple[UUID, UUID]]) -> list[UUID | Refusal]:
        found = readers_among(pairs)
        accounts.revoke_token(token.pk, officer=fatou)
        return found

    monkeypatch.setattr(following, "readers_among", looked_up_before)
    one = Inside(secret)
    await one.connect()
    await one.until("hello")
    await one.say(op="follow", groups={str(room.pk): {}})
    assert await one.closed() == 4401
    assert one.items == []
    await hub().stop()


async def test_who_is_removed_while_many_catch_up_gets_nothing_the_others_do(
    room: ClosedUserGroup, fatou: Officer, amina: Officer, dmitri: Officer, token_for: TokenFor,
    post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await aside(post, amina)
    gone, stays = Inside(await aside(token_for, fatou)), Inside(await aside(token_for, dmitri))
    for one in (gone, stays):
        await one.connect()
        await one.until("hello")
    read = reads.page_from
    both = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read_late(*args: Any, **values: Any) -> Any:
        asyncio.run_coroutine_threadsafe(both.wait(), loop).result(300)
        monkeypatch.setattr(reads, "page_from", read)
        remove_member(membership_of(amina, room), member_id=membership_of(fatou, room).pk)
        post(amina, body={"text": "now that she is gone"})
        return read(*args, **values)

    monkeypatch.setattr(reads, "page_from", read_late)
    for one in (gone, stays):
        await one.say(op="follow", groups={str(room.pk): {"after": 0, "epoch": str(room.stream_epoch)}})
    feed = hub()._feeds
    await condition(lambda: room.pk in feed and len(feed[room.pk].followers) == 2 and bool(feed[room.pk].readings))
    both.set()
    assert (await gone.until("refused"))["problem"]["status"] == 404
    assert gone.items == []
    await stays.until("caught_up")
    assert [item["seq"] for item in stays.items if item["op"] == "event"] == [1, 2, 3]
    await stays.leave()
    await gone.leave()
    await hub().stop()


async def test_a_database_that_does_not_answer_turns_sockets_away_to_come_again(
    fatou: Officer, token_for: TokenFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = [True]

    def answer_or_fail(shown: Sequence[Credential]) -> list[Identity | None]:
        if down:
            raise OperationalError("the database is restarting")
        return identities_of(shown)

    monkeypatch.setattr(entrance, "identities_of", answer_or_fail)
    token = await aside(token_for, fatou)
    one = Inside(token)
    await one.connect()
    assert await one.closed() == 1013
    assert one.items == []
    down.clear()
    again = Inside(token)
    await again.connect()
    await again.until("hello")
    await again.leave()
    await hub().stop()


async def test_when_too_many_wait_the_rest_come_again(
    fatou: Officer, token_for: TokenFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_WAITING", 2)
    slow = Slow(identities_of)
    monkeypatch.setattr(entrance, "identities_of", slow)
    token = await aside(token_for, fatou)
    first = Inside(token)
    await first.connect()
    await condition(lambda: slow.sizes == [1])
    waiting = [Inside(token) for _ in range(2)]
    for one in waiting:
        await one.connect()
    await condition(lambda: entrance._entrance()._desk.waiting == 2)
    late = Inside(token)
    await late.connect()
    assert await late.closed() == 1013
    slow.go_on.set()
    for one in (first, *waiting):
        await one.until("hello")
        await one.leave()
    await hub().stop()


async def test_who_has_waited_too_long_comes_again(
    fatou: Officer, token_for: TokenFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(identities_of)
    monkeypatch.setattr(entrance, "identities_of", slow)
    token = await aside(token_for, fatou)
    first, second = Inside(token), Inside(token)
    await first.connect()
    await condition(lambda: slow.sizes == [1])
    monkeypatch.setattr(desk, "LONGEST_WAIT", 0.0)
    await second.connect()
    await condition(lambda: entrance._entrance()._desk.waiting == 1)
    slow.go_on.set()
    await first.until("hello")
    assert await second.closed() == 1013
    await first.leave()
    await hub().stop()


async def test_the_use_of_a_token_is_noted_after_its_socket_is_open(
    fatou: Officer, token_for: TokenFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "NOTE_USE_SECONDS", 0.01)
    one = Inside(await aside(token_for, fatou))
    await one.connect()
    await one.until("hello")

    async def noted() -> bool:
        return (await aside(Token.objects.get)).last_used_at is not None

    async with asyncio.timeout(300):
        while not await noted():
            await asyncio.sleep(0.05)
    await one.leave()
    await hub().stop()


async def test_many_groups_in_one_follow_are_one_question(
    room: ClosedUserGroup, other_group: ClosedUserGroup, fatou: Officer, token_for: TokenFor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[int] = []

    def counted(pairs: Sequence[tuple[UUID, UUID]]) -> list[UUID | Refusal]:
        asked.append(len(pairs))
        return readers_among(pairs)

    monkeypatch.setattr(following, "readers_among", counted)
    one = Inside(await aside(token_for, fatou))
    await one.connect()
    await one.say(op="follow", groups={str(room.pk): {}, str(other_group.pk): {}})
    await one.until("caught_up")
    assert (await one.until("refused"))["group"] == str(other_group.pk)
    assert asked[0] == 2
    await one.leave()
    await hub().stop()
