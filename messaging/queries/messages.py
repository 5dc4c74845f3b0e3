"""Lists of messages: filtered by what the columns say, newest first, by cursor. `searching` reads the sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from groups.models import Membership
from messaging.conditions import OneOf, in_thread
from messaging.errors import MessageUnknown
from messaging.kinds import Status
from messaging.models import Message
from messaging.queries.answers import open_questions_of
from messaging.queries.opening import Opened, messages_of, opened

MAX_PAGE = 500
# Numbers and times run alike but for what the clocks of the servers differ: never an hour, for the codes of
# authenticators cease to work at a minute.
CLOCKS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list shows. Times bound when a message was sent. `waiting`: for an answer of the member's country;
    `standing`: neither corrected nor withdrawn.
    """

    kinds: Sequence[str] = ()
    countries: Sequence[str] = ()
    statuses: Sequence[str] = ()
    priorities: Sequence[str] = ()
    sent_from: datetime | None = None
    sent_to: datetime | None = None
    thread: UUID | None = None
    mine: bool = False
    exercise: bool | None = None
    superseded: bool | None = None
    standing: bool = False
    overdue: bool = False
    open: bool = False
    waiting: bool = False
    commodities: Sequence[str] = ()
    text: str = ""

    @property
    def sealed(self) -> bool:
        """Whether content must be opened to answer."""
        return bool(self.text.strip() or self.commodities)


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages, newest first. `next` is the cursor of the page after this, None at the end.

    `complete` is False when a search stopped to give others their turn: go on from `next`.
    """

    messages: list[Opened]
    next: int | None
    complete: bool = True


def messages_page(
    membership: Membership, *, filters: Filters | None = None, after: int | None = None, limit: int = 50
) -> MessagePage:
    """Return a page of the group's messages by what the columns say. Raises NotAllowed, KeyDestroyed."""
    size = min(max(limit, 1), MAX_PAGE)
    rows = list(filtered(membership, filters or Filters(), after=after)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    return MessagePage(opened(membership, rows), rows[-1].seq if more else None)


def filtered(membership: Membership, filters: Filters, *, after: int | None) -> QuerySet[Message]:
    """Return the group's messages that fit every filter on columns, newest first."""
    found = messages_of(membership)
    if after is not None:
        found = found.filter(seq__lt=after)
    for column, values in (
        ("kind", filters.kinds),
        ("country", filters.countries),
        ("status", filters.statuses),
        ("priority", filters.priorities),
    ):
        if values:
            found = found.filter(**{f"{column}__in": list(values)})
    if filters.sent_from:
        found = found.filter(_not_long_before(membership, filters.sent_from), sent_at__gte=filters.sent_from)
    if filters.sent_to:
        found = found.filter(_not_long_after(membership, filters.sent_to), sent_at__lt=filters.sent_to)
    if filters.thread:
        found = found.filter(in_thread(filters.thread))
    if filters.mine:
        found = found.filter(sender_id=membership.officer_id)
    if filters.exercise is not None:
        found = found.filter(exercise=filters.exercise)
    if filters.superseded is not None:
        found = found.filter(superseded_at__isnull=not filters.superseded)
    if filters.standing:
        found = found.filter(superseded_at__isnull=True).exclude(status=Status.WITHDRAWN)
    if filters.overdue or filters.open or filters.waiting:
        found = found.filter(OneOf("pk", _questions(membership, filters)))
    return found.order_by("-seq")


def _not_long_before(membership: Membership, at: datetime) -> Q:
    """Bound the numbers by a time, so that the list does not go through all that is older. See CLOCKS."""
    older = Message.objects.filter(group_id=membership.group_id, sent_at__lt=at - CLOCKS).order_by("-sent_at")
    seq = older.values_list("seq", flat=True).first()
    return Q() if seq is None else Q(seq__gt=seq)


def _not_long_after(membership: Membership, at: datetime) -> Q:
    """Bound the numbers by a time, so that the list does not go through all that is newer. See CLOCKS."""
    newer = Message.objects.filter(group_id=membership.group_id, sent_at__gte=at + CLOCKS).order_by("sent_at")
    seq = newer.values_list("seq", flat=True).first()
    return Q() if seq is None else Q(seq__lt=seq)


def _questions(membership: Membership, filters: Filters) -> list[UUID]:
    now = timezone.now()
    return [
        question.id
        for question in open_questions_of([membership.group_id])
        if (not filters.overdue or question.overdue(now))
        and (not filters.waiting or question.waits_for(membership))
    ]


def message_in(membership: Membership, message_id: UUID) -> Opened:
    """Return one message of the member's group, opened. Raises MessageUnknown, NotAllowed, KeyDestroyed."""
    message = messages_of(membership).filter(pk=message_id).first()
    if message is None:
        raise MessageUnknown
    [result] = opened(membership, [message])
    return result
