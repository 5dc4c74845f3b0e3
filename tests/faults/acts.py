"""What officers do all night: write, report, acknowledge, validate; one comes and goes; one has no business here.

Everything is drawn from the seed. What must not live here: the network, judgement.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from tests.faults.client import FAILURES, Client, Post
from tests.faults.log import Log
from tests.faults.sockets import ask

SEIZURE = {
    "date": "2026-11-20",
    "country": "GH",
    "conveyance": "SEA",
    "commodity": "DRG.tramadol",
    "quantity": {"value": "1240", "unit": "H87"},
    "departure_country": "IN",
    "destination_country": "NE",
}


@dataclass(eq=False)
class Officer(Client):
    """A member who writes, and answers what he reads. `quick`: acts a second."""

    quick: float = 4.0
    validates: bool = False
    _unread: list[str] = field(default_factory=list)
    _seizures: list[str] = field(default_factory=list)

    def noticed(self, group: str, message: Mapping[str, Any]) -> None:
        if len(self._unread) < 50:
            self._unread.append(message["id"])
        if message["kind"] == "seizure" and message["status"] == "submitted":
            self._seizures.append(message["id"])

    async def act(self) -> None:
        """Do one thing after another until told to stop."""
        while not self.frozen:
            await asyncio.sleep(self.rng.expovariate(self.quick))
            with contextlib.suppress(*FAILURES):
                await self._act_once(self.rng.random())

    async def _act_once(self, chance: float) -> None:
        if self.validates and self._seizures and chance < 0.3:
            await self._validate(self._seizures.pop())
        elif chance < 0.15 and self._unread:
            await self.acknowledge(self._unread.pop(self.rng.randrange(len(self._unread))))
        elif chance < 0.25:
            await self.race(self.new_post("http"))
        elif len(self.outbox) < 30:  # who cannot send does not write without end
            self.send(self.new_post("socket" if chance < 0.7 else "http", seizure=chance > 0.9))

    def new_post(self, door: str, *, group: str = "", seizure: bool = False) -> Post:
        """Return a message with an id of its own; its text names it, so that a second copy would show."""
        group = group or self.rng.choice([g for g, p in self.positions.items() if p.member] or list(self.positions))
        made = str(UUID(int=self.rng.getrandbits(128), version=4))
        body: dict[str, Any] = {"text": f"{made} {'over quiet water ' * self.rng.randint(1, 20)}".strip()}
        message = {"id": made, "kind": "seizure" if seizure else "note", "subject": made, "body": body}
        if seizure:
            message["body"] = dict(SEIZURE)
        return Post(made, group, message, door)

    async def race(self, post: Post) -> None:
        """Send the same message to every web process at once; then as always, until it is answered."""
        self.log.counts["races"] += 1
        post.busy = True
        self.send(post)
        await asyncio.gather(*(self.post_by_http(post, door) for door in self.doors))

    async def _validate(self, message: str) -> None:
        door = self.rng.choice(self.doors)
        try:
            body = {"status": "validated_ocu", "reason": ""}
            answer = await self.ask(door, "POST", f"/messages/{message}/status", body)
        except FAILURES:
            self._seizures.append(message)
            return
        if answer.status == 200:
            self.log.moves[message] = ("submitted", "validated_ocu")
        elif answer.status >= 500:
            self._seizures.append(message)
        else:
            self.log.find("wrongly_refused", f"validating {message}: {answer.status} {answer.body}")


class Observer(Client):
    """Reads, and writes nothing."""

    async def act(self) -> None:
        """Read the page of messages now and then, as a page does that is opened."""
        while not self.frozen:
            await asyncio.sleep(self.rng.expovariate(1))
            group = self.rng.choice(list(self.positions))
            with contextlib.suppress(*FAILURES):
                await self.ask(self.rng.choice(self.doors), "GET", f"/groups/{group}/messages?limit=20")


@dataclass(eq=False)
class Outsider:
    """An officer of another group who tries every door; whatever lets her in is a leak."""

    token: str
    doors: Sequence[int]
    groups: Sequence[str]
    rng: random.Random
    log: Log
    known: list[str] = field(default_factory=list)  # ids of messages that she should never have heard of
    frozen: bool = False

    async def act(self) -> None:
        """Try all the night."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        while not self.frozen:
            await asyncio.sleep(self.rng.uniform(0.1, 0.4))
            method, path = self._attempt()
            with contextlib.suppress(*FAILURES):
                answer = await ask(
                    self.rng.choice(self.doors), method, f"/api/v1{path}", headers=headers, body=b"{}"
                )
                self.log.counts[f"status {answer.status}"] += 1
                # 422: the body of a post is looked at before its group is. Neither says anything of the group.
                if answer.status not in {404, 422, 429} and answer.status < 500:
                    self.log.find("leaked", f"{method} {path} was answered with {answer.status}")

    def _attempt(self) -> tuple[str, str]:
        group = self.rng.choice(self.groups)
        ways = [
            ("GET", f"/groups/{group}"),
            ("GET", f"/groups/{group}/events?after=0"),
            ("GET", f"/groups/{group}/messages"),
            ("GET", f"/groups/{group}/situation"),
            ("POST", f"/groups/{group}/messages"),
        ]
        if self.known:
            message = self.rng.choice(self.known)
            ways += [("GET", f"/messages/{message}"), ("PUT", f"/messages/{message}/acknowledgement")]
        return self.rng.choice(ways)


