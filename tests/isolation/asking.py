"""Asking as somebody, and what came back in a form that can be compared: without nonces, tokens and the ids asked.

Every write that a call makes is seen on its way to the database. What must not live here: expectations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from accounts.models import Officer
from tests.cast import show_again
from tests.isolation.entries import Entry, filled
from tests.isolation.routes import Page
from tests.isolation.world import Pick

_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE|TRUNCATE|COPY|WITH\b.*?\b(INSERT|UPDATE|DELETE)\b)", re.I | re.S)
# That somebody was there is noted, whatever he is told.
_PRESENCE = re.compile(r'UPDATE "accounts_(token|officersession)" SET "last_(used|seen)_at"')
_DRAWN = (
    re.compile(r"nonce[-=]\"?[A-Za-z0-9_+/=-]+"),
    re.compile(r"(?<=csrfmiddlewaretoken\" value=\")[A-Za-z0-9]+"),
    re.compile(r"(?<=X-CSRFToken)[^A-Za-z0-9]{1,12}[A-Za-z0-9]{32,}"),
    re.compile(r"(?<=csrf=)[A-Za-z0-9]+"),
    re.compile(r"expires=[^;]+"),
    re.compile(r"(?<=state\" value=\")[^\"]+"),
)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and everything that somebody could tell two answers apart by."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    wrote: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[object, ...]:
        """What a stranger can see of it."""
        return self.status, self.headers, self.body

    @property
    def text(self) -> str:
        """Headers and body, to look for words in."""
        return "\n".join(f"{name}: {value}" for name, value in self.headers) + "\n" + self.body


class Picked:
    """A choice of objects that remembers which identifiers it gave."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self.given: dict[str, str] = {}

    def __call__(self, kind: str) -> Any:
        value = self._pick(kind)
        if isinstance(value, UUID):
            self.given[str(value)] = f"<{kind}>"
        elif isinstance(value, int):
            self.given[f"/{value}/"] = f"/<{kind}>/"
        return value


@dataclass
class Asker:
    """Somebody who asks: with the cookies of a session, with a token, or with neither."""

    name: str
    cookies: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    officer: Officer | None = None

    def ask(self, method: str, address: str, entry: Entry, picked: Picked, *, keep: bool) -> Answer:
        """Make one call; what it does is undone unless `keep`."""
        client = Client(raise_request_exception=False)
        if self.officer is not None:
            show_again(client, self.officer)
        for name, value in self.cookies.items():
            client.cookies[name] = value
        headers = {"Accept": "text/html"} if not self.token else {"Authorization": f"Bearer {self.token}"}
        headers |= entry.headers
        send = filled(entry.send, picked)
        options: dict[str, Any] = {"headers": headers, "query_params": filled(entry.query, picked)}
        if isinstance(send, bytes):
            options |= {"data": send, "content_type": "application/offset+octet-stream"}
        elif address.startswith("/api/") and entry.send is not None:
            options |= {"data": json.dumps(send), "content_type": "application/json"}
        elif method == "POST" and not address.startswith("/api/"):
            options["data"] = send or {}
        with recorded() as wrote, _undone(not keep):
            answer = getattr(client, method.lower())(address, **options)
            body = _body(answer)
        return _comparable(answer, body, picked, wrote)


def ask_page(asker: Asker, method: str, page: Page, entry: Entry, pick: Pick, *, keep: bool) -> Answer:
    """Ask for a page."""
    picked = Picked(pick)
    return asker.ask(method, page.address(filled(entry.objects, picked)), entry, picked, keep=keep)


def ask_operation(asker: Asker, method: str, path: str, entry: Entry, pick: Pick, *, keep: bool) -> Answer:
    """Ask the API."""
    picked = Picked(pick)
    return asker.ask(method, f"/api/v1{path.format(**filled(entry.objects, picked))}", entry, picked, keep=keep)


def _body(answer: HttpResponseBase) -> str:
    content = answer.content if isinstance(answer, HttpResponse) else b"".join(answer)  # type: ignore[arg-type]
    return bytes(content).decode(errors="replace")


def _comparable(answer: HttpResponseBase, body: str, picked: Picked, wrote: list[str]) -> Answer:
    headers = [*answer.headers.items(), *(("Set-Cookie", one.OutputString()) for one in answer.cookies.values())]

    def plain(text: str) -> str:
        for value, place in picked.given.items():
            text = text.replace(value, place)
        for drawn in _DRAWN:
            text = drawn.sub("*", text)
        return text

    told = tuple(sorted((name, plain(value)) for name, value in headers if name != "Content-Length"))
    return Answer(answer.status_code, told, plain(body), tuple(wrote))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect every statement that writes, but for the note that somebody was there."""
    wrote: list[str] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if _WRITE.match(sql) and not _PRESENCE.match(sql):
            wrote.append(sql[:120])
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(look), connections["cen"].execute_wrapper(look):
        yield wrote


@contextmanager
def _undone(undo: bool) -> Iterator[None]:
    with transaction.atomic(), transaction.atomic(using="cen"):
        yield
        if undo:
            transaction.set_rollback(True)
            transaction.set_rollback(True, using="cen")
