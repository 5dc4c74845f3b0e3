"""Which records may be one and the same seizure, reported twice. Pure functions; people decide.

Two records are candidates when country and commodity agree, their days are at most one apart (time zones, night
watches), and their normalised quantities differ by at most two per cent (rounding between scales and forms).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

DAYS = timedelta(days=1)
TOLERANCE = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a record is compared by. `reference` names it; quantity is normalised, None where unknown."""

    reference: str
    country: str
    commodity: str
    seized_on: date
    quantity: Decimal | None
    unit: str


def alike(one: Trace, other: Trace) -> bool:
    """Whether two records of the same country and commodity may be one seizure."""
    if one.country != other.country or one.commodity != other.commodity or one.unit != other.unit:
        return False
    if abs(one.seized_on - other.seized_on) > DAYS:
        return False
    if one.quantity is None or other.quantity is None:
        return one.quantity is other.quantity
    larger = max(abs(one.quantity), abs(other.quantity))
    return abs(one.quantity - other.quantity) <= larger * TOLERANCE


def candidates(traces: Iterable[Trace]) -> dict[str, list[str]]:
    """Return, for each reference that has any, the references it may duplicate, in their order.

    Cost: n log n, and the pairs within a day of each other in one country and commodity.
    """
    buckets: defaultdict[tuple[str, str, str], list[Trace]] = defaultdict(list)
    for trace in traces:
        buckets[trace.country, trace.commodity, trace.unit].append(trace)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for bucket in buckets.values():
        bucket.sort(key=lambda trace: (trace.seized_on, trace.reference))
        for index, one in enumerate(bucket):
            for other in bucket[index + 1 :]:
                if other.seized_on - one.seized_on > DAYS:
                    break
                if alike(one, other):
                    found[one.reference].append(other.reference)
                    found[other.reference].append(one.reference)
    return dict(found)
