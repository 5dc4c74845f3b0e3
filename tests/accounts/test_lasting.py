"""Answers that take longer than a session may lie idle: whoever takes them uses it; whoever does not is idle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.test import Client

from accounts import actions
from accounts.lasting import LongAnswer
from accounts.models import Officer, OfficerSession, Token
from tests.accounts.conftest import Clock
from tests.cast import sign_in

pytestmark = pytest.mark.django_db(transaction=True)  # connections are let go between two looks


class Download:
    """A large file on its way to somebody who asked for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.answer = LongAnswer(request, (b"part" for _ in range(10_000)), still=lambda: None)
        self._parts: Iterator[bytes] = iter(self.answer.streaming_content)  # type: ignore[arg-type]

    def take(self) -> None:
        """Take some of it."""
        for _ in range(3):
            assert next(self._parts) == b"part"

    @property
    def goes_on(self) -> bool:
        """What the server asks once a second."""
        return async_to_sync(self.answer.may_go_on)()


def asked(client: Client, **headers: str) -> HttpRequest:
    """Return a request that has passed all that requests pass."""
    answer = client.get("/account/", headers=headers)
    assert answer.status_code == 200
    request: HttpRequest = answer.wsgi_request
    return request


@pytest.fixture
def begun(clock: Clock, client: Client, fatou: Officer) -> Download:
    sign_in(client, fatou)
    download = Download(asked(client))
    download.take()
    assert download.goes_on
    return download


def _is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_download_that_goes_on_is_a_use_of_the_session(clock: Clock, client: Client, begun: Download) -> None:
    for _ in range(12):
        clock.move(minutes=10)
        begun.take()
        assert begun.goes_on
    assert _is_in(client)


def test_download_that_nobody_takes_ends_with_the_idle_session(
    clock: Clock, client: Client, begun: Download
) -> None:
    clock.move(minutes=29)
    assert begun.goes_on
    clock.move(minutes=2)
    assert not begun.goes_on
    begun.take()
    assert not begun.goes_on  # what lay idle too long is not woken
    assert not _is_in(client)


def test_download_ends_with_the_longest_session(clock: Clock, client: Client, begun: Download) -> None:
    for _ in range(71):
        clock.move(minutes=10)
        begun.take()
        assert begun.goes_on
    clock.move(minutes=10)
    begun.take()
    assert not begun.goes_on
    assert not _is_in(client)


def test_download_that_goes_on_ends_with_a_session_that_is_revoked(
    clock: Clock, begun: Download, fatou: Officer
) -> None:
    actions.revoke_session(fatou, OfficerSession.objects.get().pk)
    clock.move(minutes=2)
    begun.take()
    assert not begun.goes_on


def test_what_a_page_fetches_by_itself_is_no_use(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    download = Download(asked(client, **{"X-Unattended": "yes"}))
    for expected in (True, True, True, False):
        clock.move(minutes=8)
        download.take()
        assert download.goes_on is expected


def test_use_is_written_once_a_minute(clock: Clock, begun: Download) -> None:
    first = OfficerSession.objects.get().last_seen_at
    clock.move(seconds=50)
    begun.take()
    assert begun.goes_on
    assert OfficerSession.objects.get().last_seen_at == first
    clock.move(seconds=15)
    begun.take()
    assert begun.goes_on
    assert OfficerSession.objects.get().last_seen_at == clock.now


def test_download_by_a_token_uses_no_session(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    request = asked(client)
    token, _secret = actions.create_token(officer=fatou, name="test", scopes=["messages:read"])
    assert isinstance(token, Token)
    request.token = token  # type: ignore[attr-defined]
    download = Download(request)
    before = OfficerSession.objects.get().last_seen_at
    clock.move(minutes=40)
    download.take()
    assert download.goes_on
    assert OfficerSession.objects.get().last_seen_at == before
