"""What was sent is nowhere to be read: not in a dump, data files and WAL, not in Redis, not in the logs."""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from django.conf import settings as django_settings

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.folding import fold
from messaging.models import Message
from tests.cencomm.ports import PATIENCE
from tests.environment import cluster
from tests.messaging.conftest import seizure_body, wire
from tests.messaging.server import Server, Talker, running_redis, running_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True, databases=["default", "cen"]),
]
Token = Callable[..., str]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with running_redis(tmp_path) as url:
        yield url


@pytest.fixture
def server(transactional_db: None, tmp_path: Path, redis_url: str) -> Iterator[Server]:
    with running_server(tmp_path, REDIS_URL=redis_url, CENCOMM_POSTS_PER_MINUTE="60") as one:
        yield one


def planted() -> str:
    """Return a word that occurs nowhere else, with letters that folding and encodings change."""
    return f"Lanterne-{secrets.token_hex(8)}-Élan"


def spellings(word: str) -> dict[str, bytes]:
    """Return the ways in which a word could lie about; base64 at each of its three offsets."""
    core = word.split("-")[1]
    found = {"utf-8": word.encode(), "core": core.encode(), "folded": fold(word).encode()}
    found["utf-16"] = core.encode("utf-16-le")
    found["hex"] = core.encode().hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + core.encode())
        found[f"base64-{shift}"] = encoded[4:-4]
    return found


def leaks(data: bytes, word: str) -> list[str]:
    return [name for name, spelling in spellings(word).items() if spelling in data]


def held_in(file: Path) -> bytes:
    """Return what a file of the running database holds; the server takes some away while they are listed."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def say_it_everywhere(
    word: str, server: Server, token_for: Token, room: ClosedUserGroup, fatou: Officer, bruno: Officer, eve: Officer
) -> None:
    """Send the word in every field and through every door, accepted and refused."""
    token, path = token_for(fatou), f"/groups/{room.pk}/messages"
    status, note = server.request("POST", path, token, wire(subject=word, body={"text": f"x {word} y"}))
    assert status == 201
    status, seizure = server.request(
        "POST", path, token, wire("seizure", body=seizure_body(place=word, description=f"{word} again"))
    )
    assert status == 201, seizure
    for broken in (
        wire(subject=word * 20),
        wire("seizure", body={"date": word}),
        {**wire(), "kind": word},
        {**wire(), word: word},
        {**wire(), "id": word},
        {**wire(), "due_at": word},
        wire(body={"text": word * 5000}),
        {**wire(body={"text": word}), "id": note["id"]},
    ):
        assert server.request("POST", path, token, broken)[0] >= 400
    assert server.request("POST", path, token_for(eve), wire(subject=word))[0] == 404
    moved = {"status": "returned", "reason": f"Because of {word}"}
    assert server.request("POST", f"/messages/{seizure['id']}/status", token_for(bruno), moved)[0] == 200
    status, found = server.request("POST", f"/groups/{room.pk}/search", token, {"text": word})
    assert len(found["messages"]) == 2
    with Talker(server.ws, token=token) as client:
        client.follow(room.pk)
        client.say(op="post", group=str(room.pk), message=wire(subject=word))
        client.event(4)
        for item in (
            {"op": word},
            {"op": "post", "group": word, "message": {word: word}},
            {"op": "follow", "groups": {word: {}}},
        ):
            client.say(**item)
            client.until(lambda told: told["op"] == "refused")
        client.socket.send("{" + word)
        client.until(lambda told: told["op"] == "refused")


def test_nothing_that_was_sent_can_be_read_outside(
    server: Server, redis_url: str, tmp_path: Path, token_for: Token, room: ClosedUserGroup, fatou: Officer,
    bruno: Officer, eve: Officer,
) -> None:  # fmt: skip
    told = redis.Redis.from_url(redis_url).pubsub()
    told.psubscribe("*")
    assert told.get_message(timeout=PATIENCE)["type"] == "psubscribe"
    word = planted()
    say_it_everywhere(word, server, token_for, room, fatou, bruno, eve)
    assert Message.objects.count() == 3

    # The pace of posts lives for seconds only: this one is sure to be there, so that the search is known to look.
    redis.Redis.from_url(redis_url).set("cencomm:search", "looks into the memory")
    snapshot = tmp_path / "memory.rdb"
    subprocess.run(["redis-cli", "-u", redis_url, "--rdb", str(snapshot)], check=True, capture_output=True)
    memory = snapshot.read_bytes() + b"".join(
        key + (redis.Redis.from_url(redis_url).dump(key) or b"")  # type: ignore[operator]
        for key in redis.Redis.from_url(redis_url).scan_iter()
    )
    assert b"looks into the memory" in memory
    assert leaks(memory, word) == []
    for alias in ("default", "cen"):
        name = django_settings.DATABASES[alias]["NAME"]
        dump = cluster.run_binary(
            "pg_dump", "-h", str(cluster.socket_folder), "-U", "postgres", "-d", str(name), "--inserts"
        ).stdout.encode()
        assert b"CREATE TABLE" in dump
        assert leaks(dump, word) == [], alias

    with psycopg.connect(cluster.addresses.superuser, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    files = [file for file in cluster.cluster.rglob("*") if file.is_file()]
    assert any("pg_wal" in str(file) for file in files)
    assert {str(file): found for file in files if (found := leaks(held_in(file), word))} == {}

    published = []
    while not any(data.startswith(b"g ") for data in published):  # whoever tells does so after the answers
        published.append(told.get_message(timeout=PATIENCE)["data"])
    while (message := told.get_message(timeout=0.5)) is not None:
        published.append(message["data"])
    assert leaks(b"\n".join(published), word) == []

    assert b"INFO" in server.log.read_bytes()
    assert leaks(server.log.read_bytes(), word) == []
    assert leaks(cluster.log.read_bytes(), word) == []


def test_the_search_for_leaks_would_find_one() -> None:
    word = planted()
    core = word.split("-")[1]
    for data in (word.encode(), b"\\x" + core.encode().hex().encode(), base64.b64encode(b"ab" + word.encode()),
                 fold(word).encode(), word.encode("utf-16-le")):  # fmt: skip
        assert leaks(b"..." + data + b"...", word), data
    assert leaks(uuid4().bytes * 10, word) == []


@pytest.fixture(autouse=True)
def _needs(room: Any) -> None:
    """Forms and members are there before the server is asked."""
