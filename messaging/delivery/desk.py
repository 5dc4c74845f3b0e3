"""Questions of many sockets, answered together: what comes while the database is asked goes into the next question.

After a restart everybody asks at once. One question of a kind is under way at a time, so that the storm costs the
database few statements and one connection; what waits is bounded, in number and in time, and whoever finds no room
is told so and comes back later. What must not live here: what is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from messaging.delivery.errors import Unavailable, failure_of
from messaging.delivery.reads import in_thread

logger = logging.getLogger("cencomm.messaging")
AT_ONCE = 256
MOST_WAITING = 4096
LONGEST_WAIT = 15.0

type Run = Callable[[Callable[[], Any]], Awaitable[Any]]


class Desk[Question, Answer]:
    """Answers one kind of question, on one loop. `answer` is synchronous and gives one answer for each question.

    `run` is in which thread it does so.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer]], *, run: Run = in_thread) -> None:
        self._answer = answer
        self._run = run
        self._waiting: deque[tuple[Question, asyncio.Future[Answer], float]] = deque()
        self._working: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait to be asked for."""
        return len(self._waiting)

    async def ask(self, question: Question) -> Answer:
        """Return the answer to a question. Raises Unavailable (too many wait, or too long), Unexpected."""
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, future, loop.time() + LONGEST_WAIT))
        if self._working is None:
            # It begins after this turn of the loop, with everything that the turn has brought.
            self._working = loop.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while batch := self._next_batch():
                await self._ask([question for question, _ in batch], [future for _, future in batch])
        finally:
            self._working = None

    def _next_batch(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        batch: list[tuple[Question, asyncio.Future[Answer]]] = []
        now = asyncio.get_running_loop().time()
        while self._waiting and len(batch) < AT_ONCE:
            question, future, until = self._waiting.popleft()
            if future.done():  # who asked is gone
                continue
            if now > until:
                future.set_exception(Unavailable())
                continue
            batch.append((question, future))
        return batch

    async def _ask(self, questions: Sequence[Question], futures: Sequence[asyncio.Future[Answer]]) -> None:
        try:
            answers = await self._run(lambda: self._answer(questions))
        except Exception as error:  # noqa: BLE001
            logger.error("%d sockets got no answer: %s", len(questions), type(error).__name__)
            for future in futures:
                if not future.done():
                    future.set_exception(failure_of(error))
            return
        for future, answer in zip(futures, answers, strict=True):
            if not future.done():
                future.set_result(answer)
