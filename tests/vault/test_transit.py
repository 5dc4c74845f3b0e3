"""A key service (OpenBao) as the place of the root key, beyond what every place promises (`test_root_keys`)."""

from __future__ import annotations

import http.server
import json
import logging
import os
import shutil
import socket
import ssl
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from cencomm.privileges import system_user
from tests.cencomm.ports import wait_until
from tests.line import Line
from tests.vault.agents import Agent
from tests.vault.bao import Bao, make_certificate, program, secret_file
from vault import KeyServiceAway, KeyStore, KeyStoreUnavailable, Place, Sealer, lookups
from vault.roots import root_keys
from vault.transit import TransitRootKeys

PLACE = Place("t", "f", "r")
GROUP = UUID("22222222-2222-4222-8222-222222222222")
KEY = bytes(range(32))
RIGHT = "transit:https://kms.example:8200/transit/cencomm?ca-file=/ca.pem&token-file=/token"


@pytest.fixture(scope="module")
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    if program() is None:
        pytest.skip("OpenBao is not installed")
    server = Bao(tmp_path_factory.mktemp("own"), tls=True)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def own(_own: Bao, monkeypatch: pytest.MonkeyPatch) -> Bao:
    """A server over TLS that a test may seal and stop; a client that asks it again at once."""
    monkeypatch.setattr("vault.service.REST_SECONDS", 0.0)
    if _own.process is None:
        _own.start()
    _own.unseal()
    return _own


@pytest.fixture
def name() -> str:
    return f"key-{uuid4().hex[:8]}"


def here(root_id: bytes) -> bytes:
    return b"here" + root_id


