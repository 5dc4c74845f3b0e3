"""What an operation has seized: sums over every seizure that stands, kept in the memory of the process.

Seizures are opened once: later only what came is added, and what was corrected or withdrawn is taken off. Kept are
sums, never a body; whoever asks has passed the gate and the group's key exists. What must not live here: columns.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from groups.models import ClosedUserGroup, Membership
from groups.queries import current_sealer
from messaging.conditions import OneOf
from messaging.content import read_content
from messaging.kinds import Status
from messaging.models import Message
from messaging.queries.opening import messages_of
from messaging.queries.searching import scan
from simplified_forms.fields import Kind
from vault import KeyDestroyed

TOP = 30
GROUPS = 64  # whose sums a process keeps


@dataclass(slots=True, repr=False)
class Sums:
    """Sums over seizures. Nothing in here tells one of them from another."""

    reports: int = 0
    cases: int = 0
    commodities: Counter[str] = field(default_factory=Counter)
    quantities: Counter[tuple[str, str]] = field(default_factory=Counter)  # how many seizures tell this unit
    amounts: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    flows: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, body: Mapping[str, Any], sign: int) -> None:
        """Count a seizure in, or with -1 out."""
        given = body.get("cases")
        number = sign * (given if isinstance(given, int) else 1)
        self.reports += sign
        self.cases += number
        commodity = str(body.get("commodity", ""))
        self.commodities[commodity] += number
        quantity = body.get("quantity")
        if isinstance(quantity, dict):
            place = commodity, str(quantity.get("unit", ""))
            self.quantities[place] += sign
            self.amounts[place] += sign * _decimal(quantity.get("value"))
        self.days[str(body.get("date", ""))[:10], commodity.partition(".")[0]] += number
        self.countries[str(body.get("country", ""))] += number
        origin, destination = body.get("departure_country"), body.get("destination_country")
        if origin and destination:
            self.flows[str(origin), str(destination)] += number

    def merge(self, other: Sums) -> None:
        """Take in what another counted."""
        self.reports += other.reports
        self.cases += other.cases
        self.commodities.update(other.commodities)
        self.quantities.update(other.quantities)
        self.days.update(other.days)
        self.countries.update(other.countries)
        self.flows.update(other.flows)
        for place, amount in other.amounts.items():
            self.amounts[place] += amount

    def told(self) -> dict[str, Any]:
        """Return the sums as JSON-ready data."""
        days: dict[str, dict[str, int]] = defaultdict(dict)
        for (day, group), number in sorted(self.days.items()):
            if day and number:
                days[day][group] = number
        return {
            "reports": self.reports,
            "cases": self.cases,
            "by_commodity": [
                {"commodity": code, "cases": count, "quantities": self._amounts_of(code)}
                for code, count in _most(self.commodities)[:TOP]
            ],
            "by_day": [{"day": day, "groups": groups} for day, groups in days.items()],
            "by_country": dict(_most(self.countries)),
            "flows": [
                {"from": origin, "to": destination, "cases": count}
                for (origin, destination), count in _most(self.flows)[:TOP]
            ],
        }

    def _amounts_of(self, commodity: str) -> dict[str, str]:
        return {
            unit: f"{self.amounts[code, unit].normalize():f}"
            for (code, unit), seizures in sorted(self.quantities.items())
            if code == commodity and seizures
        }


@dataclass(slots=True, repr=False)
class _Kept:
    """The sums of one group up to a number, and which seizures up to there stand no more."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sums: Sums = field(default_factory=Sums)
    upto: int = 0
    gone: frozenset[UUID] = frozenset()


_kept: OrderedDict[tuple[UUID, UUID], _Kept] = OrderedDict()
_lock = threading.Lock()


def seized(membership: Membership) -> dict[str, Any]:
    """Return the sums over the group's seizures that stand. Raises NotAllowed, KeyDestroyed."""
    group = membership.group
    seizures = messages_of(membership).filter(kind=Kind.SEIZURE, exercise=False)
    key = group.pk, group.stream_epoch
    try:
        current_sealer(group)
    except KeyDestroyed:
        with _lock:
            _kept.pop(key, None)
        raise
    kept = _kept_of(key)
    with kept.lock:
        _follow(group, seizures, kept)
        return kept.sums.told()


def forget_sums(group_id: UUID) -> None:
    """Drop the sums of a group whose key is gone."""
    with _lock:
        for key in [key for key in _kept if key[0] == group_id]:
            del _kept[key]


def _kept_of(key: tuple[UUID, UUID]) -> _Kept:
    with _lock:
        kept = _kept.setdefault(key, _Kept())
        _kept.move_to_end(key)
        while len(_kept) > GROUPS:
            _kept.popitem(last=False)
        return kept


def _follow(group: ClosedUserGroup, seizures: QuerySet[Message], kept: _Kept) -> None:
    """Bring the sums to what is so now. What goes while this reads is taken off the next time."""
    fallen = Q(superseded_at__isnull=False) | Q(status=Status.WITHDRAWN)
    rows = seizures.filter(fallen).order_by().values_list("pk", "seq")
    seq_of = dict(rows)
    changed, upto = Sums(), kept.upto
    came = seizures.filter(seq__gt=kept.upto).order_by("seq")
    unseen = [pk for pk, seq in seq_of.items() if seq > kept.upto]
    if unseen:
        came = came.exclude(OneOf("pk", unseen))
    for _pk, _reference, plain, seq in scan(group, came):
        changed.add(read_content(plain).body, 1)
        upto = seq
    left = [pk for pk, seq in seq_of.items() if seq <= kept.upto and pk not in kept.gone]
    if left:
        for _pk, _reference, plain, _seq in scan(group, seizures.filter(OneOf("pk", left)).order_by()):
            changed.add(read_content(plain).body, -1)
    kept.sums.merge(changed)
    kept.upto, kept.gone = upto, frozenset(pk for pk, seq in seq_of.items() if seq <= upto)


def _most[K: (str, tuple[str, str])](counts: Counter[K]) -> list[tuple[K, int]]:
    """Return what was counted, the most first; equal ones in the order of their names, in every process."""
    return sorted(((key, count) for key, count in counts.items() if count), key=lambda item: (-item[1], item[0]))


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
