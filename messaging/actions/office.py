"""Group commit: posts that arrive while others are written go together into the next transaction.

Callers wait in threads (HTTP) or as futures (sockets). What comes over sockets shares transactions across groups
(`_share`), which wait for nobody's lock; a group whose lock was taken, or with a post in doubt, goes by itself for
a while. What waits is bounded, by number and by age: past it a post is refused at once (Busy, 503), and the client,
which keeps what it could not send, tries again. What must not live here: what sending means (`together`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import get_language
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import PoolTimeout

from groups.models import Membership
from messaging import limits
from messaging.actions.posting import Parcel, Posted
from messaging.actions.preparing import said_by
from messaging.actions.together import Answer, key_at_hand, send_shared, send_together
from messaging.connections import keep_pooled
from messaging.drafts import Draft
from messaging.errors import Busy
from messaging.measures import measures
from messaging.wakeups import Resync, wake_ups
from problems import Refusal

logger = logging.getLogger("cencomm.messaging")
AT_ONCE = 64
THREADS = 3
LONGEST_WAIT = 5.0
RETRY_SECONDS = 2
APART_SECONDS = 1.0  # how long a group goes by itself that could not go with others
_OVERLOAD = (PoolTimeout, LockNotAvailable, QueryCanceled)  # no connection, no lock, no end within its time


class ForGroup(Protocol):
    """Something to be written into the stream of a group."""

    @property
    def group_id(self) -> UUID: ...


class _Waiting[P: ForGroup, A](NamedTuple):
    parcel: P
    answer: Future[A] | asyncio.Future[A]
    since: float
    counted: bool = False  # against the rate: once, however often it is tried


class Office[P: ForGroup, A]:
    """What one process writes. One transaction runs for a group at a time; no group waits for another's lock.

    `send` writes what is of one group, and waits for its lock; `share`, where it is given, what it can of several
    groups without waiting, and answers None for the rest. `at_hand`: whether `send` has what it needs for one, or
    has to fetch it from somewhere; groups for which it does not are worked for by threads of their own.
    """

    def __init__(
        self,
        *,
        limit: int,
        send: Callable[[Sequence[P]], list[A | Exception]],
        share: Callable[[Sequence[P]], list[A | Exception | None]] | None = None,
        at_hand: Callable[[P], bool] | None = None,
        threads: int = THREADS,
        name: str = "posting",
    ) -> None:
        self._limit = limit
        self._send = send
        self._share_out = share
        self._at_hand = at_hand
        self._lock = threading.Lock()
        self._queues: dict[UUID, deque[_Waiting[P, A]]] = {}
        self._count = 0
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._fetchers = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=f"{name}-fetching")
        self._ready: deque[UUID] = deque()  # groups for whose posts the next shared transaction is
        self._apart_until: dict[UUID, float] = {}
        self._in_doubt: set[UUID] = set()  # groups of a shared transaction that failed: perhaps it was committed
        self._sharing = False
        self._sharer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{name}-shared")

    @property
    def waiting(self) -> int:
        """How many have no answer yet."""
        return self._count

    def hand_in(self, parcel: P) -> Future[A]:
        """Take one; the future holds what came of it after the commit. Raises Busy when too many wait."""
        answer: Future[A] = _promise()
        if self._queue(parcel, answer):
            self._see_to(parcel.group_id)
        return answer

    def hand_in_here(self, parcel: P) -> asyncio.Future[A]:
        """Do the same on a running loop, which is told of a whole batch at once."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        if self._queue(parcel, answer):
            self._see_to(parcel.group_id)
        return answer

    def post(self, parcel: P) -> A:
        """Send one and wait for its answer. The first thread of a group works, those behind it wait."""
        answer: Future[A] = _promise()
        if not self._queue(parcel, answer):
            connection.close()  # whoever works needs one: those who wait must not hold them all
        elif self._work_once(parcel.group_id):
            self._send_apart(parcel.group_id)
        return answer.result()

    def _queue(self, parcel: P, answer: Future[A] | asyncio.Future[A]) -> bool:
        """Queue one; say whether nobody works for its group, so that the caller must see to it."""
        now = time.monotonic()
        with self._lock:
            queue = self._queues.get(parcel.group_id)
            if self._count >= self._limit or (queue and now - queue[0].since > LONGEST_WAIT):
                self._count_busy()
                raise Busy(RETRY_SECONDS)
            idle = queue is None
            if queue is None:
                queue = self._queues[parcel.group_id] = deque()
            queue.append(_Waiting(parcel, answer, now))
            self._count += 1
        return idle

    def _see_to(self, group_id: UUID) -> None:
        """Let the posts of a group that nobody works for go into the next shared transaction, or by themselves."""
        with self._lock:
            apart = self._share_out is None or self._apart_until.get(group_id, 0.0) > time.monotonic()
            begin = not apart and not self._sharing
            if not apart:
                self._ready.append(group_id)
                self._sharing = True
        if apart:
            self._begin_apart(group_id)
        elif begin:
            self._sharer.submit(self._share)

    def _share(self) -> None:
        """Send what waits for groups together, as long as something does; never wait for a group's lock."""
        try:
            while batch := self._next_shared():
                self._work_shared(batch)
        finally:
            keep_pooled()

    def _next_shared(self) -> list[_Waiting[P, A]]:
        batch: list[_Waiting[P, A]] = []
        with self._lock:
            while self._ready and len(batch) < AT_ONCE:
                queue = self._queues[self._ready.popleft()]
                batch += [queue.popleft() for _ in range(min(len(queue), AT_ONCE - len(batch)))]
            self._sharing = bool(batch)
        return batch

    def _work_shared(self, batch: Sequence[_Waiting[P, A]]) -> None:
        """Send a batch; what could not go together stands first in its group's queue, which then goes by itself."""
        began = time.monotonic()
        answers = self._let_in(batch, self._shared)
        told = [(one.answer, answer) for one, answer in zip(batch, answers, strict=True) if answer is not None]
        left = [one for one, answer in zip(batch, answers, strict=True) if answer is None]
        if told:
            self._count_batch([answer for _, answer in told], seconds=time.monotonic() - began)
        with self._lock:
            self._count -= len(told)
            for one in reversed(left):
                self._queues[one.parcel.group_id].appendleft(one._replace(counted=True))
            apart = {one.parcel.group_id for one in left}
            if apart:
                now = time.monotonic()
                still = {group_id: until for group_id, until in self._apart_until.items() if until > now}
                self._apart_until = still | dict.fromkeys(apart, now + APART_SECONDS)
            for group_id in {one.parcel.group_id for one in batch} - apart:
                if self._queues[group_id]:
                    self._ready.append(group_id)
                else:
                    del self._queues[group_id]
        _answer(told)
        for group_id in apart:
            self._send_apart(group_id)

    def _shared(self, parcels: Sequence[P]) -> Sequence[A | Exception | None]:
        if self._share_out is None:
            return [None for _ in parcels]
        try:
            return self._share_out(parcels)
        except Exception as error:  # noqa: BLE001
            connection.close()
            # What one of them waited for too long, the others do not wait for.
            if isinstance(error.__cause__, _OVERLOAD) and not isinstance(error.__cause__, LockNotAvailable):
                return self._overloaded(error.__cause__, parcels)
            with self._lock:
                self._in_doubt |= {one.group_id for one in parcels}
            return [None for _ in parcels]  # each group's own shows who is at fault

    def _work_apart(self, group_id: UUID) -> None:
        """Send a batch; what has come meanwhile stands behind other groups: a busy one holds no thread for good."""
        try:
            if self._work_once(group_id):
                self._send_apart(group_id)
        finally:
            keep_pooled()

    def _fetch_apart(self, group_id: UUID) -> None:
        try:
            self._work_apart(group_id)
        finally:
            connection.close()  # rarely needed: these threads keep none

    def _send_apart(self, group_id: UUID) -> None:
        try:
            self._begin_apart(group_id)
        except RuntimeError:  # the process ends, and takes no work: it is finished here
            self._work_apart(group_id)

    def _begin_apart(self, group_id: UUID) -> None:
        with self._lock:
            parcels = [one.parcel for one in islice(self._queues[group_id], AT_ONCE)]
        if self._at_hand is None or any(map(self._at_hand, parcels)):
            self._threads.submit(self._work_apart, group_id)
        else:  # those who wait for somebody's answer wait among themselves
            self._fetchers.submit(self._fetch_apart, group_id)

    def _work_once(self, group_id: UUID) -> bool:
        """Send what waits for a group; True when more has come meanwhile, and the caller must see to it."""
        with self._lock:
            queue = self._queues[group_id]
            batch = [queue.popleft() for _ in range(min(len(queue), AT_ONCE))]
        began = time.monotonic()
        answers = [answer for answer in self._let_in(batch, self._answers) if answer is not None]
        self._count_batch(answers, seconds=time.monotonic() - began)
        with self._lock:
            self._count -= len(batch)
            more = bool(queue)
            if not more:
                del self._queues[group_id]
            doubted = group_id in self._in_doubt
            self._in_doubt.discard(group_id)
        if doubted:
            wake_ups().publish(Resync())  # whoever finds there what was sent tells nobody
        _answer([(one.answer, answer) for one, answer in zip(batch, answers, strict=True)])
        return more

    def _let_in(
        self,
        batch: Sequence[_Waiting[P, A]],
        send: Callable[[Sequence[P]], Sequence[A | Exception | None]],
    ) -> Sequence[A | Exception | None]:
        """Send a batch; each counts once against the rate, however often it is tried."""
        new = [one.parcel for one in batch if not one.counted]
        refusals = iter(self._refusals(new))
        refused = {at: next(refusals) for at, one in enumerate(batch) if not one.counted}
        sent = iter(send([one.parcel for at, one in enumerate(batch) if refused.get(at) is None]))
        return [refused.get(at) or next(sent) for at in range(len(batch))]

    def _refusals(self, parcels: Sequence[P]) -> Sequence[Exception | None]:
        """Say of each whether, and why, it is not even tried."""
        return [None for _ in parcels]

    def _answers(self, parcels: Sequence[P], *, again: bool = True) -> Sequence[A | Exception]:
        try:
            return self._send(parcels)
        except Exception as error:  # noqa: BLE001
            connection.close()  # the next batch gets a sound one
            # Perhaps they were sent: the same id again gets the first answer.
            if isinstance(error.__cause__, _OVERLOAD):
                return self._overloaded(error.__cause__, parcels)
            if again and isinstance(error, (OperationalError, InterfaceError)):
                # A connection that lay idle may have died meanwhile, or only the answer of a commit was lost: then
                # they are found there, and nobody was told of them.
                answers = self._answers(parcels, again=False)
                wake_ups().publish(Resync())
                return answers
            return [error for _ in parcels]

    def _overloaded(self, cause: BaseException, parcels: Sequence[P]) -> list[A | Exception]:
        logger.error("the database does not keep up with posts: %s", type(cause).__name__)
        return [Busy(RETRY_SECONDS) for _ in parcels]

    def _count_batch(self, answers: Sequence[A | Exception], *, seconds: float) -> None:
        """Measure what was sent."""

    def _count_busy(self) -> None:
        """Measure what was not even queued."""


