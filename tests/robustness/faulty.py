"""Faults inside a real web process, provoked from outside: each quotes what was sent.

`install()` runs in the server's process before it serves. A request names its fault in a header, `X-Fault`; an item
of a socket, or a message, by holding the word FAULT. What must not live here: tests.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

FAULT = "be-a-fault"


class Broken:
    """Its end cannot be raised to anybody."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __del__(self) -> None:
        raise ValueError(self.words)


def everything(request: Any) -> str:
    """Return whatever a careless exception could quote of a request."""
    try:
        body = request.body
    except Exception as error:
        body = str(error)
    return f"{request.get_full_path()} {dict(request.headers)} {request.COOKIES} {body!r}"


def _fail(words: str) -> None:
    try:
        int(words)
    except ValueError as error:
        error.add_note(words)
        raise RuntimeError(words) from error


class FaultyMiddleware:
    """Innermost: fails where a view would."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        words = everything(request)
        match request.headers.get("X-Fault", ""):
            case "view":
                _fail(words)
            case "database":
                from django.db import connection

                with connection.cursor() as cursor:
                    cursor.execute("SELECT %s::int", [words])
            case "thread":
                thread = threading.Thread(target=_fail, args=(words,))
                thread.start()
                thread.join()
            case "unraisable":
                Broken(words)
                gc.collect()
        return self.get_response(request)


def install() -> None:
    """Set Django up, with faults built in."""
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    import django
    from django.conf import settings

    django.setup()
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.FaultyMiddleware"]
    from django.core.handlers.asgi import ASGIHandler

    _wrap(ASGIHandler, "handle", _in_the_loop)
    from accounts import queries
    from messaging.actions import inserting, plainly
    from messaging.delivery import conversation

    _wrap(queries, "live_token", _failing)
    for module in (inserting, plainly):
        _wrap(module, "seal_content", _failing)
    for name in ("parcel_of", "mark_read", "places_of", "acknowledge"):
        _wrap(conversation, name, _failing)


def _wrap(place: Any, name: str, around: Callable[..., Any]) -> None:
    whole = getattr(place, name)

    def wrapped(*args: Any, **values: Any) -> Any:
        around(*args, **values)
        return whole(*args, **values)

    setattr(place, name, wrapped)


def _failing(*args: Any, **values: Any) -> None:
    words = f"{args} {values} {[tuple(one) for one in args if isinstance(one, tuple)]}"
    if FAULT in words:
        _fail(words)


def _in_the_loop(_handler: Any, scope: Any, *_rest: Any) -> None:
    wanted = dict(scope.get("headers", ())).get(b"x-fault", b"")
    words = f"{scope}"
    if wanted == b"asgi":
        _fail(words)
    if wanted == b"task":
        asyncio.get_running_loop().create_task(_failing_task(words))
    if wanted == b"callback":
        asyncio.get_running_loop().call_soon(_fail, words)


async def _failing_task(words: str) -> None:
    _fail(words)
