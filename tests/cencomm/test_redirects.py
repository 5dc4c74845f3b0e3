"""What the server asks of others by HTTP, a bucket or a key service, it asks of the address that was configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import pytest

from messaging.attachments.bucket import BucketStorage, Place
from messaging.attachments.errors import StorageUnavailable
from tests.cencomm.ports import PATIENCE
from vault.service import Address, KeyService, ServiceRefused


class Sending(ThreadingHTTPServer):
    """Answers each request by sending whoever asks somewhere else, and remembers what was asked."""

    daemon_threads = True

    def __init__(self, elsewhere: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.elsewhere = elsewhere
        self.asked: list[str] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Sending)
        self.server.asked.append(self.path)
        self.send_response(307 if self.server.elsewhere else 200)
        self.send_header("Location", self.server.elsewhere + self.path)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def running(server: Sending) -> Iterator[Sending]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def elsewhere() -> Iterator[Sending]:
    with running(Sending()) as server:
        yield server


@pytest.fixture
def door(elsewhere: Sending) -> Iterator[Sending]:
    with running(Sending(elsewhere.origin)) as server:
        yield server


def test_whoever_follows_would_be_found(door: Sending, elsewhere: Sending) -> None:
    with urlopen(f"{door.origin}/x", timeout=PATIENCE) as answer:
        assert answer.status == 200
    assert (door.asked, elsewhere.asked) == (["/x"], ["/x"])


def test_a_bucket_that_sends_elsewhere_is_not_followed(door: Sending, elsewhere: Sending, tmp_path: Path) -> None:
    keys = tmp_path / "credentials"
    keys.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    keys.chmod(0o600)
    with pytest.raises(StorageUnavailable):
        list(BucketStorage(Place(door.origin, "files", "", "us-east-1", keys)).read(uuid4()))
    assert door.asked
    assert elsewhere.asked == []


def test_a_key_service_that_sends_elsewhere_is_not_followed(
    door: Sending, elsewhere: Sending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.service.ANSWER_SECONDS", 60.0)  # a busy machine sends nobody elsewhere
    token = tmp_path / "token"
    token.write_text("s.token")
    token.chmod(0o600)
    service = KeyService(Address.of(f"transit:{door.origin}/transit/key?token-file={token}"))
    with pytest.raises(ServiceRefused):
        service.ask("GET", "transit/keys/key")
    assert door.asked
    assert elsewhere.asked == []