class PostOffice(Office[Parcel, Posted]):
    """The posts of one process."""

    def __init__(
        self,
        *,
        limit: int,
        send: Callable[[Sequence[Parcel]], list[Answer]] = send_together,
        share: Callable[[Sequence[Parcel]], list[Answer | None]] | None = None,
        at_hand: Callable[[Parcel], bool] = key_at_hand,
    ) -> None:
        super().__init__(limit=limit, send=send, share=share, at_hand=at_hand)

    def _refusals(self, parcels: Sequence[Parcel]) -> Sequence[Exception | None]:
        try:
            return limits.take_posts([parcel.officer.pk for parcel in parcels])
        except Exception as failure:  # noqa: BLE001 - whatever it is, the next batch goes on
            return [failure for _ in parcels]

    def _count_batch(self, answers: Sequence[Answer], *, seconds: float) -> None:
        measures.count_batch(map(_outcome, answers), seconds=seconds)

    def _count_busy(self) -> None:
        measures.count_busy()


def _promise[A]() -> Future[A]:
    answer: Future[A] = Future()
    answer.set_running_or_notify_cancel()  # from here on it is sent, whether or not somebody waits
    return answer


type _Told[A] = list[tuple[Future[A] | asyncio.Future[A], A | Exception]]


def _answer[A](told: _Told[A]) -> None:
    """Tell everybody from the thread that sent a batch: each loop once, with all that it waits for."""
    loops: dict[asyncio.AbstractEventLoop, _Told[A]] = {}
    for promise, answer in told:
        if isinstance(promise, Future):
            _settle([(promise, answer)])
        else:
            loops.setdefault(promise.get_loop(), []).append((promise, answer))
    for loop, here in loops.items():
        with contextlib.suppress(RuntimeError):  # a loop that is closed waits for nothing
            loop.call_soon_threadsafe(_settle, here)


