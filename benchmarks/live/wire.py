"""The load client: raw protocols on uvloop that count arrivals without parsing what need not be parsed.

Every message carries MARK once, at its end; the k-th mark that a member sees is the k-th message of the group, and
a message is delivered when the last member has it. A frame's mask is zero, so that sending costs a copy.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import struct
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

MARK = b"~#k#~"
MARK_BEGINS = MARK[0]
OUR_ITEMS = re.compile(
    rb'"op": ?"acknowledged", ?"message": ?"(?P<answered>[0-9a-f-]{36})"'
    rb'|"message": ?\{"id": ?"(?P<message>[0-9a-f-]{36})".*?' + re.escape(MARK),
    re.DOTALL,
)
PEER_ITEMS = re.compile(
    rb'\{"acknowledged":(?P<answered>\d+)\}|\{"id":(?P<message>\d+),"message":.*?' + re.escape(MARK), re.DOTALL
)
CAUGHT_UP = re.compile(rb'"caught_up".*?"head":(\d+),"epoch":"([^"]+)"')
PING = b"\x89\x04"  # with the four bytes that uvicorn and daphne let it carry
PONG = b"\x8a\x84\0\0\0\0"
TEXT = ("The lantern is lit over quiet water. " * 9)[: 300 - len(MARK)] + MARK.decode()


class Swarm:
    """The members of one group, and how many of them have each message."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.arrived: list[int] = []
        self.complete = 0
        self.lost = 0  # sockets that the server closed
        self.completed_at: list[float] = []
        self.on_complete: Callable[[], None] | None = None

    def saw(self, before: int, now: int) -> None:
        """A member's count went from `before` to `now`."""
        arrived = self.arrived
        if now == before + 1 and before < len(arrived) and arrived[before] + 1 < self.size:
            arrived[before] += 1  # by far the most
            return
        while len(arrived) < now:
            arrived.append(0)
        done = 0
        for number in range(before, now):
            arrived[number] += 1
            if arrived[number] == self.size:
                done += 1
        if done:
            at = time.perf_counter()
            self.complete += done
            for _ in range(done):
                self.completed_at.append(at)
                if self.on_complete is not None:
                    self.on_complete()


class Member(asyncio.Protocol):
    """One connected member, whatever the protocol. `ready` once it gets what is sent from now on."""

    def __init__(self, swarm: Swarm) -> None:
        self.swarm = swarm
        self.count = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: Any = None
        self.buffer = b""
        self.lost = self.left = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.swarm.lost += not self.left
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("refused"))

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            self.buffer += data
            self.prepare()
            return
        self.scan(data)

    def scan(self, data: bytes) -> None:
        """Count the marks; one may be cut by the end of what came. Its first byte is sought: that is quick."""
        if self.buffer:
            data, self.buffer = self.buffer + data, b""
        found, at = 0, data.find(MARK_BEGINS)
        while at >= 0:
            if data[at : at + len(MARK)] == MARK:
                found += 1
                at += len(MARK)
            elif len(data) - at < len(MARK) and MARK.startswith(data[at:]):
                self.buffer = data[at:]
                break
            else:
                at += 1
            at = data.find(MARK_BEGINS, at)
        if found:
            before = self.count
            self.count = before + found
            self.swarm.saw(before, self.count)

    def leave(self) -> None:
        """Disconnect, meaning it."""
        self.left = True
        self.transport.abort()

    def become_ready(self) -> None:
        """From here on everything counts."""
        self.buffer = b""
        if not self.ready.done():
            self.ready.set_result(None)

    def greet(self) -> None:
        """Say what comes first."""

    def prepare(self) -> None:
        """Look at what came before this member is ready."""

    def post(self) -> None:
        """Send one message."""


