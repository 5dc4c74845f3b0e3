"""`/ws/v1`: the origin check in front of the live stream. The stream itself is `messaging.delivery`.

A browser sends cookies along with any page's request, so a session needs an Origin that is ours; a programme shows
its token in a header that no foreign page can set, and needs none.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from urllib.parse import ParseResult, urlsplit

from channels.security.websocket import OriginValidator
from django.conf import settings

from messaging.delivery.entrance import converse
from messaging.measures import measures

PATH = "/ws/v1"
FOREIGN = 4403


class OriginGate(OriginValidator):
    """Channels' check against ALLOWED_HOSTS, narrowed to the very host and port that the page came from."""

    def __init__(self) -> None:
        super().__init__(None, list(settings.ALLOWED_HOSTS))  # type: ignore[no-untyped-call]

    def admits(self, scope: dict[str, Any]) -> bool:
        """Whether this may be a programme's socket, or one of a page of ours."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
        # An empty header is none: who reads it then looks at the session, and a session needs an origin of ours.
        if headers.get(b"authorization"):
            return True
        return self._is_ours(headers.get(b"origin"), headers.get(b"host", ""))

    def _is_ours(self, origin: str | None, host: str) -> bool:
        if not origin:
            return False
        if origin in settings.CSRF_TRUSTED_ORIGINS:
            return True
        try:
            parts = urlsplit(origin)
            parsed = ParseResult(parts.scheme, parts.netloc, parts.path, "", "", "")
            allowed = bool(self.valid_origin(parsed))  # type: ignore[no-untyped-call]
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and parts.netloc == host and allowed


async def turn_away(receive: Any, send: Any) -> None:
    """Close a socket that a foreign page has opened."""
    await receive()
    measures.closed[FOREIGN] += 1
    await send({"type": "websocket.accept"})  # a close code reaches only who was accepted
    await send({"type": "websocket.close", "code": FOREIGN})


async def nowhere(receive: Any, send: Any) -> None:
    """Refuse a socket at any other address."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


_gate = OriginGate()


def live_stream(scope: dict[str, Any], receive: Any, send: Any) -> Awaitable[None]:
    """Serve one socket: the ASGI application of everything that is no HTTP.

    It only chooses, and nothing stays on the stack of a socket that is open for hours.
    """
    if scope["path"] != PATH:
        return nowhere(receive, send)
    if not _gate.admits(scope):
        return turn_away(receive, send)
    return converse(scope, receive, send)
