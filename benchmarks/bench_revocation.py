"""Revocation: from the commit that ends somebody's access to the moment when his sockets obey, on two processes.

    bin/cencomm bench revocation [--revocations 1000] [--without-redis 60] [--heartbeat 20] [--json]

Two web processes with a Redis between them; every cause in turn (`benchmarks.live.endings`): signed out, session or
token revoked, password or factor changed, account shut, removed, role lowered, group closed or archived. Each
officer has a socket at both processes; the acts are done in a third process, as a worker's are, and what counts is
the later of the two sockets: closed, told "left", or told the event after which the group refuses. Right after each
commit both processes are asked over HTTP as well: whoever is still answered is counted. Then Redis is taken away,
and a smaller number is left to the heartbeat, whose time is the bar there.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from benchmarks.live import report
from benchmarks.live import site as sites

BOUNDS = (2, 5, 10, 20, 50, 100, 200, 500, 1000)  # of the histogram, milliseconds
BATCH = 34  # so many are connected at a time
PATIENCE = 120.0
PASSWORD = "a lantern over quiet water"  # noqa: S105 - of an invented officer


def main(arguments: Sequence[str] | None = None) -> int:
    """Let accesses end, with Redis and without, and print how long it took."""
    parser = argparse.ArgumentParser(prog="bin/cencomm bench revocation", description=__doc__.split("\n\n")[0])
    parser.add_argument("--revocations", type=int, default=1000)
    parser.add_argument("--without-redis", type=int, default=60, metavar="COUNT")
    parser.add_argument("--heartbeat", type=float, default=20.0, metavar="SECONDS", help="without Redis")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(arguments)
    with sites.database() as site:
        with_redis = asyncio.run(_measured(site, options.revocations, heartbeat=600.0))
        without = None
        if options.without_redis:
            without = asyncio.run(
                _measured(site, options.without_redis, heartbeat=options.heartbeat, cut_redis=True)
            )
    found = {"with Redis": with_redis.told()} | ({"without Redis": without.told()} if without else {})
    if options.json:
        report.print_json(_object(found, options))
    else:
        _print(found)
    return 0


@dataclass
class Found:
    """What came out: milliseconds by cause, and who was answered or told although his access had ended."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    answered: int = 0
    deaf: int = 0

    def told(self) -> dict[str, Any]:
        """Everything, for the JSON object."""
        together = [one for times in self.milliseconds.values() for one in times]
        steps = (0, *BOUNDS)
        histogram = {
            f"< {bound}": sum(below <= one < bound for one in together)
            for below, bound in zip(steps, BOUNDS, strict=False)
        }
        return {
            **distribution(together),
            "histogram_ms": {**histogram, f"≥ {BOUNDS[-1]}": sum(one >= BOUNDS[-1] for one in together)},
            "answered_over_http_afterwards": self.answered,
            "sockets_that_never_obeyed": self.deaf,
            "by_cause": {name: distribution(times) for name, times in self.milliseconds.items()},
        }


def distribution(times: Sequence[float]) -> dict[str, float]:
    """Return count, median, p95, p99 and the worst, in milliseconds."""
    ordered = sorted(times)

    def share(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)

    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 2),
        "p95": share(0.95),
        "p99": share(0.99),
        "max": round(ordered[-1], 2),
    }


async def _measured(site: sites.Site, count: int, *, heartbeat: float, cut_redis: bool = False) -> Found:
    from benchmarks.live.endings import CAUSES

    found = Found()
    with ExitStack() as stack, ExitStack() as redis:
        url = redis.enter_context(sites.redis(site))
        environment = {"REDIS_URL": url, "CENCOMM_HEARTBEAT": f"{heartbeat:g}"}
        ports = [stack.enter_context(sites.web_process(site, **environment)) for _ in range(2)]
        _tell_over("" if cut_redis else url)
        names = [list(CAUSES)[number % len(CAUSES)] for number in range(count)]
        size = len(names) if cut_redis else BATCH
        for first in range(0, len(names), size):
            batch = [await asyncio.to_thread(_Somebody.make, name) for name in names[first : first + size]]
            await asyncio.gather(*(one.connect(port) for one in batch for port in ports))
            if cut_redis:
                redis.close()
            for one in batch:
                await one.end()
                found.answered += await asyncio.to_thread(one.answered, ports)
                if not cut_redis:
                    await one.obeyed(found)
            if cut_redis:
                await asyncio.gather(*(one.obeyed(found) for one in batch))
            for one in batch:
                await one.leave()
    return found


