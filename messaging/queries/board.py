"""The left pane of the console: how many messages each view holds, and how each country stands today.

Columns only: nothing is opened to count. What must not live here: the messages themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from groups.access import Right
from groups.models import GroupCountry, Membership
from messaging.kinds import Status
from messaging.models import LastSeen, Message
from messaging.queries.answers import open_questions_of
from simplified_forms.fields import Kind

_LAST_NUMBERS = f"""
SELECT kinds.kind, last.number FROM unnest(%(kinds)s::text[]) AS kinds (kind) CROSS JOIN LATERAL (
  SELECT number FROM {Message._meta.db_table} message
   WHERE message.group_id = %(group)s AND message.kind = kinds.kind ORDER BY number DESC LIMIT 1) last
"""  # noqa: S608 - the table's name is ours
COORDINATION = (Kind.SITREP.value, Kind.BULLETIN.value, Kind.ADMINISTRATIVE.value)


@dataclass(frozen=True, slots=True)
class CountryToday:
    """How a country stands since the last cut-off: "reported", "nil" (nothing to report) or "silent"."""

    code: str
    state: str
    messages: int


def standing(membership: Membership) -> QuerySet[Message]:
    """Return the group's messages that were neither withdrawn nor corrected."""
    found = Message.objects.filter(group_id=membership.group_id, superseded_at__isnull=True)
    return found.exclude(status=Status.WITHDRAWN)


def to_validate(membership: Membership) -> Q:
    """Match the seizures that this member can validate now."""
    if membership.has(Right.VALIDATE_ALL):
        return Q(status__in=[Status.SUBMITTED, Status.VALIDATED_NCP])
    if membership.has(Right.VALIDATE_OWN_COUNTRY):
        return Q(status=Status.SUBMITTED, country=membership.country)
    return Q(pk__in=[])


def view_counts(membership: Membership, *, now: datetime) -> Mapping[str, int]:
    """Return the number of messages in each view of the console, by the view's name."""
    questions = open_questions_of([membership.group_id])
    totals, gone = _totals(membership), _gone(membership)
    validate = Message.objects.filter(
        to_validate(membership), group_id=membership.group_id, kind=Kind.SEIZURE, superseded_at__isnull=True
    )
    return {
        "all": sum(totals.values()),
        "waiting": sum(question.waits_for(membership) for question in questions),
        "open_warnings": sum(question.kind == Kind.WARNING for question in questions),
        "overdue": sum(question.overdue(now) for question in questions),
        "requests": sum(question.kind == Kind.REQUEST for question in questions),
        "seizures": totals[Kind.SEIZURE] - gone[Kind.SEIZURE],
        "validate": validate.count(),
        "coordination": sum(totals[kind] - gone[kind] for kind in COORDINATION),
    }


def _totals(membership: Membership) -> Counter[str]:
    """Return how many messages of each kind were sent: numbers have no gaps, so the last one tells."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_NUMBERS, {"kinds": list(Kind.values), "group": membership.group_id})
        return Counter(dict(cursor.fetchall()))


def _gone(membership: Membership, *, exercises: bool = True) -> Counter[str]:
    """Return how many messages of each kind stand no more: corrected or withdrawn; or were but an exercise."""
    gone = Q(superseded_at__isnull=False) | Q(status=Status.WITHDRAWN)
    if not exercises:
        gone |= Q(exercise=True)
    found = Message.objects.filter(gone, group_id=membership.group_id)
    return Counter(dict(found.order_by().values_list("kind").annotate(count=Count("*"))))


def standing_totals(membership: Membership, *, exercises: bool) -> dict[str, int]:
    """Return how many messages of each kind stand, of the kinds that there are."""
    totals = _totals(membership)
    totals.subtract(_gone(membership, exercises=exercises))
    return {kind: number for kind, number in totals.items() if number > 0}


def reporting_day_start(membership: Membership, *, now: datetime) -> datetime:
    """Return the last cut-off: the operation's reporting day ends at its cut-off hour (UTC)."""
    start = now.replace(hour=membership.group.cut_off_hour, minute=0, second=0, microsecond=0)
    return start if start <= now else start - timedelta(days=1)


def countries_today(membership: Membership, *, now: datetime) -> list[CountryToday]:
    """Return every country of the group with its state since the last cut-off, by code."""
    since = reporting_day_start(membership, now=now)
    rows = (
        standing(membership)
        .filter(sent_at__gte=since)
        .values_list("country")
        .annotate(
            messages=Count("pk"),
            seizures=Count("pk", filter=Q(kind=Kind.SEIZURE)),
            nil_returns=Count("pk", filter=Q(kind=Kind.NIL)),
        )
    )
    found = {country: counts for country, *counts in rows}
    codes = GroupCountry.objects.filter(group_id=membership.group_id).order_by("country")
    today = []
    for code in codes.values_list("country", flat=True):
        messages, seizures, nil_returns = found.get(code, (0, 0, 0))
        state = "reported" if seizures else "nil" if nil_returns else "silent"
        today.append(CountryToday(code, state, messages))
    return today


def last_seen(membership: Membership) -> int:
    """Return how far this member has read; 0 for somebody who never was here."""
    seen = LastSeen.objects.filter(group_id=membership.group_id, officer_id=membership.officer_id)
    return seen.values_list("seq", flat=True).first() or 0


def board(membership: Membership) -> tuple[Mapping[str, int], list[CountryToday]]:
    """Return the counts of the views and the countries of today."""
    now = timezone.now()
    return view_counts(membership, now=now), countries_today(membership, now=now)
