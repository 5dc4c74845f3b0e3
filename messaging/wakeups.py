"""Wake-ups: "group X has moved to number N", told to every server process after each commit. Never content.

One interface, two carriers: memory for one process, Redis for several. A wake-up may be lost; the heartbeat, which
compares head numbers, heals that. What must not live here: who receives what (`hub`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings

from messaging.measures import measures

logger = logging.getLogger("cencomm.messaging")
CHANNEL = "cencomm:wake"
_QUIET_SECONDS = 1.0  # after a failure nobody who posts waits for Redis again within this time
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class GroupMoved:
    """A group's stream has reached `head`; `at`: when that was committed, for measuring only (0: not told)."""

    group_id: UUID
    head: int
    at: float = field(default=0.0, compare=False)


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


def encode(wake: Wake) -> bytes:
    """Return a wake-up as the bytes that travel: identifiers and a number."""
    if isinstance(wake, GroupMoved):
        return f"g {wake.group_id.hex} {wake.head}{f' {wake.at:.6f}' if wake.at else ''}".encode()
    if isinstance(wake, Revoked):
        parts = (wake.officer_id, wake.session_id, wake.token_id)
        return " ".join(["r", *(part.hex if part else "-" for part in parts)]).encode()
    return b"s"


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


class RedisWakeUps:
    """Wake-ups between processes. What is published here reaches this process directly and the others by Redis."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = MemoryWakeUps()
        # Redis's client brings its own lock and notices a fork.
        self._redis: Any = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._quiet_until = 0.0

    def publish(self, wake: Wake) -> None:
        self._local.publish(wake)
        if time.monotonic() < self._quiet_until:
            measures.wakeups_unpublished += 1
            return
        try:
            self._redis.publish(CHANNEL, encode(wake))
        except redis.RedisError:
            measures.wakeups_unpublished += 1
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            logger.warning("redis does not answer: other processes learn of new messages by their heartbeat")

    def subscribe(self, deliver: Deliver) -> Subscription:
        return _RedisListener(self._local.subscribe(deliver), self._url, deliver)


class _RedisListener:
    """Listens to Redis on the running loop, comes back after every failure, and then says that it missed some."""

    def __init__(self, local: Subscription, url: str, deliver: Deliver) -> None:
        self._local = local
        self._url = url
        self._deliver = deliver
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._local.close()

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with (
                    redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=2) as client,
                    client.pubsub(ignore_subscribe_messages=False) as pubsub,
                ):
                    await pubsub.subscribe(CHANNEL)
                    async for item in pubsub.listen():
                        failures = 0
                        self._deliver(decode(item["data"]) if item["type"] == "message" else Resync())
            except (redis.RedisError, OSError):
                logger.warning("the connection to redis was lost: trying again")
            await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
            failures += 1


@cache
def _wake_ups(url: str) -> WakeUps:
    return RedisWakeUps(url) if url else MemoryWakeUps()


def wake_ups() -> WakeUps:
    """Return this process's carrier: Redis when REDIS_URL is set, memory otherwise."""
    return _wake_ups(settings.REDIS_URL)


def tell_revoked(officer_id: UUID | None, session_id: UUID | None, token_id: UUID | None) -> None:
    """Tell every process that a session, a token or an officer's access has ended: a listener of accounts."""
    wake_ups().publish(Revoked(officer_id, session_id, token_id))
