"""The situation of an operation: who has reported today, what is open, what was seized, on which routes.

What seizures say is summed up in `seized`, how questions were answered in `answering`; everything else is columns,
and of these no more than the reports, the open questions and the day. Exercises do not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone

from groups.access import RIGHTS, Right
from groups.models import ClosedUserGroup, GroupCountry, Membership, Role
from messaging.kinds import Status
from messaging.presentation import time_json
from messaging.queries.answering import Answering, answering_of
from messaging.queries.answers import Question, open_questions_of
from messaging.queries.board import reporting_day_start, standing_totals
from messaging.queries.opening import messages_of
from messaging.queries.seized import seized
from simplified_forms.fields import Kind

REPORTS = (Kind.SEIZURE.value, Kind.NIL.value)


def situation(membership: Membership, *, now: datetime | None = None) -> dict[str, Any]:
    """Return the figures of the situation page as JSON-ready data. Raises NotAllowed, KeyDestroyed.

    Keys: day, coverage (a row per country), questions, messages (per kind), status (of seizures), seizures (totals,
    by commodity, by day, by country, flows).
    """
    at = now or timezone.now()
    starts = reporting_day_start(membership, now=at)
    ends = starts + timedelta(days=1)
    standing = (
        messages_of(membership).filter(exercise=False, superseded_at__isnull=True).exclude(status=Status.WITHDRAWN)
    )
    reports = _reports(standing)
    return {
        "day": {
            "date": starts.date().isoformat(),
            "starts_at": time_json(starts),
            "ends_at": time_json(ends),
            "cut_off_hour": membership.group.cut_off_hour,
        },
        "coverage": _coverage(membership, standing, reports, starts, ends),
        "questions": _questions(membership.group, at),
        "messages": standing_totals(membership, exercises=False),
        "status": dict(_sum_by(reports, lambda report: report["status"], kind=Kind.SEIZURE)),
        "seizures": seized(membership),
    }


def _reports(standing: Any) -> list[dict[str, Any]]:
    """Return how many seizures and nil returns stand, by kind, country and status: from one index, nothing else."""
    found = standing.filter(kind__in=REPORTS).order_by().values("kind", "country", "status")
    return list(found.annotate(count=Count("*"), last_at=Max("sent_at")))


def _sum_by(
    reports: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], str], *, kind: str
) -> Counter[str]:
    sums: Counter[str] = Counter()
    for report in reports:
        if report["kind"] == kind:
            sums[key(report)] += report["count"]
    return sums


def _last_messages(standing: Any, countries: Sequence[str]) -> dict[str, datetime | None]:
    """Return when each country sent its newest message that stands: one look into an index for each."""
    newest = standing.order_by("-seq").values_list("sent_at", flat=True)
    return {country: newest.filter(country=country).first() for country in countries}


def _coverage(
    membership: Membership, standing: Any, reports: Sequence[Mapping[str, Any]], starts: datetime, ends: datetime
) -> list[dict[str, Any]]:
    """Return a row per country: what it reported in this reporting day, or that it is silent."""
    rows = (
        standing.filter(sent_at__gte=starts, sent_at__lt=ends)
        .order_by()
        .values("country")
        .annotate(
            seizures=Count("pk", filter=Q(kind=Kind.SEIZURE)),
            nil_returns=Count("pk", filter=Q(kind=Kind.NIL)),
            messages=Count("pk"),
        )
    )
    found: Mapping[str, Any] = {row["country"]: row for row in rows}
    codes = list(GroupCountry.objects.filter(group_id=membership.group_id).values_list("country", flat=True))
    totals = _sum_by(reports, lambda report: report["country"], kind=Kind.SEIZURE)
    last_reports: dict[str, datetime] = {}
    for report in reports:
        last_reports[report["country"]] = max(
            report["last_at"], last_reports.get(report["country"], report["last_at"])
        )
    last_messages = _last_messages(standing, codes)
    posting = [role for role, rights in RIGHTS.items() if Right.POST_SEIZURE in rights]
    members = Counter(
        membership.group.memberships.filter(left_at__isnull=True, role__in=posting).values_list(
            "country", flat=True
        )
    )
    contacts = set(
        membership.group.memberships.filter(left_at__isnull=True, role=Role.CONTACT_POINT).values_list(
            "country", flat=True
        )
    )
    coverage = []
    for country in codes:
        row = found.get(country, {})
        seizures, nil_returns = row.get("seizures", 0), row.get("nil_returns", 0)
        coverage.append(
            {
                "country": country,
                "state": "reported" if seizures else "nil" if nil_returns else "silent",
                "seizures": seizures,
                "nil_returns": nil_returns,
                "messages": row.get("messages", 0),
                "seizures_total": totals[country],
                "last_message_at": time_json(last_messages[country]),
                "last_report_at": time_json(last_reports.get(country)),
                "members": members[country],
                "has_contact_point": country in contacts,
            }
        )
    return coverage


def _questions(group: ClosedUserGroup, now: datetime) -> dict[str, Any]:
    """Return, for warnings and for requests: sent, open, overdue, answered, answered in time, median hours."""
    waiting: dict[str, list[Question]] = defaultdict(list)
    for question in open_questions_of([group.pk]):
        waiting[question.kind].append(question)
    answering = answering_of(group)
    result = {}
    for kind in (Kind.WARNING.value, Kind.REQUEST.value):
        asked, unanswered = answering.get(kind, Answering()), waiting[kind]
        result[kind] = {
            "sent": asked.sent,
            "open": len(unanswered),
            "overdue": sum(question.overdue(now) for question in unanswered),
            "answered": asked.sent - len(unanswered),
            "in_time": asked.in_time,
            "median_hours": asked.median_hours,
            "waiting_countries": dict(Counter(country for one in unanswered for country in one.waiting)),
        }
    return result
