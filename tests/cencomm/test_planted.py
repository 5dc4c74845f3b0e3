"""What anybody sends over any route is in no log, not in Redis, not in the audit trail: also when the server fails.

A real web process at the most talkative level that can be chosen, with faults built in that quote whatever was sent
(`tests/robustness/faulty.py`); a word that occurs nowhere else in every place that a client can put one.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
import redis
from django.db import connection
from django.test import Client

from accounts.models import Officer
from cencomm.api import api
from groups.models import ClosedUserGroup
from messaging.models import Message
from simplified_forms.actions import create_starting_templates
from tests.cast import sign_in
from tests.cencomm.ports import PATIENCE
from tests.messaging.conftest import seizure_body, wire
from tests.messaging.server import Server, Talker, running_redis, running_server
from tests.messaging.test_leak import leaks, planted
from tests.robustness.addresses import addresses
from tests.robustness.faulty import FAULT
from tests.robustness.html_forms import Control, forms_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True, databases=["default", "cen"]),
]
FAULTS = ("", "view", "database", "thread", "unraisable", "asgi", "task", "callback")
# Acts that end what the rest of the test needs.
LAST = ("leave", "remove", "deactivate", "reset", "sign-out", "revoke", "move", "language")


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with running_redis(tmp_path) as url:
        yield url


@pytest.fixture
def server(group: ClosedUserGroup, tmp_path: Path, redis_url: str) -> Iterator[Server]:
    create_starting_templates(group)
    before = "from tests.robustness.faulty import install; install()"
    more = {"REDIS_URL": redis_url, "CENCOMM_LOG_LEVEL": "DEBUG", "CENCOMM_ATTACHMENTS": f"{tmp_path}/attachments"}
    with running_server(tmp_path, before=before, **more) as one:
        yield one


class Sender:
    """A client that puts the word wherever there is room for one, and keeps what was answered to it."""

    def __init__(self, server: Server, word: str) -> None:
        self.server = server
        self.word = word
        self.failures: list[bytes] = []
        self.statuses: set[int] = set()
        self.last = 0

    def ask(self, method: str, path: str, *, body: bytes | None = None, **headers: str) -> bytes:
        """Send one request, with the word in whatever header the caller left free."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        free = ("User-Agent", "Referer", "Accept-Language", "X-Request-Id", "X-Forwarded-For", "From")
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        try:
            line.putrequest(method, path, skip_host="Host" in sent, skip_accept_encoding=True)
            for name, value in (dict.fromkeys(free, self.word) | sent).items():
                line.putheader(name, value.encode())
            if body is not None:
                line.putheader("Content-Length", str(len(body)))
            line.endheaders(body)
            answer = line.getresponse()
            told = answer.read()
        except http.client.HTTPException:
            return b""
        finally:
            line.close()
        self.last = answer.status
        self.statuses.add(answer.status)
        if answer.status >= 500:
            self.failures.append(told)
        return told


def session_cookie(officer: Officer) -> str:
    return f"cencomm_session={sign_in(Client(), officer).session.session_key}; cencomm_csrf={'c' * 32}"


def send_over_every_address(sender: Sender, group: ClosedUserGroup, cookies: str, token: str) -> None:
    """In the path, the query string, headers, cookies, form values, a file's name and content, a JSON body."""
    word = sender.word
    known, bearer = {"group_id": group.pk}, {"Authorization": f"Bearer {token}"}
    multipart = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{word}.csv"\r\n\r\n{word}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n{word}\r\n--b--\r\n'
    ).encode()
    fields = ("email", "password", "code", "text", "q", "name", "subject", "reason", "next", "list", "secret")
    form = urlencode(dict.fromkeys(fields, word)).encode()
    json_body = json.dumps(dict.fromkeys((*fields, "id", "kind", "body", word), word)).encode()
    paths = {*addresses(known), *addresses(known, word=quote(word)), f"/{quote(word)}/", f"/api/v1/{quote(word)}"}
    for path in sorted(paths):
        full = f"{path}?{urlencode({'q': word, 'text': word, 'after': word, word: word})}"
        if any(f"/{last}/" in path for last in LAST):
            continue
        sender.ask("GET", full, Cookie=cookies, **bearer)
        for kind, body in (
            ("application/x-www-form-urlencoded", form),
            ("multipart/form-data; boundary=b", multipart),
            ("application/json", json_body),
        ):
            extra = {"X_CSRFToken": "c" * 32} if not path.startswith("/api/") else bearer
            sender.ask("POST", full, body=body, Content_Type=kind, Cookie=f"{cookies}; x={quote(word)}", **extra)

        for method in ("PUT", "PATCH", "DELETE") if path.startswith("/api/") else ():
            sender.ask(method, full, body=json_body, Content_Type="application/json", **bearer)


