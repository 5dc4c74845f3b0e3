"""The hub: one per process. It hears that a group has moved, reads once, and gives every follower the same bytes.

Invariants: a feed's followers that are `live` stand exactly at the feed's head, or beyond it; a batch goes out
whole and in order; who reads no more gets nothing of the batch that says so; nothing goes out on what was known of
sign-ins and memberships more than a heartbeat ago. What must not live here: SQL, the protocol's verbs, how a socket
writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter, deque
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from accounts.socket_auth import Identity
from messaging.delivery.errors import Unavailable
from messaging.delivery.feeds import Client, Feed, Follower, Place
from messaging.delivery.outbox import Frame, deliver_to, frame, frames_of
from messaging.delivery.reads import (
    Batch,
    batch_from,
    batch_of_fresh,
    batches_for_hub,
    ends_reading,
    in_fetching_thread,
    in_hub_thread,
    in_thread_at_hand,
    in_watch_thread,
    pulse,
)
from messaging.fresh import fresh
from messaging.measures import measures
from messaging.relay import Handed, Listening, relay
from messaging.wakeups import GroupMoved, Resync, Revoked, Subscription, Wake, wake_ups
from vault import KeyNotAtHand

logger = logging.getLogger("cencomm.messaging")
HEALED_AFTER = 1.0  # a head that no wake-up has told of by then was found by the heartbeat
BEAT_AGAIN_SECONDS = 2.0  # after a heartbeat that failed
CHECKS = 2  # in each heartbeat, so that what ended has ended within one, also when a wake-up is lost
LONGEST_READING_SECONDS = 5.0
ASKED_PAUSE_SECONDS = 0.25  # from a check to one that was asked for; what has ended ends within a second with it
LOOK_AGAIN_SECONDS = 0.05
SIGNED_OUT = 4401
GROUPS_AT_ONCE = 64  # whose streams one question reads
REVOKED_SECONDS = 120.0  # longer than a sign-in is waited for


def ends(revoked: Revoked, client: Client | Identity) -> bool:
    """Whether this revocation is about this client's sign-in."""
    if revoked.session_id is not None or revoked.token_id is not None:
        return (revoked.session_id is not None and client.session_id == revoked.session_id) or (
            revoked.token_id is not None and client.token_id == revoked.token_id
        )
    return client.officer_id == revoked.officer_id


