"""What a process remembers of seizures that it has opened for a review: enough to sort them, never what they say.

A message never changes: what was judged of it once, by the same rules, holds. Kept are what it is compared by with
others, and the keyed digests of texts that may name a person. It goes with the group's key. What must not live
here: judgement (`review`), the database.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from exports.duplicates import Trace

MOST = 100_000  # seizures, of all groups together


class Which(NamedTuple):
    """A seizure as it stands, and the rules by which it was looked at."""

    message: UUID
    version: int
    withdrawn: bool
    rules: str  # what names the mapping


@dataclass(frozen=True, slots=True, repr=False)
class Judgement:
    """What blocks a seizure by itself. `nominal`: the names of texts, as decisions bear them."""

    invalid: bool
    nominal: frozenset[str]
    day: date

    def holds(self, today: date) -> bool:
        """Whether it would be found so today: only what is wrong may become right, as a date that was ahead."""
        return not self.invalid or self.day == today


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """What is remembered of one seizure; `judgement` is None for one that nobody has asked about."""

    traces: Sequence[Trace]
    judgement: Judgement | None = None


NOTHING_SAID = Facts((), Judgement(invalid=False, nominal=frozenset(), day=date.min))
_kept: OrderedDict[UUID, dict[Which, Facts]] = OrderedDict()
_lock = threading.Lock()


def remembered(group_id: UUID) -> Mapping[Which, Facts]:
    """Return what is remembered of a group's seizures."""
    with _lock:
        return dict(_kept.get(group_id, {}))


def remember(group_id: UUID, facts: Mapping[Which, Facts], *, all_of_it: bool) -> None:
    """Keep these; `all_of_it`: they are all that the group has, and what else was kept goes."""
    with _lock:
        _kept[group_id] = dict(facts) if all_of_it else {**_kept.get(group_id, {}), **facts}
        _kept.move_to_end(group_id)
        while len(_kept) > 1 and sum(map(len, _kept.values())) > MOST:
            _kept.popitem(last=False)
        if len(_kept[group_id]) > MOST:
            del _kept[group_id]


def forget(group_id: UUID) -> None:
    """Drop everything of a group whose key is gone."""
    with _lock:
        _kept.pop(group_id, None)
