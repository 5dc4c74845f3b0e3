"""What goes over the line, byte by byte: where a request ends, where an answer ends, who a client is.

A real web process, as the proxy meets it, asked by bare sockets.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from groups.models import ClosedUserGroup
from tests.cencomm.ports import PATIENCE
from tests.messaging.server import Server, running_server
from tests.robustness.addresses import addresses

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
HIDDEN = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
METRICS = "m" * 40


@pytest.fixture
def server(group: ClosedUserGroup, tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path, CENCOMM_METRICS_TOKEN=METRICS) as one:
        yield one


def said(server: Server, request: bytes) -> bytes:
    """Send bytes, and return everything that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as line:
        line.sendall(request)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    return answer


def posting(*headers: bytes, body: bytes = b"") -> bytes:
    """Return a request for the sign-in page with these headers."""
    return b"\r\n".join([b"POST /sign-in/ HTTP/1.1", b"Host: localhost", *headers, b"", body])


CONTRADICTIONS = {
    "both lengths": posting(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
    "both, the other way": posting(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"0\r\n\r\n" + HIDDEN),
    "two lengths": posting(b"Content-Length: 0", b"Content-Length: 48", body=HIDDEN),
    "a list of lengths": posting(b"Content-Length: 0, 48", body=HIDDEN),
    "a signed length": posting(b"Content-Length: +0", body=HIDDEN),
    "a negative length": posting(b"Content-Length: -1", body=HIDDEN),
    "a length in words": posting(b"Content-Length: none", body=HIDDEN),
    "a length beyond all": posting(b"Content-Length: 99999999999999999999999", body=HIDDEN),
    "a coding that is none": posting(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN),
    "chunked is not the last": posting(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + HIDDEN),
    "a blank before the colon": posting(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + HIDDEN),
    "a size that is none": posting(b"Transfer-Encoding: chunked", body=b"zz\r\n\r\n" + HIDDEN),
    "a negative size": posting(b"Transfer-Encoding: chunked", body=b"-1\r\n\r\n" + HIDDEN),
    "a chunk longer than said": posting(b"Transfer-Encoding: chunked", body=b"1\r\nabc\r\n0\r\n\r\n" + HIDDEN),
    "a header that goes on": posting(b"X-A: b", b" Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
    "a line that ends early": posting(b"X-A: b\rTransfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
    "a NUL byte": posting(b"X-A: \x00", b"Content-Length: 0") + HIDDEN,
    "a method of our own": b"G\x00T /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
}


def test_whoever_cannot_say_where_a_request_ends_is_hung_up_on(server: Server) -> None:
    """One answer, 400: what follows is never taken for a request of its own, which nobody in front has seen."""
    wrong = []
    for how, request in CONTRADICTIONS.items():
        answer = said(server, request)
        one = re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"400"]
        if not one or b"x-content-type-options: nosniff" not in answer.lower():
            wrong.append((how, answer))
    assert wrong == []


def test_two_requests_on_one_line_are_two(server: Server) -> None:
    """What the test above would miss: the second request is answered where the first one says where it ends."""
    last = HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for first in (HIDDEN, posting(b"Content-Length: 4", body=b"a=bc"),
                  posting(b"Transfer-Encoding: chunked", body=b"4\r\na=bc\r\n0\r\n\r\n")):  # fmt: skip
        assert len(re.findall(rb"HTTP/1\.1 (\d+)", said(server, first + last))) == 2, first


def test_every_answer_is_as_long_as_it_says(server: Server, group: ClosedUserGroup) -> None:
    """Of every address, by GET, HEAD and POST, of a file and of what is not there; HEAD and 304 have no body."""
    wrong = []
    for path in [*addresses({"group_id": group.pk}), "/static/cencomm/cencomm.css", "/nowhere/", "/metrics"]:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            top, _, body = said(server, head.encode()).partition(b"\r\n\r\n")
            lengths = re.findall(rb"(?im)^content-length: (\d+)\r?$", top)
            chunked = re.search(rb"(?im)^transfer-encoding:", top)
            fits = [int(one) for one in lengths] == [len(body)] if lengths else bool(chunked)
            if body if method == "HEAD" else not fits or (lengths and chunked):
                wrong.append((method, path, top, len(body)))
    assert wrong == []


PATHS = ("/", "/sign-in/", "/groups/", "/api/v1/me", "/static/cencomm/shell.js", "/health/live", "/ws/v1")


def test_methods_that_nothing_uses_reach_nothing(server: Server) -> None:
    """Refused before anybody asks who it is; nothing of the request comes back."""
    methods = ("TRACE", "OPTIONS", "CONNECT", "PROPFIND", "TRACK", "MKCOL")
    for method, path in product(methods, PATHS):
        request = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Lantern: lit\r\nConnection: close\r\n\r\n"
        answer = said(server, request.encode())
        [status] = re.findall(rb"HTTP/1\.1 (\d+)", answer)
        assert status in {b"400", b"405"}, (method, path, answer)
        assert b"lantern" not in answer.lower()


def wrong_tokens(server: Server, count: int) -> set[int]:
    """Ask for figures with wrong tokens, each time as another client; ten tries are one client's in a minute."""
    statuses = set()
    for number in range(count):
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        line.request(
            "GET", "/metrics", headers={"Authorization": "Bearer x", "X-Forwarded-For": f"192.0.2.{number}"}
        )
        statuses.add(line.getresponse().status)
        line.close()
    return statuses


def test_who_is_no_proxy_cannot_say_from_where_it_asks(group: ClosedUserGroup, tmp_path: Path) -> None:
    one_window = "from accounts import tries; tries.WINDOW_SECONDS = 3600.0"  # however long the machine takes
    proxies = {"CENCOMM_PROXIES": "192.0.2.99"}
    with running_server(tmp_path, before=one_window, CENCOMM_METRICS_TOKEN=METRICS, **proxies) as server:
        assert wrong_tokens(server, 12) == {401, 429}


def test_a_proxy_says_from_where_others_ask(server: Server) -> None:
    assert wrong_tokens(server, 12) == {401}