def opened_group(store: KeyStore) -> tuple[UUID, bytes, Sealer]:
    group = uuid4()
    store.create_group_key(group)
    wrapped = store.new_epoch_key(group, 1)
    return group, wrapped, store.group_sealer(group, 1, wrapped)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("https", "http", "only this machine"),
        ("https", "ftp", "begins"),
        ("ca-file=/ca.pem&", "", "ca-file"),
        ("&token-file=/token", "", "token-file, or role-id-file"),
        ("&token-file=/token", "&role-id-file=/r", "token-file, or role-id-file"),
        ("/token", "/token&role-id-file=/r&secret-id-file=/s", "token-file, or role-id-file"),
        ("token-file=/token", "token-file=token", "from the root"),
        ("token-file=/token", "token=s.abcdef", "it may hold"),
        ("kms.example", "name:t0psecret@kms.example", "no name"),
        ("/transit/cencomm", "/cencomm", "MOUNT/KEY"),
        ("/transit/cencomm", "/transit/../sys", "MOUNT/KEY"),
        ("/token", "/token&namespace=a b", "namespace"),
        ("/token", "/token&login=../x", "login"),
        ("8200", "99999", "[Pp]ort"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(right: str, wrong: str, told: str, root_file: Path) -> None:
    assert right in RIGHT
    assert "https://kms.example:8200" in root_keys(file=root_file, uri=RIGHT).where
    with pytest.raises(ValueError, match=told) as refused:
        root_keys(file=root_file, uri=RIGHT.replace(right, wrong))
    assert "s.abcdef" not in str(refused.value)
    assert "t0psecret" not in str(refused.value)


def test_the_policy_of_the_manual_is_enough_and_allows_no_more(bao: Bao, name: str, tmp_path: Path) -> None:
    uri = bao.uri(name, tmp_path)
    store = KeyStore(roots=TransitRootKeys(uri), folder=tmp_path / "store")
    group, _wrapped, _sealer = opened_group(store)
    store.rotate_root_key()
    assert store.new_epoch_key(group, 2)
    token = (tmp_path / "token").read_text().strip()
    other = bao.key(f"{name}-other")
    for method, path, words in (
        ("DELETE", f"transit/keys/{name}", {}),
        ("POST", f"transit/keys/{name}/config", {"exportable": True}),
        ("POST", f"transit/keys/{name}/config", {"deletion_allowed": True}),
        ("GET", f"transit/export/encryption-key/{name}", {}),
        ("GET", f"transit/backup/{name}", {}),
        ("POST", f"transit/keys/{name}/trim", {"min_available_version": 1}),
        ("POST", f"transit/keys/{uuid4().hex}", {}),
        ("POST", f"transit/encrypt/{uuid4().hex}", {"plaintext": "AAAA"}),
        ("POST", f"transit/encrypt/{other}", {"plaintext": "AAAA"}),
        ("POST", f"transit/decrypt/{other}", {"ciphertext": "vault:v1:AAAA"}),
        ("GET", f"transit/keys/{other}", {}),
        ("GET", "sys/policies/acl/default", {}),
        ("POST", "auth/token/create", {}),
    ):
        with pytest.raises(AssertionError, match="403"):
            bao.call(method, path, token=token, **words)


def test_a_role_signs_in_and_again_when_its_token_was_ended(bao: Bao, name: str, tmp_path: Path) -> None:
    proof = bao.role(name, tmp_path, token_ttl="1h", token_max_ttl="2h")
    roots = TransitRootKeys(bao.uri(name, tmp_path, proof=proof))
    root_id, wrapped = roots.wrap(KEY, here)
    first = roots._service._token
    assert first
    bao.call("POST", "auth/token/revoke-self", token=first)
    assert roots.unwrap(root_id, wrapped, here) == KEY
    assert roots._service._token not in {"", first}


def test_a_role_that_is_not_let_in_or_has_no_right_is_told_so(
    bao: Bao, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    proof = bao.role(name, tmp_path)
    uri = bao.uri(name, tmp_path, proof=proof)
    secret = (tmp_path / "secret-id").read_text().strip()
    bao.call("POST", f"sys/policies/acl/{name}", policy='path "x" {\n  capabilities = ["read"]\n}\n')
    roots = TransitRootKeys(uri)
    for _ in range(3):
        with pytest.raises(KeyStoreUnavailable) as refused:
            roots.ids()
        assert not isinstance(refused.value, KeyServiceAway)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "token or policy do not allow it (403)" in told[0]
    secret_file(tmp_path / "secret-id", str(uuid4()))
    with pytest.raises(KeyStoreUnavailable):
        TransitRootKeys(uri).ids()
    assert "does not let this role in (400)" in caplog.text
    for hidden in (secret, roots._service._token, (tmp_path / "role-id").read_text().strip()):
        assert hidden
        assert hidden not in caplog.text


def test_a_right_that_is_missing_makes_no_heap_of_tokens(bao: Bao, name: str, tmp_path: Path) -> None:
    roots = TransitRootKeys(bao.uri(name, tmp_path, proof=bao.role(name, tmp_path)))
    roots.ids()
    token = roots._service._token
    bao.call("POST", f"sys/policies/acl/{name}", policy='path "x" {\n  capabilities = ["read"]\n}\n')
    with pytest.raises(KeyStoreUnavailable):
        roots.ids()
    assert roots._service._token == token


@pytest.mark.parametrize("by_role", [False, True])
def test_a_token_is_renewed_when_half_of_its_life_is_over(
    bao: Bao, name: str, tmp_path: Path, by_role: bool
) -> None:
    proof = bao.role(name, tmp_path, token_ttl="1h", token_max_ttl="2h") if by_role else ""
    roots = TransitRootKeys(bao.uri(name, tmp_path, proof=proof))
    roots.ids()
    service = roots._service
    before = service._token
    service._renew_at = 0.0
    roots.ids()
    assert service._token == before
    assert service._renew_at > 0
    assert bao.call("GET", "auth/token/lookup-self", token=before)["last_renewal"]


def test_a_new_token_in_the_file_is_taken_at_once(bao: Bao, name: str, tmp_path: Path) -> None:
    roots = TransitRootKeys(bao.uri(name, tmp_path))
    roots.ids()
    bao.call("POST", "auth/token/revoke-self", token=(tmp_path / "token").read_text().strip())
    with pytest.raises(KeyStoreUnavailable):
        roots.ids()
    secret_file(tmp_path / "token", bao.token(name))
    assert roots.ids()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: file.chmod(0o640), "others than its owner"),
        (lambda file: file.unlink(), "cannot be read"),
        (lambda file: file.write_text("two words\n"), "does not hold one word"),
        (lambda file: file.write_text("s.x\r\nX-Other: 1\n"), "does not hold one word"),
        (lambda file: file.write_bytes(b""), "does not hold one word"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_and_not_shown(
    bao: Bao,
    name: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
    told: str,
) -> None:
    uri, file = bao.uri(name, tmp_path), tmp_path / "token"
    token = file.read_text().strip()
    spoil(file)
    with pytest.raises(KeyStoreUnavailable):
        TransitRootKeys(uri).ids()
    assert told in caplog.text
    assert str(file) in caplog.text
    assert token not in caplog.text
    assert "words" not in caplog.text


def test_only_the_authority_that_was_named_is_believed(
    own: Bao, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uri = own.uri(name, tmp_path)
    assert TransitRootKeys(uri).ids()
    make_certificate(tmp_path)
    with pytest.raises(KeyServiceAway):
        TransitRootKeys(uri.replace(str(own.ca), str(tmp_path / "ca.pem"))).ids()
    assert "SSLCertVerificationError" in caplog.text
    with pytest.raises(KeyServiceAway):  # a name that the certificate does not have
        TransitRootKeys(uri.replace("127.0.0.1", "localhost")).ids()


@pytest.mark.parametrize("how", ["sealed", "stopped"])
def test_while_it_is_away_open_groups_go_on_and_others_wait(
    own: Bao, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    uri = own.uri(name, tmp_path)
    store = KeyStore(roots=TransitRootKeys(uri), folder=tmp_path / "store")
    group, wrapped, sealer = opened_group(store)
    other, other_wrapped, _sealer = opened_group(store)
    store._forget(other)
    sealed = sealer.seal(b"text", PLACE)
    own.seal() if how == "sealed" else own.stop()
    for _ in range(3):
        assert store.group_sealer(group, 1, wrapped).open(sealed, PLACE) == b"text"
        for refused in (
            lambda: store.group_sealer(other, 1, other_wrapped),
            lambda: store.new_epoch_key(group, 2),
            lambda: store.create_group_key(uuid4()),
            store.rotate_root_key,
            store.check,
        ):
            with pytest.raises(KeyServiceAway):
                refused()
    assert store.holds_keys
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 1
    assert ("sealed" if how == "sealed" else "does not answer") in told[0]
    if how == "stopped":
        own.start()
    own.unseal()
    assert store.group_sealer(other, 1, other_wrapped).epoch == 1
    assert "all is well again" in caplog.text


def test_one_that_stays_away_is_asked_now_and_then_only(bao: Bao, name: str, tmp_path: Path) -> None:
    line = Line(bao.port)
    roots = TransitRootKeys(bao.uri(name, tmp_path, port=line.port))
    assert roots.ids()
    line.break_off()
    with pytest.raises(KeyServiceAway):
        roots.ids()
    line.mend()
    with pytest.raises(KeyServiceAway):  # not asked
        roots.ids()
    roots._service._away_until = 0.0
    assert roots.ids()


def test_connections_that_were_cut_are_made_again(bao: Bao, name: str, tmp_path: Path) -> None:
    line = Line(bao.port)
    roots = TransitRootKeys(bao.uri(name, tmp_path, port=line.port))
    root_id, wrapped = roots.wrap(KEY, here)
    with ThreadPoolExecutor(16) as many:
        for _ in range(3):
            found = [many.submit(roots.unwrap, root_id, wrapped, here) for _ in range(32)]
            assert {one.result() for one in found} == {KEY}
            line.cut()


@pytest.mark.parametrize("fault", [Line.half_open, Line.lose_answers])
def test_silence_is_given_up(
    bao: Bao, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Line], None]
) -> None:
    line = Line(bao.port)
    roots = TransitRootKeys(bao.uri(name, tmp_path, port=line.port))
    root_id, wrapped = roots.wrap(KEY, here)
    # Impatient from here on, with new connections: what is answered on a busy machine may take its time.
    monkeypatch.setattr("vault.service.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("vault.service.REST_SECONDS", 0.0)
    roots._service._idle.clear()
    fault(line)
    with pytest.raises(KeyServiceAway):
        roots.unwrap(root_id, wrapped, here)
    line.mend()
    line.cut()
    monkeypatch.setattr("vault.service.ANSWER_SECONDS", 30.0)
    assert roots.unwrap(root_id, wrapped, here) == KEY


def test_another_key_of_the_same_name_is_not_taken_for_a_changed_value(bao: Bao, name: str, tmp_path: Path) -> None:
    store = KeyStore(roots=TransitRootKeys(bao.uri(name, tmp_path)), folder=tmp_path / "store")
    store.create_group_key(GROUP)
    bao.call("POST", f"transit/keys/{name}/config", deletion_allowed=True)
    bao.call("DELETE", f"transit/keys/{name}")
    with pytest.raises(KeyStoreUnavailable):
        store.check()
    with pytest.raises(KeyStoreUnavailable):  # none is made in place of one that wrapped keys
        store.create_group_key(uuid4())
    first = bao.call("GET", "sys/health")["server_time_utc"]
    while bao.call("GET", "sys/health")["server_time_utc"] == first:
        pass  # keys are told apart by the second of their making
    bao.key(name)
    with pytest.raises(KeyStoreUnavailable):
        store.new_epoch_key(GROUP, 1)


def test_a_key_of_another_kind_is_refused(
    bao: Bao, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bao.call("POST", f"transit/keys/{name}", type="ed25519")
    with pytest.raises(KeyStoreUnavailable):
        TransitRootKeys(bao.uri(name, tmp_path)).wrap(KEY, here)
    assert "no key that seals" in caplog.text


class Forgetful(http.server.BaseHTTPRequestHandler):
    """A service of old times: knows no associated data, and ignores it."""

    target = ""

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words.pop("associated_data", None)
        self._pass_on(json.dumps(words).encode())

    def _pass_on(self, body: bytes | None) -> None:
        asked = urllib.request.Request(self.target + self.path, data=body, method=self.command)
        asked.add_header("X-Vault-Token", self.headers["X-Vault-Token"])
        with urllib.request.urlopen(asked) as answer:
            content = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def forgetful(bao: Bao) -> Iterator[int]:
    handler = type("Handler", (Forgetful,), {"target": bao.origin})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_service_that_binds_nothing_wraps_nothing(
    bao: Bao, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with forgetful(bao) as port:
        roots = TransitRootKeys(bao.uri(name, tmp_path, port=port))
        assert roots.ids()
        with pytest.raises(KeyStoreUnavailable):
            roots.wrap(KEY, here)
    assert "ignores associated data" in caplog.text


class Babbling(http.server.BaseHTTPRequestHandler):
    """Something else at that address: it answers whatever is asked with the same words."""

    words = b""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.words)))
        self.end_headers()
        self.wfile.write(self.words)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"[]",
        b"<html>",
        b"[" * 60_000,
        b'{"auth": "x"}',
        b'{"auth": {"client_token": "\\ud800"}}',
        b" " * 70_000,
    ],
    ids=["nothing", "list", "page", "deep", "word", "half a character", "long"],
)
def test_what_answers_like_no_key_service_is_none(words: bytes, tmp_path: Path) -> None:
    proof = "&".join(f"{one}-file={secret_file(tmp_path / one, 'word')}" for one in ("role-id", "secret-id"))
    handler = type("Handler", (Babbling,), {"words": words})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(KeyStoreUnavailable):
            TransitRootKeys(f"transit:http://127.0.0.1:{server.server_address[1]}/transit/k?{proof}").ids()
        server.shutdown()


