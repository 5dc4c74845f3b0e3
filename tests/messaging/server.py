"""Real servers for tests: the product's own web process on a free port, a real Redis, a client with a real socket.

Tests that use them are marked `django_db(transaction=True)`: a server sees only what was committed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management import call_command
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.cencomm.ports import PATIENCE, ended_after, free_port, listens, wait_until
from tests.environment import cluster

ROOT = Path(__file__).resolve().parent.parent.parent
# Who posts behind others is kept waiting, not sent away, while this machine keeps the first of them waiting.
PATIENT = (
    "import django; django.setup(); import sys; from messaging.actions.office import Office; "
    f"sys.modules[Office.__module__].LONGEST_WAIT = {PATIENCE}"
)


class Server:
    """One web process of the product."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.process = process
        self.log = log

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/v1"

    @property
    def rss_kib(self) -> int:
        """Memory of the process."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def request(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """Ask the API; return status and JSON."""
        request = Request(
            f"{self.http}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())


@contextmanager
def running_server(folder: Path, *, before: str = "pass", **environment: str) -> Iterator[Server]:
    """Run a web process on the databases and keys of these tests, as the role that owns nothing, until the end.

    `before`: a statement that the process runs first, in one line.
    """
    call_command("grant_application_roles", stdout=StringIO())
    port = free_port()
    log = folder / f"server-{port}.log"
    names = {alias: settings.DATABASES[alias]["NAME"] for alias in ("default", "cen")}
    variables = {
        **os.environ,
        "DATABASE_URL": cluster.addresses.url(names["default"], "cencomm_app"),
        "CEN_DATABASE_URL": cluster.addresses.url(names["cen"], "cen_app"),
        "CENCOMM_HEARTBEAT": "1",
        "CENCOMM_POSTS_PER_MINUTE": "100000",
        "CENCOMM_POOL": "10",
        "CENCOMM_LOG_LEVEL": "INFO",
        **environment,
    }
    serving = f"from cencomm.serve import serve; sys.exit(serve(host='127.0.0.1', port={port}))"
    code = f"{PATIENT}; {before}; import sys; {serving}"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=variables, stdout=out, stderr=out)
    with ended_after(process):
        _wait_until_ready(process, port, log)
        yield Server(port, process, log)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server did not start: {log.read_text()[-3000:]}")
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2):
                return
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server was not ready in time")


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a Redis of our own, in memory; yield its address."""
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
         "--dir", str(folder), "--dbfilename", "dump.rdb"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with ended_after(process):
        wait_until(lambda: listens(port), what="Redis")
        yield f"redis://127.0.0.1:{port}/0"


class Talker:
    """A client with a real socket that remembers every item it got."""

    def __init__(self, url: str, *, token: str = "", **options: Any) -> None:
        headers = dict(options.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        options = {"subprotocols": ["cencomm.v1"], "open_timeout": PATIENCE, **options}
        self.socket: ClientConnection = connect(
            url,
            additional_headers=headers,
            max_size=None,
            compression=None,
            ping_interval=None,
            legacy=True,
            **options,
        )
        self.items: list[dict[str, Any]] = []
        self.code: int | None = None

    def __enter__(self) -> Talker:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, **item: Any) -> None:
        """Send one item."""
        self.socket.send(json.dumps(item))

    def follow(self, group: Any, after: int | None = None, epoch: Any = None, *, wait: bool = True) -> None:
        """Follow a group, and wait until everything up to its head has come."""
        position = {} if after is None else {"after": after, "epoch": str(epoch)}
        self.say(op="follow", groups={str(group): position})
        if wait:
            self.until(lambda item: item["op"] == "caught_up" and item["group"] == str(group))

    def until(self, wanted: Callable[[dict[str, Any]], bool], *, timeout: float = PATIENCE) -> dict[str, Any]:
        """Return the next item that is wanted."""
        deadline = time.monotonic() + timeout
        seen = len(self.items)
        while True:
            for item in self.items[seen:]:
                if wanted(item):
                    return item
            seen = len(self.items)
            self._read(deadline - time.monotonic())

    def event(self, seq: int, **options: Any) -> dict[str, Any]:
        """Return the event with a number, waiting for it."""
        for item in self.items:
            if item["op"] == "event" and item["seq"] == seq:
                return item
        return self.until(lambda item: item["op"] == "event" and item["seq"] == seq, **options)

    def closed(self, *, timeout: float = PATIENCE) -> int | None:
        """Return the code that the server closes with, waiting for it."""
        deadline = time.monotonic() + timeout
        while self.code is None:
            try:
                self._read(deadline - time.monotonic())
            except AssertionError:
                if self.code is None:
                    raise
        return self.code

    def quiet(self, seconds: float) -> None:
        """Listen for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self.items += json.loads(self.socket.recv(left))
            except TimeoutError:
                return

    def seqs(self) -> list[int]:
        """Return the numbers of the events that came, in their order."""
        return [item["seq"] for item in self.items if item["op"] == "event"]

    def _read(self, seconds: float) -> None:
        try:
            self.items += json.loads(self.socket.recv(max(seconds, 0.01)))
        except TimeoutError:
            raise AssertionError(f"nothing like that came; got {[i['op'] for i in self.items]}") from None
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006
            raise AssertionError(f"the server closed with {self.code}") from None
