"""Which fault comes when: drawn from a seed, so that the same seed gives the same night again.

What must not live here: how a fault is done (`injuries`).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Name → how long it lasts, in seconds, from and to. Those of no length are over at once.
LASTING: dict[str, tuple[float, float]] = {
    "kill_web": (0, 0),
    "pause_web": (1, 3),
    "kill_postgres": (0, 0),
    "kill_backend": (0, 0),
    "end_backends": (0, 0),
    "stop_postgres": (1, 3),
    "kill_redis": (0, 0),
    "stop_redis": (2, 4),
    "pause_redis": (1, 3),
    "kill_worker": (0, 0),
    "kill_everything": (0, 0),
    "power_cut": (0, 0),
    "storm": (0, 0),
    "disk_full": (2, 4),
    "exhaust_connections": (2, 4),
    "hold_groups": (1, 3),
    "clock_step": (3, 5),
    "cut_door": (0, 0),
    "cut_database": (0, 0),
    "cut_redis": (0, 0),
    "half_open_door": (2, 4),
    "half_open_database": (2, 4),
    "half_open_redis": (2, 4),
    "silent_up_door": (2, 4),
    "silent_down_door": (2, 4),
    "silent_up_database": (2, 4),
    "silent_down_database": (2, 4),
    "delay_door": (2, 4),
    "delay_database": (2, 4),
    "throttle_door": (2, 4),
    "throttle_database": (2, 4),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: when (seconds from the start), what, at which web process, for how long."""

    at: float
    name: str
    web: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return asdict(self)


def make_plan(seed: int, *, seconds: float, webs: int, without: Collection[str] = ()) -> list[Fault]:
    """Return faults that begin within so many seconds: every kind at least once, as often as there is time.

    A fault every 3 seconds on average, more often where there is little time; they may overlap, as misfortunes do.
    """
    rng = random.Random(f"plan {seed}")
    kinds = [name for name in LASTING if name not in without]
    wanted = max(len(kinds), int(seconds / 3))
    names: list[str] = []
    while len(names) < wanted:
        turn = list(kinds)
        rng.shuffle(turn)
        names += turn
    starts = sorted(rng.uniform(0, seconds) for _ in range(wanted))
    return [
        Fault(round(at, 2), name, rng.randrange(webs), round(rng.uniform(*LASTING[name]), 2))
        for at, name in zip(starts, names, strict=False)
    ]


def describe(plan: Sequence[Fault]) -> str:
    """Return the plan for a person."""
    return "\n".join(f"  {one.at:7.2f} s  {one.name:22} web-{one.web}  {one.seconds:.1f} s" for one in plan)
