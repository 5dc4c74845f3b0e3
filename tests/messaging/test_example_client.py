"""The published example follows a group: every event once, in order, through cuts and restarts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Officer
from groups.actions import remove_member
from groups.models import ClosedUserGroup
from tests.cast import membership_of
from tests.cencomm.ports import PATIENCE, wait_until
from tests.line import Line, line_to
from tests.messaging.server import running_server

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "follow.py"
Post = Callable[..., Any]
Token = Callable[..., str]


class Follower:
    """The example as its reader runs it: a process with a token, a group and a file for its position."""

    def __init__(self, port: int, group: ClosedUserGroup, token: str, file: Path) -> None:
        self.file = file
        self.items: list[dict[str, Any]] = []
        self._words = [sys.executable, str(EXAMPLE), f"http://127.0.0.1:{port}", str(group.pk), str(file)]
        self._environment = {**os.environ, "CENCOMM_TOKEN": token}
        self.process: subprocess.Popen[str]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._words, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            self.items.append(json.loads(line))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def until(self, seq: int) -> None:
        """Wait for the event with that number."""
        deadline = time.monotonic() + PATIENCE
        while not any(item["seq"] == seq for item in self.items):
            assert time.monotonic() < deadline, f"{seq} did not come: {self.seqs()}"
            assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.05)

    def seqs(self) -> list[int]:
        return [item["seq"] for item in self.items]

    def noted(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text()))

    def end(self) -> str:
        """Wait until it ends by itself; return what it said."""
        self.process.wait(PATIENCE)
        assert self.process.stderr
        return self.process.stderr.read()


@contextmanager
def following(line: Line, group: ClosedUserGroup, token: str, folder: Path) -> Iterator[Follower]:
    follower = Follower(line.port, group, token, folder / "position.json")
    try:
        yield follower
    finally:
        follower.kill()


def test_it_fits_on_a_page_and_stands_in_the_protocol() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 60
    assert "(examples/follow.py)" in (EXAMPLE.parents[1] / "protocol.md").read_text()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_every_event_once_through_cuts_and_restarts(
    tmp_path: Path,
    room: ClosedUserGroup,
    post: Post,
    token_for: Token,
    fatou: Officer,
    dmitri: Officer,
) -> None:
    numbers = [post(dmitri).message.seq for _ in range(3)]
    with running_server(tmp_path) as first, line_to(first.port) as line:
        with following(line, room, token_for(fatou), tmp_path) as follower:
            follower.until(numbers[-1])
            line.cut()  # the network drops
            numbers += [post(dmitri).message.seq for _ in range(3)]
            follower.until(numbers[-1])
            line.half_open()  # and goes away without a word
            numbers += [post(dmitri).message.seq for _ in range(3)]
            time.sleep(0.5)
            line.mend()
            follower.until(numbers[-1])
            line.break_off()  # the server is restarted
            first.process.terminate()
            first.process.wait(PATIENCE)
            numbers += [post(dmitri).message.seq for _ in range(3)]
            with running_server(tmp_path) as second:
                line.mend(second.port)
                follower.until(numbers[-1])
                wait_until(lambda: follower.noted().get("after") == numbers[-1])
                follower.kill()  # the follower is killed, and started again
                numbers += [post(dmitri).message.seq for _ in range(3)]
                follower.start()
                follower.until(numbers[-1])
                room.refresh_from_db()
                wait_until(lambda: follower.noted() == {"epoch": str(room.stream_epoch), "after": numbers[-1]})
    assert follower.seqs() == list(range(1, numbers[-1] + 1))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_restored_history_is_taken_afresh(
    tmp_path: Path,
    room: ClosedUserGroup,
    post: Post,
    token_for: Token,
    fatou: Officer,
    dmitri: Officer,
) -> None:
    newest = [post(dmitri).message.seq for _ in range(3)][-1]
    with running_server(tmp_path) as server, line_to(server.port) as line:
        with following(line, room, token_for(fatou), tmp_path) as follower:
            follower.until(newest)
            wait_until(lambda: follower.file.exists() and follower.noted().get("after") == newest)
            follower.kill()
            ClosedUserGroup.objects.filter(pk=room.pk).update(stream_epoch=(epoch := uuid4()))
            follower.start()
            wait_until(lambda: follower.noted() == {"epoch": str(epoch), "after": newest})
    assert follower.seqs() == [*range(1, newest + 1)] * 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_it_ends_with_the_membership_and_with_the_token(
    tmp_path: Path,
    room: ClosedUserGroup,
    post: Post,
    token_for: Token,
    amina: Officer,
    fatou: Officer,
    dmitri: Officer,
) -> None:
    newest = post(dmitri).message.seq
    with running_server(tmp_path) as server, line_to(server.port) as line:
        with following(line, room, token_for(fatou), tmp_path) as follower:
            follower.until(newest)
            remove_member(membership_of(amina, room), member_id=membership_of(fatou, room).pk)
            said = follower.end()
            assert "left" in said or "not_found" in said
        with following(line, room, "cen_nobody", tmp_path) as follower:
            assert "4401" in follower.end()
