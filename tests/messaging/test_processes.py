"""Two server processes with a real Redis between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from accounts import actions as accounts
from accounts.models import Officer
from groups.actions import remove_member
from groups.models import ClosedUserGroup
from tests.cast import membership_of
from tests.messaging.conftest import wire
from tests.messaging.server import Server, Talker, running_redis, running_server

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.django_db(transaction=True)]
Token = Callable[..., str]


@dataclass(frozen=True)
class Two:
    """Two web processes, and the address of the Redis between them."""

    one: Server
    two: Server
    redis: str


@pytest.fixture(scope="module")
def processes(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    # Heartbeats far apart: what arrives has come by Redis.
    with django_db_blocker.unblock(), running_redis(folder) as url:
        environment = {"REDIS_URL": url, "CENCOMM_HEARTBEAT": "600"}
        with running_server(folder, **environment) as one, running_server(folder, **environment) as two:
            yield Two(one, two, url)


@pytest.fixture(autouse=True)
def _third_process(processes: Two, settings: Any) -> None:
    """What these tests do themselves is told over the same Redis, as a worker's acts are."""
    settings.REDIS_URL = processes.redis


def test_members_on_two_processes_see_the_same_stream(
    processes: Two, token_for: Token, room: ClosedUserGroup, fatou: Officer, dmitri: Officer
) -> None:
    with (
        Talker(processes.one.ws, token=token_for(fatou)) as a,
        Talker(processes.two.ws, token=token_for(dmitri)) as b,
    ):
        for client in (a, b):
            client.follow(room.pk)
        for _ in range(25):
            a.say(op="post", group=str(room.pk), message=wire())
            b.say(op="post", group=str(room.pk), message=wire())
        for client in (a, b):
            client.event(50)
            assert client.seqs() == list(range(1, 51))
        assert [i for i in a.items if i["op"] == "event"] == [i for i in b.items if i["op"] == "event"]


def test_a_removal_elsewhere_is_obeyed(
    processes: Two, token_for: Token, room: ClosedUserGroup, amina: Officer, fatou: Officer
) -> None:
    with Talker(processes.two.ws, token=token_for(fatou)) as gone:
        gone.follow(room.pk)
        remove_member(membership_of(amina, room), member_id=membership_of(fatou, room).pk)
        assert gone.until(lambda item: item["op"] == "left")["group"] == str(room.pk)


def test_a_token_revoked_elsewhere_closes_its_socket(processes: Two, fatou: Officer, room: ClosedUserGroup) -> None:
    token, secret = accounts.create_token(officer=fatou, name="phone", scopes=["messages:read"])
    with Talker(processes.two.ws, token=secret) as client:
        client.follow(room.pk)
        accounts.revoke_token(token.pk, officer=fatou)
        assert client.closed() == 4401


def test_an_officer_shut_out_elsewhere_is_closed(
    processes: Two, token_for: Token, fatou: Officer, padma: Officer, room: ClosedUserGroup
) -> None:
    with Talker(processes.one.ws, token=token_for(fatou)) as client:
        client.follow(room.pk)
        accounts.deactivate_officer(fatou.pk, actor=padma)
        assert client.closed() == 4401
