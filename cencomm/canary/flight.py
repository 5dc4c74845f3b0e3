"""One flight: connect a socket and follow, send over the API, hear it over the socket, read it back, compare.

With several web processes the API and the socket are mostly answered by different ones, so a wake-up between them
is part of the flight. What is read back was sealed, stored and opened. What must not live here: what came of
earlier flights (`record`).
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from cencomm.models import Canary

FLIGHT_SECONDS = 30.0
ARRIVAL_SECONDS = 10.0  # later is not live: a heartbeat found it, no wake-up did
SIGNED_OUT = 4401
RESTART = 1012

Outcome = Canary.Outcome


class Lost(Exception):
    """The flight ended; `outcome` says where."""

    def __init__(self, outcome: Canary.Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class Moved(Lost):
    """The process that held the socket leaves, and asks everybody to come back: another takes over."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Door:
    """Where the product is entered, and as whom."""

    url: str
    token: str
    host: str = ""  # the name that the product goes by, where the address is another

    def socket(self, *, seconds: float) -> ClientConnection:
        """Open the live stream."""
        parts = urlsplit(self.url)
        return connect(
            f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws/v1",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            subprotocols=["cencomm.v1"],  # type: ignore[list-item]
            compression=None,
            open_timeout=seconds,
            close_timeout=1,
            proxy=None,
        )

    def ask(self, method: str, path: str, body: Any = None, *, seconds: float) -> tuple[int, Any]:
        """Ask the API; return status and JSON."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=seconds)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if self.host:
            headers["Host"] = self.host
        try:
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read(256 * 1024))
        finally:
            connection.close()


def fly(door: Door, *, group: UUID, after: int, epoch: UUID) -> float:
    """Send one message and see it arrive; return the seconds from sending to hearing it. Raises Lost."""
    end = time.monotonic() + FLIGHT_SECONDS
    try:
        socket = door.socket(seconds=_left(end))
    except (OSError, InvalidHandshake, WebSocketException, TimeoutError) as error:
        raise Lost(Outcome.NO_DOOR) from error
    with socket:
        heard = _Listener(socket)
        heard.until(lambda item: item["op"] == "hello", end, otherwise=Outcome.NO_DOOR)
        position = {"epoch": str(epoch), "after": after}
        socket.send(json.dumps({"op": "follow", "groups": {str(group): position}}))
        answer = heard.until(lambda item: item["op"] in {"caught_up", "restart"}, end, otherwise=Outcome.NOT_HEARD)
        if answer["op"] == "restart":  # the group's history was renewed since it was looked at
            socket.send(json.dumps({"op": "follow", "groups": {str(group): {}}}))
            heard.until(lambda item: item["op"] == "caught_up", end, otherwise=Outcome.NOT_HEARD)
        message_id, text = uuid4(), f"canary {secrets.token_hex(16)}"
        began = time.monotonic()
        _send(door, group, message_id, text, end)
        arrived = heard.until(
            lambda item: item["op"] == "event" and item["event"].get("message", {}).get("id") == str(message_id),
            min(end, began + ARRIVAL_SECONDS),
            otherwise=Outcome.NOT_HEARD,
        )
        seconds = time.monotonic() - began
    if _text(arrived["event"]["message"]) != text:
        raise Lost(Outcome.NOT_WHOLE)
    _read_back(door, message_id, text, end)
    return seconds


class _Listener:
    """What came over the socket so far and was not asked for yet."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._items: list[dict[str, Any]] = []

    def until(
        self, wanted: Callable[[dict[str, Any]], bool], end: float, *, otherwise: Canary.Outcome
    ) -> dict[str, Any]:
        """Return the next item that is wanted."""
        while True:
            while self._items:
                item = self._items.pop(0)
                if wanted(item):
                    return item
                if item["op"] == "refused":
                    raise Lost(otherwise)
            try:
                self._items = json.loads(self._socket.recv(_left(end)))
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else None
                if code == RESTART:
                    raise Moved(otherwise) from closed
                raise Lost(Outcome.NOT_LET_IN if code == SIGNED_OUT else otherwise) from closed
            except (OSError, TimeoutError, ValueError) as error:
                raise Lost(otherwise) from error


def _send(door: Door, group: UUID, message_id: UUID, text: str, end: float) -> None:
    message = {"id": str(message_id), "kind": "note", "body": {"text": text}}
    status = _asked(door, "POST", f"/groups/{group}/messages", message, end)[0]
    if status in {401, 403}:
        raise Lost(Outcome.NOT_LET_IN)
    if status != 201:
        raise Lost(Outcome.NOT_TAKEN)


def _read_back(door: Door, message_id: UUID, text: str, end: float) -> None:
    status, answer = _asked(door, "GET", f"/messages/{message_id}", None, end)
    if status != 200 or _text(answer) != text:
        raise Lost(Outcome.NOT_WHOLE)


def _asked(door: Door, method: str, path: str, body: Any, end: float) -> tuple[int, Any]:
    try:
        return door.ask(method, path, body, seconds=_left(end))
    except (OSError, http.client.HTTPException) as error:
        raise Lost(Outcome.NO_DOOR) from error
    except ValueError as error:  # an answer that is no JSON
        raise Lost(Outcome.NOT_TAKEN) from error


def _text(message: Any) -> object:
    body = message.get("body") if isinstance(message, dict) else None
    return body.get("text") if isinstance(body, dict) else None


def _left(end: float) -> float:
    return max(0.01, end - time.monotonic())
