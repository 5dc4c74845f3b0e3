"""A key service, OpenBao or HashiCorp Vault, over HTTP: where it is, as whom it is asked, how long and how often.

What must not live here: what is asked of it (`vault.transit`); a token in an address, an environment variable, a
log or an exception.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from vault.errors import KeyServiceAway, KeyStoreUnavailable
from vault.lookups import addresses_of

logger = logging.getLogger("cencomm.vault")
ANSWER_SECONDS = 1.5  # for a connection and the whole answer
TRIES = 2
PAUSE_SECONDS = 0.1
REST_SECONDS = 1.0  # one that stays away is asked again after so long
LINES = 8  # connections of one process
MAX_ANSWER = 64 * 1024
UNKNOWN_LEASE_SECONDS = 600.0  # so often a token is renewed that does not say how long it lives
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_SECRET = re.compile(rb"[!-~]{1,4096}")
_ASKED_LATER = {412, 429, 472, 473}  # and 5xx: a standby, too many questions, sealed, starting
_SETTINGS = {"ca-file", "token-file", "role-id-file", "secret-id-file", "login", "namespace"}


class ServiceRefused(Exception):
    """The service answered, and with a refusal: its HTTP status and nothing of its words."""

    def __init__(self, answered: int) -> None:
        super().__init__(str(answered))
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Address:
    """Where a key of the service lies, and which files prove who asks. No secret is in it."""

    host: str
    port: int
    mount: str
    key: str
    ca_file: Path | None
    token_file: Path | None
    role_file: Path | None
    secret_file: Path | None
    login: str
    namespace: str

    @classmethod
    def of(cls, uri: str) -> Address:
        """Read `transit:https://HOST:PORT/MOUNT/KEY?…`. Raises ValueError, which says what is wrong with it."""
        found = urlsplit(uri.removeprefix("transit:"))
        asked = dict(parse_qsl(found.query, keep_blank_values=True))
        host, parts = found.hostname or "", found.path.strip("/").split("/")
        files = {name: Path(value) for name, value in asked.items() if name.endswith("-file")}
        by_token, by_role = "token-file" in files, {"role-id-file", "secret-id-file"} <= set(files)
        login, namespace = asked.get("login", "auth/approle"), asked.get("namespace", "")
        for holds, rule in (
            (found.scheme in {"http", "https"} and host, "it begins transit:https://HOST:PORT/MOUNT/KEY"),
            (not (found.username or found.password or found.fragment), "it holds no name, password or fragment"),
            (found.scheme == "https" or host in _LOOPBACK, "without TLS (http:) only this machine can be asked"),
            (found.scheme == "http" or "ca-file" in files, "https: needs ca-file"),
            (len(parts) > 1 and all(map(_PART.fullmatch, parts)), "its path is /MOUNT/KEY"),
            (set(asked) <= _SETTINGS, f"it may hold {', '.join(sorted(_SETTINGS))}"),
            (by_token != by_role, "it needs token-file, or role-id-file and secret-id-file"),
            (all(path.is_absolute() for path in files.values()), "its files are named from the root (/…)"),
            (all(map(_PART.fullmatch, login.split("/"))), "login is a path as auth/approle"),
            (not namespace or all(map(_PART.fullmatch, namespace.split("/"))), "namespace is a path"),
        ):
            if not holds:
                message = f"this is no address of a transit key: {rule}"
                raise ValueError(message)
        host.encode("idna")  # loads what is needed to find it: later another user may not be able to
        return cls(
            host=host,
            port=found.port or 8200,
            mount="/".join(parts[:-1]),
            key=parts[-1],
            ca_file=files.get("ca-file") if found.scheme == "https" else None,
            token_file=files.get("token-file"),
            role_file=files.get("role-id-file"),
            secret_file=files.get("secret-id-file"),
            login=login,
            namespace=namespace,
        )

    @property
    def origin(self) -> str:
        """The service as people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.ca_file else 'http'}://{host}:{self.port}"


