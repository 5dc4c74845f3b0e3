"""The protocol `cencomm.v1` with one client: frames in, verbs out. Bad input is answered, never a crash.

What must not live here: who comes in (`entrance`), what a group's follower gets (`following`), delivery to others
(`hub`), rules (actions).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import translation

from accounts.errors import ScopeMissing
from accounts.socket_auth import Identity
from messaging import actions
from messaging.delivery.direct import direct_writer
from messaging.delivery.errors import BadFrame, failure_of
from messaging.delivery.following import Following
from messaging.delivery.frames_in import items_of, places_of
from messaging.delivery.hub import SIGNED_OUT, Hub, hub
from messaging.delivery.outbox import Outbox, Send, frame
from messaging.delivery.reads import in_thread
from messaging.delivery.receipts import acknowledge
from messaging.delivery.verbs import mark_read, parcel_of, posted_item, session_lives
from messaging.measures import measures
from problems import Refusal

logger = logging.getLogger("cencomm.messaging")
FLOOD, TOO_BIG = 4429, 1009
GROUPS_AN_ITEM = 4
MAX_POSTS = 32
BURST_SECONDS = 10.0
TOUCH_SECONDS = 60.0
LEAVE_SECONDS = 5.0

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Conversation:
    """One connected client. What it asks is done in its order, posts together; catching up runs beside them."""

    __slots__ = (
        "_following", "_full_at", "_hub", "_identity", "_leaving", "_posts", "_receive", "_touched_at",
        "_working", "outbox", "put",
    )  # fmt: skip

    def __init__(self, identity: Identity, receive: Receive, send: Send) -> None:
        self._identity = identity
        self._receive = receive
        limit = settings.CENCOMM_LIMITS["socket_queue_bytes"]
        task = asyncio.current_task()
        ending = task.cancel if task is not None else None  # once the client has been told why, nobody reads on
        self.outbox = Outbox(send, max_bytes=limit, direct=direct_writer(send), on_end=ending)
        self.put = self.outbox.put
        self._posts: list[asyncio.Task[None]] = []
        self._hub: Hub = hub()
        self._following = Following()
        self._full_at = 0.0
        self._touched_at = time.monotonic()
        self._leaving = False
        self._working = False

    @property
    def kind(self) -> str:
        """How this client signed in: "session" or "token"."""
        return "token" if self._identity.session_id is None else "session"

    @property
    def queued_bytes(self) -> int:
        """How much waits for this client to read."""
        return self.outbox.queued_bytes

    # -- what the hub needs

    @property
    def officer_id(self) -> UUID:
        return self._identity.officer.pk

    @property
    def session_id(self) -> UUID | None:
        return self._identity.session_id

    @property
    def token_id(self) -> UUID | None:
        return self._identity.token_id

    def close(self, code: int) -> None:
        """End the conversation."""
        self.outbox.close(code)

    async def leave(self, code: int) -> None:
        """Take nothing more in, answer what was taken, then end: the client sends the rest elsewhere."""
        self._leaving = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while self._working or self.outbox.queued_bytes or not all(post.done() for post in self._posts):
                    await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)  # what was written in this turn of the loop has left
        self.close(code)

    async def room(self) -> None:
        """Wait until the client has read some of what waits for it: for those who send pages, not for the hub."""
        await self.outbox.room()

    # -- the conversation

    async def run(self) -> None:
        """Speak until the client leaves or is closed."""
        limit = settings.CENCOMM_LIMITS["sockets_per_officer"]
        if not self._hub.attach(self, limit=limit):
            self.close(FLOOD)
            measures.closed[FLOOD] += 1
            if (telling := self.outbox.stop()) is not None:
                await telling
            return
        measures.opened[self.kind] += 1
        self.put(
            frame(
                {
                    "op": "hello",
                    "officer": str(self.officer_id),
                    "heartbeat": settings.CENCOMM_LIMITS["heartbeat_seconds"],
                    "server": settings.CENCOMM_VERSION,
                }
            )
        )
        try:
            await self._read()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.outbox.closed is None or task is None:  # from outside: the server stops
                raise
            task.uncancel()
        finally:
            self._hub.detach(self)
            measures.closed[self.outbox.closed or 1000] += 1
            await self._stop()

    async def _stop(self) -> None:
        """End what is still under way, and let go of what refers to this object: nobody must look for it."""
        writing = self.outbox.stop()
        tasks = [*self._posts, *self._following.stop(), *([writing] if writing else [])]
        self._posts.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return
            if self.outbox.closed is not None or self._leaving:
                continue
            text = message.get("text")
            if text is None:
                self.refuse(BadFrame(), {})
                if not self._allowed(1):
                    self.close(FLOOD)
                continue
            if len(text) > settings.CENCOMM_LIMITS["frame_bytes"]:
                self.close(TOO_BIG)
                continue
            items = self._items(text)
            if not self._allowed(max(1, len(items))):
                self.close(FLOOD)
                continue
            self._working = True
            for item in items:
                await self._handle(item)
            self._working = False

    def _items(self, text: str) -> list[dict[str, Any]]:
        try:
            return items_of(text)
        except BadFrame as bad:
            self.refuse(bad, {})
            return []

    def _allowed(self, count: int) -> bool:
        now = time.monotonic()
        full = max(self._full_at, now) + count / settings.CENCOMM_LIMITS["socket_items_per_second"]
        if full - now > BURST_SECONDS:
            return False
        self._full_at = full
        return True

    async def _handle(self, item: dict[str, Any]) -> None:
        verb = _VERBS.get(item.get("op")) if isinstance(item.get("op"), str) else None
        try:
            if verb is None:
                raise BadFrame
            if item["op"] not in {"post", "ping"}:
                await self._answered(0)
            await verb(self, item)
        except Exception as error:  # noqa: BLE001
            self._failed(error, item)

    def _failed(self, error: Exception, item: Mapping[str, Any]) -> None:
        if isinstance(error, Refusal):
            self.refuse(error, item)
            return
        # Only the kind of failure: its message may quote what was sent.
        logger.error("an item of a socket failed: %s", type(error).__name__)
        self.refuse(failure_of(error), item)

    def refuse(self, refusal: Refusal, item: Mapping[str, Any]) -> None:
        """Tell the client why not, in its officer's language."""
        measures.socket_refusals[refusal.code] += 1
        verb = item.get("op") if isinstance(item.get("op"), str) and item["op"] in _VERBS else "?"
        logger.info("a socket: %s was refused (%s) officer=%s", verb, refusal.code, self.officer_id)
        message = item.get("message")
        wanted = message.get("id") if isinstance(message, dict) else message
        with translation.override(self._identity.officer.language):
            problem = refusal.as_problem()
        if refusal.retry_after is not None:
            problem["retry_after"] = refusal.retry_after
        told: dict[str, Any] = {
            "op": "refused",
            "id": wanted if isinstance(wanted, str) and len(wanted) <= 64 else None,
            "problem": problem,
        }
        group = item.get("group")
        if isinstance(group, str) and len(group) <= 64:
            told["group"] = group
        self.put(frame(told))

    # -- verbs

    async def _ping(self, _item: dict[str, Any]) -> None:
        self.put(frame({"op": "pong"}))

    async def _post(self, item: dict[str, Any]) -> None:
        self._require("messages:write")
        await self._touch()
        answer = actions.office().hand_in_here(parcel_of(self._identity.officer, item))
        self._posts.append(asyncio.create_task(self._answer_post(answer, item)))
        await self._answered(MAX_POSTS)

    async def _answer_post(self, answer: asyncio.Future[actions.Posted], item: dict[str, Any]) -> None:
        try:
            self.put(frame(posted_item(await answer)))
        except Exception as error:  # noqa: BLE001
            self._failed(error, item)

    async def _answered(self, most: int) -> None:
        """Wait until at most so many posts of this socket lack their answer; they go in the order they came."""
        while self._posts and (len(self._posts) > most or self._posts[0].done()):
            await self._posts[0]
            self._posts.pop(0)

    async def _acknowledge(self, item: dict[str, Any]) -> None:
        self._require("messages:write")
        await self._touch()
        self.put(frame(await acknowledge(self.officer_id, item, follows=self._following.is_live)))

    async def _seen(self, item: dict[str, Any]) -> None:
        self._require("messages:write")
        await self._touch()
        await self._act(lambda: mark_read(self._identity.officer, item))

    async def _follow(self, item: dict[str, Any]) -> None:
        self._require("messages:read")
        places = places_of(item)
        # Each group is read by itself: to ask for many, again and again, is as much work as to say much.
        if not self._allowed(len(places) // GROUPS_AN_ITEM):
            self.close(FLOOD)
            return
        self._following.follow(self, places)

    async def _act[T](self, work: Callable[[], T]) -> T:
        return await in_thread(work, language=self._identity.officer.language)

    async def _touch(self) -> None:
        """Note that the session is in use; one that has ended meanwhile closes the socket."""
        session_id, now = self.session_id, time.monotonic()
        if session_id is None or now - self._touched_at < TOUCH_SECONDS:
            return
        self._touched_at = now
        if not await in_thread(lambda: session_lives(session_id)):
            self.close(SIGNED_OUT)
            raise ScopeMissing

    def _require(self, scope: str) -> None:
        if not self._identity.may(scope):
            raise ScopeMissing


_VERBS: Mapping[Any, Callable[[Conversation, dict[str, Any]], Awaitable[None]]] = {
    "follow": Conversation._follow,
    "post": Conversation._post,
    "acknowledge": Conversation._acknowledge,
    "seen": Conversation._seen,
    "ping": Conversation._ping,
}
