"""Wake-ups between processes by Redis: one server, Sentinels, or a cluster with sharded channels.

What is published here reaches this process at once; for the others a thread of its own tells Redis, so that nobody
who posts waits for it, and what Redis did not take is told again as long as it is true. What must not live here:
where Redis is (`redis_places`), what a wake-up means (`wakeups`, `delivery.hub`).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from itertools import batched
from typing import Any
from uuid import UUID
from zlib import crc32

from messaging.history import hear_moved
from messaging.measures import measures
from messaging.redis_places import ANSWER_SECONDS, FAILURES, Node, RedisPlace, place_of
from messaging.wakeups import (
    FLUSH_SECONDS,
    Deliver,
    GroupMoved,
    MemoryWakeUps,
    Resync,
    Subscription,
    Wake,
    decode_all,
    encode_all,
)

logger = logging.getLogger("cencomm.messaging")
CHANNEL = "cencomm:wake"
JOINED = 256  # wake-ups that travel in one message
MAX_WAITING = 10_000  # wake-ups that Redis did not take; past it listeners are told to look at everything
LOOK_SECONDS = 5.0  # how often the place of a master is asked again, and a silent connection is tried
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class RedisWakeUps:
    """Wake-ups between processes. What is published here reaches this process directly and the others by Redis."""

    def __init__(self, url: str) -> None:
        self._place = place_of(url)
        self._local = MemoryWakeUps()
        self._teller = Teller(self._place)

    def publish(self, wake: Wake) -> None:
        self._local.publish(replace(wake, own=True) if isinstance(wake, GroupMoved) else wake)
        self._teller.tell(wake)

    def subscribe(self, deliver: Deliver) -> Subscription:
        return RedisListener(self._local.subscribe(deliver), self._place, deliver)

    def flush(self, seconds: float) -> bool:
        return self._teller.flush(seconds)


class Teller:
    """Tells Redis from one thread. Of a group only the newest head counts; what failed is told again."""

    def __init__(self, place: RedisPlace) -> None:
        self._place = place
        self._client: Any = None
        self._changed = threading.Condition()
        self._waiting: OrderedDict[UUID | Wake, Wake] = OrderedDict()
        self._busy = False
        self._failures = 0
        self._failed_at: dict[str, float] = {}  # channels that Redis did not take the last time
        self._thread: threading.Thread | None = None

    def tell(self, wake: Wake) -> None:
        """Queue a wake-up; never waits for Redis."""
        with self._changed:
            self._put(wake)
            # After a fork the thread is not there any more.
            if self._thread is None or not self._thread.is_alive():
                if self._thread is None:
                    atexit.register(self.flush, FLUSH_SECONDS)  # a command that posts and ends is heard, too
                self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until everything was told; False when Redis does not take it, or not within the time."""
        with self._changed:
            self._changed.wait_for(lambda: self._failures or not (self._waiting or self._busy), seconds)
            return not (self._waiting or self._busy)

    def _put(self, wake: Wake) -> None:
        if isinstance(wake, GroupMoved):
            known = self._waiting.get(wake.group_id)
            if isinstance(known, GroupMoved) and known.head >= wake.head:
                return
            self._waiting[wake.group_id] = wake
        else:
            self._waiting[wake] = wake
        if len(self._waiting) > MAX_WAITING:
            measures.wakeups_unpublished += len(self._waiting)
            self._waiting.clear()
            self._waiting[Resync()] = Resync()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                taken, self._waiting = list(self._waiting.values()), OrderedDict()
                self._busy = True
            untold = self._tell_all(taken)
            with self._changed:
                for wake in untold:
                    if not isinstance(wake, GroupMoved) or wake.group_id not in self._waiting:
                        self._put(wake)
                self._busy = False
                failures = self._failures
                self._failures = failures + 1 if untold else 0
                self._changed.notify_all()
            if not untold:
                continue
            if failures == 0:
                logger.warning("redis does not answer: other processes learn of new messages by their heartbeat")
            time.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])

    def _tell_all(self, wakes: list[Wake]) -> list[Wake]:
        """Publish what goes over one channel together, in order; return what Redis did not take."""
        channels: dict[str, list[Wake]] = {}
        for wake in wakes:
            channels.setdefault(self._channel(wake), []).append(wake)
        # Behind a shard that is away nobody waits: what failed last comes last.
        order = sorted(channels, key=lambda name: self._failed_at.get(name, 0.0))
        messages = [(name, part) for name in order for part in batched(channels[name], JOINED)]
        for told, (channel, part) in enumerate(messages):
            try:
                if self._client is None:
                    self._client = self._place.commands(timeout=ANSWER_SECONDS)
                self._place.publish(self._client, channel, encode_all(part))
                self._failed_at.pop(channel, None)
            except Exception as error:  # noqa: BLE001 - whatever it is, this thread goes on
                if not isinstance(error, FAILURES):  # a fault of the client itself: it is made anew
                    logger.error("redis cannot be told: %s", type(error).__name__)
                    self._client = None
                measures.wakeups_unpublished += 1
                self._failed_at[channel] = time.monotonic()
                return [wake for _channel, untold in messages[told:] for wake in untold]
        return []

    def _channel(self, wake: Wake) -> str:
        channels = self._place.channels(CHANNEL)
        key = wake.group_id if isinstance(wake, GroupMoved) else getattr(wake, "officer_id", None)
        return channels[crc32(key.bytes) % len(channels)] if key is not None else channels[0]


