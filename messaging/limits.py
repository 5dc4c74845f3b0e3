"""How fast one officer may send: a bucket per officer, shared through Redis where there are several processes.

The generic cell rate algorithm: one number per officer, the time when the bucket would be empty again. Bounded in
memory; in Redis each number expires by itself. What must not live here: what is sent.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings

from messaging.errors import TooFast
from messaging.redis_places import ANSWER_SECONDS, FAILURES, place_of

logger = logging.getLogger("cencomm.messaging")
HIGHEST = 2**63 - 1  # what the database counts up to
_MAX_OFFICERS = 20_000
_QUIET_SECONDS = 1.0  # after a failure nobody asks Redis again within this time,
_QUIET_TIMES = 10.0  # nor within so many times as long as it took to fail

_SCRIPT = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local gap, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local waits = {}
for place, key in ipairs(KEYS) do
  local full = tonumber(redis.call('GET', key) or '0')
  if full < at then full = at end
  local wait = full + gap - at - burst
  if wait <= 0 then
    wait = 0
    redis.call('SET', key, tostring(full + gap), 'PX', math.ceil((full + gap - at) * 1000) + 1000)
  end
  waits[place] = tostring(wait)
end
return waits
"""


class Pace:
    """So many acts per minute, of which a whole minute's worth may come at once. Kept in this process."""

    def __init__(self, per_minute: int) -> None:
        self.gap = 60 / per_minute
        self.burst = 60.0
        self._full: OrderedDict[UUID, float] = OrderedDict()
        self._lock = threading.Lock()

    def waits(self, officers: Sequence[UUID]) -> list[float]:
        """Take an act of each, in their order, as `wait` does."""
        return [self._wait(officer_id) for officer_id in officers]

    def wait(self, officer_id: UUID) -> float:
        """Take one act; return 0, or the seconds until the next one is allowed (nothing is taken then)."""
        return self.waits([officer_id])[0]

    def _wait(self, officer_id: UUID) -> float:
        now = time.monotonic()
        with self._lock:
            full = max(self._full.get(officer_id, 0.0), now)
            wait = full + self.gap - now - self.burst
            if wait > 0:
                return wait
            self._full[officer_id] = full + self.gap
            self._full.move_to_end(officer_id)
            while len(self._full) > _MAX_OFFICERS:
                self._full.popitem(last=False)
        return 0.0


class SharedPace(Pace):
    """The same, counted in Redis for all processes; counted here while Redis does not answer."""

    def __init__(self, per_minute: int, url: str) -> None:
        super().__init__(per_minute)
        self._place = place_of(url)
        self._script: Any = None
        self._quiet_until = 0.0

    def waits(self, officers: Sequence[UUID]) -> list[float]:
        began = time.monotonic()
        if began < self._quiet_until:
            return super().waits(officers)
        found: list[float] = []
        try:
            if self._script is None:
                self._script = self._place.commands(timeout=ANSWER_SECONDS).register_script(_SCRIPT)
            for keys in self._place.together([f"cencomm:pace:{officer_id.hex}" for officer_id in officers]):
                found += map(float, self._script(keys=keys, args=[self.gap, self.burst]))
        except FAILURES:
            # Who posts meanwhile does not wait for Redis as well.
            ended = time.monotonic()
            self._quiet_until = ended + max(_QUIET_SECONDS, _QUIET_TIMES * (ended - began))
            logger.warning("redis does not answer: the rate of posts is counted per process")
            found += super().waits(officers[len(found) :])
        return found


@cache
def _pace(per_minute: int, url: str) -> Pace:
    return SharedPace(per_minute, url) if url else Pace(per_minute)


def take_post(officer_id: UUID) -> None:
    """Count one post of an officer. Raises TooFast (429) with the seconds to wait."""
    [refusal] = take_posts([officer_id])
    if refusal is not None:
        raise refusal


def take_posts(officers: Sequence[UUID]) -> list[TooFast | None]:
    """Count a post of each of these officers, in their order; return who is refused, with the seconds to wait."""
    per_minute = settings.CENCOMM_LIMITS["posts_per_officer_per_minute"]
    waits = _pace(per_minute, settings.REDIS_URL).waits(officers)
    return [TooFast(math.ceil(wait)) if wait > 0 else None for wait in waits]


def take_screening(officer_id: UUID) -> None:
    """Count one screening of a draft. Raises TooFast (429) with the seconds to wait. Posts are counted apart."""
    per_minute = settings.CENCOMM_LIMITS["screenings_per_officer_per_minute"]
    wait = _pace(per_minute, settings.REDIS_URL).wait(uuid5(officer_id, "screening"))
    if wait > 0:
        raise TooFast(math.ceil(wait))
