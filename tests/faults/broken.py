"""Web processes of deliberately broken builds: the product as it is, with one promise taken out. For tests only.

    python -m tests.faults.broken number_before_lock --port 8000

Each break is done from outside, when the process starts; the product has no switch for it. What must not live here:
what is expected of each (`rehearsal`).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import orjson

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
COMMIT_LATER_SECONDS = 0.15


def number_before_lock() -> None:
    """Whoever takes a number no longer waits for whoever has taken one: the row's lock locks nothing."""
    import psycopg

    real = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *values: Any, **options: Any) -> Any:
        for lock in (" FOR NO KEY UPDATE", " FOR UPDATE"):
            if isinstance(query, str):
                query = query.replace(lock, "")
            elif isinstance(query, bytes):
                query = query.replace(lock.encode(), b"")
        return real(self, query, *values, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign, assignment]
    from messaging import roundtrip

    for name in ("_HOLD", "_HOLD_FREE"):
        hold = getattr(roundtrip, name)
        text = hold.text.replace(b" FOR NO KEY UPDATE", b"").replace(b" SKIP LOCKED", b"")
        assert text != hold.text
        setattr(roundtrip, name, hold._replace(text=text))


def publish_before_commit() -> None:
    """What is said goes out to everybody first, and is committed a moment later."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    from messaging.actions import together

    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def publish_and_commit(self: Any) -> None:
        hooks, self.run_on_commit = self.run_on_commit, []
        for _sids, hook, _robust in hooks:
            hook()
        if hooks:
            time.sleep(COMMIT_LATER_SECONDS)
        commit(self)

    BaseDatabaseWrapper._commit = publish_and_commit  # type: ignore[attr-defined]
    plainly = getattr(together, "_insert_plain", None)
    if plainly is None:
        return

    def insert_and_commit_later(*values: Any, **options: Any) -> Any:
        from django.db import connection

        connection.ensure_connection()
        connection.connection.execute("BEGIN")
        done = plainly(*values, **options)
        time.sleep(COMMIT_LATER_SECONDS)
        connection.connection.execute("COMMIT")
        return done

    together._insert_plain = insert_and_commit_later


def gate_forgotten() -> None:
    """The API asks nobody whether he is a member."""
    from groups.errors import Stranger
    from groups.models import Membership
    from messaging import api

    asks = api.member_of

    def lets_in(officer: Any, group_id: Any, right: Any) -> Any:
        try:
            return asks(officer, group_id, right)
        except Stranger:
            members = Membership.objects.select_related("group", "officer__administration")
            return members.filter(group_id=group_id, role="officer")[0]

    api.member_of = lets_in


def resume_off_by_one() -> None:
    """Who comes back with a position misses the first event after it."""
    _wrap(_OffByOne)


def ids_forgotten() -> None:
    """The id that a client gave its message is not kept: sent again, it is another message."""
    _wrap(_Forgetful)


class _Wire:
    """Stands between the server and the product on one socket, and reads what passes."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def receive(self) -> dict[str, Any]:
        message = await self._receive()
        if message.get("text"):
            said = orjson.loads(message["text"])
            items = said if isinstance(said, list) else [said]
            for item in items:
                self.heard(item)
            message = {**message, "text": orjson.dumps(items).decode()}
        return message

    async def send(self, message: Mapping[str, Any]) -> None:
        if message.get("text"):
            items = [item for item in orjson.loads(message["text"]) if self.says(item)]
            if not items:
                return
            message = {**message, "text": orjson.dumps(items).decode()}
        await self._send(message)

    def heard(self, item: dict[str, Any]) -> None:
        """Look at an item of the client; it may be changed."""

    def says(self, _item: dict[str, Any]) -> bool:
        """Whether an item goes to the client."""
        return True


class _OffByOne(_Wire):
    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__(receive, send)
        self._left_out: dict[str, int] = {}

    def heard(self, item: dict[str, Any]) -> None:
        if item.get("op") == "follow":
            for group, place in item["groups"].items():
                self._left_out[group] = place.get("after", -2) + 1

    def says(self, item: dict[str, Any]) -> bool:
        if item["op"] == "caught_up":
            self._left_out.pop(item["group"], None)
        return item["op"] != "event" or item["seq"] != self._left_out.get(item["group"])


class _Forgetful(_Wire):
    def heard(self, item: dict[str, Any]) -> None:
        if item.get("op") == "post":
            item["message"]["id"] = str(uuid4())


def _wrap(kind: type[_Wire]) -> None:
    from cencomm import asgi

    inner: Any = asgi.application

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await inner(scope, receive, send)
            return
        wire = kind(receive, send)
        await inner(scope, wire.receive, wire.send)

    asgi.application = application  # type: ignore[assignment]


BREAKS: Mapping[str, Callable[[], None]] = {
    work.__name__: work
    for work in (number_before_lock, publish_before_commit, gate_forgotten, resume_off_by_one, ids_forgotten)
}


def main(words: Sequence[str]) -> int:
    """Break what the first word names, then serve."""
    name, _option, port = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    import django

    from cencomm.serve import serve

    django.setup()
    BREAKS[name]()
    return serve(host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
