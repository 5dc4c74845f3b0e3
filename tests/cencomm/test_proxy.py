"""The proxy of docker-compose.yml by itself: what it answers, what it passes on, which TLS it speaks.

Behind it stands a server that tells what it was asked, or nobody.
"""

from __future__ import annotations

import http.client
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cencomm.headers import ALWAYS, NO_STORE, NOTHING
from tests.cencomm.ports import free_port, wait_until
from tests.cencomm.test_topology import HOST, NGINX, ROOT, Topology, write_proxy_configuration

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not on this machine: apt install nginx-light"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine"),
]
STRICT = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


class Telling(http.server.BaseHTTPRequestHandler):
    """Answers every request with its own headers, and sets some that the proxy must leave alone."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        for name in (*ALWAYS, *NO_STORE, *NOTHING, STRICT[0]):
            self.send_header(name, "its own")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def started(running: Topology) -> Iterator[None]:
    """Run its proxy until the end of the block."""
    assert NGINX
    running.start("proxy", NGINX, "-c", str(write_proxy_configuration(running)), "-p", str(running.folder))
    try:
        wait_until(lambda: plain(running, "/proxy-health")[0] == 204, what="a proxy")
        yield
    finally:
        running.processes["proxy"].terminate()
        running.processes["proxy"].wait(300)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    folder = tmp_path_factory.mktemp("proxy")
    subprocess.run([ROOT / "deploy" / "make-secrets", folder / "secrets"], check=True, capture_output=True)
    # An RSA key, so that suites without forward secrecy could be agreed on as well.
    subject = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject,
         "-keyout", folder / "secrets" / "certificate-key.pem", "-out", folder / "secrets" / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    behind = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Telling)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    running = Topology(folder, free_port(), free_port(), behind.server_address[1], {})
    try:
        with started(running):
            yield running
    finally:
        behind.shutdown()
        behind.server_close()


@pytest.fixture(scope="module")
def lonely(proxy: Topology, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    """A proxy with nobody behind it."""
    folder = tmp_path_factory.mktemp("lonely")
    shutil.copytree(proxy.folder / "secrets", folder / "secrets")
    running = Topology(folder, free_port(), free_port(), free_port(), {})
    with started(running):
        yield running


type Told = tuple[int, dict[str, str], bytes]


def plain(proxy: Topology, path: str, method: str = "GET", **headers: str) -> Told:
    """Ask without TLS."""
    return _told(http.client.HTTPConnection("127.0.0.1", proxy.http, timeout=120), method, path, headers)


def safe(proxy: Topology, path: str, method: str = "GET", **headers: str) -> Told:
    """Ask with TLS."""
    line = http.client.HTTPSConnection("127.0.0.1", proxy.https, context=trusting(proxy), timeout=120)
    return _told(line, method, path, headers)


def trusting(proxy: Topology) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(proxy.folder / "secrets" / "certificate.pem"))
    context.check_hostname = False
    return context


def _told(line: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]) -> Told:
    try:
        line.request(method, path, headers={"Host": HOST} | {k.replace("_", "-"): v for k, v in headers.items()})
        return _read(line.getresponse())
    except OSError:
        return 0, {}, b""
    finally:
        line.close()


def _read(answer: http.client.HTTPResponse) -> Told:
    names = [name.lower() for name, _value in answer.getheaders()]
    assert len(names) == len(set(names)), f"a header comes twice: {names}"
    return answer.status, dict(answer.getheaders()), answer.read()


def faults_of(told: Told, *, encrypted: bool) -> list[str]:
    """Return what is missing on an answer of the proxy's own."""
    _status, headers, body = told
    due = {**ALWAYS, **NO_STORE, **NOTHING} | ({STRICT[0]: STRICT[1]} if encrypted else {})
    faults = [f"{name}: {headers.get(name)}" for name, value in due.items() if headers.get(name) != value]
    if not encrypted and STRICT[0] in headers:
        faults.append("speaks of TLS where there is none")  # RFC 6797, 7.2
    if any(letter.isdigit() for letter in headers.get("Server", "")):
        faults.append(f"tells its version: {headers['Server']}")
    if body and headers.get("Content-Type") != "text/html; charset=utf-8":
        faults.append(f"content-type: {headers.get('Content-Type')}")
    return faults


def garbage(proxy: Topology, request: bytes) -> Told:
    """Send bytes that are no request."""
    with trusting(proxy).wrap_socket(socket.create_connection(("127.0.0.1", proxy.https), timeout=120)) as line:
        line.sendall(request)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return _read(answer)


