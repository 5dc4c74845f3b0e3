"""Web processes are replaced under load: sockets move, posts are answered, nobody loses or doubles anything."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Officer
from cencomm.fleet import Fleet
from groups.models import ClosedUserGroup
from messaging.delivery.draining import LEAVING_PER_SECOND, RESTART, drain, pause_between
from messaging.delivery.hub import hub
from messaging.models import Event
from tests.cencomm.ports import PATIENCE, wait_until
from tests.environment import cluster
from tests.messaging.conftest import wire
from tests.messaging.server import Server, Talker, running_server

Token = Callable[..., str]
ROOT = Path(__file__).resolve().parents[2]
BOUND = PATIENCE
# It waits with its posts for as long as the test holds them up: this machine may be busy.
PATIENT = (
    "import django; django.setup(); import sys; from django.conf import settings; from cencomm import web_server; "
    "from messaging.actions.office import Office; from messaging.delivery import conversation; "
    "conversation.LEAVE_SECONDS = web_server.DRAIN_SECONDS = sys.modules[Office.__module__].LONGEST_WAIT = 120.0; "
    "settings.DATABASES['default']['OPTIONS']['options'] = ''"
)


@contextmanager
def running_fleet(folder: Path, *, workers: int, **variables: str) -> Iterator[tuple[Fleet, Server]]:
    """The web processes of `up` on the databases of these tests, with a Redis of their own, behind one listener."""
    call_command("grant_application_roles", stdout=StringIO())
    names = {alias: settings.DATABASES[alias]["NAME"] for alias in ("default", "cen")}
    environment = {
        **os.environ,
        "DATABASE_URL": cluster.addresses.url(names["default"], "cencomm_app"),
        "CEN_DATABASE_URL": cluster.addresses.url(names["cen"], "cen_app"),
        "CENCOMM_POSTS_PER_MINUTE": "100000",
        "CENCOMM_POOL": "6",
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
        port = listener.getsockname()[1]
        said: list[str] = []
        fleet = Fleet("127.0.0.1", port, listener.fileno(), environment, folder, folder, said.append)
        stack.callback(fleet.supervisor.stop)
        fleet.start_web(workers=workers)

        def is_ready() -> bool:
            fleet.supervisor.tend()
            assert not said, fleet.web[0].last_words()
            return all(child.is_ready() for child in fleet.web)

        wait_until(is_ready, seconds=BOUND, what="ready web processes")
        process = fleet.web[0].process
        assert process is not None
        yield fleet, Server(port, process, fleet.web[0].log)


class Member(threading.Thread):
    """A member as the protocol asks of clients: keeps position and unanswered posts, returns, sends again."""

    def __init__(self, server: Server, token: str, group: UUID, *, posts: bool) -> None:
        super().__init__(daemon=True)
        self.server, self.token, self.group, self.posts = server, token, str(group), posts
        self.stopping = threading.Event()
        self.position: int | None = None
        self.epoch: str | None = None
        self.seqs: list[int] = []
        self.messages: list[str] = []
        self.waiting: dict[str, dict[str, Any]] = {}
        self.posted: list[str] = []
        self.codes: list[int | None] = []
        self.failure: BaseException | None = None
        self.again = False

    def run(self) -> None:
        try:
            while not self.is_done():
                self.again = False
                with Talker(self.server.ws, token=self.token, open_timeout=BOUND) as talker:
                    self.talk(talker)
        except BaseException as error:
            self.failure = error

    def is_done(self) -> bool:
        return self.stopping.is_set() and not self.waiting

    def talk(self, talker: Talker) -> None:
        talker.follow(self.group, self.position, self.epoch, wait=False)
        for message in self.waiting.values():
            talker.say(op="post", group=self.group, message=message)
        seen = 0
        while not self.is_done() and not self.again:
            try:
                if self.posts and len(self.waiting) < 2 and not self.stopping.is_set():
                    message = wire()
                    self.waiting[message["id"]] = message
                    talker.say(op="post", group=self.group, message=message)
                talker.quiet(0.1)
            except Exception:
                self.take(talker.items[seen:])
                protocol = talker.socket.protocol
                self.codes.append(protocol.close_rcvd.code if protocol.close_rcvd else None)
                return
            self.take(talker.items[seen:])
            seen = len(talker.items)

    def take(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            match item["op"]:
                case "event" if self.position is None or item["seq"] > self.position:
                    assert self.position is None or item["seq"] == self.position + 1, "a gap"
                    self.position = item["seq"]
                    self.seqs.append(item["seq"])
                    self.messages.append(item["event"]["message"]["id"])
                case "caught_up":
                    self.epoch = item["epoch"]
                    self.position = item["head"] if self.position is None else self.position
                case "posted":
                    self.waiting.pop(item["id"])
                    self.posted.append(item["id"])
                case "refused":  # a slow machine may be busy; nothing else is in order
                    assert item["problem"]["code"] in {"busy", "unavailable"}, item
                    self.again = True


class Program(threading.Thread):
    """Posts over HTTP, a new connection each time; not one may fail."""

    def __init__(self, server: Server, token: str, group: UUID) -> None:
        super().__init__(daemon=True)
        self.server, self.token, self.group = server, token, group
        self.stopping = threading.Event()
        self.posted: list[str] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                message = wire()
                status, answer = self.server.request("POST", f"/groups/{self.group}/messages", self.token, message)
                if status == 503:
                    continue
                assert status == 201, answer
                self.posted.append(message["id"])
        except BaseException as error:
            self.failure = error


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_nothing_is_lost_while_every_process_is_replaced(
    tmp_path: Path, token_for: Token, room: ClosedUserGroup, fatou: Officer, dmitri: Officer
) -> None:
    with running_fleet(tmp_path, workers=2) as (fleet, server):
        before = [child.process.pid for child in fleet.web if child.process]
        tokens = [token_for(fatou), token_for(dmitri)]
        members = [Member(server, tokens[n % 2], room.pk, posts=n < 3) for n in range(9)]
        program = Program(server, tokens[0], room.pk)
        everybody = [*members, program]
        for one in everybody:
            one.start()

        def until(condition: Callable[[], bool], what: str) -> None:
            def holds() -> bool:
                assert [one.failure for one in everybody if one.failure] == []
                return condition()

            wait_until(holds, seconds=BOUND, what=what)

        until(lambda: all(m.epoch for m in members) and len(program.posted) > 5, "everybody in")
        assert fleet.restart() == ""
        after = [child.process.pid for child in fleet.web if child.process]
        assert not set(before) & set(after)
        for process in before:
            assert not Path(f"/proc/{process}").exists()
        sofar = len(program.posted)
        until(lambda: len(program.posted) > sofar + 5, "posts after the restart")
        program.stopping.set()
        program.join(BOUND)
        for one in members:
            one.posts = False
        until(lambda: not any(m.waiting for m in members), "an answer to every post")

        def all_there() -> bool:
            room.refresh_from_db()
            return not any(m.waiting for m in members) and all(m.position == room.head for m in members)

        until(all_there, "everybody at the head")
        for one in members:
            one.stopping.set()
            one.join(BOUND)
        assert [one.failure for one in everybody if one.failure] == []
    sent = [*program.posted, *(id for m in members for id in m.posted)]
    assert len(sent) == len(set(sent))
    for one in members:
        assert one.codes, "its process was replaced, so it moved"
        assert set(one.codes) == {RESTART}
        assert one.seqs == list(range(one.seqs[0], room.head + 1))
        assert len(one.messages) == len(set(one.messages))
    stored = Event.objects.filter(group=room, type=Event.Type.MESSAGE).values_list("message_id", flat=True)
    assert {str(pk) for pk in stored} == set(sent)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_web_process_that_is_told_to_end_answers_what_it_took_and_closes_with_1012(
    tmp_path: Path, token_for: Token, room: ClosedUserGroup, fatou: Officer
) -> None:
    address = cluster.addresses.url(settings.DATABASES["default"]["NAME"], "postgres")
    with running_server(tmp_path, before=PATIENT) as server, psycopg.connect(address) as holder:
        talkers = [Talker(server.ws, token=token_for(fatou)) for _ in range(10)]
        for talker in talkers:
            talker.follow(room.pk)
        # While somebody else holds the group, no post can end: all of them are in progress when the signal comes.
        holder.execute("SELECT 1 FROM groups_closedusergroup WHERE id = %s FOR UPDATE", [room.pk])
        for talker in talkers:
            for _ in range(5):
                talker.say(op="post", group=str(room.pk), message=wire())
            talker.say(op="ping")
        for talker in talkers:
            talker.until(lambda item: item["op"] == "pong", timeout=BOUND)
        os.kill(server.process.pid, signal.SIGTERM)
        wait_until(lambda: not accepts(server.port), seconds=BOUND, what="no listener")
        talkers[0].quiet(1.0)  # whoever does not wait for the posts would have closed by now
        holder.rollback()
        assert {talker.closed(timeout=BOUND) for talker in talkers} == {RESTART}
        assert server.process.wait(BOUND) is not None
        assert "Traceback" not in server.log.read_text()
        answered = {item["id"] for talker in talkers for item in talker.items if item["op"] == "posted"}
        committed = {str(pk) for pk in Event.objects.filter(group=room).values_list("message_id", flat=True)}
        assert len(committed) == 50
        assert answered == committed  # whatever was taken in was answered before the socket was closed


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Sitter:
    """A socket of the hub that goes when it is told to."""

    officer_id, session_id, token_id = uuid4(), None, None

    def __init__(self) -> None:
        self.told: list[int] = []

    async def leave(self, code: int) -> None:
        self.told.append(code)
        hub().detach(self)  # type: ignore[arg-type]


async def test_every_socket_is_told_once_to_come_back() -> None:
    sitters = [Sitter() for _ in range(40)]
    for sitter in sitters:
        assert hub().attach(sitter, limit=40)  # type: ignore[arg-type]
    await drain(within=BOUND)
    await hub().stop()
    assert all(sitter.told == [RESTART] for sitter in sitters)


@given(count=st.integers(1, 100_000), within=st.floats(0.1, 60))
def test_leaving_is_spread_and_bounded(count: int, within: float) -> None:
    whole = count * pause_between(count, within=within)
    assert whole <= within * 1.001
    assert whole == pytest.approx(count / LEAVING_PER_SECOND) or count > within * LEAVING_PER_SECOND
