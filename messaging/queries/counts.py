"""Numbers: what is unread, open, overdue, waiting for me. Nothing is opened for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TypedDict
from uuid import UUID

from django.db import connection
from django.db.models import F, Max, Q
from django.utils import timezone

from groups.access import Right
from groups.announcements import CardFacts
from groups.models import Membership
from groups.phases import can_be_read
from messaging.kinds import Status
from messaging.models import Event, LastSeen, Message
from messaging.queries.answers import Question, open_questions_of
from messaging.queries.board import last_seen, to_validate
from messaging.queries.opening import addresses, messages_of
from simplified_forms.fields import Kind

MANY_UNREAD = 1000  # more are not counted: nobody reads the difference, and who is new has the whole history unread


class ConsoleCounts(TypedDict):
    """What the console shows beside its lists."""

    seen: int  # sequence number up to which this member has read
    unread: int  # at most MANY_UNREAD
    open: int  # warnings and requests without all their answers
    overdue: int
    waiting: int  # for an answer of this member's country
    to_acknowledge: int
    to_validate: int
    returned: int  # this member's own seizures that came back


# One part for each group, its values inside: what the planner does not know, it takes for a third of the history.
_UNREAD = f"""
SELECT %s::uuid, count(*) FROM (
  SELECT FROM {Message._meta.db_table} message
   WHERE message.group_id = %s AND message.seq > %s AND message.sender_id <> %s
   ORDER BY message.seq DESC LIMIT {MANY_UNREAD}) newer
"""  # noqa: S608 - the table's name is ours


def console_counts(membership: Membership) -> ConsoleCounts:
    """Return the counts of one member's console. Raises NotAllowed."""
    messages = messages_of(membership).select_related(None)
    standing = messages.filter(superseded_at__isnull=True).exclude(status=Status.WITHDRAWN)
    now = timezone.now()
    seen = last_seen(membership)
    questions = open_questions_of([membership.group_id])
    own = Q(sender_id=membership.officer_id)
    seizures = standing.filter(kind=Kind.SEIZURE)
    return {
        "seen": seen,
        "unread": messages.filter(seq__gt=seen).exclude(own).order_by("-seq")[:MANY_UNREAD].count(),
        "open": len(questions),
        "overdue": sum(question.overdue(now) for question in questions),
        "waiting": sum(question.waits_for(membership) for question in questions),
        "to_acknowledge": _to_acknowledge(membership),
        "to_validate": seizures.filter(to_validate(membership)).count(),
        "returned": seizures.filter(own, status=Status.RETURNED).count(),
    }


def _to_acknowledge(membership: Membership) -> int:
    if not membership.has(Right.ACKNOWLEDGE):
        return 0
    wanted = (
        Message.objects.filter(group_id=membership.group_id, acknowledge=True, superseded_at__isnull=True)
        .exclude(status=Status.WITHDRAWN)
        .exclude(sender_id=membership.officer_id)
        .exclude(acknowledgements__officer_id=membership.officer_id)
        .only("addressed_to")
    )
    return sum(
        addresses(message, officer_id=membership.officer_id, role=membership.role, country=membership.country)
        for message in wanted
    )


def card_facts(memberships: Sequence[Membership]) -> Mapping[UUID, CardFacts]:
    """Return what the cards of "my groups" show, for all of them in four statements."""
    readable = {m.group_id: m for m in memberships if can_be_read(m)}
    if not readable:
        return {}
    facts: dict[UUID, CardFacts] = {group_id: CardFacts(unread=0, waiting=0, overdue=0) for group_id in readable}
    officer_id = next(iter(readable.values())).officer_id
    for group_id, unread in _unread(readable, officer_id):
        facts[group_id]["unread"] = unread
    for group_id, at in _last_events(readable):
        facts[group_id]["last_event_at"] = at
    waiting: dict[UUID, list[Question]] = defaultdict(list)
    for question in open_questions_of(readable):
        if question.waits_for(readable[question.group_id]):
            waiting[question.group_id].append(question)
    now = timezone.now()
    for group_id, questions in waiting.items():
        facts[group_id]["waiting"] = len(questions)
        facts[group_id]["waiting_since"] = min(question.sent_at for question in questions)
        facts[group_id]["overdue"] = sum(question.overdue(now) for question in questions)
    return facts


def _unread(readable: Mapping[UUID, Membership], officer_id: UUID) -> list[tuple[UUID, int]]:
    seen = dict(
        LastSeen.objects.filter(group_id__in=readable, officer_id=officer_id).values_list("group_id", "seq")
    )
    values = [(group_id, group_id, seen.get(group_id, 0), officer_id) for group_id in readable]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_UNREAD] * len(values)), list(chain.from_iterable(values)))
        return list(cursor.fetchall())


def _last_events(readable: Mapping[UUID, Membership]) -> list[tuple[UUID, datetime]]:
    rows = (
        Event.objects.filter(group_id__in=readable, seq=F("group__head"))
        .order_by()
        .values_list("group_id")
        .annotate(at=Max("at"))
    )
    return [(group_id, at) for group_id, at in rows if at is not None]