def test_what_it_answers_itself_carries_every_header(proxy: Topology, lonely: Topology) -> None:
    large = {"Content_Length": str(4 * 2**20)}
    answers = [
        (404, safe(proxy, "/metrics")),
        (405, safe(proxy, "/", "TRACE")),
        (413, safe(proxy, "/groups/", "POST", **large)),
        (413, safe(proxy, "/api/v1/cen/seizures", "POST", Content_Length=str(10 * 2**20))),
        (400, garbage(proxy, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")),
        (400, garbage(proxy, b"GET / HTTP/1.1\r\n\r\n")),
        (414, safe(proxy, "/" + "a" * 9_000)),
        (502, safe(lonely, "/groups/")),
        (502, safe(lonely, "/api/v1/me")),
        (502, safe(lonely, "/ws/v1", Connection="upgrade", Upgrade="websocket")),
    ]
    assert [told[0] for _status, told in answers] == [status for status, _told in answers]
    wrong = [(told[0], fault) for _status, told in answers for fault in faults_of(told, encrypted=True)]
    for path in ("/groups/", "/proxy-health", "/api/v1/me"):
        told = plain(proxy, path)
        wrong += [(path, told[0], fault) for fault in faults_of(told, encrypted=False)]
    assert wrong == []


def test_what_comes_from_the_product_keeps_its_headers(proxy: Topology) -> None:
    _status, headers, _body = safe(proxy, "/groups/")
    for name in (*ALWAYS, *NO_STORE, *NOTHING, STRICT[0]):
        assert headers[name] == "its own", name


def test_pages_are_sent_on_to_tls_and_programs_are_refused(proxy: Topology) -> None:
    for path in ("/", "/groups/?x=1", "/sign-in/", "/apiary"):
        status, headers, _body = plain(proxy, path)
        assert (status, headers["Location"]) == (308, f"https://{HOST}{path}")
    for path in ("/api/v1/me", "/api/v1/groups?x=1", "/ws/v1", "/health/ready", "/metrics"):
        status, headers, _body = plain(proxy, path, Authorization="Bearer cen_nonsense")
        assert (status, headers.get("Location")) == (403, None), path


def test_who_asks_cannot_say_from_where_or_how(proxy: Topology) -> None:
    """Addresses and scheme that a client claims are not passed on; nor is a host name that is none of ours."""
    forged = {
        "X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.invalid",
        "Forwarded": "for=203.0.113.9;proto=http", "X_Real_IP": "203.0.113.9",
    }  # fmt: skip
    _status, _headers, body = safe(proxy, "/groups/", **forged)
    heard = json.loads(body)
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"], heard["host"]) == ("127.0.0.1", "https", HOST)
    assert {name: value for name, value in heard.items() if "203.0.113.9" in value or "evil" in value} == {
        name: value for name, value in heard.items() if name in {"forwarded", "x-real-ip", "x-forwarded-host"}
    }  # which nothing of ours reads: cencomm/settings.py, cencomm/serve.py


def offering(*, newest: ssl.TLSVersion | None = None, ciphers: str = "") -> ssl.SSLContext:
    """Return a client that offers nothing better; at no security level of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
    if newest is not None:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    return context


def agreed(port: int, context: ssl.SSLContext) -> str:
    """Return what was agreed on, or "" where nothing was."""
    try:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=120)) as line:
            return f"{line.version()} {(line.cipher() or ('',))[0]}"
    except (ssl.SSLError, ConnectionError):
        return ""


OLD = (
    {"newest": ssl.TLSVersion.TLSv1},
    {"newest": ssl.TLSVersion.TLSv1_1},
    {"newest": ssl.TLSVersion.TLSv1_2, "ciphers": "AES256-GCM-SHA384"},  # without forward secrecy
    {"newest": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-RSA-AES256-SHA384"},  # CBC
    {"newest": ssl.TLSVersion.TLSv1_2, "ciphers": "AES128-SHA"},
)


def test_only_tls_of_today_is_spoken(proxy: Topology) -> None:
    assert agreed(proxy.https, offering()).startswith("TLSv1.3 ")
    assert agreed(proxy.https, offering(newest=ssl.TLSVersion.TLSv1_2)).startswith("TLSv1.2 ECDHE-")
    for offer in OLD:
        assert agreed(proxy.https, offering(**offer)) == "", offer  # type: ignore[arg-type]


GROUPS = ("X25519", "prime256v1", "secp384r1")
WEAK_GROUPS = ("secp224r1", "prime192v1", "secp256k1")


def exchanging(group: str) -> ssl.SSLContext:
    """Return a client that makes keys in one group alone."""
    context = offering(newest=ssl.TLSVersion.TLSv1_2)
    context.set_ecdh_curve(group)
    return context


def test_keys_are_exchanged_in_approved_groups_alone(proxy: Topology) -> None:
    for group in GROUPS:
        assert agreed(proxy.https, exchanging(group)).startswith("TLSv1.2 ECDHE-"), group
    for group in WEAK_GROUPS:
        assert agreed(proxy.https, exchanging(group)) == "", group


def test_a_proxy_that_speaks_old_tls_would_be_found(proxy: Topology, tmp_path: Path) -> None:
    """What is refused above is refused by the proxy, not by this client."""
    shutil.copytree(proxy.folder / "secrets", tmp_path / "secrets")
    weak = Topology(tmp_path, free_port(), free_port(), free_port(), {})
    configuration = write_proxy_configuration(weak)
    server = tmp_path / "server.conf"
    groups = ":".join((*WEAK_GROUPS, *GROUPS))
    lines = [
        f"ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0; ssl_ecdh_curve {groups};"
        if "ssl_protocols" in line
        else line
        for line in server.read_text().splitlines()
        if "ssl_ciphers" not in line
    ]
    server.write_text("\n".join(lines))
    assert NGINX
    weak.start("proxy", NGINX, "-c", str(configuration), "-p", str(tmp_path))
    try:
        wait_until(lambda: plain(weak, "/proxy-health")[0] == 204, what="a proxy")
        assert len([one for one in OLD if agreed(weak.https, offering(**one))]) == len(OLD)  # type: ignore[arg-type]
        assert [one for one in WEAK_GROUPS if not agreed(weak.https, exchanging(one))] == []
    finally:
        weak.processes["proxy"].terminate()
        weak.processes["proxy"].wait(300)
