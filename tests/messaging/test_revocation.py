"""Every way in which access ends, over two server processes: with a Redis between them, and after it went away.

HTTP obeys at once at both. Sockets obey as soon as the wake-up arrives (heartbeats are too far apart to help), and
without Redis by the heartbeat. What is said in the group afterwards reaches nobody whose access has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts import actions as accounts
from accounts.models import Officer, OfficerSession
from benchmarks.live.endings import CAUSES, Case, Cause
from groups.models import Role
from messaging.actions import post_message
from simplified_forms.actions import create_starting_templates
from tests.cast import PASSWORD, join, make_group, membership_of, sign_in
from tests.messaging.conftest import draft, wire
from tests.messaging.server import Server, Talker, running_redis, running_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True, databases=["default", "cen"]),
]
PATIENCE = 300.0
SAID_AFTERWARDS = "The lantern went out."


@dataclass
class Connected:
    """Somebody who is connected to both processes and whose access is about to end."""

    name: str
    cause: Cause
    case: Case
    headers: dict[str, str]
    sockets: list[Talker] = field(default_factory=list)

    def http(self, server: Server) -> int:
        """Return what the server answers to what this cause ends."""
        method, body = "GET", None
        path = f"/api/v1/groups/{self.case.group.pk}"
        if self.cause.ends == "post":
            method, body = "POST", orjson.dumps(wire())
        if self.cause.ends in {"left", "post", "read"}:
            path += "/messages"
        headers = {**self.headers, "Content-Type": "application/json"}
        request = Request(server.http + path, method=method, data=body, headers=headers)
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def wait_until_ended(self, talker: Talker) -> str:
        """Wait until the socket obeys; say what is wrong, "" if nothing is."""
        group = str(self.case.group.pk)
        match self.cause.ends:
            case "socket":
                code = talker.closed(timeout=PATIENCE)
                return "" if code == 4401 else f"closed with {code}"
            case "left":
                talker.until(lambda item: item["op"] == "left" and item["group"] == group, timeout=PATIENCE)
                return ""
            case "groups":
                self._wait_for_close_or_left(talker)
                return ""
            case "post":
                told = self._ask(talker, op="post", group=group, message=wire())
                self._wait_until_told(talker)
            case _:
                self._wait_until_told(talker)  # first: who follows anew, and is refused, hears nothing more
                told = self._ask(talker, op="follow", groups={group: {}})
        status = told["problem"]["status"]
        return "" if status == self.cause.status else f"{self.cause.ends} is refused with {status}"

    def _wait_until_told(self, talker: Talker) -> None:
        if not any(map(self._is_told, talker.items)):
            talker.until(self._is_told, timeout=PATIENCE)

    def _is_told(self, item: dict[str, Any]) -> bool:
        if item["op"] != "event" or item["event"]["type"] != self.cause.event:
            return False
        return item["event"].get("change") != "added"  # that is how the group began

    @staticmethod
    def _wait_for_close_or_left(talker: Talker) -> None:
        try:
            talker.until(lambda item: item["op"] == "left", timeout=PATIENCE)
        except AssertionError:
            assert talker.code == 4401

    def _ask(self, talker: Talker, **item: Any) -> dict[str, Any]:
        talker.say(**item)
        return talker.until(lambda answer: answer["op"] in {"refused", "posted", "caught_up"}, timeout=PATIENCE)


@dataclass
class Stage:
    """Two processes, a group for each cause, and those whose access ends."""

    servers: list[Server]
    cut_redis: Callable[[], None]
    connected: list[Connected] = field(default_factory=list)


@pytest.fixture
def stage(tmp_path: Path, request: pytest.FixtureRequest, settings: Any) -> Iterator[Stage]:
    """Start a Redis and two processes; `cut_redis` takes it away again."""
    with ExitStack() as stack, ExitStack() as redis:
        url = redis.enter_context(running_redis(tmp_path))
        environment = {"REDIS_URL": url, "CENCOMM_HEARTBEAT": request.param}
        servers = [stack.enter_context(running_server(tmp_path, **environment)) for _ in range(2)]
        settings.REDIS_URL = url  # what is done here is told as a third process would
        yield Stage(servers, redis.close)


@pytest.fixture
def connected(stage: Stage, make_officer: Callable[..., Officer], padma: Officer) -> Iterator[list[Connected]]:
    """For each cause somebody in a group of its own, who follows it at both processes."""
    with ExitStack() as stack:
        for number, (name, cause) in enumerate(CAUSES.items()):
            one = _somebody(number, name, cause, make_officer, padma)
            for server in stage.servers:
                options = {"origin": server.http} if cause.by == "session" else {}
                talker = stack.enter_context(Talker(server.ws, headers=one.headers, close_timeout=1, **options))
                talker.follow(one.case.group.pk)
                one.sockets.append(talker)
            stage.connected.append(one)
        yield stage.connected


def _somebody(
    number: int, name: str, cause: Cause, make_officer: Callable[..., Officer], padma: Officer
) -> Connected:
    officer, coordinator = make_officer(f"officer{number}"), make_officer(f"unit{number}")
    group = make_group(f"END{number}", name, coordinator=coordinator, administrator=padma)
    create_starting_templates(group)
    join(group, officer, Role.OFFICER)
    case = Case(officer, coordinator, padma, group, password=PASSWORD)
    if cause.by == "token":
        token, secret = accounts.create_token(
            officer=officer, name="test", scopes=["messages:read", "messages:write"]
        )
        case.token_id = token.pk
        headers = {"Authorization": f"Bearer {secret}"}
    else:
        client = sign_in(Client(), officer)
        case.session = OfficerSession.objects.get(officer=officer)
        headers = {"Cookie": f"{django_settings.SESSION_COOKIE_NAME}={client.session.session_key}"}
    post_message(membership_of(coordinator, group), draft=draft())
    cause.prepare(case)
    return Connected(name, cause, case, headers)


def end_all(stage: Stage) -> dict[str, object]:
    """Let every access end; return, by cause, what HTTP answered right after it where that is wrong."""
    wrong: dict[str, object] = {}
    for one in stage.connected:
        one.cause.act(one.case)
        answers = [one.http(server) for server in stage.servers]
        if answers != [one.cause.status] * 2:
            wrong[one.name] = answers
    return wrong


def obeyed(stage: Stage) -> dict[str, str]:
    """Wait until every socket obeys, at both processes; return what is wrong, by cause."""
    found: dict[str, str] = {}
    for one in stage.connected:
        for talker in one.sockets:
            if fault := one.wait_until_ended(talker):
                found[one.name] = fault
    return found


def heard_afterwards(stage: Stage) -> list[str]:
    """Say something in each group that somebody left; return by which cause it was heard all the same."""
    heard = []
    for one in stage.connected:
        if one.cause.ends != "left":
            continue
        post_message(
            membership_of(one.case.coordinator, one.case.group), draft=draft(body={"text": SAID_AFTERWARDS})
        )
        for talker in one.sockets:
            # The group is told of this to whoever follows, before a question that comes after it is answered.
            talker.say(op="follow", groups={str(one.case.group.pk): {}})
            talker.until(lambda item: item["op"] == "refused", timeout=PATIENCE)
            if any(SAID_AFTERWARDS in str(item) for item in talker.items):
                heard.append(one.name)
    return heard


@pytest.mark.parametrize("stage", ["600"], indirect=True)
def test_access_that_ends_has_ended_on_every_process(stage: Stage, connected: list[Connected]) -> None:
    assert {one.http(server) for one in connected for server in stage.servers if one.cause.ends != "post"} == {200}
    assert end_all(stage) == {}
    assert obeyed(stage) == {}
    assert heard_afterwards(stage) == []


@pytest.mark.parametrize("stage", ["1"], indirect=True)
def test_without_redis_the_heartbeat_finds_what_has_ended(
    stage: Stage, connected: list[Connected], settings: Any
) -> None:
    stage.cut_redis()
    settings.REDIS_URL = ""  # what is done here reaches no other process
    assert end_all(stage) == {}
    assert obeyed(stage) == {}
    assert heard_afterwards(stage) == []
