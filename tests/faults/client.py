"""A client as the protocol wants it: positions, an outbox with its own ids, back-off with chance, heads compared.

One officer with one token, one socket at a time, to any web process. What it does is drawn by `acts`; what it saw
goes to its log. What must not live here: judgement beyond what the protocol says of one connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.faults.log import Log
from tests.faults.sockets import Answer, ask

SILENT_BEATS = 2.5
RESEND_SECONDS = 6.0
LONGEST_PAUSE = 2.0
FAILURES = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, EOFError)


@dataclass(slots=True)
class Position:
    """Where a client stands in a group: `live` once it was told that it has caught up on this connection."""

    epoch: str
    after: int
    live: bool = False
    fresh: bool = False  # told to start afresh: the next event may have any number
    member: bool = True
    asking: bool = False  # a gap was seen: it will be asked for again
    first_epoch: str = ""

    def __post_init__(self) -> None:
        self.first_epoch = self.epoch


@dataclass(slots=True)
class Post:
    """A message on its way: kept until it is answered, by its door `socket` or `http`."""

    id: str
    group: str
    message: dict[str, Any]
    door: str
    due: float = 0.0
    tries: int = 0
    tries_here: int = 0  # over the present connection
    busy: bool = False

    @property
    def text(self) -> str:
        """What it says."""
        return str(self.message["body"].get("text", ""))


@dataclass(eq=False)
class Client:
    """One officer. `run` until `stop`; `idle` when nothing waits for an answer."""

    name: str
    officer: str
    token: str
    doors: Sequence[int]
    positions: dict[str, Position]
    rng: random.Random
    heartbeat: float
    log: Log
    outbox: dict[str, Post] = field(default_factory=dict)
    socket: ClientConnection | None = None
    stopping: bool = False
    connects: int = 0
    frozen: bool = False  # begins nothing new
    mute: bool = False  # sends nothing any more
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    # -- life

    async def run(self) -> None:
        """Connect, follow, converse; come back after every loss, later and later, never in step with others."""
        pushing = asyncio.create_task(self._push_forever())
        attempt = 0
        try:
            while not self.stopping:
                try:
                    async with asyncio.timeout(10):
                        socket = await self._connect()
                    attempt = 0
                    await self._converse(socket)
                except FAILURES as error:
                    code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else ""
                    self.log.counts[f"lost: {type(error).__name__} {code}".strip()] += 1
                finally:
                    self._forget_socket()
                attempt += 1
                await asyncio.sleep(self.rng.uniform(0.1, min(LONGEST_PAUSE, 0.2 * 2**attempt)))
        finally:
            pushing.cancel()
            for task in list(self._tasks):
                task.cancel()

    async def _connect(self) -> ClientConnection:
        self.connects += 1
        return await connect(
            f"ws://127.0.0.1:{self.rng.choice(self.doors)}/ws/v1",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            subprotocols=["cencomm.v1"],  # type: ignore[list-item]
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.5,
            proxy=None,
        )

    def _forget_socket(self) -> None:
        socket, self.socket = self.socket, None
        if socket is not None:
            socket.transport.abort()
        for position in self.positions.values():
            position.live = False

    def drop(self) -> None:
        """Lose the connection, as a laptop does that is closed."""
        if self.socket is not None:
            self.socket.transport.abort()

    async def _converse(self, socket: ClientConnection) -> None:
        self.socket = socket
        await self._follow(list(self.positions))
        for post in self.outbox.values():
            if post.door == "socket":
                post.due, post.tries_here = 0.0, 0
        while not self.stopping:
            async with asyncio.timeout(self.heartbeat * SILENT_BEATS + 1):
                frame = await socket.recv(decode=False)
            for item in orjson.loads(frame):
                await self._hear(item)

    async def _say(self, item: Mapping[str, Any]) -> None:
        if self.socket is not None:
            await self.socket.send(orjson.dumps(item), text=True)

    # -- following

    async def _follow(self, groups: Sequence[str]) -> None:
        wanted: dict[str, Any] = {}
        for group in groups:
            position = self.positions[group]
            position.live = False
            wanted[group] = {} if position.fresh else {"epoch": position.epoch, "after": position.after}
        await self._say({"op": "follow", "groups": wanted})

    async def _hear(self, item: Mapping[str, Any]) -> None:
        self.log.counts[str(item["op"])] += 1
        match item["op"]:
            case "hello":
                self.heartbeat = item["heartbeat"]
            case "event":
                await self._event(item["group"], item["seq"], item["event"])
            case "caught_up":
                self._caught_up(item)
            case "heads":
                behind = [g for g, head in item["heads"].items() if head > self.positions[g].after]
                if behind:
                    self.log.counts["healed by heads"] += len(behind)
                    await self._follow(behind)
            case "restart":
                await self._restart(item)
            case "left":
                self.positions[item["group"]].member = False
                self._later(self._ask_again(item["group"]))
            case "posted":
                self._posted(item["id"], item["seq"], created=item["created"])
            case "acknowledged":
                self._acknowledged(item["message"], item["seq"])
            case "refused":
                self._refused(item)

    async def _event(self, group: str, seq: int, event: Mapping[str, Any]) -> None:
        position = self.positions[group]
        if position.fresh:
            position.fresh, position.after = False, seq - 1
        if seq > position.after + 1:
            self.log.find("gap", f"number {seq} of {group} came after {position.after}")
            if not position.asking:
                position.asking = True
                self._later(self._ask_again(group))
            return
        again = seq <= position.after
        if again and position.live:
            self.log.find("doubled", f"number {seq} of {group} came again while live")
        self.log.saw(group, seq, event, again=again)
        position.after = max(position.after, seq)
        message = event.get("message")
        if isinstance(message, dict):
            self._own_came(message, seq)
            self.noticed(group, message)

    def noticed(self, group: str, message: Mapping[str, Any]) -> None:
        """A message of a group has come: for those who act on it (`acts`)."""

    def _caught_up(self, item: Mapping[str, Any]) -> None:
        position = self.positions[item["group"]]
        if position.fresh:
            position.fresh, position.after = False, item["head"]
        if position.after < item["head"]:
            self.log.find("gap", f"{item['group']}: caught up to {item['head']}, but stands at {position.after}")
        position.epoch, position.live, position.member = item["epoch"], True, True

    async def _restart(self, item: Mapping[str, Any]) -> None:
        position = self.positions[item["group"]]
        if item["epoch"] == position.epoch:
            self.log.find("restart", f"{item['group']}: position {position.after} was refused without need")
        position.epoch, position.fresh = item["epoch"], True
        self.log.start_afresh(item["group"])
        await self._follow([item["group"]])

    async def _ask_again(self, group: str) -> None:
        await asyncio.sleep(self.rng.uniform(0.3, 0.8))
        self.positions[group].asking = False
        with contextlib.suppress(*FAILURES):
            await self._follow([group])

    # -- the outbox

    def send(self, post: Post) -> None:
        """Keep a message and send it; again and again, with the same id, until it is answered."""
        self.outbox[post.id] = post

    async def _push_forever(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            for post in list(self.outbox.values()):
                if post.due > now or post.busy or self.mute:
                    continue
                if post.door == "socket" and self.socket is None:
                    continue
                post.tries += 1
                self.log.counts["tries"] += 1
                post.due = now + RESEND_SECONDS
                if post.door == "http":
                    post.busy = True
                    self._later(self.post_by_http(post, self.rng.choice(self.doors)))
                elif post.tries_here >= 2:
                    self.drop()  # this socket takes nothing in: perhaps another one does
                    break
                else:
                    post.tries_here += 1
                    with contextlib.suppress(*FAILURES):
                        await self._say({"op": "post", "group": post.group, "message": post.message})

    async def ask(self, door: int, method: str, path: str, body: Any = None) -> Answer:
        """Ask the API. Raises OSError or TimeoutError when no answer came."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = b"" if body is None else orjson.dumps(body)
        answer = await ask(door, method, f"/api/v1{path}", headers=headers, body=data)
        self.log.counts[f"status {answer.status}"] += 1
        return answer

    async def post_by_http(self, post: Post, door: int) -> None:
        """Send a message over HTTP, once."""
        try:
            answer = await self.ask(door, "POST", f"/groups/{post.group}/messages", post.message)
        except FAILURES:
            answer = None
        finally:
            post.busy = False
        if answer is None or answer.status >= 500 or answer.status == 429:
            post.due = time.monotonic() + self.rng.uniform(0.2, 1.0)
        elif answer.status in {200, 201}:
            self._posted(post.id, answer.body["seq"], created=answer.status == 201, post=post)
        else:
            self._given_up(post, answer.status, str((answer.body or {}).get("code")))

    def _posted(self, message: str, seq: int, *, created: bool, post: Post | None = None) -> None:
        known = self.outbox.pop(message, None) or post
        if known is not None:
            self.log.posted(message, known.group, seq, known.text, created=created)
        elif message in self.log.answered:
            before = self.log.answered[message]
            self.log.posted(message, before.group, seq, before.text, created=created)

    def _own_came(self, message: Mapping[str, Any], seq: int) -> None:
        post = self.outbox.pop(message["id"], None)
        if post is not None:  # its answer got lost, or comes behind
            self.log.posted(message["id"], post.group, seq, post.text, created=False)

    def _refused(self, item: Mapping[str, Any]) -> None:
        problem = item["problem"]
        status, code = problem["status"], problem["code"]
        self.log.counts[f"refused {code}"] += 1
        post = self.outbox.get(str(item.get("id")))
        if post is not None:
            if status >= 500 or status == 429:
                wait = min(float(problem.get("retry_after", 1)), 1.0)
                post.due = time.monotonic() + self.rng.uniform(0.5, 1.0) * wait
            else:
                self._given_up(post, status, code)
        elif item.get("id") is None and item.get("group") in self.positions:
            if status == 404:
                self.positions[item["group"]].member = False
            self._later(self._ask_again(item["group"]))

    def _given_up(self, post: Post, status: int, code: str) -> None:
        self.outbox.pop(post.id, None)
        self.log.refused.append((post.id, post.group, status, code))

    def _acknowledged(self, message: str, seq: int) -> None:
        known = self.log.receipts.setdefault(message, (message, seq))
        if known[1] != seq:
            self.log.find("answers_differ", f"the receipt of {message} was {known[1]} and {seq}")

    async def acknowledge(self, message: str) -> None:
        """Give a receipt over the socket; nobody waits for the answer."""
        with contextlib.suppress(*FAILURES):
            await self._say({"op": "acknowledge", "message": message})

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def idle(self) -> bool:
        """Whether nothing of this client waits for an answer."""
        return not self.outbox
