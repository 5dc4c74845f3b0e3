"""Wake-ups: "group X has moved to number N", told to every server process after each commit. Never content.

One interface, two carriers: memory for one process, Redis for several. A wake-up may be lost; the heartbeat, which
compares head numbers, heals that. What must not live here: who receives what (`hub`), how Redis
is spoken to (`redis_wakeups`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol
from uuid import UUID

from django.conf import settings

from messaging.history import note_moved
from messaging.measures import measures

FLUSH_SECONDS = 2.0  # so long the end of a process waits until its wake-ups were told


@dataclass(frozen=True, slots=True)
class GroupMoved:
    """A group's stream has reached `head`.

    For measuring only: `at`, when that was committed (0: not told), and `own`, whether this process says it to
    itself while others tell and are told from elsewhere.
    """

    group_id: UUID
    head: int
    at: float = field(default=0.0, compare=False)
    own: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Revoked:
    """An officer's session, or token, or (neither given) everything of the officer has ended."""

    officer_id: UUID | None
    session_id: UUID | None = None
    token_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Resync:
    """Wake-ups may have been missed: compare every head now."""


type Wake = GroupMoved | Revoked | Resync
type Deliver = Callable[[Wake], None]


class Subscription(Protocol):
    """What a listener holds; closing it ends the listening."""

    async def close(self) -> None: ...


class WakeUps(Protocol):
    """The carrier of wake-ups."""

    def publish(self, wake: Wake) -> None:
        """Tell every listener, from any thread, without waiting for them. Never raises."""

    def subscribe(self, deliver: Deliver) -> Subscription:
        """Call `deliver` on the running loop for each wake-up from now on."""

    def flush(self, seconds: float) -> bool:
        """Wait until everything was told; False when it was not within the time."""


def encode(wake: Wake) -> bytes:
    """Return a wake-up as the bytes that travel: identifiers and a number."""
    if isinstance(wake, GroupMoved):
        return f"g {wake.group_id.hex} {wake.head}{f' {wake.at:.6f}' if wake.at else ''}".encode()
    if isinstance(wake, Revoked):
        parts = (wake.officer_id, wake.session_id, wake.token_id)
        return " ".join(["r", *(part.hex if part else "-" for part in parts)]).encode()
    return b"s"


def encode_all(wakes: Iterable[Wake]) -> bytes:
    """Return several wake-ups as one message."""
    return b"\n".join(map(encode, wakes))


def decode_all(data: bytes) -> list[Wake]:
    """Return what `encode_all` gave; anything else makes the listener look for itself."""
    return [decode(part) for part in data.split(b"\n")]


def decode(data: bytes) -> Wake:
    """Return what `encode` gave; anything else makes the listener look for itself."""
    try:
        match data.decode().split(" "):
            case ["g", group_id, head]:
                return GroupMoved(UUID(hex=group_id), int(head))
            case ["g", group_id, head, at]:
                return GroupMoved(UUID(hex=group_id), int(head), float(at))
            case ["r", officer, session, token]:
                return Revoked(*(None if part == "-" else UUID(hex=part) for part in (officer, session, token)))
    except (ValueError, TypeError):
        pass
    return Resync()


class MemoryWakeUps:
    """Wake-ups within one process, from any thread to any running loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []

    def publish(self, wake: Wake) -> None:
        measures.wakeups_published += 1
        if isinstance(wake, GroupMoved):
            note_moved(wake.group_id, wake.head)
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener.loop.call_soon_threadsafe(listener.deliver, wake)
            except RuntimeError:  # its loop is closed: nobody listens there any more
                self._remove(listener)

    def subscribe(self, deliver: Deliver) -> Subscription:
        listener = _Listener(asyncio.get_running_loop(), deliver, self._remove)
        with self._lock:
            self._listeners.append(listener)
        return listener

    def flush(self, seconds: float) -> bool:
        return True

    def _remove(self, listener: _Listener) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._listeners.remove(listener)


@dataclass(eq=False, slots=True)
class _Listener:
    loop: asyncio.AbstractEventLoop
    deliver: Deliver
    remove: Callable[[_Listener], None]

    async def close(self) -> None:
        self.remove(self)


@cache
def _wake_ups(url: str) -> WakeUps:
    if not url:
        return MemoryWakeUps()
    from messaging.redis_wakeups import RedisWakeUps

    return RedisWakeUps(url)


def wake_ups() -> WakeUps:
    """Return this process's carrier: Redis when REDIS_URL is set, memory otherwise."""
    return _wake_ups(settings.REDIS_URL)


def tell_revoked(officer_id: UUID | None, session_id: UUID | None, token_id: UUID | None) -> None:
    """Tell every process that a session, a token or an officer's access has ended: a listener of accounts."""
    wake_ups().publish(Revoked(officer_id, session_id, token_id))
