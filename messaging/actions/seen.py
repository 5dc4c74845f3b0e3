"""Remembering how far an officer has read."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from groups.access import Right
from groups.errors import NotAllowed
from groups.models import Membership
from messaging.models import LastSeen


def mark_seen(membership: Membership, *, seq: int) -> int:
    """Remember that the member has read up to `seq`; it only grows, and never past the head. Returns where it is.

    Told to nobody, so it takes neither lock nor number, and no audit entry. Raises NotAllowed.
    """
    if not membership.has(Right.READ):
        raise NotAllowed
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {LastSeen._meta.db_table} AS seen (group_id, officer_id, seq, at)
            SELECT g.id, %(officer)s, least(%(seq)s, g.head), %(now)s
              FROM groups_closedusergroup g WHERE g.id = %(group)s
            ON CONFLICT (group_id, officer_id)
            DO UPDATE SET seq = greatest(seen.seq, excluded.seq), at = excluded.at
            RETURNING seq
            """,  # noqa: S608 - the table's name is ours
            {
                "officer": membership.officer_id,
                "seq": min(max(seq, 0), 2**62),
                "now": timezone.now(),
                "group": membership.group_id,
            },
        )
        return int(cursor.fetchone()[0])
