"""What CI runs: short nights that must pass, and nights of broken builds that the check must fail. Prints JSON.

    python -m tests.faults.rehearsal night publish_before_commit …

All on one site, each with a group of its own. What must not live here: how a build is broken (`broken`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cencomm.ports import PATIENCE
from tests.faults.drill import report, run_alone
from tests.faults.injuries import Injuries
from tests.faults.log import Finding
from tests.faults.night import make_crowd, spend_night
from tests.faults.plan import Fault, make_plan
from tests.faults.proxy import Weather
from tests.faults.site import Site

SEED = 20261122
NIGHT_SECONDS = 30.0
DEAF_SECONDS = 8.0
MOST_TURNS = 5  # a wrong that needs two acts at the same moment may need more than one night to show


def repeated(name: str, *, first: float, every: float, times: int) -> tuple[Fault, ...]:
    """Return the same fault again and again, at both web processes."""
    return tuple(Fault(first + every * turn, name, web, 0) for turn in range(times) for web in (0, 1))


@dataclass(frozen=True)
class Break:
    """A broken build: how it is started, what is done to it, which wrong the check must find in it.

    `build` names a break of `broken`; without one the build is broken by its configuration alone. `finds`: any of
    these is the wrong itself; `also`: what follows from it, and may be found beside it.
    """

    finds: frozenset[str]
    also: frozenset[str] = frozenset()
    build: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    plan: Sequence[Fault] = ()
    seconds: float = 3.0
    quick: float = 6.0
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    worker: bool = True
    within: float = 3.0  # seconds to come to rest, for those that never do
    webs: int = 1  # processes of this build; more only where the wrong needs them

    def why_not(self, site: Site) -> str:
        """Say why this machine cannot have it; "" where it can."""
        return next((site.why_not[one.name] for one in self.plan if one.name in site.why_not), "")


LATE = "ALTER ROLE cencomm_app SET synchronous_commit = off"
AGAIN = "ALTER ROLE cencomm_app RESET synchronous_commit"
BREAKS: Mapping[str, Break] = {
    "resume_off_by_one": Break(
        finds=frozenset({"gap"}),
        also=frozenset({"behind", "state_differs"}),
        build="resume_off_by_one",
        plan=repeated("cut_door", first=0.8, every=0.6, times=3),
    ),
    "gate_forgotten": Break(finds=frozenset({"leaked"}), build="gate_forgotten", within=90.0),
    "ids_forgotten": Break(finds=frozenset({"doubled"}), also=frozenset({"behind", "lost"}), build="ids_forgotten",
        # Who comes back sends again what was not answered.
        plan=repeated("cut_door", first=1.0, every=0.7, times=3)),
    # Nobody is told by Redis, and nobody compares heads.
    "wake_ups_not_healed": Break(
        finds=frozenset({"behind"}),
        also=frozenset({"gap", "state_differs"}),
        environment={"REDIS_URL": "", "CENCOMM_HEARTBEAT": "3600"},
        webs=2,
    ),
    "publish_before_commit": Break(
        # The product's own watch over its history may notice first, and let everybody begin afresh.
        finds=frozenset({"phantom", "restart"}),
        also=frozenset(
            {"lost", "behind", "differs", "answers_differ", "gap", "state_differs", "doubled", "wrongly_refused"}
        ),
        build="publish_before_commit",
        plan=repeated("end_backends", first=0.8, every=0.3, times=9),
        seconds=4.0,
    ),
    # A commit that is answered before it is on the disk: what was answered last is gone with the server.
    "answer_before_commit": Break(
        finds=frozenset({"lost"}),
        # What is gone is refused when somebody works on it: 404.
        also=frozenset(
            {"phantom", "differs", "answers_differ", "restart", "behind", "gap", "state_differs", "wrongly_refused"}
        ),
        plan=(Fault(3.5, "kill_postgres", 0, 0),),
        before=(LATE, "ALTER SYSTEM SET wal_writer_delay = '10s'", "SELECT pg_reload_conf()"),
        after=(AGAIN, "ALTER SYSTEM RESET wal_writer_delay", "SELECT pg_reload_conf()"),
        worker=False,
    ),
    # A database that flushes nothing answers as quickly as any other, until the power is cut.
    "nothing_flushed": Break(
        finds=frozenset({"lost"}),
        also=frozenset(
            {"phantom", "differs", "answers_differ", "restart", "behind", "gap", "state_differs", "wrongly_refused"}
        ),
        plan=(Fault(3.0, "power_cut", 0, 0),),
        before=("CHECKPOINT", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"),
        after=("ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()"),
        worker=False,
    ),
    # Last: the database's own protection against this wrong is taken away, too.
    "number_before_lock": Break(
        finds=frozenset({"number_twice"}),
        also=frozenset(
            {"number_gap", "differs", "doubled", "phantom", "gap", "lost", "behind", "state_differs", "restart",
             "answers_differ", "out_of_order", "wrongly_refused", "audit"}
        ),
        build="number_before_lock",
        webs=2,
        quick=15.0,
        before=(
            "ALTER TABLE messaging_event DROP CONSTRAINT messaging_event_pkey",
            "ALTER TABLE messaging_message DROP CONSTRAINT message_seq_once",
            "ALTER TABLE messaging_message DROP CONSTRAINT message_number_once",
        ),
    ),
}  # fmt: skip


PARTS = ("night", "deaf", *BREAKS)


def main(words: Sequence[str] | None = None) -> int:
    """Rehearse what the words name; all of it without."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[*PARTS])
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(words)
    # In the table's order: the last break leaves a damaged database behind.
    parts = [part for part in PARTS if part in options.parts]
    sys.stdout.write(json.dumps(run_alone(lambda: rehearse(parts, options.seed))) + "\n")
    return 0