class RedisListener:
    """Listens on the running loop wherever the channels live now; after every gap it says that it missed some."""

    def __init__(self, local: Subscription, place: RedisPlace, deliver: Deliver) -> None:
        self._local = local
        self._place = place
        self._deliver = deliver
        self._lost = asyncio.Event()
        self._failures = 0
        self._hearing: dict[Node, tuple[frozenset[str], asyncio.Task[None]]] = {}
        self._task = asyncio.get_running_loop().create_task(self._tend())

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._local.close()

    async def _tend(self) -> None:
        """Keep one connection to each server that carries channels; follow them when they move."""
        try:
            while True:
                self._lost.clear()
                try:
                    self._arrange(await self._place.routes(CHANNEL))
                except Exception as error:  # noqa: BLE001 - whatever it is, this process must not stay deaf
                    if not isinstance(error, FAILURES):
                        logger.error("redis cannot be found: %s", type(error).__name__)
                    self._note_failure()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._lost.wait(), LOOK_SECONDS)
                if self._failures:
                    await asyncio.sleep(_RETRY_SECONDS[min(self._failures, len(_RETRY_SECONDS)) - 1])
        finally:
            tasks = [task for _channels, task in self._hearing.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _arrange(self, routes: Mapping[Node, frozenset[str]]) -> None:
        for node, (channels, task) in list(self._hearing.items()):
            if task.done() or routes.get(node) != channels:
                task.cancel()
                del self._hearing[node]
        for node, channels in routes.items():
            if node not in self._hearing:
                task = asyncio.get_running_loop().create_task(self._hear(node, channels))
                self._hearing[node] = (channels, task)

    def _note_failure(self) -> None:
        if self._failures == 0:
            logger.warning("a connection to redis was lost: trying again")
        self._failures += 1
        self._lost.set()

    async def _hear(self, node: Node, channels: frozenset[str]) -> None:
        """Hear one server until it fails, falls silent, or carries one of the channels no more."""
        try:
            async with (
                self._place.listener(node, timeout=2) as client,
                client.pubsub(ignore_subscribe_messages=False) as pubsub,
            ):
                await self._place.subscribe(pubsub, channels)
                await self._hear_all(pubsub, len(channels))
        except FAILURES:
            pass
        self._note_failure()

    async def _hear_all(self, pubsub: Any, expected: int) -> None:
        confirmed, asked = 0, False
        while True:
            # Not `get_message`: what it puts around each reading costs more than everything else about a wake-up.
            item = await pubsub.connection.read_response(
                timeout=LOOK_SECONDS, disconnect_on_error=False, push_request=True
            )
            if item is None:
                if asked:
                    return  # half open: it does not even answer a ping
                await pubsub.ping()
                asked = True
                continue
            asked = False
            match item:
                case [b"message" | b"smessage", _channel, data]:
                    for wake in decode_all(data):
                        if isinstance(wake, GroupMoved):
                            hear_moved(wake.group_id, wake.head)
                        self._deliver(wake)
                case [b"subscribe" | b"ssubscribe", *_]:
                    confirmed += 1
                    if confirmed == expected:
                        self._failures = 0
                        self._deliver(Resync())  # whatever was told before this was missed
                case [b"unsubscribe" | b"sunsubscribe", *_]:
                    return  # its slot has moved to another master