def _settle[A](told: _Told[A]) -> None:
    for promise, answer in told:
        if promise.done():  # whoever waited has gone away
            continue
        if isinstance(answer, Exception):
            promise.set_exception(answer)
        else:
            promise.set_result(answer)


def _outcome(answer: Answer) -> tuple[str, str]:
    if isinstance(answer, Posted):
        return ("created" if answer.created else "replayed"), ""
    return ("refused", answer.code) if isinstance(answer, Refusal) else ("failed", "")


@cache
def office() -> PostOffice:
    """Return this process's post office."""
    return PostOffice(limit=settings.CENCOMM_LIMITS["posts_waiting"], share=send_shared)


def post_message(membership: Membership, *, draft: Draft) -> Posted:
    """Send one message; the answer comes after the commit.

    The same id with the same content answers the first message again. Raises TooFast, MessageTooLarge, NotAllowed,
    Stranger, OperationClosed, PhaseForbids, NoTemplate, FormChanged, InvalidMessage, NotYours, ConflictingReplay,
    Busy.
    """
    parcel = Parcel(
        officer=membership.officer,
        group_id=membership.group_id,
        draft=draft,
        said=said_by(draft),
        language=get_language(),
        membership=membership,
    )
    if not connection.in_atomic_block:
        return office().post(parcel)
    # Within somebody's transaction nobody else's post may depend on it.
    limits.take_post(parcel.officer.pk)
    [answer] = send_together([parcel])
    if not isinstance(answer, Posted):
        raise answer
    return answer
