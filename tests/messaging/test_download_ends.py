"""A file that somebody is downloading when access ends: the rest is not given, in every way in which it ends.

A real server and readers who are slow: each has read the beginning of a large file, and reads on afterwards.
"""

from __future__ import annotations

import http.client
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

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
from tests.cencomm.ports import PATIENCE, wait_until
from tests.messaging.conftest import draft
from tests.messaging.server import Server, running_server
from tests.messaging.uploads import checked, pdf

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
SIZE = 10 * 1024 * 1024  # more than the buffers of both ends take
BEGINNING = 64 * 1024
RECEIVED_AT_ONCE = 16 * 1024
CUT = "a download was cut short"


@dataclass
class Reader:
    """Somebody who has read the beginning of a file, and does not read on yet."""

    line: http.client.HTTPConnection
    answer: http.client.HTTPResponse = field(init=False)

    @classmethod
    def of(cls, server: Server, path: str, *, status: int = 200, **headers: str) -> Reader:
        """Ask, over a connection that takes little at once."""
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        line.sock = socket.socket()
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_AT_ONCE)
        line.sock.settimeout(300)
        line.sock.connect(("127.0.0.1", server.port))
        reader = cls(line)
        line.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reader.answer = line.getresponse()
        assert reader.answer.status == status, reader.answer.read()
        return reader

    def begin(self) -> Reader:
        """Read the beginning."""
        assert len(self.answer.read(BEGINNING)) == BEGINNING
        return self

    def rest(self) -> tuple[int, bool]:
        """Return how much more there is, and whether it ends as an answer ends."""
        got = 0
        try:
            while part := self.answer.read(BEGINNING):
                got += len(part)
        except (http.client.IncompleteRead, ConnectionResetError) as cut:
            return got + len(getattr(cut, "partial", b"")), False
        return got, self.answer.length in {0, None}  # it raises nothing where the announced length is not reached


def until_cut(server: Server, times: int) -> None:
    """Wait until the server says that it has hung up on so many."""
    wait_until(lambda: server.log.read_text().count(CUT) >= times, what=f"{times} cuts")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def somebody(
    number: int, cause: Cause, make_officer: Callable[..., Officer], padma: Officer
) -> tuple[Case, UUID, dict[str, str]]:
    """Return somebody in a group of its own, a large file there, and what opens it."""
    officer, coordinator = make_officer(f"officer{number}"), make_officer(f"unit{number}")
    group = make_group(f"END{number}", f"Group {number}", coordinator=coordinator, administrator=padma)
    create_starting_templates(group)
    join(group, officer, Role.OFFICER)
    case = Case(officer, coordinator, padma, group, password=PASSWORD)
    content = pdf(128) + secrets.token_bytes(1024) * (SIZE // 1024) + b"\n%%EOF\n"
    attachment = checked(membership_of(coordinator, group), content, "plan.pdf")
    assert attachment.state == "ready", attachment.reason
    post_message(membership_of(coordinator, group), draft=draft(attachments=[attachment.pk]))
    if cause.by == "token":
        token, secret = accounts.create_token(officer=officer, name="test", scopes=["messages:read"])
        case.token_id = token.pk
        headers = {"Authorization": f"Bearer {secret}"}
    else:
        client = sign_in(Client(), officer)
        case.session = OfficerSession.objects.get(officer=officer)
        headers = {"Cookie": f"{django_settings.SESSION_COOKIE_NAME}={client.session.session_key}"}
    cause.prepare(case)
    return case, attachment.pk, headers


def test_begun_download_ends_with_the_access_to_it(
    tmp_path: Path, stack: ExitStack, make_officer: Callable[..., Officer], padma: Officer
) -> None:
    server = stack.enter_context(running_server(tmp_path))
    readers: dict[str, tuple[Case, Reader]] = {}
    for number, (name, cause) in enumerate(CAUSES.items()):
        case, attachment, headers = somebody(number, cause, make_officer, padma)
        reader = Reader.of(server, f"/api/v1/attachments/{attachment}", **headers).begin()
        stack.callback(reader.line.close)
        readers[name] = (case, reader)
    keeps = {name for name, cause in CAUSES.items() if cause.ends == "post"}  # who may only write no more
    assert "made observer" in keeps
    for name, (case, _reader) in readers.items():
        CAUSES[name].act(case)
    until_cut(server, len(CAUSES) - len(keeps))
    rests = {name: reader.rest() for name, (_case, reader) in readers.items()}
    assert {name for name, (_got, whole) in rests.items() if whole} == keeps
    assert {rests[name][0] for name in keeps} == {len(pdf(128)) + SIZE + 7 - BEGINNING}
    assert [name for name, (got, _whole) in rests.items() if name not in keeps and got > SIZE * 3 // 4] == []
    assert "Traceback" not in server.log.read_text()