class Hub:
    """Runs on one loop. `start` is called by the first socket, `stop` by tests and at the end of the process."""

    def __init__(self) -> None:
        self._clients: dict[Client, list[Follower]] = {}
        self._sockets: Counter[UUID] = Counter()
        self._revoked: deque[tuple[float, Revoked]] = deque()
        self._feeds: dict[UUID, Feed] = {}
        self._behind: dict[UUID, Feed] = {}  # what must be read, in the order it was heard of
        self._reading: asyncio.Task[None] | None = None
        self._reading_apart: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None
        self._handed: Listening | None = None
        self._asked = asyncio.Event()
        self._checked_at = -math.inf  # when it was last known who reads: before the question, not after the answer
        self._beating: asyncio.Task[None] | None = None

    @property
    def clients(self) -> list[Client]:
        """The sockets that are attached now."""
        return list(self._clients)

    @property
    def follows(self) -> tuple[int, int]:
        """How many groups are followed here, and by how many followers altogether."""
        feeds = list(self._feeds.values())
        return len(feeds), sum(len(feed.followers) for feed in feeds)

    # -- clients

    def attach(self, client: Client, *, limit: int) -> bool:
        """Count a socket in; False when its officer has `limit` of them in this process already."""
        self._start()
        if self._sockets[client.officer_id] >= limit:
            return False
        self._sockets[client.officer_id] += 1
        self._clients[client] = []
        return True

    def detach(self, client: Client) -> None:
        """Forget a socket and everything it follows."""
        followers = self._clients.pop(client, None)
        if followers is None:
            return
        self._sockets[client.officer_id] -= 1
        if not self._sockets[client.officer_id]:
            del self._sockets[client.officer_id]
        for follower in list(followers):
            self.unfollow(follower)

    def listen(self) -> float:
        """Hear of revocations from now on, if not yet; return a mark for `ended_since`."""
        self._start()
        return asyncio.get_running_loop().time()

    def ended_since(self, mark: float, identity: Client | Identity) -> bool:
        """Whether a sign-in that was looked up after `mark` has ended meanwhile, before its socket was attached."""
        return any(at >= mark and ends(revoked, identity) for at, revoked in self._revoked)

    def follow(self, client: Client, group_id: UUID) -> Follower:
        """Watch a group for a socket, before it is read: what ends the membership is noticed from now on."""
        feed = self._feeds.get(group_id)
        if feed is None:
            feed = self._feeds[group_id] = Feed(group_id)
            fresh.follow(group_id)
        follower = Follower(client, group_id)
        feed.followers.add(follower)
        if client in self._clients:
            self._clients[client].append(follower)
        return follower

    def unfollow(self, follower: Follower) -> None:
        """Stop delivering; a group that nobody follows here is forgotten."""
        follower.live, follower.ended = False, True
        followers = self._clients.get(follower.client)
        if followers is not None and follower in followers:
            followers.remove(follower)
        feed = self._feeds.get(follower.group_id)
        if feed is None:
            return
        feed.followers.discard(follower)
        if not feed.followers:
            del self._feeds[follower.group_id]
            fresh.unfollow(follower.group_id)

    def recent(self, follower: Follower, position: int | None, epoch: UUID | None) -> Batch | None:
        """Return what a follower missed, from memory, if it is all there. Without a position: the newest events."""
        return self._feeds[follower.group_id].since(position, epoch)

    async def page(self, follower: Follower, position: int | None, epoch: UUID | None) -> Batch:
        """Read what comes after a position; whoever stands at the same place meanwhile shares the reading.

        What was read is the group's: the caller asks before and after whether this follower may have it.
        """
        feed, place = self._feeds[follower.group_id], (position, epoch)
        reading = feed.readings.get(place)
        if reading is None:
            work = in_thread_at_hand(lambda: batch_from(feed.group_id, position, epoch))
            reading = feed.readings[place] = asyncio.get_running_loop().create_task(work)
            reading.add_done_callback(lambda done: _forget_reading(feed, place, done))
        return await asyncio.shield(reading)

    def join(self, follower: Follower, batch: Batch) -> bool:
        """Make a follower live that has got everything up to `batch.last`; False if the feed is ahead by now."""
        feed = self._feeds[follower.group_id]
        if feed.head is None:
            feed.head, feed.epoch = batch.last, batch.epoch
        if batch.epoch != feed.epoch:  # numbers of two histories do not compare: everybody starts afresh
            self._restart(feed, batch.epoch)
            return False
        feed.learn(batch)
        if batch.last < max(batch.head, feed.head):
            return False
        follower.position, follower.live = batch.last, True
        self._pump(feed)
        return True

    # -- wake-ups

    def wake(self, wake: Wake) -> None:
        """Hear a wake-up."""
        match wake:
            case GroupMoved(group_id, head, committed_at, own):
                measures.wakeups_heard += 1
                feed = self._feeds.get(group_id)
                if feed is not None:
                    if not own:  # what this process wrote itself tells nothing of what it hears of others
                        feed.heard = max(feed.heard, head)
                    feed.target = max(feed.target, head)
                    if not feed.committed_at and feed.head is not None and head > feed.head:
                        feed.committed_at = committed_at
                    self._pump(feed)
            case Revoked():
                self._note_revoked(wake)
                self._revoke(wake)
            case Resync():
                measures.resyncs += 1
                self._asked.set()

    def take_handed(self, handed: Handed) -> None:
        """Deliver what another process of this machine has committed; it tells nothing of wake-ups.

        What no follower waits for is not kept: not what is known, and nothing of another history.
        """
        feed, head = self._feeds.get(handed.group_id), handed.items[-1].seq
        if feed is None or feed.head is None or feed.epoch != handed.epoch or head <= feed.head:
            return
        measures.heard_by_relay += 1
        fresh.put(handed.group_id, handed.epoch, handed.items)
        feed.target = max(feed.target, head)
        feed.committed_at = feed.committed_at or handed.at
        self._pump(feed)

    def _revoke(self, revoked: Revoked) -> None:
        for client in list(self._clients):
            if ends(revoked, client):
                self._shut(client)

    def _note_revoked(self, revoked: Revoked) -> None:
        now = asyncio.get_running_loop().time()
        while self._revoked and self._revoked[0][0] < now - REVOKED_SECONDS:
            self._revoked.popleft()
        self._revoked.append((now, revoked))

    def _shut(self, client: Client) -> None:
        self.detach(client)
        client.close(SIGNED_OUT)

    def _pump(self, feed: Feed) -> None:
        if feed.being_read or feed.head is None or feed.target <= feed.head:
            return
        if not self._knows_who_reads():
            return
        try:
            self._deliver_fresh(feed)  # what this process has written itself goes out at once
        except Exception as error:  # noqa: BLE001
            _told_stuck(feed, error)
        if feed.target > feed.head:
            self._behind[feed.group_id] = feed
            if self._reading is None:
                # It begins after this turn of the loop, with every group that the turn has told of.
                self._reading = asyncio.get_running_loop().create_task(self._read())

    def _knows_who_reads(self) -> bool:
        """Whether that was asked within a heartbeat; otherwise it is asked at once, and pumps go on after that."""
        if self._is_recent():
            return True
        self._asked.set()
        return False

    def _is_recent(self) -> bool:
        return asyncio.get_running_loop().time() - self._checked_at <= _heartbeat()

    async def sure(self) -> None:
        """Wait until it is known who reads: before what is asked for, as before what is new. Raises Unavailable."""
        if self._knows_who_reads():
            return
        until = asyncio.get_running_loop().time() + _heartbeat()
        while not self._is_recent():
            if asyncio.get_running_loop().time() > until:
                raise Unavailable
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _deliver_fresh(self, feed: Feed) -> bool:
        if feed.head is None or feed.epoch is None:
            return False
        items = fresh.take(feed.group_id, feed.epoch, feed.head)
        if items:
            measures.batches_from_memory += 1
            self._deliver(feed, batch_of_fresh(feed.epoch, items))
        return bool(items)

    async def _read(self) -> None:
        """Ask once for all groups that are behind, as long as there are any; what is heard meanwhile comes next."""
        try:
            while feeds := self._next_behind():
                places = {feed.group_id: feed.head for feed in feeds if feed.head is not None}
                wanted = [feed.target for feed in feeds]
                for feed in feeds:
                    feed.being_read = True
                try:
                    found = await in_hub_thread(lambda places=places: batches_for_hub(places))  # type: ignore[misc]
                except Exception as error:  # noqa: BLE001
                    found = dict.fromkeys(places, error)
                finally:
                    for feed in feeds:
                        feed.being_read = False
                for feed, target in zip(feeds, wanted, strict=True):
                    batch, after = found.get(feed.group_id), places[feed.group_id]
                    if isinstance(batch, KeyNotAtHand):
                        self._begin_apart(feed, after=after, wanted=target)
                    else:
                        self._take(feed, batch, after=after, wanted=target)
        finally:
            self._reading = None

    def _begin_apart(self, feed: Feed, *, after: int, wanted: int) -> None:
        """Read a group whose key has to be fetched by itself: nobody else waits, and it is read by nobody else."""
        feed.being_read = True
        task = asyncio.get_running_loop().create_task(self._read_apart(feed, after=after, wanted=wanted))
        self._reading_apart.add(task)
        task.add_done_callback(self._reading_apart.discard)

    async def _read_apart(self, feed: Feed, *, after: int, wanted: int) -> None:
        try:
            found = (await in_fetching_thread(lambda: batches_for_hub({feed.group_id: after}))).get(feed.group_id)
        except Exception as error:  # noqa: BLE001
            found = error
        finally:
            feed.being_read = False
        self._take(feed, found, after=after, wanted=wanted)

    def _next_behind(self) -> list[Feed]:
        """Take the groups that the next question is about: those that are followed, and not there by memory now."""
        feeds: list[Feed] = []
        while self._behind and len(feeds) < GROUPS_AT_ONCE:
            group_id = next(iter(self._behind))
            feed = self._behind.pop(group_id)
            if self._feeds.get(group_id) is feed and feed.head is not None and feed.target > feed.head:
                feeds.append(feed)
        return feeds

    def _take(self, feed: Feed, found: Batch | Exception | None, *, after: int, wanted: int) -> None:
        """Deliver what was read of a group after a position; ask again for what is still missing.

        After a failure, and where the wake-up was ahead of what can be read, the heartbeat comes back to it.
        """
        if self._feeds.get(feed.group_id) is not feed:
            return
        if feed.head == after:  # otherwise everybody starts afresh, and who has come back knows the new history
            try:
                if isinstance(found, Exception):
                    raise found
                if found is None or (not found.items and feed.target <= wanted and found.epoch == feed.epoch):
                    return
                if found.epoch != feed.epoch:
                    self._restart(feed, found.epoch)
                elif found.items:
                    if not self._knows_who_reads():
                        return
                    measures.batches_from_database += 1
                    self._deliver(feed, found)
            except Exception as error:  # noqa: BLE001
                _told_stuck(feed, error)
                return
        self._pump(feed)

    def _deliver(self, feed: Feed, batch: Batch) -> None:
        ended = {officer for officer in map(ends_reading, batch.items) if officer is not None}
        if ended:
            for follower in [one for one in feed.followers if one.client.officer_id in ended]:
                self.end(follower)
        feed.head = batch.last
        feed.remember(batch.items)
        first, last = batch.items[0].seq, batch.last
        whole = batch.frames
        behind = [one for one in feed.followers if one.live and one.position < last]
        deliver_to([one.client.outbox for one in behind if one.position < first], whole)
        for follower in behind:
            if follower.position >= first:
                for one in frames_of(item.raw for item in batch.items if item.seq > follower.position):
                    follower.client.put(one)
            follower.position = last
        if behind:
            measures.deliveries += len(behind) * len(batch.items)
            measures.delivered_bytes += len(behind) * sum(one.size for one in whole)
            _note_delay(feed.committed_at or batch.at)
        feed.committed_at = 0.0
        if any(item.type == "phase" and item.data.get("to") == "archived" for item in batch.items):
            feed.forget()

    def forget(self, group_id: UUID) -> None:
        """Drop what is remembered of a group whose key is gone."""
        feed = self._feeds.get(group_id)
        if feed is not None:
            feed.forget()

    def end(self, follower: Follower) -> None:
        """Tell a socket that it reads this group no more, and deliver nothing of it from now on."""
        self.unfollow(follower)
        follower.client.put(frame({"op": "left", "group": str(follower.group_id)}))

    def _restart(self, feed: Feed, epoch: UUID) -> None:
        measures.epoch_restarts += 1
        told = frame({"op": "restart", "group": str(feed.group_id), "epoch": str(epoch)})
        for follower in list(feed.followers):
            if follower.membership_id is None and not follower.live:
                continue  # not known to be a member yet: a stranger must not learn that there is such a group
            self.unfollow(follower)
            follower.client.put(told)
        feed.head = feed.epoch = None  # those who are left bring both along, once they have read
        feed.target = feed.heard = 0  # numbers of the history that is over
        feed.forget()

    # -- heartbeat

    async def beat(self) -> None:
        """Check, and tell every client how far its groups are."""
        await self.check()
        left = self._checked_at + _heartbeat() / CHECKS - asyncio.get_running_loop().time()
        if self._reading is not None and left > 0:
            asked = asyncio.create_task(self._asked.wait())  # the next check waits for no group
            try:
                seconds = min(left, LONGEST_READING_SECONDS)
                await asyncio.wait([self._reading, asked], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                asked.cancel()
        self._tell_heads()

    async def check(self) -> None:
        """Compare heads, memberships and sign-ins with the database: heals every wake-up that was lost."""
        began = asyncio.get_running_loop().time()
        followers = [one for feed in self._feeds.values() for one in feed.followers]
        memberships = {one.membership_id for one in followers if one.membership_id is not None}
        sessions = {one.session_id for one in self._clients if one.session_id is not None}
        tokens = {one.token_id for one in self._clients if one.token_id is not None}
        groups = set(self._feeds)
        found = await in_watch_thread(lambda: pulse(groups, memberships, sessions, tokens))
        for client in list(self._clients):
            if client.session_id in found.ended_signins or client.token_id in found.ended_signins:
                self._shut(client)
        for follower in followers:
            if follower.membership_id in found.ended_memberships and not follower.ended:
                self.end(follower)
        self._checked_at = began
        for group_id, (head, epoch) in found.heads.items():
            feed = self._feeds.get(group_id)
            if feed is None:
                continue
            if feed.epoch is not None and feed.epoch != epoch:
                self._restart(feed, epoch)
                continue
            if feed.head is not None and head > max(feed.head, feed.target):
                asyncio.get_running_loop().call_later(HEALED_AFTER, _note_healed, feed, head)
            feed.target = max(feed.target, head)
            self._pump(feed)

    def _tell_heads(self) -> None:
        heads: dict[Client, dict[str, int]] = {client: {} for client in self._clients}
        for feed in self._feeds.values():
            for follower in feed.followers:
                if follower.live and feed.head is not None and follower.client in heads:
                    heads[follower.client][str(feed.group_id)] = feed.head
        shared: dict[tuple[tuple[str, int], ...], Frame] = {}
        for client, told in heads.items():
            key = tuple(sorted(told.items()))
            if key not in shared:
                shared[key] = frame({"op": "heads", "heads": told})
            client.put(shared[key])

    async def _beat_forever(self) -> None:
        """Check so many times in each heartbeat, from start to start; when asked to, too, and soon after a failure.

        However often it is asked meanwhile, one check runs and one more comes after it, a pause later. The last
        check of a heartbeat, and one that was asked for, is told.
        """
        loop, usual = asyncio.get_running_loop(), _heartbeat() / CHECKS
        due, turn, rested = loop.time() + usual, 0, -math.inf
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._asked.wait()
                    await asyncio.sleep(rested - loop.time())
            turn = 0 if self._asked.is_set() else (turn + 1) % CHECKS
            self._asked.clear()
            began = loop.time()
            try:
                await (self.check() if turn else self.beat())
                measures.heartbeat.observe(loop.time() - began)
                due = max(began + usual, loop.time() + usual / 10)
            except Exception as error:  # noqa: BLE001
                due = loop.time() + min(usual, BEAT_AGAIN_SECONDS)
                turn -= 1
                measures.heartbeats_failed += 1
                logger.error("a heartbeat failed: %s", type(error).__name__)
            rested = loop.time() + ASKED_PAUSE_SECONDS

    def _start(self) -> None:
        if self._subscription is None:
            self._checked_at = asyncio.get_running_loop().time()  # nobody is here who was let in before
            self._subscription = wake_ups().subscribe(self.wake)
            self._handed = relay.listen(self.take_handed)
            self._beating = asyncio.get_running_loop().create_task(self._beat_forever())

    async def stop(self) -> None:
        """Stop listening; sockets are left to the server."""
        for task in (self._beating, self._reading, *self._reading_apart):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._handed is not None:
            self._handed.close()
        if self._subscription is not None:
            await self._subscription.close()
        self._subscription = self._beating = None


def _heartbeat() -> float:
    return float(settings.CENCOMM_LIMITS["heartbeat_seconds"])


def _forget_reading(feed: Feed, place: Place, done: asyncio.Task[Batch]) -> None:
    feed.readings.pop(place, None)
    if not done.cancelled():
        done.exception()  # those who wait have it; where nobody does any more, nobody misses it


def _told_stuck(feed: Feed, error: Exception) -> None:
    # The content stays out of the log: only what kind of failure it was.
    logger.error("group %s cannot be delivered now: %s", feed.group_id, type(error).__name__)


def _note_delay(committed_at: float) -> None:
    if committed_at:
        measures.commit_to_socket.observe(max(0.0, time.time() - committed_at))


def _note_healed(feed: Feed, head: int) -> None:
    if feed.heard < head:
        measures.wakeups_healed += 1


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running loop; the first socket makes it."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def hubs() -> dict[asyncio.AbstractEventLoop, Hub]:
    """Return the hubs of this process by their loops: for whoever counts."""
    return dict(_hubs)
