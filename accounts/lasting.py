"""Answers that take long, and the right to them, which may end before they do.

A download is authorised when it begins. While it is being sent the server asks again every second (`cencomm.asgi`)
and hangs up once the sign-in has ended, or whatever else let the reader have it. Whoever takes part after part uses
his session: a large file over a slow line is no idleness. Who takes nothing is idle; the longest session ends both.
What must not live here: who may read what, and connections.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from accounts import queries
from accounts.actions.sessions import see_session
from accounts.middleware import UNATTENDED
from accounts.models import Token
from accounts.web_session import session_of
from problems import Refusal

ASK_AGAIN_SECONDS = 1.0


class LongAnswer(StreamingHttpResponse):
    """Parts that are made one at a time, in the request's thread, while their reader may have them.

    `still` raises a Refusal once he may not, for whatever reason but his sign-in, which is looked at here.
    """

    def __init__(
        self, request: HttpRequest, parts: Iterator[bytes], *, still: Callable[[], object], **values: Any
    ) -> None:
        # An ASGI server would collect a plain iterator whole in memory: there it must be asynchronous.
        told = self._noted(parts)
        content: Any = _in_thread(told) if isinstance(request, ASGIRequest) else told
        super().__init__(content, **values)
        session, token = session_of(request), getattr(request, "token", None)
        self._sessions = [session] if session is not None and token is None else []
        self._attended, self._taken = UNATTENDED not in request.headers, False
        self._tokens = [token.pk] if isinstance(token, Token) else []
        self._still = still

    async def may_go_on(self) -> bool:
        """Whether the reader may have the rest. No, too, where that cannot be found out."""
        return await sync_to_async(self._may_go_on)()

    def _may_go_on(self) -> bool:
        try:
            if queries.ended_among(sessions=[one.pk for one in self._sessions], tokens=self._tokens):
                return False
            self._still()
            self._note_use()
        except (Refusal, DatabaseError):
            return False
        finally:
            close_old_connections()
        return True

    def _noted(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        for part in parts:
            yield part
            self._taken = True  # the next is asked for once this one is on its way

    def _note_use(self) -> None:
        """Write that the session is used, where something was taken since the last look."""
        if self._taken and self._attended:
            for session in self._sessions:
                see_session(session, now=timezone.now())
        self._taken = False


async def _in_thread(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    def following() -> bytes | None:
        try:
            return next(parts, None)
        finally:
            close_old_connections()  # a slow reader holds no connection of the pool

    while (part := await sync_to_async(following)()) is not None:
        yield part