class Dripping(Babbling):
    """A service that answers rightly, a byte at a time: all of it, or what follows the headers."""

    words = b'{"data":{"min_decryption_version":1,"keys":{"1":1700000000}}}'
    at_once = 0

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.words)
        at_once = len(answer) * self.at_once
        answer += self.words
        with suppress(OSError):
            for piece in filter(None, (answer[:at_once], *(bytes([one]) for one in answer[at_once:]))):
                self.wfile.write(piece)
                time.sleep(0.01)


class Hesitant(http.server.BaseHTTPRequestHandler):
    """A service that is silent the first time that something is asked, and answers the second time."""

    asked: set[str]
    end: threading.Event

    def do_GET(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path not in self.asked:
            self.asked.add(self.path)
            self.end.wait(300)
            return
        words = Dripping.words if content != b"{}" else b'{"auth": {"lease_duration": 600}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def hesitant(folder: Path) -> Iterator[TransitRootKeys]:
    end = threading.Event()
    handler = type("Handler", (Hesitant,), {"asked": set(), "end": end})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proof = f"token-file={secret_file(folder / 'token', 'word')}"
        try:
            yield TransitRootKeys(f"transit:http://127.0.0.1:{server.server_address[1]}/transit/k?{proof}")
        finally:
            end.set()
            server.shutdown()


def test_all_that_a_question_takes_ends_by_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewing its token and the question, each answered the second time, take longer than one that is not."""
    with hesitant(tmp_path) as roots:
        monkeypatch.setattr("vault.service.ANSWER_SECONDS", 0.5)
        with pytest.raises(KeyServiceAway):
            roots.ids()


def test_who_waits_for_another_to_sign_in_waits_no_longer_than_for_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hesitant(tmp_path) as roots, ThreadPoolExecutor(1) as other:
        monkeypatch.setattr("vault.service.ANSWER_SECONDS", 0.1)
        with roots._service._signing:
            asked = other.submit(roots.ids)
            failure = asked.exception(60)
        assert isinstance(failure, KeyServiceAway)


@pytest.mark.parametrize("at_once", [0, 1])
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_drips_is_waited_for_as_long_as_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: bool, at_once: int
) -> None:
    proof = f"token-file={secret_file(tmp_path / 'token', 'word')}"
    handler = type("Handler", (Dripping,), {"at_once": at_once})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls:
            make_certificate(tmp_path)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            proof += f"&ca-file={tmp_path / 'ca.pem'}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"transit:http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}/transit/k?{proof}"
        # The pause between two bytes is far below this, what they take together far above.
        monkeypatch.setattr("vault.service.ANSWER_SECONDS", 0.3)
        with pytest.raises(KeyServiceAway):
            TransitRootKeys(uri).ids()
        monkeypatch.setattr("vault.service.ANSWER_SECONDS", 60.0)
        assert len(TransitRootKeys(uri).ids()) == 1
        server.shutdown()


def test_of_the_addresses_of_a_name_one_that_answers_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses, refused = socket.getaddrinfo, "127.0.0.2"

    def several(host: str, *words: Any, **named: Any) -> list[Any]:
        names = (refused, "127.0.0.1") if host == "localhost" else (host,)
        return [entry for name in names for entry in addresses(name, *words, **named)]

    proof = f"token-file={secret_file(tmp_path / 'token', 'word')}"
    handler = type("Handler", (Babbling,), {"words": Dripping.words})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("socket.getaddrinfo", several)
        uri = f"transit:http://localhost:{server.server_address[1]}/transit/k?{proof}"
        assert len(TransitRootKeys(uri).ids()) == 1
        refused = "127.0.0.1"
        server.shutdown()
        server.server_close()
        with pytest.raises(KeyServiceAway):
            TransitRootKeys(uri).ids()


def test_a_name_server_that_does_not_answer_is_waited_for_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask, one look at a name is under way; the next after it finds what there is."""
    looks, answers, addresses = [], threading.Event(), socket.getaddrinfo

    def hanging(*words: Any, **named: Any) -> list[Any]:
        if words[0] == "localhost":  # threads of other tests look for other names
            looks.append(words[0])
            answers.wait(300)
        return addresses(*words, **named)

    proof = f"token-file={secret_file(tmp_path / 'token', 'word')}"
    handler = type("Handler", (Babbling,), {"words": Dripping.words})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        roots = TransitRootKeys(f"transit:http://localhost:{server.server_address[1]}/transit/k?{proof}")
        monkeypatch.setattr("socket.getaddrinfo", hanging)
        try:
            with monkeypatch.context() as shorter:
                shorter.setattr("vault.service.ANSWER_SECONDS", 0.1)
                with pytest.raises(KeyServiceAway):
                    roots.ids()
            assert looks == ["localhost"]
        finally:
            answers.set()
        wait_until(lambda: not lookups._under_way, what="the look to end")
        wait_until(lambda: time.monotonic() >= roots._service._away_until, what="the service to be asked again")
        assert len(roots.ids()) == 1
        server.shutdown()


def test_a_namespace_is_asked_in(bao: Bao, name: str, tmp_path: Path) -> None:
    bao.call("POST", f"sys/namespaces/{name}")
    bao.call("POST", "sys/mounts/transit", namespace=name, type="transit")
    bao.call("POST", "transit/keys/k", namespace=name, type="aes256-gcm96")
    policy = 'path "transit/*" {\n  capabilities = ["read", "update"]\n}\n'
    bao.call("POST", "sys/policies/acl/k", namespace=name, policy=policy)
    made = bao.call("POST", "auth/token/create", namespace=name, policies=["k"])
    file = secret_file(tmp_path / "token", made["client_token"])
    uri = f"transit:{bao.origin}/transit/k?token-file={file}&namespace={name}"
    roots = TransitRootKeys(uri)
    assert roots.unwrap(*roots.wrap(KEY, here), here) == KEY
    with pytest.raises(KeyStoreUnavailable):
        TransitRootKeys(uri.partition("&")[0]).ids()


def test_versions_that_the_service_made_by_itself_are_known(bao: Bao, name: str, tmp_path: Path) -> None:
    store = KeyStore(roots=TransitRootKeys(bao.uri(name, tmp_path)), folder=tmp_path / "store")
    opened_group(store)
    bao.call("POST", f"transit/keys/{name}/rotate")
    opened_group(store)
    assert list(store.root_keys().values()) == [1, 1]
    new, count = store.rotate_root_key()
    assert (count, store.root_keys()) == (1, {new: 2})


def test_the_services_backup_brings_the_root_key_back(own: Bao, name: str, tmp_path: Path) -> None:
    uri = own.uri(name, tmp_path)
    store = KeyStore(roots=TransitRootKeys(uri), folder=tmp_path / "store")
    group, wrapped, sealer = opened_group(store)
    sealed = sealer.seal(b"text", PLACE)
    store.rotate_root_key()
    own.stop()
    storage = own.folder / "storage"
    shutil.copytree(storage, tmp_path / "backup")
    shutil.rmtree(storage)
    shutil.copytree(tmp_path / "backup", storage)
    own.start()
    fresh = KeyStore(roots=TransitRootKeys(uri), folder=tmp_path / "store")
    assert fresh.group_sealer(group, 1, wrapped).open(sealed, PLACE) == b"text"


def patiently[Found](act: Callable[[], Found]) -> Found:
    """Do what an agent refuses while its service is away, or slow as on a busy machine."""
    found: list[Found] = []

    def done() -> bool:
        try:
            found.append(act())
        except KeyServiceAway:
            return False
        return True

    wait_until(done)
    return found[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as others")
def test_an_agent_of_another_user_reaches_it(own: Bao, name: str, tmp_path: Path) -> None:
    uri = own.uri(name, tmp_path).replace(str(tmp_path / "token"), "/token")
    user = system_user("cencomm-keys")
    assert user is not None
    place = Path(tempfile.mkdtemp(prefix="cencomm-test-"))  # pytest's folders let nobody else in
    place.chmod(0o755)
    try:
        for given in (own.ca, tmp_path / "token"):
            shutil.copy(given, place / given.name)
            os.chown(place / given.name, user.pw_uid, user.pw_gid)
        (place / "token").chmod(0o600)
        uri = uri.replace("/token", str(place / "token")).replace(str(own.ca), str(place / own.ca.name))
        agent = Agent(tmp_path / "data", CENCOMM_ROOT_KEY_URI=uri)
        agent.start("--user", "cencomm-keys", "--allow", "0")
        try:
            client = agent.client()
            group, other = uuid4(), uuid4()
            for one in (group, other):
                patiently(lambda one=one: client.create_group_key(one))
            wrapped = {one: patiently(lambda one=one: client.new_epoch_key(one, 1)) for one in (group, other)}
            held = patiently(lambda: client.group_sealer(group, 1, wrapped[group]))
            assert client.where == f"the transit key transit/{name} of {own.origin}"
            assert not agent.root_file.exists()
            own.seal()
            assert client.group_sealer(group, 1, wrapped[group]) is held
            with pytest.raises(KeyServiceAway):
                client.group_sealer(other, 1, wrapped[other])
            assert client.holds_keys
            own.unseal()
            assert patiently(lambda: client.group_sealer(other, 1, wrapped[other])).epoch == 1
        finally:
            agent.stop()
        text = agent.log.read_text() + "\n".join(agent.lines())
        assert "key_service_away" in text
        assert (place / "token").read_text().strip() not in text
    finally:
        shutil.rmtree(place)
