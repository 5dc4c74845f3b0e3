"""Who may acknowledge a message, who has, and the group of a message that somebody wants to acknowledge.

What must not live here: rights of a role, phases; both are asked under the group's lock (`actions.receipts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from uuid import UUID

from groups.access import RIGHTS, Right
from messaging.roundtrip import Beside, Statement, array, read_prepared

_ROLES = array(role.value for role, rights in RIGHTS.items() if Right.ACKNOWLEDGE in rights)

# The condition on members is that of `groups.gates.member_of`.
_PLACES = Statement(
    b"cencomm_places",
    b"""
SELECT w.place, x.group_id
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS w (officer, message, place)
 CROSS JOIN LATERAL (SELECT x.group_id FROM messaging_message x WHERE x.id = w.message OFFSET 0) x
 CROSS JOIN LATERAL (SELECT FROM groups_membership m JOIN accounts_officer o ON o.id = m.officer_id
                      WHERE m.group_id = x.group_id AND m.officer_id = w.officer AND m.left_at IS NULL
                        AND o.is_active AND NOT o.is_platform_administrator OFFSET 0) m
""",
)
# The condition on members is that of `groups.queries.members_by_right`. A receipt has no role.
_STANDING = Statement(
    b"cencomm_standing",
    b"""
SELECT p.group_id AS of, p.officer_id, p.role, p.country, 0 AS seq
  FROM unnest($1::uuid[]) AS g (id)
 CROSS JOIN LATERAL (SELECT m.group_id, m.officer_id, m.role, m.country
                       FROM groups_membership m JOIN accounts_officer o ON o.id = m.officer_id
                      WHERE m.group_id = g.id AND m.left_at IS NULL AND o.is_active
                        AND m.role = ANY($3::text[]) OFFSET 0) p
UNION ALL
SELECT a.message_id, a.officer_id, '', a.country, a.seq
  FROM unnest($2::uuid[]) AS w (id)
 CROSS JOIN LATERAL (SELECT * FROM messaging_acknowledgement a WHERE a.message_id = w.id OFFSET 0) a
 ORDER BY seq
""",
)

type Members = Mapping[UUID, Sequence[tuple[UUID, str, str]]]
type Given = Mapping[UUID, Sequence[tuple[UUID, str]]]


def groups_of_receipts(pairs: Sequence[tuple[UUID, UUID]]) -> list[UUID | None]:
    """Return, for each officer and message, the message's group; one query.

    None where the officer is no member now, and where there is no such message: nobody can tell one from the other.
    """
    rows = read_prepared(_PLACES, [array(officer for officer, _ in pairs), array(message for _, message in pairs)])
    found = {place - 1: group_id for place, group_id in rows}
    return [found.get(place) for place in range(len(pairs))]


def standing_receipts(groups: Collection[UUID], messages: Collection[UUID]) -> tuple[Members, Given]:
    """Return who may acknowledge in each group (officer, role, country), and who has acknowledged each message
    (officer, country), in the order they did; one query.
    """
    return _sorted_out(read_prepared(_STANDING, [array(groups), array(messages), _ROLES]))


def members_beside(groups: Collection[UUID], take: Callable[[Members], object]) -> Beside:
    """Ask under the groups' lock who may acknowledge there: for messages that nobody has acknowledged yet."""
    return Beside(_STANDING, [array(groups), array(()), _ROLES], lambda rows: take(_sorted_out(rows)[0]))


def _sorted_out(rows: Iterable[tuple[UUID, UUID, str, str, int]]) -> tuple[Members, Given]:
    members: dict[UUID, list[tuple[UUID, str, str]]] = defaultdict(list)
    given: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for of, officer_id, role, country, _seq in rows:
        if role:
            members[of].append((officer_id, role, country))
        else:
            given[of].append((officer_id, country))
    return members, given
