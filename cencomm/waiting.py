"""A process that starts before its databases: it waits, says so, and meanwhile answers that it is not ready.

What must not live here: databases that go away later; requests then get 503 one by one, and connect anew.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

logger = logging.getLogger("cencomm.start")
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
REPEAT_SECONDS = 30.0
TRY_AGAIN_SECONDS = 5
TRY_AGAIN_LATER = 1013
# For people: no style is served yet. It asks again by itself.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="{seconds}">
<title>503 · CENcomm</title></head><body><main><h1>CENcomm</h1><p>{text}</p></main></body></html>
"""
NAMES = {"default": "database", "cen": "cen-database"}  # as /health/ready tells them

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def patience(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return how many seconds a start waits for its databases; None, the default, for as long as it takes."""
    told = environment.get("CENCOMM_DATABASE_WAIT", "").strip()
    return float(told) if told else None


def absent_databases() -> dict[str, str]:
    """Return the databases that take no connection now, each with the reason in one line; no pool is touched."""
    import psycopg
    from django.db import connections

    found = {}
    for alias in connections:
        params = {**connections[alias].get_connection_params()}
        params.setdefault("connect_timeout", 5)
        try:
            psycopg.connect(**params).close()
        except psycopg.OperationalError as error:
            found[NAMES.get(alias, alias)] = str(error).strip().splitlines()[-1].strip()
    return found


def wait_for_databases(
    *, seconds: float | None, ask: Callable[[], Mapping[str, str]] = absent_databases
) -> Mapping[str, str]:
    """Wait until every database takes connections; return those that still do not when the time is over."""
    started, said_at, pause = time.monotonic(), 0.0, FIRST_PAUSE
    while absent := ask():
        now = time.monotonic()
        if seconds is not None and now - started >= seconds:
            return absent
        if not said_at or now - said_at >= REPEAT_SECONDS:
            said_at = now
            for name, reason in absent.items():
                logger.warning("waiting for the %s: %s", name, reason)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    if said_at:
        logger.warning("the databases answer: going on")
    return {}


class WaitingRoom:
    """Stands before the application until it may be entered: tells what is missing, and everybody to wait."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        self.missing = list(missing)
        self._application: Application | None = None

    def open(self, application: Application) -> None:
        """Let everybody through from now on."""
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._application is not None:
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})  # a close code reaches only who was accepted
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        elif scope["type"] == "http":
            await self._answer(scope, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        from cencomm.headers import raw_headers
        from messaging.delivery.errors import Unavailable

        status, kind, path = 503, "application/json", scope["path"]
        if path == "/health/live":
            status, body = 200, json.dumps({"status": "live"}).encode()
        elif path == "/health/ready":
            body = json.dumps({"status": "not ready", "missing": self.missing}).encode()
        elif any(name == b"accept" and b"text/html" in value for name, value in scope["headers"]):
            kind = "text/html; charset=utf-8"
            body = PAGE.format(seconds=TRY_AGAIN_SECONDS, text=Unavailable().title).encode()
        else:
            kind = "application/problem+json"
            body = json.dumps(Unavailable().as_problem()).encode()
        headers = raw_headers(Content_Type=kind, Content_Length=str(len(body)))
        if status == 503:
            headers.append((b"retry-after", str(TRY_AGAIN_SECONDS).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
