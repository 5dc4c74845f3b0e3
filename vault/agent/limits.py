"""How much the agent gives out: buckets that fill with time, for each caller and for all together.

Generous at once, meagre for long: a start opens all that a day needs within moments, a thief who opens everything
is slowed and stands in the record. What must not live here: who may ask at all.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

MAX_CALLERS = 1024
SHARED = ("create", "destroy", "new_epoch", "sign", "rotate")  # of these there is one bucket for all callers


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many more a second."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What each act may be done how often: by one caller, and by all together."""

    open_each: Rate = Rate(2000, 10.0)
    open_all: Rate = Rate(8000, 20.0)
    create: Rate = Rate(200, 1.0)
    destroy: Rate = Rate(50, 0.1)
    new_epoch: Rate = Rate(2000, 10.0)  # a month's end begins one in each group
    sign: Rate = Rate(600, 5.0)  # the sealer of the audit trail signs about once a second
    rotate: Rate = Rate(5, 1 / 600)

    @classmethod
    def of(cls, *, burst: int, per_minute: int) -> Rates:
        """Return what an operator chose for one caller; all together may open four times, and twice, as much."""
        each = Rate(burst, per_minute / 60)
        return cls(open_each=each, open_all=Rate(4 * burst, 2 * each.per_second), new_epoch=each)


class Bucket:
    """Full at the beginning; `take` takes one out or says in how many seconds there will be one."""

    __slots__ = ("_at", "_level", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate, self._level, self._at = rate, float(rate.burst), now

    def take(self, now: float) -> float:
        """Return 0 where one was taken, else the seconds until there is one."""
        passed = max(0.0, now - self._at)
        self._level = min(float(self._rate.burst), self._level + passed * self._rate.per_second)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate.per_second

    def give_back(self) -> None:
        """Put back what was taken."""
        self._level = min(float(self._rate.burst), self._level + 1)


class Limits:
    """All buckets. `ask` is safe to call from many threads."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._lock = threading.Lock()
        self._callers: OrderedDict[tuple[int, int], Bucket] = OrderedDict()
        now = time.monotonic()
        self._shared = {name: Bucket(getattr(rates, name), now) for name in ("open_all", *SHARED)}

    def ask(self, act: str, caller: tuple[int, int]) -> float:
        """Count one act of a caller; return 0, or the seconds until it may be done."""
        with self._lock:
            now = time.monotonic()
            if act in SHARED:
                return self._shared[act].take(now)
            own = self._callers.setdefault(caller, Bucket(self._rates.open_each, now))
            self._callers.move_to_end(caller)
            while len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)
            if wait := own.take(now):
                return wait
            if wait := self._shared["open_all"].take(now):
                own.give_back()
            return wait
