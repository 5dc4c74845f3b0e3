"""A web process and a worker that start before PostgreSQL: they wait, say so, and go on by themselves."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
import websockets
from django.db import OperationalError
from websockets.sync.client import connect

from cencomm import serve, waiting
from cencomm.serve import NO_DATABASE
from cencomm.waiting import WaitingRoom, patience, wait_for_databases
from cencomm.web_server import WebServer
from tests.cencomm.ports import PATIENCE, ask, ended_after, free_port, wait_until
from tests.cencomm.site import Site

pytestmark = pytest.mark.slow


@pytest.fixture
def stopped(site: Site) -> Iterator[Site]:
    """A prepared product whose database does not run."""
    site.postgres.stop(mode="immediate")
    yield site
    site.postgres.start()


class Started:
    """A process of the product and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process, self.log, self.port = process, log, port

    def said(self) -> str:
        return self.log.read_text()

    def ask(self, path: str) -> tuple[int, dict[str, object]]:
        return ask(self.port, path)

    def page(self, path: str) -> tuple[int, http.client.HTTPMessage, str]:
        """Return what a browser gets that comes with a session and reads French."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            cookie = "cencomm_session=" + "a" * 32
            line.request("GET", path, headers={"Cookie": cookie, "Accept": "text/html", "Accept-Language": "fr"})
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            line.close()

    def answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return self.ask("/health/live")[0] == 200
        except OSError:
            return False


@contextmanager
def started(site: Site, folder: Path, *words: str, **variables: str) -> Iterator[Started]:
    port, log = free_port(), folder / f"{words[0]}.log"
    command = [sys.executable, "-P", "-m", "cencomm", *words]
    if words == ("serve",):
        command += ["--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env={**site.environment(), **variables}, cwd="/", stdout=out, stderr=out
        )
    with ended_after(process):
        yield Started(process, log, port)


def test_a_database_that_goes_away_again_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone() -> list[str]:
        raise OperationalError

    monkeypatch.setattr(waiting, "wait_for_databases", lambda **_: {})
    monkeypatch.setattr(serve, "unsafe_databases", gone)
    room = WaitingRoom({"database": "gone"})
    server = WebServer(uvicorn.Config(room))
    serve.open_when_ready(server, room)
    assert (server.should_exit, server.exit_code) == (True, NO_DATABASE)  # or it would answer 503 for ever
    assert "OperationalError" in capsys.readouterr().err


def test_a_web_process_waits_and_says_so(stopped: Site, tmp_path: Path) -> None:
    with started(stopped, tmp_path, "serve") as web:
        wait_until(web.answers, what="an answer")
        missing = ["database", "cen-database"]
        assert web.ask("/health/ready") == (503, {"status": "not ready", "missing": missing})
        status, problem = web.ask("/api/v1/me")
        assert (status, problem["code"]) == (503, "unavailable")
        status, headers, text = web.page("/groups/")
        assert (status, headers["Retry-After"]) == (503, "5")
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<p>The database does not answer at the moment." in text
        with (
            connect(f"ws://127.0.0.1:{web.port}/ws/v1") as socket,
            pytest.raises(websockets.ConnectionClosed) as shut,
        ):
            socket.recv(timeout=PATIENCE)
        assert shut.value.rcvd is not None
        assert shut.value.rcvd.code == 1013
        wait_until(lambda: "waiting for the database: " in web.said(), what="a word about it")
        stopped.postgres.start()
        wait_until(lambda: web.ask("/health/ready")[0] == 200, what="ready")
        assert "the databases answer: going on" in web.said()
        assert web.ask("/api/v1/me")[0] == 401


def test_a_page_says_that_the_database_is_away(site: Site, tmp_path: Path) -> None:
    """It went away after the start: whoever comes with a session is told to come back, not that we are at fault."""
    with started(site, tmp_path, "serve") as web:
        wait_until(lambda: web.answers() and web.ask("/health/ready")[0] == 200, what="ready")
        site.postgres.stop(mode="immediate")
        try:
            wait_until(lambda: web.page("/groups/")[0] == 503, what="a page that says so")
            status, headers, text = web.page("/groups/")
            assert (status, headers["Retry-After"]) == (503, "5")
            assert headers["Content-Type"].startswith("text/html")
            assert "La base de données ne répond pas" in text
            assert 'src="/static/cencomm/theme' in text
            status, headers, text = web.page("/api/v1/me")
            assert (status, headers["Content-Type"]) == (503, "application/problem+json")
            assert json.loads(text)["code"] == "unavailable"
        finally:
            site.postgres.start()
        wait_until(lambda: web.page("/groups/")[0] == 302, what="the way to the sign-in")


def test_a_worker_waits_and_says_so(stopped: Site, tmp_path: Path) -> None:
    with started(stopped, tmp_path, "manage", "procrastinate", "worker") as worker:
        wait_until(lambda: "waiting for the database: " in worker.said(), what="a word about it")
        assert worker.process.poll() is None
        stopped.postgres.start()

        def beats() -> bool:
            assert worker.process.poll() is None, worker.said()
            return stopped.manage("check_worker", check=False).returncode == 0

        wait_until(beats, what="a worker's heart beat")


def test_a_wait_that_is_bounded_ends_with_the_reason(stopped: Site, tmp_path: Path) -> None:
    with started(stopped, tmp_path, "serve", CENCOMM_DATABASE_WAIT="0.5") as web:
        assert web.process.wait(PATIENCE) == NO_DATABASE
        assert "The database does not answer: " in web.said()


def test_a_database_that_is_wrongly_prepared_ends_the_wait(stopped: Site, tmp_path: Path) -> None:
    owner = stopped.addresses.environment(owner=True)
    with started(stopped, tmp_path, "serve", **owner) as web:
        wait_until(lambda: "waiting for the database: " in web.said(), what="a word about it")
        stopped.postgres.start()
        assert web.process.wait(PATIENCE) == 78
        assert "owns or can make tables" in web.said()


def test_patience_is_without_end_unless_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert patience({}) is None
    assert patience({"CENCOMM_DATABASE_WAIT": "2.5"}) == 2.5
    answers = iter([{"database": "no"}, {"database": "no"}, {}])
    assert wait_for_databases(seconds=None, ask=lambda: next(answers)) == {}
    assert wait_for_databases(seconds=0, ask=lambda: {"database": "no"}) == {"database": "no"}
    assert os.environ.get("CENCOMM_DATABASE_WAIT") is None
