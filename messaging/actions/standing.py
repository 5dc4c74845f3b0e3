"""What a batch of posts asks under the group's lock, in one statement: who may still send, by which forms, from
where numbers go on, which identifiers are taken.

What must not live here: writes, and what follows from the answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from groups.models import ClosedUserGroup, Membership
from messaging.rows import one_round_trip

# The condition on members is that of `groups.gates.hold_group`.
_STATEMENT = """
SELECT
  (SELECT json_agg(json_build_array(m.id, m.role, m.country, o.id, o.name, o.language, a.id, a.name, a.country))
     FROM groups_membership m JOIN accounts_officer o ON o.id = m.officer_id
     JOIN accounts_administration a ON a.id = o.administration_id
    WHERE m.id = ANY(%(members)s::uuid[]) AND m.group_id = %(group)s AND m.left_at IS NULL
      AND o.is_active AND NOT o.is_platform_administrator),
  (SELECT json_object_agg(t.kind, t.id) FROM simplified_forms_formtemplate t
    WHERE t.group_id = %(group)s AND t.state = 'published' AND t.mode IN ('', (
          SELECT g.form_mode FROM groups_closedusergroup g WHERE g.id = %(group)s))
      AND t.kind = ANY(%(kinds)s::text[])),
  (SELECT json_object_agg(k.kind, (SELECT m.number FROM messaging_message m
                                    WHERE m.group_id = %(group)s AND m.kind = k.kind
                                    ORDER BY m.number DESC LIMIT 1))
     FROM unnest(%(kinds)s::text[]) AS k (kind)),
  (SELECT json_agg(m.id) FROM messaging_message m WHERE m.id = ANY(%(ids)s::uuid[])),
  (SELECT json_agg(k.name) FROM unnest(%(named)s::text[]) AS k (name)
    WHERE NOT EXISTS (SELECT FROM groups_groupcountry c WHERE c.group_id = %(group)s AND c.country = k.name)
      AND NOT EXISTS (SELECT FROM groups_membership m
                       WHERE m.group_id = %(group)s AND m.officer_id::text = k.name AND m.left_at IS NULL))
"""


_COLUMNS = [field.attname for field in ClosedUserGroup._meta.concrete_fields]
_HOLD = f"SELECT {', '.join(_COLUMNS)} FROM groups_closedusergroup WHERE id = %s FOR NO KEY UPDATE"  # noqa: S608


class Member(NamedTuple):
    """What of a membership a message depends on; identifiers are in text."""

    role: str
    country: str
    officer: str
    name: str
    language: str
    administration: str
    administration_name: str
    administration_country: str

    @classmethod
    def of(cls, membership: Membership) -> Member:
        """Return it as it was known when a draft was prepared."""
        officer = membership.officer
        administration = officer.administration
        return cls(
            str(membership.role), membership.country, str(officer.pk), officer.name, officer.language,
            str(administration.pk), administration.name, administration.country,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand while the lock is held. Members who may read and write nothing any more are not in it."""

    members: Mapping[str, Member]
    forms: Mapping[str, str]
    numbers: Mapping[str, int]
    taken: frozenset[str]
    absent: frozenset[str]  # countries and officers who are addressed by name and not in the group


def hold_and_ask(
    group_id: UUID,
    *,
    members: Collection[UUID],
    kinds: Collection[str],
    ids: Collection[UUID],
    named: Collection[str],
) -> tuple[ClosedUserGroup, Standing]:
    """Lock a group's row until the transaction ends; return it, and how things stand under that lock.

    Two statements, sent together: the second begins, with a snapshot of its own, once the first has the lock.
    Identifiers are in text.
    """
    values: dict[str, Any] = {
        "group": group_id,
        "members": list(members),
        "kinds": [str(k) for k in kinds],
        "ids": list(ids),
        "named": list(named),
    }
    with connection.cursor() as held, connection.cursor() as asked:
        with one_round_trip():
            held.execute(_HOLD, [group_id])
            asked.execute(_STATEMENT, values)
        row, answer = held.fetchone(), asked.fetchone()
    if row is None:
        raise ClosedUserGroup.DoesNotExist
    found, forms, numbers, taken, absent = (_loaded(value) for value in answer)
    return ClosedUserGroup.from_db(connection.alias, _COLUMNS, row), Standing(
        {one[0]: Member(*one[1:]) for one in found or ()},
        forms or {},
        {kind: number or 0 for kind, number in (numbers or {}).items()},
        frozenset(taken or ()),
        frozenset(absent or ()),
    )


def _loaded(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