def _tell_over(url: str) -> None:
    """Tell other processes of what is done here over this Redis, or not at all."""
    from django.conf import settings

    settings.REDIS_URL = url


class _Somebody:
    """An officer with a socket at each process, whose access ends."""

    number = 0

    def __init__(self, name: str, case: Any, headers: dict[str, str]) -> None:
        from benchmarks.live.endings import CAUSES

        self.name, self.cause, self.case, self.headers = name, CAUSES[name], case, headers
        self.sockets: list[Any] = []
        self.hearing: list[asyncio.Task[float]] = []
        self.committed_at = 0.0

    @classmethod
    def make(cls, name: str) -> _Somebody:
        """Make an officer, a coordinator and a group of their own, and sign the officer in."""
        from accounts.actions import create_administration, create_officer, create_token
        from accounts.models import Administration, OfficerSession
        from accounts.secrets import session_hash
        from benchmarks.live.endings import CAUSES, Case
        from groups.actions import create_group
        from groups.models import ClosedUserGroup, GroupCountry, Membership

        cls.number += 1
        of = Administration.objects.first() or create_administration(country="NG", name="Benchmark Customs")
        officer, coordinator, administrator = (
            create_officer(
                email=f"{what}{cls.number}-{os.getpid()}@bench.invalid",
                name=what,
                administration=of,
                password=PASSWORD if name == "password changed" and what == "officer" else None,
                is_platform_administrator=what == "administrator",
            )
            for what in ("officer", "unit", "administrator")
        )
        group = create_group(
            administrator, code=f"R{cls.number}", name=name, kind="standing", first_coordinator=coordinator
        )
        GroupCountry.objects.get_or_create(group=group, country="NG")
        Membership.objects.create(group=group, officer=officer, role="officer", country="NG")
        case = Case(
            officer, coordinator, administrator, ClosedUserGroup.objects.get(pk=group.pk), password=PASSWORD
        )
        if CAUSES[name].by == "token":
            token, secret = create_token(officer=officer, name="bench", scopes=["messages:read", "messages:write"])
            case.token_id, headers = token.pk, {"Authorization": f"Bearer {secret}"}
        else:
            key = sites.session_of(officer)
            case.session = OfficerSession.objects.get(key_hash=session_hash(key))
            headers = {"Cookie": sites.cookie_of(key)}
        _say_something(case)
        CAUSES[name].prepare(case)
        return cls(name, case, headers)

    async def connect(self, port: int) -> None:
        """Open a socket at one process and follow the group there."""
        from websockets.asyncio.client import connect

        socket = await connect(
            f"ws://127.0.0.1:{port}/ws/v1",
            additional_headers=self.headers,
            origin=f"http://127.0.0.1:{port}" if "Cookie" in self.headers else None,
            subprotocols=["cencomm.v1"],
            compression=None,
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        await socket.send(json.dumps({"op": "follow", "groups": {str(self.case.group.pk): {}}}))
        while b"caught_up" not in (text := await asyncio.wait_for(socket.recv(decode=False), PATIENCE)):
            if b'"refused"' in text:
                message = f"{self.name}: not let in"
                raise RuntimeError(message)
        self.sockets.append(socket)
        self.hearing.append(asyncio.create_task(self._hear(socket)))

    async def _hear(self, socket: Any) -> float:
        """Return when the socket obeyed."""
        from websockets.exceptions import ConnectionClosed

        left = self.cause.ends in {"left", "groups"}
        mark = b'"op":"left"' if left else f'"type":"{self.cause.event}"'.encode()
        try:
            while True:
                told = await socket.recv(decode=False)
                if self.cause.ends != "socket" and mark in told.replace(b'": ', b'":'):
                    return time.perf_counter()
        except ConnectionClosed:
            return time.perf_counter()

    async def end(self) -> None:
        """Let the access end; the clock starts when that is committed."""
        self.committed_at = await asyncio.to_thread(self._act)

    def _act(self) -> float:
        from django.db import transaction

        from accounts import revocations
        from groups import announcements

        committed: list[float] = []

        def note(*_: Any) -> None:
            transaction.on_commit(lambda: committed.append(time.perf_counter()))

        def revoked(*_: Any) -> None:
            committed.append(time.perf_counter())

        # Before those who tell the other processes: what they take counts.
        revocations._callbacks.insert(0, revoked)
        announcements._on_change.insert(0, note)
        try:
            self.cause.act(self.case)
        finally:
            revocations._callbacks.remove(revoked)
            announcements._on_change.remove(note)
        return committed[0]

    def answered(self, ports: Sequence[int]) -> int:
        """Return how many processes still do over HTTP what has ended."""
        method, path, body = "GET", f"/api/v1/groups/{self.case.group.pk}", None
        if self.cause.ends != "socket":
            path += "/messages"
        if self.cause.ends == "post":
            method, body = "POST", json.dumps(_note())
        count = 0
        for port in ports:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            line.request(method, path, body, {**self.headers, "Content-Type": "application/json"})
            status = line.getresponse().status
            line.close()
            count += status < 400  # which refusal it is, tests say
        return count

    async def obeyed(self, found: Found) -> None:
        """Wait until both sockets have obeyed, and keep how long the later one took."""
        done, late = await asyncio.wait(self.hearing, timeout=PATIENCE)
        found.deaf += len(late)
        if not late:
            last = max(task.result() for task in done)
            found.milliseconds[self.name].append((last - self.committed_at) * 1000)

    async def leave(self) -> None:
        """Go away."""
        for task in self.hearing:
            task.cancel()
        await asyncio.gather(*(socket.close() for socket in self.sockets))


def _note() -> dict[str, Any]:
    return {"id": str(uuid4()), "kind": "note", "body": {"text": "The lantern is lit."}}


def _say_something(case: Any) -> None:
    """Put a message into the group: what an archived group cannot open any more."""
    from messaging.actions import post_message
    from messaging.drafts import Draft

    draft = Draft(**_note() | {"id": uuid4()})
    post_message(case.membership(case.coordinator), draft=draft)


def _object(found: dict[str, dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    return report.result(
        ours=found["with Redis"]["p99"],
        peers={},
        unit="ms from the commit until the sockets on both processes obey, p99",
        conditions=report.conditions(processes=2, heartbeat_without_redis=options.heartbeat, systems=found),
    )


def _print(found: dict[str, dict[str, Any]]) -> None:
    for name, one in found.items():
        print(f"{name}: {one['count']} revocations, milliseconds from the commit until both sockets obey")
        print(f"  {'':32} {'count':>6} {'median':>9} {'p95':>9} {'p99':>9} {'max':>9}")
        for cause, times in {"all": one, **one["by_cause"]}.items():
            figures = " ".join(f"{times[key]:9.1f}" for key in ("median", "p95", "p99", "max"))
            print(f"  {cause:32} {times['count']:6} {figures}")
        widest = max(one["histogram_ms"].values())
        for step, count in one["histogram_ms"].items():
            print(f"  {step:>8} ms {count:6} {'█' * round(40 * count / widest)}")
        print(
            f"  still answered over HTTP: {one['answered_over_http_afterwards']};"
            f" sockets that never obeyed: {one['sockets_that_never_obeyed']}"
        )
    report.print_end()


if __name__ == "__main__":
    sys.exit(main())
