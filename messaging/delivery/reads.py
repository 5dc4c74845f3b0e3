"""What live delivery asks of the database: synchronous work in a small thread pool, each call a unit of its own.

What must not live here: sockets, the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from django.utils import translation

from accounts.queries import ended_among
from groups.access import RIGHTS, Right
from groups.errors import NotAllowed, Stranger
from groups.gates import members_among
from groups.models import ClosedUserGroup, Membership, Role
from messaging.connections import keep_pooled, own_connections
from messaging.delivery.outbox import Frame, frames_of
from messaging.fresh import FreshItem, serialised
from messaging.queries.events import EventPage, page_from, pages_for_delivery
from messaging.roundtrip import is_lost
from problems import Refusal
from vault import KeyNotAtHand, keys_at_hand

THREADS = 8
FETCHING_THREADS = 4
HUB_THREADS = 2
WATCH_THREADS = 1
READING_ROLES = frozenset(role for role, rights in RIGHTS.items() if Right.READ in rights)


@dataclass(frozen=True, slots=True)
class Item:
    """One event, serialised. `data` is looked at only where the event says something about a member or a phase."""

    seq: int
    raw: bytes
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Batch:
    """A run of events without gaps, serialised once. `last`: position after it; `head`: how far there is more."""

    epoch: UUID
    head: int
    last: int
    items: Sequence[Item]
    restart: bool

    @cached_property
    def frames(self) -> list[Frame]:
        """The items as frames: the same bytes for every socket that gets this run."""
        return frames_of(item.raw for item in self.items)

    @property
    def at(self) -> float:
        """When the first of these events happened, as it says itself; 0 where it does not."""
        told = self.items[0].data.get("at") if self.items else None
        return datetime.fromisoformat(told).timestamp() if isinstance(told, str) else 0.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a check finds: heads and epochs of groups, memberships that do not read any more, ended sign-ins."""

    heads: Mapping[UUID, tuple[int, UUID]]
    ended_memberships: frozenset[UUID]
    ended_signins: frozenset[UUID]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="delivery")


def reads_waiting() -> int:
    """Return how many pieces of work wait for a thread of the pools."""
    return sum(pool._work_queue.qsize() for pool in (_pool(), _fetching_pool(), _hub_pool(), _watch_pool()))


async def in_thread[T](work: Callable[[], T], *, language: str | None = None) -> T:
    """Run synchronous work in the pool; refusals are worded in `language`. Connections go back afterwards."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), lambda: _alone(work, language))


async def in_thread_at_hand[T](work: Callable[[], T]) -> T:
    """Do the same where a key may have to be fetched: then apart, and nobody who needs none waits for it."""

    def at_hand() -> T:
        with keys_at_hand():
            return work()

    try:
        return await in_thread(at_hand)
    except KeyNotAtHand:
        return await in_fetching_thread(work)


def _alone[T](work: Callable[[], T], language: str | None) -> T:
    with own_connections(), translation.override(language):
        return work()


@cache
def _fetching_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=FETCHING_THREADS, thread_name_prefix="delivery-fetching")


async def in_fetching_thread[T](work: Callable[[], T]) -> T:
    """Read what needs a key that has to be fetched: those who wait for somebody's answer wait among themselves."""
    return await asyncio.get_running_loop().run_in_executor(_fetching_pool(), lambda: _alone(work, None))


@cache
def _watch_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=WATCH_THREADS, thread_name_prefix="watch")


async def in_watch_thread[T](work: Callable[[], T]) -> T:
    """Ask who may still read, in a thread of its own: behind no reading, however many there are."""
    return await asyncio.get_running_loop().run_in_executor(_watch_pool(), lambda: _alone(work, None))


@cache
def _hub_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=HUB_THREADS, thread_name_prefix="hub")


