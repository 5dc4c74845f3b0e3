"""What happened in groups, each after a position: group, events, and the messages they bring, by one statement.

The hub of every process reads so after wake-ups; object by object it would cost several times as much. What
must not live here: opening, presentation, who gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.db import models

from accounts.models import Administration, Officer
from groups.models import ClosedUserGroup
from messaging.models import Event, Message
from messaging.roundtrip import Statement, array, read_prepared
from messaging.rows import as_written
from simplified_forms.models import FormTemplate

PAGE_BYTES = 1024 * 1024  # of sealed content: pages of the largest messages stay this small together
# What is needed of the group and of those whom a message names.
_OF_GROUP = ("id", "phase", "head", "stream_epoch")
_OF_OFFICER = ("id", "name")
_OF_ADMINISTRATION = ("id", "name", "country")
_OF_TEMPLATE = ("id", "version")

# OFFSET 0: each row by its key. The sizes are known without reading what is sealed.
_MOVED = """
WITH held AS MATERIALIZED (
  SELECT g.*, asked.after FROM unnest($1::uuid[], $2::bigint[]) AS asked (id, after)
   CROSS JOIN LATERAL (SELECT * FROM groups_closedusergroup g WHERE g.id = asked.id OFFSET 0) g
), told AS MATERIALIZED (
  SELECT e.*, octet_length(m.sealed) AS size FROM held
   CROSS JOIN LATERAL (SELECT * FROM messaging_event e WHERE e.group_id = held.id AND e.seq > held.after
                        ORDER BY e.seq LIMIT $3::integer) e
    LEFT JOIN LATERAL (SELECT m.sealed FROM messaging_message m
                        WHERE m.id = e.message_id AND e.type = 'message' OFFSET 0) m ON true
), fitting AS (
  SELECT told.*, coalesce(sum(size) OVER (PARTITION BY group_id ORDER BY seq), 0) AS total,
         min(seq) OVER (PARTITION BY group_id) AS first FROM told
)
SELECT {columns}
  FROM held g
  LEFT JOIN fitting e ON e.group_id = g.id AND (e.total <= $4::bigint OR e.seq = e.first)
  LEFT JOIN LATERAL (SELECT * FROM messaging_message m
                      WHERE m.id = e.message_id AND e.type = 'message' OFFSET 0) m ON m.group_id = g.id
  LEFT JOIN LATERAL (SELECT * FROM accounts_officer o WHERE o.id = m.sender_id OFFSET 0) o ON true
  LEFT JOIN LATERAL (SELECT * FROM accounts_administration a WHERE a.id = m.administration_id OFFSET 0) a ON true
  LEFT JOIN LATERAL (SELECT * FROM simplified_forms_formtemplate t WHERE t.id = m.template_id OFFSET 0) t ON true
 ORDER BY g.id, e.seq
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """A group as it is, a run of its events without gaps, and the messages that are new in them."""

    group: ClosedUserGroup
    events: list[Event]
    messages: list[Message]


def moved_after(places: Mapping[UUID, int], *, limit: int) -> list[Moved]:
    """Return, of each of these groups that there is, so many events after its position.

    Fewer where their messages are larger than the group's part of PAGE_BYTES; the first always.
    """
    most = PAGE_BYTES // max(1, len(places))
    rows = read_prepared(_statement(), [array(places), array(places.values()), str(limit), str(most)])
    found: dict[UUID, Moved] = {}
    for row in rows:
        of_group, of_event, of_message, *others = _parts(row)
        moved = found.get(of_group["id"])
        if moved is None:
            moved = found[of_group["id"]] = Moved(as_written(ClosedUserGroup, of_group), [], [])
        if of_event["seq"] is None:  # nothing has happened since
            continue
        moved.events.append(as_written(Event, of_event))
        if of_message["id"] is not None:
            moved.messages.append(_message(of_message, others))
    return list(found.values())


def _message(row: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Message:
    officer, administration, template = others
    return as_written(
        Message,
        row,
        sender=as_written(Officer, officer),
        administration=as_written(Administration, administration),
        template=as_written(FormTemplate, template),
    )


def _parts(row: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield one row as the rows of the tables that it is made of."""
    begun = 0
    for _alias, columns, json_columns in _tables():
        part = dict(zip(columns, row[begun : begun + len(columns)], strict=True))
        for name in json_columns:
            if isinstance(part[name], str):
                part[name] = orjson.loads(part[name])
        yield part
        begun += len(columns)


@cache
def _tables() -> Sequence[tuple[str, Sequence[str], Sequence[str]]]:
    return [
        ("g", _OF_GROUP, ()),
        ("e", *_columns(Event)),
        ("m", *_columns(Message)),
        ("o", _OF_OFFICER, ()),
        ("a", _OF_ADMINISTRATION, ()),
        ("t", _OF_TEMPLATE, ()),
    ]


def _columns(model: type[models.Model]) -> tuple[Sequence[str], Sequence[str]]:
    fields = model._meta.concrete_fields
    return [one.attname for one in fields], [one.attname for one in fields if isinstance(one, models.JSONField)]


@cache
def _statement() -> Statement:
    listed = (f"{alias}.{name}" for alias, columns, _json in _tables() for name in columns)
    return Statement(b"cencomm_moved", _MOVED.format(columns=", ".join(listed)).encode())
