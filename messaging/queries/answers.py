"""Which warnings and requests still wait for an answer, and whose. Identifiers and times: nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from groups.models import Membership
from messaging.kinds import ANSWERS, Status
from messaging.models import Message

_TABLE = Message._meta.db_table
# Every version of each question: a version supersedes one, and is superseded by one at most.
VERSIONS = f"""
WITH RECURSIVE version (asked, id) AS (
  SELECT given.id, given.id FROM unnest(%(asked)s::uuid[]) AS given (id)
  UNION
  SELECT version.asked, other.id FROM version CROSS JOIN LATERAL (
    SELECT newer.id FROM {_TABLE} newer WHERE newer.supersedes_id = version.id
    UNION ALL
    SELECT older.supersedes_id FROM {_TABLE} older WHERE older.id = version.id AND older.supersedes_id IS NOT NULL
  ) other
)"""  # noqa: S608 - the table's name is ours
# The answers of each, by their index: without OFFSET the planner, which cannot know how few versions there are,
# reads every answer of the group.
ANSWERS_OF_VERSION = f"""LATERAL (
    SELECT answer.country FROM {_TABLE} answer
     WHERE answer.in_reply_to_id = version.id AND answer.kind = ANY(%(answers)s)
       AND answer.superseded_at IS NULL AND answer.status <> %(withdrawn)s
    OFFSET 0) answer"""  # noqa: S608 - the table's name is ours
_ANSWERED = f"""
{VERSIONS}
SELECT version.asked, version.id, answer.country FROM version LEFT JOIN {ANSWERS_OF_VERSION} ON true
"""  # noqa: S608 - the table's name is ours


@dataclass(frozen=True, slots=True)
class Question:
    """A warning or request in its newest version, and who has answered any version of it.

    `waiting`: the countries that were addressed by name and are silent. Addressed otherwise, one answer settles it.
    """

    id: UUID
    group_id: UUID
    seq: int
    kind: str
    country: str
    sender_id: UUID
    sent_at: datetime
    due_at: datetime | None
    addressed_to: dict[str, Any]
    answered_by: frozenset[str]
    waiting: frozenset[str] = field(default_factory=frozenset)

    @property
    def open(self) -> bool:
        """Whether an answer is still missing."""
        return bool(self.waiting) or not self.answered_by

    def overdue(self, now: datetime) -> bool:
        """Whether an answer is missing past the due time."""
        return self.open and self.due_at is not None and self.due_at < now

    def waits_for(self, membership: Membership) -> bool:
        """Whether the member's country is to answer this."""
        if not self.open or self.sender_id == membership.officer_id:
            return False
        to = self.addressed_to
        return (
            membership.country in self.waiting
            or (not self.answered_by and membership.country != self.country and bool(to.get("all")))
            or (
                not self.answered_by
                and (membership.role in to.get("roles", ()) or str(membership.officer_id) in to.get("officers", ()))
            )
        )


def answered_versions(asked: Iterable[UUID]) -> dict[UUID, dict[UUID, list[str]]]:
    """Return, for each question, every version of it with the countries that have answered any of them."""
    ids = list(asked)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"asked": ids, "answers": list(ANSWERS), "withdrawn": Status.WITHDRAWN.value}
        cursor.execute(_ANSWERED, values)
        rows = cursor.fetchall()
    countries: dict[UUID, set[str]] = {question: set() for question in ids}
    for question, _version, country in rows:
        if country is not None:
            countries[question].add(country)
    found: dict[UUID, dict[UUID, list[str]]] = {question: {} for question in ids}
    for question, version, _country in rows:
        found[question][version] = sorted(countries[question])
    return found


def open_questions_of(group_ids: Iterable[UUID]) -> list[Question]:
    """Return the warnings and requests of groups that lack an answer, by seq; nothing else of a history is read."""
    asked = list(
        Message.objects.filter(group_id__in=list(group_ids), unanswered=True)
        .order_by("group_id", "seq")
        .only("group_id", "seq", "kind", "country", "sender_id", "sent_at", "due_at", "addressed_to")
    )
    answered = answered_versions(message.pk for message in asked)
    return [_question(one, answered_by=frozenset(answered[one.pk][one.pk])) for one in asked]


def _question(message: Any, *, answered_by: frozenset[str]) -> Question:
    named = frozenset(message.addressed_to.get("countries", ()))
    return Question(
        id=message.id,
        group_id=message.group_id,
        seq=message.seq,
        kind=message.kind,
        country=message.country,
        sender_id=message.sender_id,
        sent_at=message.sent_at,
        due_at=message.due_at,
        addressed_to=message.addressed_to,
        answered_by=answered_by,
        waiting=named - answered_by,
    )