def text_frame(payload: bytes) -> bytes:
    """Return a client's text frame, masked with zeros."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x81, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


class SocketMember(Member):
    """A WebSocket that is ready as soon as it is open: the peers."""

    path = "/"
    headers: tuple[str, ...] = ()

    def __init__(self, swarm: Swarm, path: str = "") -> None:
        super().__init__(swarm)
        self.path = path or self.path

    def greet(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *self.headers, "", "",
        ]  # fmt: skip
        self.transport.write("\r\n".join(lines).encode())

    def prepare(self) -> None:
        if b"\r\n\r\n" not in self.buffer:
            return
        if b" 101 " not in self.buffer[:20]:
            self.ready.set_exception(ConnectionError(self.buffer[:40].decode("latin-1")))
            return
        self.opened()

    def opened(self) -> None:
        """The handshake is done."""
        self.become_ready()

    def data_received(self, data: bytes) -> None:
        at = data.find(PING[0])
        while at >= 0 and data[at : at + len(PING)] != PING:
            at = data.find(PING[0], at + 1)
        if at >= 0:  # two bytes that no text holds: its control characters are escaped
            self.transport.write(PONG + data[at + len(PING) : at + len(PING) + 4])
        super().data_received(data)

    def post(self) -> None:
        self.transport.write(text_frame(json.dumps({"message": TEXT}).encode()))


class OurMember(SocketMember):
    """A member of a group of ours: follows it, and posts over its socket. It signs in with a token or a session."""

    path = "/ws/v1"

    def __init__(self, swarm: Swarm, group: str, credential: str, cursor: Mapping[str, Any] | None = None) -> None:
        super().__init__(swarm)
        self.group = group
        self.cursor = cursor or {}
        self.headers = (*_signed_in_by(credential), "Sec-WebSocket-Protocol: cencomm.v1")
        self._follows = False
        self.refused = 0

    def opened(self) -> None:
        if not self._follows:
            self._follows = True
            follow = {"op": "follow", "groups": {self.group: self.cursor}}
            self.transport.write(text_frame(json.dumps(follow).encode()))
        found = CAUGHT_UP.search(self.buffer)
        if found:
            self.cursor = {"after": int(found[1]), "epoch": found[2].decode()}
            self.become_ready()

    def scan(self, data: bytes) -> None:
        before = self.count
        super().scan(data)
        if self.count == before and b'"refused"' in data:
            self.refused += 1

    def post(self) -> None:
        self.transport.write(
            text_frame(b'{"op":"post","group":"%b","message":%b}' % (self.group.encode(), _note()))
        )


def _note(*, acknowledge: bool = False) -> bytes:
    return json.dumps(
        {"id": str(uuid4()), "kind": "note", "body": {"text": TEXT}}
        | ({"acknowledge": True} if acknowledge else {})
    ).encode()


def _signed_in_by(credential: str) -> tuple[str, ...]:
    if credential.startswith("cen_"):
        return (f"Authorization: Bearer {credential}",)
    from django.conf import settings

    return (f"Cookie: {settings.SESSION_COOKIE_NAME}={credential}", "Origin: http://127.0.0.1")


class Asking(Member):
    """A member whose messages ask for receipts. Members give them in turn, one for each message.

    For who gives the receipt, the message counts as arrived when his receipt has been answered.
    """

    number: int
    items: re.Pattern[bytes]  # `message`: the id of one that came; `answered`: of one whose receipt was taken
    begins: bytes  # how each of them begins, at the latest

    def ask_in_turn(self, number: int) -> None:
        """Give the receipt of each message whose turn is this member's: its number in the group."""
        self.number = number
        self.receipts = 0
        self._awaited: dict[bytes, int] = {}

    def turn(self, message: bytes, at: int) -> int:
        """Return whose turn it is, from the message or from where it stands: the same for every member."""
        return at

    def acknowledge(self, messages: Sequence[bytes]) -> None:
        """Send the receipts of these messages."""
        raise NotImplementedError

    def scan(self, data: bytes) -> None:
        data = self.buffer + data
        end, mine = 0, []
        for found in self.items.finditer(data):
            end = found.end()
            if found["message"] is None:
                at = self._awaited.pop(found["answered"], None)
                if at is not None:
                    self.receipts += 1
                    self.swarm.saw(at, at + 1)
                continue
            at = self.count
            self.count += 1
            if self.turn(found["message"], at) % self.swarm.size == self.number:
                self._awaited[found["message"]] = at
                mine.append(found["message"])
            else:
                self.swarm.saw(at, at + 1)
        if mine:
            self.acknowledge(mine)
        begun = data.rfind(self.begins, end)
        self.buffer = data[begun:] if begun >= 0 else data[max(end, len(data) - len(self.begins)) :]


class AskingMember(Asking, OurMember):
    """A member of ours that asks and gives."""

    items, begins = OUR_ITEMS, b'{"op"'

    def __init__(self, swarm: Swarm, group: str, credential: str, number: int) -> None:
        super().__init__(swarm, group, credential)
        self.ask_in_turn(number)

    def post(self) -> None:
        note = _note(acknowledge=True)
        self.transport.write(text_frame(b'{"op":"post","group":"%b","message":%b}' % (self.group.encode(), note)))

    def acknowledge(self, messages: Sequence[bytes]) -> None:
        said = b'{"op":"acknowledge","group":"%b","message":"%%b"}' % self.group.encode()
        items = b",".join(said % one for one in messages)
        self.transport.write(text_frame(b"[%b]" % items))


class AskingSocketMember(Asking, SocketMember):
    """A member of a peer that is spoken to by WebSocket; its processes may tell things in different orders."""

    items, begins = PEER_ITEMS, b'{"'

    def __init__(self, swarm: Swarm, path: str, number: int) -> None:
        super().__init__(swarm, f"{path}?{number}")
        self.ask_in_turn(number)

    def turn(self, message: bytes, at: int) -> int:
        return zlib.crc32(message)

    def acknowledge(self, messages: Sequence[bytes]) -> None:
        for one in messages:
            self.transport.write(text_frame(b'{"acknowledge":%b}' % one))


async def connected(port: int, factory: Callable[[], Member]) -> Member:
    """Connect one member and wait until it is ready."""
    _transport, member = await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
    await asyncio.wait_for(member.ready, 60)
    return member
