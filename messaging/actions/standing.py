"""What a batch of posts asks under the group's lock, in one statement: who may still send, by which forms, from
where numbers go on, which identifiers are taken.

What must not live here: writes, and what follows from the answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from groups.models import ClosedUserGroup

# The condition on members is that of `groups.gates.hold_group`.
_STATEMENT = """
SELECT
  (SELECT json_agg(json_build_array(m.id, m.role, m.country, o.id, o.name, o.language, a.id, a.name, a.country))
     FROM groups_membership m JOIN accounts_officer o ON o.id = m.officer_id
     JOIN accounts_administration a ON a.id = o.administration_id
    WHERE m.id = ANY(%(members)s::uuid[]) AND m.group_id = %(group)s AND m.left_at IS NULL
      AND o.is_active AND NOT o.is_platform_administrator),
  (SELECT json_object_agg(t.kind, t.id) FROM simplified_forms_formtemplate t
    WHERE t.group_id = %(group)s AND t.state = 'published' AND t.mode IN ('', %(mode)s)
      AND t.kind = ANY(%(kinds)s::text[])),
  (SELECT json_object_agg(k.kind, (SELECT m.number FROM messaging_message m
                                    WHERE m.group_id = %(group)s AND m.kind = k.kind
                                    ORDER BY m.number DESC LIMIT 1))
     FROM unnest(%(kinds)s::text[]) AS k (kind)),
  (SELECT json_agg(m.id) FROM messaging_message m WHERE m.id = ANY(%(ids)s::uuid[]))
"""


@dataclass(frozen=True, slots=True)
class Member:
    """What of a membership a message depends on, as it is now."""

    role: str
    country: str
    officer_id: str
    name: str
    language: str
    administration_id: str
    administration_name: str
    administration_country: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand while the lock is held. Members who may read and write nothing any more are not in it."""

    members: Mapping[str, Member]
    forms: Mapping[str, str]
    numbers: Mapping[str, int]
    taken: frozenset[str]


def standing(
    group: ClosedUserGroup, *, members: Collection[UUID], kinds: Collection[str], ids: Collection[UUID]
) -> Standing:
    """Return how things stand in a group whose row the caller holds locked. Identifiers are in text."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT,
            {
                "group": group.pk,
                "mode": group.form_mode,
                "members": list(members),
                "kinds": [str(kind) for kind in kinds],
                "ids": list(ids),
            },
        )
        row = cursor.fetchone()
    found, forms, numbers, taken = (_loaded(value) for value in row)
    return Standing(
        {one[0]: Member(*one[1:]) for one in found or ()},
        forms or {},
        {kind: number or 0 for kind, number in (numbers or {}).items()},
        frozenset(taken or ()),
    )


def _loaded(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
