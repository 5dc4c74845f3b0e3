"""Plain messages written in one round trip: locks, what stands, rows, events, audit entries, commit.

What a draft was prepared with is told to the database, which compares it under its group's lock, numbers what still
holds and leaves out the rest: who is left out is done alone. Plain is what neither answers nor corrects, and has
no files. What must not live here: rules; whatever this cannot judge by comparing is not plain (`together`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

import audit
from groups.models import ClosedUserGroup
from groups.phases import is_exercise
from groups.queries import current_sealer, has_sealer_at_hand
from messaging.actions.preparing import Prepared
from messaging.actions.standing import Member
from messaging.content import seal_content
from messaging.kinds import reference
from messaging.models import Message
from messaging.queries.receipts import Members, members_beside
from messaging.roundtrip import HELD, Beside, Meanwhile, Statement, run_under_lock
from messaging.rows import as_written
from problems import Refusal
from vault import Sealer

_NUMBERED = ("seq", "number", "reference")
_FACTS = {
    "phase": "text", "form_mode": "text", "starts_on": "date", "late_limit_days": "integer",
    "nominal_allowed": "boolean", "code": "text", "key_epoch": "integer", "stream_epoch": "uuid",
}  # fmt: skip
_IDENTIFIERS = {"id", "officer", "administration"}
_MEMBER = {name: "uuid" if name in _IDENTIFIERS else "text" for name in ("id", *Member._fields)}
_facts = attrgetter(*_FACTS)

# The condition on members is that of `groups.gates.hold_group`, that on forms of `simplified_forms.queries`.
# Messages are inserted by id: two batches that bring the same ids wait for each other in one order.
_WRITE = """
WITH held AS MATERIALIZED (
  SELECT g.id, g.head, g.form_mode FROM {held} JOIN json_to_recordset($1::json) AS f (id uuid, {facts}) USING (id),
         LATERAL (SELECT * FROM groups_closedusergroup g WHERE g.id = of_held.id OFFSET 0) g
   WHERE ({of_group}) IS NOT DISTINCT FROM ({of_facts})
), present AS MATERIALIZED (
  SELECT k.id, m.group_id FROM held, json_to_recordset($2::json) AS k ({member}),
         LATERAL (SELECT * FROM groups_membership m WHERE m.id = k.id OFFSET 0) m,
         LATERAL (SELECT * FROM accounts_officer o WHERE o.id = m.officer_id OFFSET 0) o,
         LATERAL (SELECT * FROM accounts_administration a WHERE a.id = o.administration_id OFFSET 0) a
   WHERE m.group_id = held.id AND m.left_at IS NULL AND o.is_active AND NOT o.is_platform_administrator
     AND (m.role, m.country, o.id, o.name, o.language, a.id, a.name, a.country)
       = (k.role, k.country, k.officer, k.name, k.language, k.administration, k.administration_name,
          k.administration_country)
), forms AS MATERIALIZED (
  SELECT t.id, t.group_id, t.kind, coalesce((SELECT m.number FROM messaging_message m WHERE m.group_id = held.id
                                   AND m.kind = t.kind ORDER BY m.number DESC LIMIT 1), 0) AS last
    FROM held, json_to_recordset($3::json) AS k (id uuid),
         LATERAL (SELECT * FROM simplified_forms_formtemplate t WHERE t.id = k.id OFFSET 0) t
   WHERE t.group_id = held.id AND t.state = 'published' AND t.mode IN ('', held.form_mode)
), numbered AS MATERIALIZED (
  SELECT d.*, held.head + row_number() OVER (PARTITION BY d.group_id ORDER BY d.place) AS seq,
         forms.last + row_number() OVER (PARTITION BY d.group_id, d.kind ORDER BY d.place) AS number
    FROM json_to_recordset($4::json) AS d (place integer, membership uuid, stem text, {drafts})
    JOIN held ON held.id = d.group_id
    JOIN present ON present.id = d.membership AND present.group_id = d.group_id
    JOIN forms ON forms.id = d.template_id AND forms.kind = d.kind AND forms.group_id = d.group_id
   WHERE NOT EXISTS (SELECT FROM messaging_message m WHERE m.id = d.id)
     AND NOT EXISTS (SELECT FROM jsonb_array_elements_text(d.addressed_to -> 'countries') AS k (country)
                      WHERE NOT EXISTS (SELECT FROM groups_groupcountry c
                                         WHERE c.group_id = held.id AND c.country = k.country))
     AND NOT EXISTS (SELECT FROM jsonb_array_elements_text(d.addressed_to -> 'officers') AS k (officer)
                      WHERE NOT EXISTS (SELECT FROM groups_membership m
                                         WHERE m.group_id = held.id AND m.officer_id = k.officer::uuid
                                           AND m.left_at IS NULL))
), message AS (
  INSERT INTO messaging_message ({columns}, seq, number, reference)
  SELECT {columns}, seq, number, stem || lpad(number::text, greatest(5, length(number::text)), '0') FROM numbered
   ORDER BY id
), event AS (
  INSERT INTO messaging_event (group_id, seq, type, at, actor, message_id, data)
  SELECT group_id, seq, 'message', sent_at, sender_id, id, '{{}}' FROM numbered
), entry AS (
  {audit}
), moved AS (
  UPDATE groups_closedusergroup g SET head = (SELECT max(n.seq) FROM numbered n WHERE n.group_id = g.id)
   WHERE g.id = ANY (ARRAY(SELECT n.group_id FROM numbered n))
)
SELECT place, seq, number FROM numbered ORDER BY place
"""

_ENTRY = f"""SELECT '{audit.Action.MESSAGE_POSTED.value}', sender_id, group_id, 'message:' || id,
         json_build_object('kind', kind, 'seq', seq)::jsonb FROM numbered"""  # noqa: S608 - a word of a fixed list


def is_plain(one: Prepared) -> bool:
    """Whether nothing but what is compared here decides what becomes of a draft."""
    return one.draft.in_reply_to is None and one.draft.supersedes is None and not one.draft.attachments


def same_facts(one: ClosedUserGroup, other: ClosedUserGroup) -> bool:
    """Whether drafts prepared with either group may be written together."""
    return one is other or bool(_facts(one) == _facts(other))


def write_plain(
    groups: Mapping[UUID, ClosedUserGroup],
    prepared: Sequence[Prepared],
    *,
    now: datetime,
    wait: bool,
    meanwhile: Callable[[Mapping[UUID, Message], Members], object],
) -> dict[UUID, Message]:
    """Write what still holds of plain drafts, each with an id of its own; return the messages by id.

    `groups` are as they were when the drafts were prepared. Committed when this returns, unless the caller has a
    transaction open; `meanwhile` gets the messages before that, with those who may acknowledge in the groups where
    one asks for receipts, and tells nobody. Who is missing was not written:
    what it was prepared with has changed, its id is taken, its group's key cannot be had, or, without `wait`, its
    group's lock is taken or its key would have to be fetched. Raises IntegrityError; nothing is written then.
    """
    sealers: dict[UUID, tuple[Sealer, bool]] = {}
    for pk, group in groups.items():
        if not wait and not has_sealer_at_hand(group):
            continue
        with contextlib.suppress(Refusal):
            sealers[pk] = (current_sealer(group), is_exercise(group))
    prepared = [one for one in prepared if one.membership.group_id in sealers]
    rows = []
    for one in prepared:
        group = groups[one.membership.group_id]
        sealer, exercise = sealers[group.pk]
        row = _row(one, group, exercise=exercise, now=now)
        row["digest"] = sealer.digest(one.said)
        row["sealed"] = seal_content(sealer, one.content, message_id=row["id"], sender_id=row["sender_id"])
        rows.append(row)
    written: dict[UUID, Message] = {}
    members: dict[UUID, Sequence[tuple[UUID, str, str]]] = {}

    def number(places: Sequence[tuple[int, int, int]]) -> None:
        for place, seq, number in places:
            one, row = prepared[place], rows[place]
            row["seq"], row["number"] = seq, number
            row["reference"] = reference(groups[row["group_id"]].code, row["country"], row["kind"], number)
            officer = one.membership.officer
            written[one.draft.id] = as_written(
                Message, row, sender=officer, administration=officer.administration, template=one.template
            )
        meanwhile(written, members)

    if prepared:
        asking = {one.membership.group_id for one in prepared if one.draft.acknowledge}
        beside = members_beside(asking, members.update) if asking else None
        _write(groups, prepared, rows, number, wait=wait, beside=beside)
    return written


def _row(one: Prepared, group: ClosedUserGroup, *, exercise: bool, now: datetime) -> dict[str, Any]:
    """Return the columns of a message that has no number yet."""
    draft, officer = one.draft, one.membership.officer
    grading = draft.grading or {}
    return {
        "id": draft.id,
        "group_id": group.pk,
        "kind": draft.kind,
        "template_id": one.template.pk,
        "sender_id": officer.pk,
        "administration_id": officer.administration_id,
        "country": one.membership.country,
        "language": draft.language,
        "priority": draft.priority,
        "handling": draft.handling,
        "grading_source": grading.get("source", ""),
        "grading_information": grading.get("information", ""),
        "addressed_to": draft.addressed_to,
        "acknowledge": bool(draft.acknowledge),
        "exercise": exercise,
        "status": one.rule.first_status.value,
        "in_reply_to_id": None,
        "thread": draft.id,
        "supersedes_id": None,
        "superseded_at": None,
        "due_at": draft.due_at,
        "unanswered": one.rule.answered_by is not None,
        "sent_at": now,
        "key_epoch": group.key_epoch,
    }


def _write(
    groups: Mapping[UUID, ClosedUserGroup],
    prepared: Sequence[Prepared],
    rows: Sequence[dict[str, Any]],
    number: Meanwhile,
    *,
    wait: bool,
    beside: Beside | None,
) -> None:
    """Send the two statements; `number` gets place, seq and number of each row that was written."""
    stems = {(row["group_id"], row["country"], row["kind"]): "" for row in rows}
    for group_id, country, kind in stems:
        stems[group_id, country, kind] = reference(groups[group_id].code, country, kind, 0).removesuffix("00000")
    drafts = [
        {
            **row,
            "sealed": "\\x" + row["sealed"].hex(),
            "digest": "\\x" + row["digest"].hex(),
            "place": place,
            "membership": one.membership.pk,
            "stem": stems[row["group_id"], row["country"], row["kind"]],
        }
        for place, (one, row) in enumerate(zip(prepared, rows, strict=True))
    ]
    members = {one.membership.pk: one.membership for one in prepared}
    values = (
        _json([{"id": pk, **dict(zip(_FACTS, _facts(group), strict=True))} for pk, group in groups.items()]),
        _json([{"id": pk, **Member.of(one)._asdict()} for pk, one in members.items()]),
        _json([{"id": pk} for pk in {one.template.pk for one in prepared}]),
        _json(drafts),
    )
    run_under_lock(_statement(), groups, values, wait=wait, meanwhile=number, beside=beside)


@cache
def _statement() -> Statement:
    """Return the statement for the columns that messages have."""
    types = {one.attname: one.db_type(connection) for one in Message._meta.concrete_fields}
    known = [name for name in types if name not in _NUMBERED]
    text = _WRITE.format(
        held=HELD,
        facts=_listed(_FACTS),
        of_group=", ".join(f"g.{name}" for name in _FACTS),
        of_facts=", ".join(f"f.{name}" for name in _FACTS),
        member=_listed(_MEMBER),
        drafts=_listed({name: types[name] for name in known}),
        columns=", ".join(known),
        audit=audit.entries_from(_ENTRY),
    )
    return Statement(b"cencomm_write", text.encode())


def _listed(columns: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
