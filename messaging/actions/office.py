"""Group commit: posts that arrive while their group's transaction runs go together into the next one.

Callers wait in threads (HTTP) or as futures (sockets). What waits is bounded, by number and by age: past it a post
is refused at once (Busy, 503), and the client, which keeps what it could not send, tries again. What must not live
here: what sending means (`together`).
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
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils.translation import get_language
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import PoolTimeout

from groups.models import Membership
from messaging.actions.posting import Parcel, Posted
from messaging.actions.preparing import said_by
from messaging.actions.together import Answer, send_together
from messaging.drafts import Draft
from messaging.errors import Busy
from messaging.measures import measures
from messaging.wakeups import Resync, wake_ups
from problems import Refusal

logger = logging.getLogger("cencomm.messaging")
AT_ONCE = 64
THREADS = 4
LONGEST_WAIT = 5.0
RETRY_SECONDS = 2
_OVERLOAD = (PoolTimeout, LockNotAvailable, QueryCanceled)  # no connection, no lock, no end within its time


class ForGroup(Protocol):
    """Something to be written into the stream of a group."""

    @property
    def group_id(self) -> UUID: ...


class _Waiting[P: ForGroup, A](NamedTuple):
    parcel: P
    answer: Future[A] | asyncio.Future[A]
    since: float


class Office[P: ForGroup, A]:
    """What one process writes. One transaction runs for a group at a time; groups do not wait for each other."""

    def __init__(
        self,
        *,
        limit: int,
        send: Callable[[Sequence[P]], list[A | Exception]],
        threads: int = THREADS,
        name: str = "posting",
    ) -> None:
        self._limit = limit
        self._send = send
        self._lock = threading.Lock()
        self._queues: dict[UUID, deque[_Waiting[P, A]]] = {}
        self._count = 0
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    @property
    def waiting(self) -> int:
        """How many have no answer yet."""
        return self._count

    def hand_in(self, parcel: P) -> Future[A]:
        """Take one; the future holds what came of it after the commit. Raises Busy when too many wait."""
        answer: Future[A] = _promise()
        if self._queue(parcel, answer):
            self._threads.submit(self._work_apart, parcel.group_id)
        return answer

    def hand_in_here(self, parcel: P) -> asyncio.Future[A]:
        """Do the same on a running loop, which is told of a whole batch at once."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        if self._queue(parcel, answer):
            self._threads.submit(self._work_apart, parcel.group_id)
        return answer

    def post(self, parcel: P) -> A:
        """Send one and wait for its answer. The first thread of a group works, those behind it wait."""
        answer: Future[A] = _promise()
        if not self._queue(parcel, answer):
            connection.close()  # whoever works needs one: those who wait must not hold them all
        elif self._work_once(parcel.group_id):
            self._threads.submit(self._work_apart, parcel.group_id)
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

    def _work_apart(self, group_id: UUID) -> None:
        """Send a batch; what has come meanwhile stands behind other groups: a busy one holds no thread for good."""
        try:
            while self._work_once(group_id):
                with contextlib.suppress(RuntimeError):  # the process ends, and takes no work: it is finished here
                    self._threads.submit(self._work_apart, group_id)
                    return
        finally:
            _rest()

    def _work_once(self, group_id: UUID) -> bool:
        """Send what waits for a group; True when more has come meanwhile, and the caller must see to it."""
        with self._lock:
            queue = self._queues[group_id]
            batch = [queue.popleft() for _ in range(min(len(queue), AT_ONCE))]
        began = time.monotonic()
        answers = self._answers([one.parcel for one in batch])
        self._count_batch(answers, seconds=time.monotonic() - began)
        with self._lock:
            self._count -= len(batch)
            more = bool(queue)
            if not more:
                del self._queues[group_id]
        _answer([(one.answer, answer) for one, answer in zip(batch, answers, strict=True)])
        return more

    def _answers(self, parcels: Sequence[P], *, again: bool = True) -> Sequence[A | Exception]:
        try:
            return self._send(parcels)
        except Exception as error:  # noqa: BLE001
            connection.close()  # the next batch gets a sound one
            # Perhaps they were sent: the same id again gets the first answer.
            if isinstance(error.__cause__, _OVERLOAD):
                logger.error("the database does not keep up with posts: %s", type(error.__cause__).__name__)
                return [Busy(RETRY_SECONDS) for _ in parcels]
            if again and isinstance(error, (OperationalError, InterfaceError)):
                # A connection that lay idle may have died meanwhile, or only the answer of a commit was lost: then
                # they are found there, and nobody was told of them.
                answers = self._answers(parcels, again=False)
                wake_ups().publish(Resync())
                return answers
            return [error for _ in parcels]

    def _count_batch(self, answers: Sequence[A | Exception], *, seconds: float) -> None:
        """Measure what was sent."""

    def _count_busy(self) -> None:
        """Measure what was not even queued."""


class PostOffice(Office[Parcel, Posted]):
    """The posts of one process."""

    def __init__(self, *, limit: int, send: Callable[[Sequence[Parcel]], list[Answer]] = send_together) -> None:
        super().__init__(limit=limit, send=send)

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


def _rest() -> None:
    """Keep a pooled connection for the next post: to take one from the pool costs as much as a statement."""
    if "pool" not in connection.settings_dict["OPTIONS"]:
        close_old_connections()


@cache
def office() -> PostOffice:
    """Return this process's post office."""
    return PostOffice(limit=settings.CENCOMM_LIMITS["posts_waiting"])


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
    [answer] = send_together([parcel])
    if not isinstance(answer, Posted):
        raise answer
    return answer