class KeyService:
    """Asks one service, from any thread of any process. Signs in at first use, renews its token, signs in again."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._told = ""
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._idle: list[_Line] = []
        self._slots = threading.BoundedSemaphore(LINES)
        self._signing = threading.Lock()
        self._token, self._renew_at = "", 0.0
        self._away_until = 0.0

    def ask(self, method: str, path: str, **words: Any) -> dict[str, Any]:
        """Return the answer's `data`. Raises ServiceRefused, KeyServiceAway, KeyStoreUnavailable.

        Every question may be asked twice: one whose answer was lost is asked again.
        """
        if self._process != os.getpid():
            self._begin()  # after a fork the parent's connections are the parent's
        # All that it takes, signing in included, together: less than the agent's clients wait.
        until = time.monotonic() + TRIES * ANSWER_SECONDS + PAUSE_SECONDS
        token = self._current_token(until)
        status, answer = self._answered(method, path, words, token, until)
        if status == 403 and self._address.role_file:  # the token may have been ended over there
            token = self._current_token(until, doubted=True)
            status, answer = self._answered(method, path, words, token, until)
        if status >= 300:
            raise ServiceRefused(status)
        self.tell("")
        data = answer.get("data")
        return data if isinstance(data, dict) else {}

    def tell(self, trouble: str) -> None:
        """Write down what is wrong, once; "" when all is well again."""
        if trouble != self._told:
            self._told = trouble
            if trouble:
                logger.error("the key service %s: %s", self._address.origin, trouble)
            else:
                logger.warning("the key service %s: all is well again", self._address.origin)

    def _current_token(self, until: float, *, doubted: bool = False) -> str:
        """Return the token to ask with: from its file, or by signing in; renewed when half of its life is over."""
        address, signing = self._address, self._signing
        if not signing.acquire(timeout=max(0.0, until - time.monotonic())):
            raise KeyServiceAway
        try:
            token = self._secret(address.token_file) if address.token_file else self._token
            if token and token == self._token and not doubted and time.monotonic() < self._renew_at:
                return token
            lease = self._renewed(token, until) if token else None
            if lease is None and address.role_file and address.secret_file:
                token, lease = self._signed_in(address.role_file, address.secret_file, until)
            self._renew_at = time.monotonic() + (max(lease / 2, 1.0) if lease else UNKNOWN_LEASE_SECONDS)
            self._token = token
            return token
        finally:
            signing.release()

    def _renewed(self, token: str, until: float) -> float | None:
        """Have a token live on; return for how many seconds, None where it cannot be renewed."""
        status, answer = self._answered("POST", "auth/token/renew-self", {}, token, until)
        return _lease(answer) if status < 300 else None

    def _signed_in(self, role_file: Path, secret_file: Path, until: float) -> tuple[str, float | None]:
        words = {"role_id": self._secret(role_file), "secret_id": self._secret(secret_file)}
        status, answer = self._answered("POST", f"{self._address.login}/login", words, "", until)
        found = answer.get("auth")
        token = found.get("client_token") if isinstance(found, dict) else None
        right = isinstance(token, str) and token.isascii() and _SECRET.fullmatch(token.encode())
        if status >= 300 or not right:
            self.tell(f"it does not let this role in ({status})")
            raise KeyStoreUnavailable
        return str(token), _lease(answer)

    def _secret(self, path: Path) -> str:
        """Return what a file for its owner alone holds. Raises KeyStoreUnavailable."""
        trouble = ""
        try:
            with path.open("rb") as handle:
                if stat.S_IMODE(os.fstat(handle.fileno()).st_mode) & 0o077:
                    trouble = f"others than its owner can use {path}: chmod 600, and replace what it holds"
                content = handle.read(4200).strip()
        except OSError as error:
            trouble = f"{path} cannot be read: {error.strerror}"
        if not trouble and not _SECRET.fullmatch(content):
            trouble = f"{path} does not hold one word"
        if trouble:
            self.tell(trouble)
            raise KeyStoreUnavailable
        return content.decode()

    def _answered(
        self, method: str, path: str, words: dict[str, Any], token: str, until: float
    ) -> tuple[int, dict[str, Any]]:
        """Return status and document of an answer that is one, and came in time. Raises KeyServiceAway."""
        if time.monotonic() < self._away_until:
            raise KeyServiceAway
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            try:
                status, answer = self._exchanged(method, path, words, token, until)
            except (OSError, HTTPException, ValueError, RecursionError) as error:
                trouble = f"it does not answer ({type(error).__name__})"
                continue
            if status < 500 and status not in _ASKED_LATER:
                return status, answer
            trouble = f"it cannot work now ({status}{', sealed or starting' if status == 503 else ''})"
        self._away_until = time.monotonic() + REST_SECONDS
        self.tell(trouble)
        raise KeyServiceAway

    def _exchanged(
        self, method: str, path: str, words: dict[str, Any], token: str, until: float
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json", "X-Vault-Request": "true"}
        headers |= {"X-Vault-Token": token} if token else {}
        headers |= {"X-Vault-Namespace": self._address.namespace} if self._address.namespace else {}
        with self._line(min(until, time.monotonic() + ANSWER_SECONDS)) as line:
            line.request(method, f"/v1/{path}", json.dumps(words) if method == "POST" else None, headers)
            answer = line.getresponse()
            content = answer.read(MAX_ANSWER + 1)
            if len(content) > MAX_ANSWER:
                raise HTTPException
            document = json.loads(content) if content else {}
            if not isinstance(document, dict):
                raise HTTPException
            return answer.status, document

    @contextmanager
    def _line(self, until: float) -> Iterator[_Line]:
        slots, idle = self._slots, self._idle
        if not slots.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError
        try:
            line = idle.pop() if idle else _Line(self._address)
            try:
                line.end_by(until)
                yield line
            except BaseException:
                line.close()
                idle.clear()  # what one found closed the others are, too
                raise
            idle.append(line)
        finally:
            slots.release()

    def __repr__(self) -> str:
        return f"<KeyService {self._address.origin}>"


class _Line(HTTPConnection):
    """A connection on which a whole exchange ends by one moment, however slowly the other side drips its bytes."""

    def __init__(self, address: Address) -> None:
        super().__init__(address.host, address.port)
        self._ca_file = address.ca_file
        self._until = 0.0

    def end_by(self, until: float) -> None:
        """Have the next exchange end by then, on the monotonic clock. Raises TimeoutError where that is over."""
        self._until = until
        if self.sock is not None:
            self.sock.settimeout(self.left())

    def left(self) -> float:
        """Return how many seconds are left. Raises TimeoutError where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect(self) -> None:
        """Connect to the first address that answers within its share of the time; with TLS, see who that is."""
        places = addresses_of(self.host, self.port, seconds=self.left())
        while places:
            seconds = self.left() / len(places)
            try:
                self.sock = socket.create_connection((places.pop(0), self.port), seconds)
                break
            except OSError:
                if not places:
                    raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(self.left())
        if self._ca_file is not None:
            context = ssl.create_default_context(cafile=str(self._ca_file))
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
            self.sock.settimeout(self.left())

    def response_class(self, sock: socket.socket, *given: Any, **named: Any) -> HTTPResponse:  # type: ignore[override]
        """Return what reads an answer, each piece of it within what is left."""
        answer = HTTPResponse(sock, *given, **named)
        answer.fp.close()
        answer.fp = io.BufferedReader(_Pieces(self, sock))
        return answer


class _Pieces(io.RawIOBase):
    """What comes over a connection, each piece waited for no longer than the whole may last."""

    def __init__(self, line: _Line, sock: socket.socket) -> None:
        self._line, self._sock = line, sock
        self._file = sock.makefile("rb", buffering=0)  # the connection stays while this is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._line.left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _lease(answer: dict[str, Any]) -> float | None:
    found = answer.get("auth")
    seconds = found.get("lease_duration") if isinstance(found, dict) else None
    return float(seconds) if isinstance(seconds, int) else None
