"""The groups that one socket follows: everything after its place is sent, then it is live; or it is told why not.

Memberships are asked for all sockets that come now together (`desk`); what was missed comes from the hub's memory,
or from one reading for all who stand at the same place. What must not live here: what is live (`hub`), other verbs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from messaging.delivery.desk import Desk
from messaging.delivery.errors import TooManyGroups, failure_of
from messaging.delivery.feeds import Client, Follower, Place
from messaging.delivery.hub import Hub, hub
from messaging.delivery.outbox import frame
from messaging.delivery.per_loop import PerLoop
from messaging.delivery.reads import Batch, readers_among
from messaging.measures import measures
from problems import Refusal

logger = logging.getLogger("cencomm.messaging")
MAX_GROUPS = 200


class Listener(Client, Protocol):
    """What following needs of a socket."""

    def refuse(self, refusal: Refusal, item: Mapping[str, Any]) -> None: ...
    async def room(self) -> None: ...


class Following:
    """What one socket follows. Each group catches up by itself, beside the others and the conversation.

    The socket is handed in with each call and not kept: what is dropped by a thousand at once must not lie about in
    circles.
    """

    __slots__ = ("_followers", "_hub")

    def __init__(self) -> None:
        self._hub: Hub = hub()
        self._followers: dict[UUID, Follower] = {}

    def follow(self, client: Listener, places: Mapping[UUID, Place]) -> None:
        """Follow these groups from these places; one that is followed already, anew. Raises TooManyGroups."""
        if len(self._followers.keys() | places.keys()) > MAX_GROUPS:
            raise TooManyGroups
        for group_id, place in places.items():
            self._leave(group_id)
            follower = self._followers[group_id] = self._hub.follow(client, group_id)
            follower.catching_up = asyncio.create_task(self._catch_up(client, follower, *place))

    def is_live(self, group_id: UUID) -> bool:
        """Whether this socket gets what is new in a group."""
        follower = self._followers.get(group_id)
        return follower is not None and follower.live and not follower.ended

    def stop(self) -> list[asyncio.Task[None]]:
        """Forget everything, once the hub has; return the catching up that is still under way, for its end."""
        tasks = [one.catching_up for one in self._followers.values() if one.catching_up is not None]
        self._followers.clear()
        return tasks

    def _leave(self, group_id: UUID) -> None:
        follower = self._followers.pop(group_id, None)
        if follower is not None:
            if follower.catching_up is not None:
                follower.catching_up.cancel()
            self._hub.unfollow(follower)

    async def _catch_up(self, client: Listener, follower: Follower, after: int | None, epoch: UUID | None) -> None:
        """Send everything after a position, then go live; or say "restart", or why not."""
        resumes = after is not None
        try:
            if await self._send_missed(client, follower, after, epoch):
                measures.count_follow(resumes=resumes)
        except Refusal as refusal:
            self._give_up(client, follower, refusal, resumes=resumes)
        except Exception as error:  # noqa: BLE001
            logger.error("catching up failed: %s", type(error).__name__)
            self._give_up(client, follower, failure_of(error), resumes=resumes)
        finally:
            follower.catching_up = None

    async def _send_missed(
        self, client: Listener, follower: Follower, after: int | None, epoch: UUID | None
    ) -> bool:
        """Send page after page; True once the follower is live, False where it ended or must start afresh."""
        group = str(follower.group_id)
        while (batch := await self._next_batch(follower, after, epoch)) is not None:
            if batch.restart:
                measures.reconnects["restart"] += 1
                self._hub.unfollow(follower)
                client.put(frame({"op": "restart", "group": group, "epoch": str(batch.epoch)}))
                return False
            for part in batch.frames:
                client.put(part)
            if self._hub.join(follower, batch):
                told = {"op": "caught_up", "group": group, "head": batch.last, "epoch": str(batch.epoch)}
                client.put(frame(told))
                return True
            after, epoch = batch.last, batch.epoch
            await client.room()
        return False

    async def _next_batch(self, follower: Follower, after: int | None, epoch: UUID | None) -> Batch | None:
        """Return the next page for a follower, None once it has ended.

        Raises Stranger, NotAllowed, KeyDestroyed, Unavailable.

        The membership is asked each time; for a page from the database again once that was read: whoever was
        removed in between gets nothing of a page that may hold what was said after that.
        """
        if not await self._may_read(follower):
            return None
        # Only now, after the wait: memory moves on, and whoever was removed has been ended meanwhile.
        remembered = self._hub.recent(follower, after, epoch)
        if remembered is not None:
            measures.pages_from_memory += 1
            return remembered
        page = await self._hub.page(follower, after, epoch)
        if not await self._may_read(follower):
            return None
        measures.pages_from_database += 1
        return page

    async def _may_read(self, follower: Follower) -> bool:
        """Ask by which membership the group is read; False if the hub has ended the follower meanwhile.

        Raises Stranger, NotAllowed, Unavailable.
        """
        if follower.ended:
            return False
        answer = await _readers().ask((follower.client.officer_id, follower.group_id))
        if isinstance(answer, Refusal):
            raise answer
        follower.membership_id = answer
        await self._hub.sure()  # the sign-in may have ended as well
        return not follower.ended

    def _give_up(self, client: Listener, follower: Follower, refusal: Refusal, *, resumes: bool) -> None:
        if follower.ended:  # who was told "left" meanwhile knows already
            return
        measures.count_unfollowed(resumes=resumes, ours=refusal.status >= 500)
        self._hub.unfollow(follower)
        if self._followers.get(follower.group_id) is follower:
            del self._followers[follower.group_id]
        client.refuse(refusal, {"group": str(follower.group_id)})


# Who reads what.
_readers: PerLoop[Desk[tuple[UUID, UUID], UUID | Refusal]] = PerLoop(lambda: Desk(readers_among))
