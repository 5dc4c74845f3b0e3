"""What goes over the agent's socket: four bytes of length, then one JSON object. Nothing else is parsed.

A question is `{"do": …}` and what that needs; an answer has `refused` (a code) or what was asked for. What must not
live here: what is done about a question.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

LENGTH_BYTES = 4
MAX_FRAME = 64 * 1024
MAX_GROUPS = 512  # in one question which of them are gone
MAX_WRAPPED = 256
MAX_TEXT = 8 * 1024
NO_GROUP = UUID(int=0)
ACTS = {
    "open": ("group", "epoch", "wrapped"),
    "platform": ("make",),
    "new_epoch": ("group", "epoch"),
    "create": ("group",),
    "destroy": ("group",),
    "has": ("group",),
    "gone": ("groups",),
    "signer": ("purpose", "generation", "make"),
    "sign": ("purpose", "generation", "text"),
    "check": (),
    "rotate": (),
    "roots": (),
    "state": (),
}
_PURPOSE = re.compile(r"[a-z][a-z-]{0,39}")


class BadFrame(Exception):
    """What came is no question or answer of this protocol; the connection ends."""


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """A question whose every part has its type and is within its bounds."""

    do: str
    group: UUID = NO_GROUP
    groups: tuple[UUID, ...] = ()
    epoch: int = 0
    generation: int = 0
    wrapped: bytes = b""
    text: str = ""
    purpose: str = ""
    make: bool = False


def packed(document: dict[str, Any]) -> bytes:
    """Return a document as a frame. Raises BadFrame where it is too long."""
    data = json.dumps(document, separators=(",", ":")).encode()
    if len(data) > MAX_FRAME:
        raise BadFrame
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def unpacked(data: bytes) -> dict[str, Any]:
    """Return the document of a frame's content. Raises BadFrame."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise BadFrame from None
    if not isinstance(document, dict):
        raise BadFrame
    return document


def receive(line: socket.socket, *, idle_seconds: float, seconds: float) -> dict[str, Any] | None:
    """Return the next document, None where the other side has ended in order.

    It may begin within `idle_seconds` and must be complete `seconds` later. Raises BadFrame, OSError.
    """
    line.settimeout(idle_seconds)
    first = line.recv(1)
    if not first:
        return None
    until = time.monotonic() + seconds
    return _content(line, first + _exactly(line, LENGTH_BYTES - 1, until), until)


def receive_by(line: socket.socket, until: float) -> dict[str, Any]:
    """Return the next document, complete at `until` on the monotonic clock. Raises BadFrame, OSError."""
    return _content(line, _exactly(line, LENGTH_BYTES, until), until)


def _content(line: socket.socket, head: bytes, until: float) -> dict[str, Any]:
    length = int.from_bytes(head, "big")
    if not 0 < length <= MAX_FRAME:
        raise BadFrame
    return unpacked(_exactly(line, length, until))


def _exactly(line: socket.socket, count: int, until: float) -> bytes:
    found = bytearray()
    while len(found) < count:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        piece = line.recv(count - len(found))
        if not piece:
            raise BadFrame
        found += piece
    return bytes(found)


def question_of(document: dict[str, Any]) -> Question:
    """Return the question that a document asks: exactly what its act needs. Raises BadFrame."""
    do = document.get("do")
    if not isinstance(do, str) or do not in ACTS or set(document) != {"do", *ACTS[do]}:
        raise BadFrame
    return Question(do, **{name: _READERS[name](document[name]) for name in ACTS[do]})


def encoded(data: bytes) -> str:
    """Return bytes as JSON can hold them."""
    return base64.b64encode(data).decode()


def decoded(text: object, *, most: int = MAX_WRAPPED) -> bytes:
    """Return the bytes of `encoded`. Raises BadFrame."""
    if not isinstance(text, str) or len(text) > 2 * most:
        raise BadFrame
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadFrame from None
    if len(data) > most:
        raise BadFrame
    return data


def _group(value: object) -> UUID:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{32}", value):
        raise BadFrame
    return UUID(hex=value)


def _groups(value: object) -> tuple[UUID, ...]:
    if not isinstance(value, list) or len(value) > MAX_GROUPS:
        raise BadFrame
    return tuple(map(_group, value))


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise BadFrame
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.replace("\n", "").isprintable():
        raise BadFrame
    return value


def _purpose(value: object) -> str:
    if not isinstance(value, str) or not _PURPOSE.fullmatch(value):
        raise BadFrame
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadFrame
    return value


_READERS: dict[str, Any] = {
    "group": _group,
    "groups": _groups,
    "epoch": _number,
    "generation": _number,
    "wrapped": decoded,
    "text": _text,
    "purpose": _purpose,
    "make": _flag,
}