def send_a_file(sender: Sender, group: ClosedUserGroup, token: str) -> None:
    """Its name, its caption, its type, its content, begun, written to, renamed, and taken away."""
    word, bearer = sender.word, {"Authorization": f"Bearer {token}"}
    told = {"id": str(uuid4()), "name": f"{word}.txt", "size": 2 * len(word.encode()), "caption": word}
    asked = [
        ("POST", f"groups/{group.pk}/attachments", {**told, "media_type": word}, {}),
        ("PUT", f"attachments/{told['id']}/caption", {"caption": f"{word} again"}, {}),
        ("PATCH", f"attachments/{told['id']}", word, {"Upload_Offset": word}),
        ("PATCH", f"attachments/{told['id']}", word * 2, {"Upload_Offset": "0"}),
        ("GET", f"attachments/{told['id']}/state", None, {}),
        ("DELETE", f"attachments/{told['id']}", None, {}),
    ]
    done = []
    for method, path, sent, more in asked:
        body = sent.encode() if isinstance(sent, str) else json.dumps(sent).encode() if sent else None
        kind = "application/offset+octet-stream" if method == "PATCH" else "application/json"
        sender.ask(method, f"/api/v1/{path}", body=body, Content_Type=kind, **more, **bearer)
        done.append(sender.last)
    assert done == [201, 200, 415, 204, 200, 204]


def send_faults(sender: Sender, group: ClosedUserGroup, cookies: str, token: str) -> None:
    """Every kind of failure inside, on a page, on the API, on a path that nobody knows."""
    word = sender.word
    for fault in FAULTS:
        for path in (f"/groups/{group.pk}/settings/", f"/api/v1/groups/{group.pk}", "/sign-in/", f"/{quote(word)}"):
            headers = {"Cookie": cookies, "Authorization": f"Bearer {token}", "X_Fault": fault}
            full, body = f"{path}?q={quote(word)}", urlencode({"text": word, "password": word}).encode()
            sender.ask("GET", full, **headers)
            sender.ask(
                "POST",
                full,
                body=body,
                X_CSRFToken="c" * 32,
                Content_Type="application/x-www-form-urlencoded",
                **headers,
            )
    sender.ask("GET", "/api/v1/me", Authorization=f"Bearer {FAULT}{word}")
    sender.ask("GET", "/api/v1/me", Authorization=f"Basic {word}")
    for host in (quote(word), f"{quote(word)}.invalid"):
        sender.ask("GET", "/groups/", Host=host)
    for origin in (f"https://{quote(word)}.invalid", quote(word), "null"):
        sender.ask("POST", "/sign-in/", body=b"a=b", Origin=origin, Cookie=cookies, X_CSRFToken="c" * 32)
    sender.ask("POST", "/sign-in/", body=b"a=b", Cookie=f"cencomm_csrf={quote(word)}", X_CSRFToken=quote(word))
    sender.ask("POST", "/api/v1/groups", body=f'{{"{word}'.encode(), Content_Type="application/json")


def fill_every_form(sender: Sender, paths: list[str], cookies: str) -> int:
    """Open each page, fill each of its forms with the word, send it; return how many forms were sent."""
    sent = 0

    def words(control: Control) -> str:
        return (
            f"{sender.word.lower().replace('é', 'e')}{uuid4().hex[:6]}@demo.invalid"
            if control.kind == "email"
            else sender.word
        )

    for path in paths:
        if any(f"/{last}/" in path for last in LAST):
            continue
        page = sender.ask("GET", path, Cookie=cookies).decode(errors="replace")
        for form in forms_of(page):
            action = form.action or path
            if any(f"/{last}/" in action for last in LAST):
                continue
            body = urlencode(form.filled(words)).encode()
            sender.ask(
                "POST", action, body=body, Cookie=cookies, X_CSRFToken="c" * 32,
                Content_Type="application/x-www-form-urlencoded",
            )  # fmt: skip
            sent += 1
    return sent


