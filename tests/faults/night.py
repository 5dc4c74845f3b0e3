"""One night of a drill: a crowd on a site, faults, the end of the faults, everybody caught up, the verdict.

What must not live here: the command line and what it prints (`drill`).
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults import checks
from tests.faults.acts import Gatekeeper, Listener, Observer, Officer, Outsider
from tests.faults.client import FAILURES, Client, Position
from tests.faults.injuries import Injuries
from tests.faults.log import Finding, Log
from tests.faults.plan import Fault
from tests.faults.site import HEARTBEAT, Site

CAUGHT_UP_WITHIN = 120.0


@dataclass
class Crowd:
    """Everybody of a night. `members` are present in every group at its end."""

    members: list[Client]
    officers: list[Officer]
    observer: Observer
    outsider: Outsider
    listener: Listener
    gatekeeper: Gatekeeper

    @property
    def everybody(self) -> list[Any]:
        """Those who act."""
        return [*self.officers, self.observer, self.outsider, self.listener]

    def freeze(self) -> None:
        """Nobody begins anything new; what was begun is finished."""
        for one in self.everybody:
            one.frozen = True


@dataclass
class Verdict:
    """What came of a night."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    delivered: int = 0
    recovered: float = 0.0  # seconds from the end of the faults until all was quiet
    seconds: float = 0.0

    def count(self, *kinds: str) -> int:
        """How many findings are of these kinds."""
        return sum(one.kind in kinds for one in self.findings)


def make_crowd(
    site: Site,
    people: dict[str, Any],
    *,
    seed: int,
    groups: Sequence[int] | None = None,
    quick: float = 4.0,
    webs: int | None = None,
) -> Crowd:
    """Return the people of a cast as clients of these groups, at the first so many web processes, or of all."""
    doors = site.doors[:webs]
    chosen = [people["groups"][number] for number in (groups or range(len(people["groups"])))]

    def client[C: Client](kind: type[C], name: str, where: Sequence[dict[str, str]] = chosen) -> C:
        who = people["people"][name]
        positions = {one["id"]: Position(one["epoch"], 0) for one in where}
        rng = random.Random(f"{seed} {name}")
        made = kind(name, who["id"], who["token"], doors, positions, rng, HEARTBEAT, Log(name))
        if isinstance(made, Officer):
            made.quick, made.validates = quick, who["role"] == "coordinator"
        return made

    names = [name for name, who in people["people"].items() if who["role"] == "officer"]
    officers: list[Officer] = [client(Officer, "coordinator"), *(client(Officer, name) for name in names)]
    observer = client(Observer, "observer")
    wanderer = next(one for one in officers if one.name == "wanderer")
    listener = client(Listener, "outsider", [people["elsewhere"]])
    listener.foreign = [one["id"] for one in chosen]
    token = people["people"]["outsider"]["token"]
    rng = random.Random(f"{seed} outsider")
    outsider = Outsider(token, doors, listener.foreign, rng, Log("outsider"))
    email = people["people"]["wanderer"]["email"]
    keeper = Gatekeeper(people["session"], officers[0], wanderer, email)
    return Crowd([*officers, observer], officers, observer, outsider, listener, keeper)


async def spend_night(
    site: Site,
    crowd: Crowd,
    injuries: Injuries,
    plan: Sequence[Fault],
    *,
    seconds: float,
    within: float = CAUGHT_UP_WITHIN,
    wanders: bool = True,
) -> Verdict:
    """Let everybody work while the plan is carried out; then heal, wait, read the truth and judge."""
    began = time.monotonic()
    clients: list[Client] = [*crowd.members, crowd.listener]
    running = [asyncio.create_task(client.run()) for client in clients]
    running += [asyncio.create_task(one.act()) for one in crowd.everybody]
    running.append(asyncio.create_task(_whisper(crowd)))
    wandering = asyncio.create_task(_wander(crowd, began + seconds * 0.8 if wanders else 0.0))
    broken: list[Finding] = []
    for task in running:
        task.add_done_callback(lambda done: broken.extend(_failure_of(done)))
    try:
        await injuries.run(plan)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        injuries.heal()
        healed = time.monotonic()
        late = await _within(wandering, within, "the wanderer did not come back")
        crowd.freeze()
        verdict = await settle_and_judge(site, crowd, healed + within)
        verdict.findings += [*late, *broken]
        verdict.recovered = round(verdict.recovered - healed, 1)
        verdict.seconds = round(time.monotonic() - began, 1)
        return verdict
    finally:
        wandering.cancel()
        for client in clients:
            client.stopping = True
        for task in running:
            task.cancel()
        await asyncio.gather(*running, wandering, return_exceptions=True)


