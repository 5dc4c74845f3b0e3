"""Requests that follow each other closely over one connection: each has its own thread and its own language."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Officer
from groups.models import ClosedUserGroup
from tests.cencomm.ports import PATIENCE
from tests.messaging.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
TOGETHER = 4
POOL = 2


def test_requests_sent_together_give_back_every_connection_to_the_database(
    tmp_path: Path, group: ClosedUserGroup, amina: Officer, token_for: Any
) -> None:
    """A request that began in the context of the one before it worked in a thread that ended too early."""
    with running_server(tmp_path, CENCOMM_POOL=str(POOL)) as server:
        one = (
            f"GET /api/v1/groups/{group.pk} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {token_for(amina)}\r\n\r\n"
        ).encode()
        for _ in range(10 * POOL):
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as line:
                line.sendall(one * TOGETHER)
                answers = b""
                while answers.count(b"HTTP/1.1 ") < TOGETHER or not answers.endswith(b"}"):
                    more = line.recv(2**16)
                    assert more, answers
                    answers += more
            assert answers.count(b"HTTP/1.1 200 ") == TOGETHER, answers
