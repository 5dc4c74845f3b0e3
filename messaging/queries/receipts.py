"""Whose receipt may be asked for: the group of a message, for those who are its members now.

What must not live here: rights of a role, phases; both are asked under the group's lock (`actions.receipts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

# The condition on members is that of `groups.gates.member_of`.
_STATEMENT = """
SELECT w.place, x.group_id
  FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS w (officer, message, place)
  JOIN messaging_message x ON x.id = w.message
  JOIN groups_membership m ON m.group_id = x.group_id AND m.officer_id = w.officer
  JOIN accounts_officer o ON o.id = m.officer_id
 WHERE m.left_at IS NULL AND o.is_active AND NOT o.is_platform_administrator
"""


def groups_of_receipts(pairs: Sequence[tuple[UUID, UUID]]) -> list[UUID | None]:
    """Return, for each officer and message, the message's group; one query.

    None where the officer is no member now, and where there is no such message: nobody can tell one from the other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [[officer for officer, _ in pairs], [message for _, message in pairs]])
        found = {place - 1: group_id for place, group_id in cursor.fetchall()}
    return [found.get(place) for place in range(len(pairs))]
