"""`bin/cencomm drill`: a night of faults against a site of its own, and whether every promise held.

    bin/cencomm drill [--seed N] [--minutes M] [--json]

The exit code is 0 only when nothing was lost, doubled, out of order, late or heard by a stranger. A failure prints
the seed and the plan: the same seed draws the same faults at the same times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.checks import DISORDER, DOUBLED, LOST
from tests.faults.injuries import Injuries
from tests.faults.night import Verdict, make_crowd, spend_night
from tests.faults.plan import Fault, describe, make_plan
from tests.faults.site import Site

SHORT_SECONDS = 45.0


def run_drill(options: argparse.Namespace) -> int:
    """Run one night, or a soak; return 0 when every promise held."""
    if options.soak:
        from tests.faults.soak import run_soak

        return run_soak(options)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    seconds = options.minutes * 60 if options.minutes else SHORT_SECONDS
    told = run_alone(lambda: night(seed, seconds, options))
    tell(told, as_json=options.json)
    return 1 if told["wrong"] else 0


def run_alone(work: Any) -> Any:
    """Run on a loop in a mount name space of our own, so that no small disk outlives this process."""
    with_mounts = os.geteuid() == 0 and hasattr(os, "unshare")
    if with_mounts:
        try:
            os.unshare(os.CLONE_NEWNS)
            os.system("mount --make-rprivate / 2>/dev/null")  # noqa: S605
        except OSError:
            pass  # then it is taken away at the end, as always

    async def until_told() -> Any:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work()

    return asyncio.run(until_told())


async def night(seed: int, seconds: float, options: argparse.Namespace) -> dict[str, Any]:
    """Run one night on a site of its own; return what `--json` prints."""
    with tempfile.TemporaryDirectory(prefix="cencomm-drill-", ignore_cleanup_errors=True) as name:
        site = Site(Path(name), webs=options.web, disk_mib=512 + int(seconds))
        try:
            people = await site.start(groups=3, officers=5)
            plan = make_plan(seed, seconds=seconds - 5, webs=options.web, without=site.why_not)
            if options.only:
                plan = [fault for fault in plan if fault.name in options.only]
            crowd = make_crowd(site, people, seed=seed)
            injuries = Injuries(site, [*crowd.members, crowd.listener], seed=seed)
            verdict = await spend_night(site, crowd, injuries, plan, seconds=seconds)
            return report(seed, plan, injuries, verdict, site)
        finally:
            await site.stop()
            if options.logs:
                keep_logs(site, Path(options.logs))


def keep_logs(site: Site, folder: Path) -> None:
    """Copy what the processes said."""
    folder.mkdir(parents=True, exist_ok=True)
    for program in site.programs:
        shutil.copy(program.log, folder / program.log.name)


def report(seed: int, plan: Sequence[Fault], injuries: Injuries, verdict: Verdict, site: Site) -> dict[str, Any]:
    """Return everything that a night has to tell."""
    return {
        "seed": seed,
        "sent": verdict.answered,
        "delivered": verdict.delivered,
        "lost": verdict.count(*LOST),
        "doubled": verdict.count(*DOUBLED),
        "out_of_order": verdict.count(*DISORDER),
        "faults": [fault.as_json() for fault in injuries.done],
        "faults_failed": [{**fault.as_json(), "why": why} for fault, why in injuries.failed],
        "faults_left_out": site.why_not,
        "wrong": [{"kind": one.kind, "what": one.text} for one in verdict.findings],
        "counts": dict(sorted(verdict.counts.items())),
        "starts": {program.name: program.starts for program in site.programs},
        "seconds": verdict.seconds,
        "recovered_within": verdict.recovered,
        "web_processes": len(site.webs),
        "disk": site.disk.kind if site.disk else "",
        "plan": [fault.as_json() for fault in plan],
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }


def tell(told: dict[str, Any], *, as_json: bool) -> None:
    """Print it, as one object or for a person; what went wrong with the plan, to standard error, in both cases."""
    if told["wrong"]:
        plan = describe([Fault(**fault) for fault in told["plan"]])
        sys.stderr.write(f"seed {told['seed']}: a promise broke. The plan was:\n{plan}\n")
        for one in told["wrong"][:40]:
            sys.stderr.write(f"  {one['kind']}: {one['what']}\n")
    if as_json:
        print(json.dumps(told))
        return
    names = sorted({fault["name"] for fault in told["faults"]})
    print(f"seed {told['seed']}: {len(told['faults'])} faults of {len(names)} kinds in {told['seconds']:.0f} s")
    for name, why in told["faults_left_out"].items():
        print(f"  left out: {name}: {why}")
    print(f"  sent and answered {told['sent']}, delivered {told['delivered']}, lost {told['lost']}, ", end="")
    print(f"doubled {told['doubled']}, out of order {told['out_of_order']}")
    print(f"  everybody had caught up {told['recovered_within']:.1f} s after the last fault ended")
    print(f"  {len(told['wrong'])} promises broken" if told["wrong"] else "  every promise held")