async def in_hub_thread[T](work: Callable[[], T]) -> T:
    """Read for many at once, in a thread that keeps its connection: to take one from the pool costs as much.

    It fetches no key: the others would wait for it, too. A connection that has died meanwhile is replaced at once;
    a database that is overloaded is not asked twice.
    """

    def run() -> T:
        try:
            with keys_at_hand():
                try:
                    return work()
                except (OperationalError, InterfaceError) as failure:
                    if not is_lost(failure):
                        raise
                    connection.close()
                    return work()
        except Exception:
            connection.close()
            raise
        finally:
            keep_pooled()

    return await asyncio.get_running_loop().run_in_executor(_hub_pool(), run)


def batch_of(page: EventPage) -> Batch:
    """Return a page with its items serialised."""
    items = [_item(one, one["event"]) for one in page.items]
    return Batch(page.epoch, page.head, page.last, items, page.restart)


def _item(one: Mapping[str, Any], event: Mapping[str, Any]) -> Item:
    # What a message says is in the bytes: as objects beside them it would take ten times the room.
    data = {"at": event["at"]} if event["type"] == "message" else event
    return Item(one["seq"], serialised(one), event["type"], data)


def batch_of_fresh(epoch: UUID, found: Sequence[FreshItem]) -> Batch:
    """Return new messages that this process has just committed itself."""
    last = found[-1].seq
    return Batch(epoch, last, last, [Item(seq, raw, "message", {}) for seq, raw in found], restart=False)


def batches_for_hub(places: Mapping[UUID, int]) -> dict[UUID, Batch | Exception]:
    """Return what comes after a position in the streams of several groups, each for all its followers at once.

    A group that cannot be read spoils no other: KeyNotAtHand, say, where its key has to be fetched and this thread
    fetches none. One that there is not is missing. Raises OperationalError or InterfaceError when the database does
    not answer.
    """
    try:
        return {group_id: batch_of(page) for group_id, page in pages_for_delivery(places).items()}
    except (OperationalError, InterfaceError):
        raise
    except Exception as failure:  # noqa: BLE001
        if len(places) <= 1:
            return dict.fromkeys(places, failure)
    whole, half = list(places.items()), len(places) // 2
    return batches_for_hub(dict(whole[:half])) | batches_for_hub(dict(whole[half:]))


def batch_from(group_id: UUID, after: int | None, epoch: UUID | None) -> Batch:
    """Return what comes after a position in a group's stream, its newest events without one, or "restart".

    For whoever was asked for as a reader (`readers_among`), and is asked for again once this is read. Raises
    KeyDestroyed.
    """
    group = ClosedUserGroup.objects.get(pk=group_id)
    return batch_of(page_from(group, after=after, epoch=epoch))


def readers_among(pairs: Sequence[tuple[UUID, UUID]]) -> list[UUID | Refusal]:
    """Return, for each officer and group, the membership by which it is read now, or why not; in one query."""
    found = members_among(pairs)
    return [_reading(found.get(pair)) for pair in pairs]


def _reading(member: tuple[UUID, Role] | None) -> UUID | Refusal:
    if member is None:
        return Stranger()
    membership_id, role = member
    return membership_id if role in READING_ROLES else NotAllowed()


def pulse(
    groups: Collection[UUID], memberships: Collection[UUID], sessions: Collection[UUID], tokens: Collection[UUID]
) -> Pulse:
    """Return what has changed for everybody who is connected, in a few statements."""
    rows = ClosedUserGroup.objects.filter(pk__in=groups).values_list("pk", "head", "stream_epoch")
    present = Membership.objects.filter(
        pk__in=memberships,
        left_at__isnull=True,
        officer__is_active=True,
        officer__is_platform_administrator=False,
        role__in=READING_ROLES,
    ).values_list("pk", flat=True)
    return Pulse(
        {group_id: (head, epoch) for group_id, head, epoch in rows},
        frozenset(memberships) - frozenset(present),
        frozenset(ended_among(sessions=sessions, tokens=tokens)),
    )


def ends_reading(item: Item) -> UUID | None:
    """Return the officer who reads no more after this event: removed, or in a role that does not read."""
    if item.type != "member":
        return None
    change, officer = item.data.get("change"), item.data.get("officer")
    role = item.data.get("role")
    if change == "removed" or (role in Role.values and Role(role) not in READING_ROLES):
        return UUID(str(officer))
    return None