async def rehearse(parts: Sequence[str], seed: int) -> dict[str, Any]:
    """Return what came of each part."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="cencomm-rehearsal-", ignore_cleanup_errors=True) as name:
        site = Site(Path(name))
        try:
            people = await site.start(groups=3 + len(BREAKS), officers=4)
            for part in parts:
                if part == "night":
                    found[part] = await _night(site, people, seed)
                elif part == "deaf":
                    found[part] = await _deaf(site, people, seed)
                elif why_not := BREAKS[part].why_not(site):
                    found[part] = why_not
                else:
                    number = 3 + list(BREAKS).index(part)
                    findings = await _broken(site, people, BREAKS[part], number, seed)
                    found[part] = [[one.kind, one.text] for one in findings]
        finally:
            await site.stop()
    return found


async def _night(site: Site, people: dict[str, Any], seed: int) -> dict[str, Any]:
    plan = make_plan(seed, seconds=NIGHT_SECONDS - 5, webs=len(site.webs), without=site.why_not)
    crowd = make_crowd(site, people, seed=seed, groups=(0, 1))
    injuries = Injuries(site, [*crowd.members, crowd.listener], seed=seed)
    verdict = await spend_night(site, crowd, injuries, plan, seconds=NIGHT_SECONDS)
    return report(seed, plan, injuries, verdict, site)


async def _deaf(site: Site, people: dict[str, Any], seed: int) -> dict[str, Any]:
    """Take Redis away while everybody works: what is healed, and whether the canary arrives, then and later."""
    await site.note_epochs(people)
    names = ("cencomm_wakeups_healed_total", "cencomm_wakeups_unpublished_total")
    before = {name: await site.figure(name) for name in names}
    crowd = make_crowd(site, people, seed=seed + 50, groups=(2,))
    injuries = Injuries(site, crowd.members, seed=seed)
    plan = [Fault(0.5, "stop_redis", 0, DEAF_SECONDS)]
    night = asyncio.create_task(spend_night(site, crowd, injuries, plan, seconds=DEAF_SECONDS + 1, wanders=False))
    await asyncio.sleep(DEAF_SECONDS / 2)
    canary = {"without Redis": await site.canary(seconds=PATIENCE)}
    verdict = await night
    grown = {name: await site.figure(name) - before[name] for name in names}
    site.webs[0].door.set_weather(Weather(half_open=True))
    canary["before a silent door"] = await site.canary(seconds=5.0)
    injuries.heal()
    canary["afterwards"] = await site.canary(seconds=PATIENCE)
    return {"wrong": [[one.kind, one.text] for one in verdict.findings], "grown": grown, "canary": canary}


async def _broken(site: Site, people: dict[str, Any], one: Break, number: int, seed: int) -> list[Finding]:
    await _run_statements(site, one.before)
    if site.worker is not None and not one.worker:
        site.worker.held = True
        site.worker.kill()
    launcher = ("tests.faults.broken", one.build) if one.build else ("cencomm", "serve")
    await site.relaunch(launcher, webs=one.webs, **one.environment)
    try:
        for turn in range(MOST_TURNS):
            findings = await _broken_night(site, people, one, number, seed + 100 * turn)
            if any(found.kind in one.finds for found in findings):
                break
        return findings
    finally:
        await asyncio.to_thread(site.postgres.wait)
        await _run_statements(site, one.after)


async def _broken_night(site: Site, people: dict[str, Any], one: Break, number: int, seed: int) -> list[Finding]:
    await site.note_epochs(people)
    crowd = make_crowd(site, people, seed=seed + number, groups=(number,), quick=one.quick, webs=one.webs)
    injuries = Injuries(site, crowd.members, seed=seed)
    verdict = await spend_night(
        site, crowd, injuries, one.plan, seconds=one.seconds, within=one.within, wanders=False
    )
    return verdict.findings


async def _run_statements(site: Site, statements: Sequence[str]) -> None:
    def run() -> None:
        with site.postgres.connect() as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    await asyncio.to_thread(run)


if __name__ == "__main__":
    sys.exit(main())
