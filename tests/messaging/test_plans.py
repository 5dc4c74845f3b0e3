"""No question that a console asks goes through the history: what PostgreSQL reads is bounded, by an index."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from benchmarks.live import history
from groups.models import Membership
from messaging import queries
from messaging.actions import acknowledge_message, mark_seen, move_status, post_message
from messaging.actions.settling import settle_questions
from messaging.models import Message
from messaging.queries import board
from messaging.queries.messages import Filters, messages_page
from messaging.queries.record import record_of
from tests.messaging.conftest import draft
from tests.messaging.plans import Read, reads

SIZE = 6000
PAGE = 50
MANY = 400  # rows that one node may go through: some pages, what waits for an answer; far from SIZE
LONG = {"messaging_message", "messaging_event", "audit_entry"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch(db: None) -> tuple[Membership, Membership]:
    """An officer and the coordinator of a group with a history; beside it another one as long."""
    found = []
    for number in (1, 0):
        group, people = history.make_group(number)
        history.Filler(group, people, size=SIZE).fill(SIZE)
        group.refresh_from_db()
        found = [people.members[0], people.coordinator]
        for member in found:
            member.group = group
    Message.objects.filter(unanswered=True, seq__lt=SIZE // 2).update(unanswered=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    officer, coordinator = found
    return officer, coordinator


def _filters(officer: Membership) -> dict[str, Filters]:
    day, began = timedelta(days=1), timezone.now() - timedelta(days=history.DAYS)
    thread = Message.objects.filter(group=officer.group, kind="feedback").values_list("thread", flat=True)[0]
    return {
        "all": Filters(),
        "a kind": Filters(kinds=["warning"]),
        "a kind that is not there": Filters(kinds=["movement"]),
        "a country": Filters(countries=[officer.country]),
        "a country that is not there": Filters(countries=["XX"]),
        "a status": Filters(statuses=["submitted"]),
        "a status that is not there": Filters(statuses=["corrected"]),
        "urgent": Filters(priorities=["immediate"]),
        "a priority that is not there": Filters(priorities=["priority"]),
        "some hours long ago": Filters(sent_from=began + day, sent_to=began + day + timedelta(hours=4)),
        "the beginning": Filters(sent_to=began + timedelta(hours=2)),
        "the last hour": Filters(sent_from=timezone.now() - timedelta(hours=1)),
        "before the watch": Filters(sent_to=began - day),
        "a thread": Filters(thread=thread),
        "mine": Filters(mine=True),
        "nobody's": Filters(mine=True, statuses=["corrected"]),
        "what stands": Filters(standing=True),
        "what was corrected": Filters(superseded=True),
        "open": Filters(open=True),
        "overdue": Filters(overdue=True),
        "waiting": Filters(waiting=True),
    }


def _asked(officer: Membership, coordinator: Membership) -> dict[str, Callable[[], Any]]:
    """Return what a console asks, and what it does, each by name."""
    here = Message.objects.filter(group=officer.group).order_by("-seq")
    warning, note = here.filter(kind="warning")[0].pk, here.filter(kind="note")[0].pk
    seizure = here.filter(kind="seizure", status="submitted")[0].pk
    sitrep = here.filter(kind="sitrep").exclude(sender_id=officer.officer_id)[0].pk
    head = officer.group.head
    return {
        "the first page": lambda: queries.latest_events(officer),
        "what came since": lambda: queries.events_after(officer, after=head - 20),
        "catching up": lambda: queries.events_after(officer, after=head // 2, limit=100),
        "my groups": lambda: queries.card_facts([officer]),
        "a message": lambda: record_of(officer, warning, language="en"),
        "a seizure": lambda: record_of(coordinator, seizure, language="en"),
        "a note": lambda: post_message(officer, draft=draft()),
        "an answer": lambda: post_message(officer, draft=draft("feedback", in_reply_to=warning)),
        "a receipt": lambda: acknowledge_message(officer, message_id=sitrep),
        "a validation": lambda: move_status(coordinator, message_id=seizure, to="validated_ocu"),
        "who has answered": lambda: settle_questions([warning, uuid.uuid4()]),
        "the answered note": lambda: post_message(officer, draft=draft(in_reply_to=note)),
    }


def _long(found: list[Read], *, many: int = MANY) -> list[str]:
    """Return what goes through a long table: all of it, or too many of its rows."""
    return [
        str(read)
        for read in found
        if read.table in LONG and (read.rows > many or (read.node == "Seq Scan" and read.rows > 0))
    ]


def test_no_question_reads_the_history(watch: tuple[Membership, Membership], subtests: pytest.Subtests) -> None:
    officer, coordinator = watch
    mark_seen(officer, seq=officer.group.head - 10)
    for name, filters in _filters(officer).items():
        with subtests.test(list=name), reads() as found:
            page = messages_page(officer, filters=filters, limit=PAGE)
            assert found
            assert not _long(found), "\n".join(_long(found))
            if page.next is not None:
                messages_page(officer, filters=filters, limit=PAGE, after=page.next)
                assert not _long(found), "\n".join(_long(found))
    for name, ask in _asked(officer, coordinator).items():
        with subtests.test(name), reads() as found:
            ask()
            assert not _long(found), "\n".join(_long(found))


def test_counting_reads_what_is_counted(watch: tuple[Membership, Membership]) -> None:
    officer, coordinator = watch
    mark_seen(officer, seq=officer.group.head - 10)
    # A tenth of the history is today's, a fiftieth asks for receipts, a twentieth waits to be validated.
    for member in (officer, coordinator):
        with reads() as found:
            queries.console_counts(member)
            board.board(member)
        counted = [read for read in found if read.table in LONG and read.node.startswith("Index")]
        assert counted
        assert not [read for read in found if read.table in LONG and read.rows > SIZE // 5], found
