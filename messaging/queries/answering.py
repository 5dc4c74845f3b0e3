"""How warnings and requests of a group were answered: how many, how soon, in time or not. Nothing is opened.

The database sums up; what it found is kept until something happens in the group. What must not live here: which of
them wait (`answers`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from groups.models import ClosedUserGroup
from messaging.kinds import ANSWERS, WANT_ANSWER, Status
from messaging.models import Message

GROUPS = 64  # whose figures a process keeps
_TABLE = Message._meta.db_table
# A correction keeps the answers that earlier versions got. Of an even number of times the later middle one.
_STATEMENT = f"""
WITH RECURSIVE standing AS MATERIALIZED (
  SELECT id, kind, sent_at, due_at, supersedes_id FROM {_TABLE}
   WHERE group_id = %(group)s AND kind = ANY(%(questions)s) AND superseded_at IS NULL AND status <> %(withdrawn)s
),
older (asked, id) AS (
  SELECT id, supersedes_id FROM standing WHERE supersedes_id IS NOT NULL
  UNION ALL
  SELECT older.asked, version.supersedes_id FROM older JOIN {_TABLE} version ON version.id = older.id
   WHERE version.supersedes_id IS NOT NULL
),
version (asked, id) AS (SELECT id, id FROM standing UNION ALL SELECT asked, id FROM older),
first AS (
  SELECT version.asked, min(answer.sent_at) AS at
    FROM version JOIN {_TABLE} answer ON answer.in_reply_to_id = version.id
   WHERE answer.kind = ANY(%(answers)s) AND answer.superseded_at IS NULL AND answer.status <> %(withdrawn)s
   GROUP BY version.asked
)
SELECT standing.kind, count(*), count(*) FILTER (WHERE first.at <= standing.due_at),
       extract(epoch FROM (array_agg(first.at - standing.sent_at ORDER BY first.at - standing.sent_at)
                           FILTER (WHERE first.at IS NOT NULL))[1 + (count(first.at) / 2)::integer])::float
  FROM standing LEFT JOIN first ON first.asked = standing.id
 GROUP BY standing.kind
"""  # noqa: S608 - the table's name is ours


@dataclass(frozen=True, slots=True)
class Answering:
    """The questions of one kind that stand: how many, how many were answered in time, the median of the hours."""

    sent: int = 0
    in_time: int = 0
    median_hours: float | None = None


_kept: OrderedDict[UUID, tuple[tuple[UUID, int], Mapping[str, Answering]]] = OrderedDict()
_lock = threading.Lock()


def answering_of(group: ClosedUserGroup) -> Mapping[str, Answering]:
    """Return the figures by kind; kinds that nobody sent are missing. `group` as it was just read."""
    state = group.stream_epoch, group.head
    with _lock:
        known = _kept.get(group.pk)
        if known is not None and known[0] == state:
            _kept.move_to_end(group.pk)
            return known[1]
    found = _asked(group)
    with _lock:
        _kept[group.pk] = state, found
        _kept.move_to_end(group.pk)
        while len(_kept) > GROUPS:
            _kept.popitem(last=False)
    return found


def _asked(group: ClosedUserGroup) -> dict[str, Answering]:
    values: dict[str, Any] = {
        "group": group.pk,
        "questions": list(WANT_ANSWER),
        "answers": list(ANSWERS),
        "withdrawn": Status.WITHDRAWN.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, values)
        return {
            kind: Answering(sent, in_time, None if seconds is None else round(seconds / 3600, 1))
            for kind, sent, in_time, seconds in cursor.fetchall()
        }