def speak(sender: Sender, group: ClosedUserGroup, token: str) -> None:
    """Over the socket: every operation, right and wrong, and every one of them failing inside."""
    word = sender.word
    with Talker(sender.server.ws, token=token, headers={"X-Word": quote(word)}) as client:
        client.follow(group.pk)
        client.say(op="post", group=str(group.pk), message=wire(subject=word, body={"text": word}))
        client.until(lambda told: told["op"] == "posted")
        wrong: list[dict[str, Any]] = [
            {"op": word},
            {"op": "post", "group": str(group.pk), "message": wire(subject=f"{word} {FAULT}", body={"text": word})},
            {"op": "post", "group": FAULT, "message": {"id": word, word: word}},
            {"op": "post", "group": word, "message": {word: word}},
            {"op": "follow", "groups": {word: {}}},
            {"op": "follow", "groups": {FAULT: {word: word}}},
            {"op": "acknowledge", "message": word},
            {"op": "acknowledge", "message": f"{FAULT} {word}"},
            {"op": "seen", "group": word, "seq": word},
            {"op": "seen", "group": f"{FAULT} {word}", "seq": 1},
        ]
        for item in wrong:
            before = sum(one["op"] == "refused" for one in client.items)
            client.say(**item)
            client.until(lambda told: told["op"] == "refused")
            assert sum(one["op"] == "refused" for one in client.items) > before
        client.socket.send("{" + word)
        client.until(lambda told: told["op"] == "refused")
        client.socket.send(word.encode())
        client.until(lambda told: told["op"] == "refused")


def audit_text() -> bytes:
    """Return every value of every row of the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry::text FROM audit_entry entry")
        return "\n".join(row[0] for row in cursor.fetchall()).encode()


def test_what_is_sent_is_written_nowhere(
    server: Server, redis_url: str, group: ClosedUserGroup, amina: Officer, padma: Officer, eve: Officer,
    token_for: Callable[..., str],
) -> None:  # fmt: skip
    heard = redis.Redis.from_url(redis_url).pubsub()
    heard.psubscribe("*")
    assert heard.get_message(timeout=PATIENCE)["type"] == "psubscribe"
    word = planted()
    sender, token = Sender(server, word), token_for(amina)
    cookies = {officer: session_cookie(officer) for officer in (amina, padma, eve)}
    status, _ = server.request("POST", f"/groups/{group.pk}/messages", token, wire(subject=word))
    assert status == 201
    status, _ = server.request(
        "POST", f"/groups/{group.pk}/messages", token, wire("seizure", body=seizure_body(place=word))
    )
    assert status == 201
    pages = addresses({"group_id": group.pk, "message_id": Message.objects.latest("seq").pk})
    assert sum(fill_every_form(sender, pages, cookies[officer]) for officer in (amina, padma, eve)) > 20
    send_over_every_address(sender, group, cookies[amina], token)
    send_a_file(sender, group, token)
    send_faults(sender, group, cookies[amina], token)
    speak(sender, group, token)
    assert sender.statuses >= {200, 302, 400, 401, 403, 404, 405, 422, 500}

    assert len(sender.failures) > 20
    assert [told for told in sender.failures if leaks(told, word)] == []
    log = server.log.read_bytes()
    # The log tells of each failure: its kind and place; what it quotes is not there.
    for kind in (b"builtins.RuntimeError", b"builtins.ValueError", b"psycopg.errors.InvalidTextRepresentation",
                 b"a thread failed", b"an exception could not be raised", b"Exception in ASGI application",
                 b"in _failing_task", b"an item of a socket failed"):  # fmt: skip
        assert kind in log, kind
    found = leaks(log, word)
    assert found == [], [line for line in log.splitlines() if leaks(line, word)][:10]
    assert leaks(audit_text(), word) == []
    assert b"group" in audit_text()
    store = redis.Redis.from_url(redis_url)
    store.set("cencomm:looked", "at")
    memory = b"".join(key + (store.dump(key) or b"") for key in store.scan_iter())  # type: ignore[operator]
    assert b"cencomm:looked" in memory
    published = []
    while (message := heard.get_message(timeout=0.5)) is not None:
        published.append(message["data"])
    assert published
    assert leaks(memory + b"\n".join(published), word) == []


def test_every_operation_of_the_api_is_among_the_addresses() -> None:
    routes = {path for path in addresses() if path.startswith("/api/v1/")}
    assert len(routes) >= len(set(api.get_openapi_schema()["paths"]))
