"""Plain messages of one group written in one round trip: lock, what stands, rows, event, audit entry, commit.

What a draft was prepared with is told to the database, which compares it under the group's lock, numbers what still
holds and leaves out the rest: who is left out is done alone. Plain is what neither answers nor corrects. What must
not live here: rules; whatever this cannot judge by comparing is not plain (`together`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from psycopg import Connection, Cursor

import audit
from groups.models import ClosedUserGroup
from groups.phases import is_exercise
from groups.queries import current_sealer
from messaging.actions.preparing import Prepared
from messaging.content import seal_content
from messaging.kinds import reference
from messaging.models import Message
from messaging.rows import as_written

_NUMBERED = ("seq", "number", "reference")
_FACTS = {
    "phase": "text", "form_mode": "text", "starts_on": "date", "late_limit_days": "integer",
    "nominal_allowed": "boolean", "code": "text", "key_epoch": "integer", "stream_epoch": "uuid",
}  # fmt: skip
_MEMBER = {
    "id": "uuid", "role": "text", "country": "text", "officer": "uuid", "name": "text", "language": "text",
    "administration": "uuid", "administration_name": "text", "administration_country": "text",
}  # fmt: skip
_facts = attrgetter(*_FACTS)

# The row's lock comes first and by itself: the statement that follows sees everything that was committed before it.
# That statement is planned once for a connection, and not for tables that were small then.
_HOLD = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)
  FROM groups_closedusergroup WHERE id = %s::uuid FOR NO KEY UPDATE
"""
# The condition on members is that of `groups.gates.hold_group`, that on forms of `simplified_forms.queries`.
_WRITE = """
WITH held AS MATERIALIZED (
  SELECT g.id, g.head, g.form_mode FROM groups_closedusergroup g, json_to_record(%(facts)s::json) AS f ({facts})
   WHERE g.id = %(group)s::uuid AND ({of_group}) IS NOT DISTINCT FROM ({of_facts})
), present AS MATERIALIZED (
  SELECT k.id FROM held, json_to_recordset(%(members)s::json) AS k ({member}),
         LATERAL (SELECT * FROM groups_membership m WHERE m.id = k.id OFFSET 0) m,
         LATERAL (SELECT * FROM accounts_officer o WHERE o.id = m.officer_id OFFSET 0) o,
         LATERAL (SELECT * FROM accounts_administration a WHERE a.id = o.administration_id OFFSET 0) a
   WHERE m.group_id = held.id AND m.left_at IS NULL AND o.is_active AND NOT o.is_platform_administrator
     AND (m.role, m.country, o.id, o.name, o.language, a.id, a.name, a.country)
       = (k.role, k.country, k.officer, k.name, k.language, k.administration, k.administration_name,
          k.administration_country)
), forms AS MATERIALIZED (
  SELECT t.id, t.kind, coalesce((SELECT m.number FROM messaging_message m WHERE m.group_id = held.id
                                   AND m.kind = t.kind ORDER BY m.number DESC LIMIT 1), 0) AS last
    FROM held, json_to_recordset(%(forms)s::json) AS k (id uuid),
         LATERAL (SELECT * FROM simplified_forms_formtemplate t WHERE t.id = k.id OFFSET 0) t
   WHERE t.group_id = held.id AND t.state = 'published' AND t.mode IN ('', held.form_mode)
), numbered AS MATERIALIZED (
  SELECT d.*, held.head + row_number() OVER (ORDER BY d.place) AS seq,
         forms.last + row_number() OVER (PARTITION BY d.kind ORDER BY d.place) AS number
    FROM held, json_to_recordset(%(drafts)s::json) AS d (place integer, membership uuid, stem text, {drafts})
    JOIN present ON present.id = d.membership
    JOIN forms ON forms.id = d.template_id AND forms.kind = d.kind
   WHERE NOT EXISTS (SELECT FROM messaging_message m WHERE m.id = d.id)
), message AS (
  INSERT INTO messaging_message ({columns}, seq, number, reference)
  SELECT {columns}, seq, number, stem || lpad(number::text, greatest(5, length(number::text)), '0') FROM numbered
), event AS (
  INSERT INTO messaging_event (group_id, seq, type, at, actor, message_id, data)
  SELECT group_id, seq, 'message', sent_at, sender_id, id, '{{}}' FROM numbered
), entry AS (
  {audit}
), moved AS (
  UPDATE groups_closedusergroup g SET head = n.head FROM (SELECT max(seq) AS head FROM numbered) n
   WHERE g.id = %(group)s::uuid AND n.head IS NOT NULL
)
SELECT place, seq, number FROM numbered ORDER BY place
"""

_ENTRY = f"""SELECT '{audit.Action.MESSAGE_POSTED.value}', sender_id, group_id, 'message:' || id,
         json_build_object('kind', kind, 'seq', seq)::jsonb FROM numbered"""  # noqa: S608 - a word of a fixed list