def _failure_of(task: asyncio.Task[None]) -> list[Finding]:
    """A client that fails by itself is a fault of this suite: nobody shall take it for the product's."""
    if task.cancelled() or (error := task.exception()) is None:
        return []
    traceback.print_exception(error)
    return [Finding("suite", repr(error))]


async def _within(task: asyncio.Task[None], seconds: float, what: str) -> list[Finding]:
    done, _waiting = await asyncio.wait({task}, timeout=seconds)
    if not done:
        return [Finding("behind", what)]
    task.result()
    return []


async def _wander(crowd: Crowd, until: float) -> None:
    """The wanderer is taken out of one group after another, and comes back."""
    groups = list(crowd.observer.positions)
    rng = random.Random(repr(crowd.gatekeeper.wanderer.rng.random()))
    while time.monotonic() < until:
        await asyncio.sleep(rng.uniform(1, 3))
        await crowd.gatekeeper.remove_and_return(rng.choice(groups), rng.uniform(1, 4))


async def _whisper(crowd: Crowd) -> None:
    """Somebody tells the outsider ids of messages: they must not help her."""
    while True:
        await asyncio.sleep(1)
        crowd.outsider.known = list(crowd.officers[0].log.answered)[-20:]


async def settle_and_judge(site: Site, crowd: Crowd, deadline: float) -> Verdict:
    """Wait until all is quiet, read what is so, and compare; again, if something moved while it was read."""
    groups = list(crowd.observer.positions)
    while True:
        late = await settle(site, crowd, deadline)
        settled = time.monotonic()
        await asyncio.to_thread(site.postgres.wait)
        truth = await asyncio.to_thread(checks.read_rows, site.postgres, groups)
        await read_all(truth, crowd.observer, groups)
        # What never comes to rest is muted, and judged when it has come to rest after all.
        if truth.heads == await _heads(site, groups):
            break
    verdict = judge(truth, crowd)
    verdict.recovered = settled
    verdict.findings += late
    return verdict


async def settle(site: Site, crowd: Crowd, deadline: float) -> list[Finding]:
    """Wait until nothing waits and everybody stands at the head; what is late by then is a finding."""
    waiting: list[str] = []
    while time.monotonic() < deadline:
        waiting = [client.name for client in crowd.members if not client.idle]
        if not waiting:
            heads = await _heads(site, list(crowd.observer.positions))
            waiting = [
                client.name
                for client in crowd.members
                for group, position in client.positions.items()
                if not position.live or position.after != heads.get(group)
            ]
        if not waiting:
            return []
        await asyncio.sleep(0.2)
    stuck = [f"{c.name}: {post.id} tried {post.tries} times" for c in crowd.members for post in c.outbox.values()]
    for client in crowd.members:
        client.mute = True
    await _until_still(site, list(crowd.observer.positions))
    return [Finding("behind", f"not settled in time: {sorted(set(waiting))} {stuck[:3]}")]


async def _until_still(site: Site, groups: Sequence[str]) -> None:
    """Return when nothing was written for a while: what is under way comes to its end before anything is read."""
    before: dict[str, int] = {}
    same = 0
    for _turn in range(120):
        await asyncio.sleep(0.25)
        now = await _heads(site, groups)
        same = same + 1 if now and now == before else 0
        before = now
        if same >= 6:
            return


async def _heads(site: Site, groups: Sequence[str]) -> dict[str, int]:
    try:
        truth = await asyncio.to_thread(checks.read_heads, site.postgres, groups)
    except Exception:
        return {}
    return truth


def judge(truth: checks.Truth, crowd: Crowd) -> Verdict:
    """Compare everybody's log with what is so."""
    findings = checks.judge(truth, crowd.members)
    findings += [one for c in crowd.members if c is not crowd.gatekeeper.wanderer for one in checks.refusals(c)]
    findings += checks.absences(truth, crowd.gatekeeper.wanderer, crowd.gatekeeper.away)
    findings += [*crowd.outsider.log.findings, *crowd.listener.log.findings]
    verdict = Verdict(findings=findings)
    for client in (*crowd.members, crowd.listener):
        verdict.counts += client.log.counts
        verdict.counts["reconnects"] += max(0, client.connects - 1)
    verdict.counts["removals"] = len(crowd.gatekeeper.away)
    verdict.counts["attempts of the outsider"] = sum(crowd.outsider.log.counts.values())
    verdict.answered = sum(len(client.log.answered) for client in crowd.members)
    verdict.delivered = sum(client.log.counts["delivered"] for client in crowd.members)
    return verdict


async def read_all(truth: checks.Truth, reader: Client, groups: Sequence[str], *, seconds: float = 60) -> None:
    """Read every group afresh; asked again while a server is still coming back."""
    deadline = time.monotonic() + seconds
    for group in groups:
        while True:
            try:
                await checks.read_fresh(truth, reader, group)
                break
            except FAILURES:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)