class Listener(Client):
    """The outsider's socket: follows her own group, and asks for the others all the time."""

    foreign: Sequence[str] = ()

    async def act(self) -> None:
        """Ask for groups that are not hers."""
        while not self.frozen:
            await asyncio.sleep(self.rng.uniform(0.3, 0.9))
            with contextlib.suppress(*FAILURES):
                wanted = {group: {} for group in self.foreign}
                await self._say({"op": "follow", "groups": wanted})

    async def _hear(self, item: Mapping[str, Any]) -> None:
        about = {str(item.get("group"))} | set(item.get("heads", {}))
        if item["op"] != "refused" and about & set(self.foreign):
            self.log.find("leaked", f"{item['op']} of a group that is not hers")
        elif item["op"] != "refused":
            await super()._hear(item)


@dataclass(eq=False)
class Gatekeeper:
    """The coordinator's browser: takes the wanderer out of a group and back in, on the pages.

    `away`: for each time, group, when it was asked for and confirmed, when the return was asked for and confirmed.
    """

    cookies: Mapping[str, str]
    coordinator: Client
    wanderer: Client
    email: str
    away: list[dict[str, Any]] = field(default_factory=list)

    async def remove_and_return(self, group: str, seconds: float) -> None:
        """Remove, wait, take back; each asked again until the API says that it is so."""
        turn: dict[str, Any] = {"group": group, "asked": time.monotonic()}
        self.away.append(turn)
        await self._until(group, member=False)
        turn["gone"] = time.monotonic()
        await asyncio.sleep(seconds)
        turn["back_asked"] = time.monotonic()
        await self._until(group, member=True)
        turn["back"] = time.monotonic()

    async def _until(self, group: str, *, member: bool) -> None:
        while True:
            with contextlib.suppress(*FAILURES):
                found = await self._membership(group)
                if bool(found) == member:
                    return
                if member:
                    await self._submit(group, "add/", email=self.email, role="officer")
                else:
                    await self._submit(group, f"{found}/remove/", confirm="on")
            await asyncio.sleep(0.3)

    async def _membership(self, group: str) -> str:
        door = self.coordinator.rng.choice(self.coordinator.doors)
        answer = await self.coordinator.ask(door, "GET", f"/groups/{group}")
        if answer.status != 200:
            message = f"the group answered {answer.status}"
            raise ConnectionError(message)
        officer = self.wanderer.officer
        return next((m["id"] for m in answer.body["members"] if m["officer"] == officer), "")

    async def _submit(self, group: str, page: str, **values: str) -> None:
        door = self.coordinator.rng.choice(self.coordinator.doors)
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({**values, "csrfmiddlewaretoken": "d" * 32}).encode()
        await ask(door, "POST", f"/groups/{group}/members/{page}", headers=headers, body=body)