def is_plain(one: Prepared) -> bool:
    """Whether nothing but what is compared here decides what becomes of a draft."""
    return one.draft.in_reply_to is None and one.draft.supersedes is None


def same_facts(one: ClosedUserGroup, other: ClosedUserGroup) -> bool:
    """Whether drafts prepared with either group may be written together."""
    return one is other or bool(_facts(one) == _facts(other))


def write_plain(group: ClosedUserGroup, prepared: Sequence[Prepared], *, now: datetime) -> dict[UUID, Message]:
    """Write what still holds of plain drafts, each with an id of its own; return the messages by id.

    `group` is as it was when they were prepared. Committed when this returns, unless the caller has a transaction
    open. Who is missing was not written: what it was prepared with has changed, or its id is taken. Raises
    IntegrityError; nothing is written then.
    """
    sealer, exercise = current_sealer(group), is_exercise(group)
    rows = []
    for one in prepared:
        row = _row(one, group, exercise=exercise, now=now)
        row["digest"] = sealer.digest(one.said)
        row["sealed"] = seal_content(sealer, one.content, message_id=row["id"], sender_id=row["sender_id"])
        rows.append(row)
    written = {}
    for place, seq, number in _write(group, prepared, rows):
        one, row = prepared[place], rows[place]
        row["seq"], row["number"] = seq, number
        row["reference"] = reference(group.code, row["country"], row["kind"], number)
        officer = one.membership.officer
        written[one.draft.id] = as_written(
            Message, row, sender=officer, administration=officer.administration, template=one.template
        )
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
    group: ClosedUserGroup, prepared: Sequence[Prepared], rows: Sequence[dict[str, Any]]
) -> list[tuple[int, int, int]]:
    """Send the two statements; return place, seq and number of each row that was written."""
    stems = {(row["country"], row["kind"]): "" for row in rows}
    for country, kind in stems:
        stems[country, kind] = reference(group.code, country, kind, 0).removesuffix("00000")
    values = {
        "group": str(group.pk),
        "facts": _json(dict(zip(_FACTS, _facts(group), strict=True))),
        "members": _json(list({one.membership.pk: _member(one) for one in prepared}.values())),
        "forms": _json([{"id": pk} for pk in {one.template.pk for one in prepared}]),
        "drafts": _json(
            [
                {
                    **row,
                    "sealed": "\\x" + row["sealed"].hex(),
                    "digest": "\\x" + row["digest"].hex(),
                    "place": place,
                    "membership": one.membership.pk,
                    "stem": stems[row["country"], row["kind"]],
                }
                for place, (one, row) in enumerate(zip(prepared, rows, strict=True))
            ]
        ),
    }
    return run_under_lock(_statement(), values)


def run_under_lock(statement: bytes, values: Mapping[str, Any]) -> list[Any]:
    """Lock the row of the group that `values` names, then run a statement with them; return its rows.

    One round trip. Committed when this returns, unless the caller has a transaction open.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return _run(statement, values)
    connection.ensure_connection()
    return _run(statement, values)


def _run(statement: bytes, values: Mapping[str, Any]) -> list[Any]:
    raw: Connection[Any] = connection.connection
    held, written = Cursor(raw), Cursor(raw)
    raw.prepare_threshold = 0  # Django's own statements are not prepared: they are sent with their values inside
    try:
        # Outside of a transaction the two are one by themselves: it is committed when the pipeline ends.
        with connection.wrap_database_errors, raw.pipeline():
            held.execute(_HOLD, (values["group"],), prepare=True)
            written.execute(statement, values, prepare=True)
    finally:
        raw.prepare_threshold = None
    return written.fetchall()


@cache
def _statement() -> bytes:
    """Return the statement for the columns that messages have."""
    types = {one.attname: one.db_type(connection) for one in Message._meta.concrete_fields}
    known = [name for name in types if name not in _NUMBERED]
    return _WRITE.format(
        facts=_listed(_FACTS),
        of_group=", ".join(f"g.{name}" for name in _FACTS),
        of_facts=", ".join(f"f.{name}" for name in _FACTS),
        member=_listed(_MEMBER),
        drafts=_listed({name: types[name] for name in known}),
        columns=", ".join(known),
        audit=audit.entries_from(_ENTRY),
    ).encode()


def _listed(columns: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def _member(one: Prepared) -> dict[str, Any]:
    """Return what of a membership a message depends on, as it was known when the draft was prepared."""
    membership, officer = one.membership, one.membership.officer
    administration = officer.administration
    facts = (
        membership.pk, membership.role, membership.country, officer.pk, officer.name, officer.language,
        administration.pk, administration.name, administration.country,
    )  # fmt: skip
    return dict(zip(_MEMBER, facts, strict=True))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
