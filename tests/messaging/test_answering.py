"""How questions were answered, as the situation page tells it: summed up by the database, and asked once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Officer
from groups.models import Membership
from messaging.actions import Posted, move_status
from messaging.models import Message
from messaging.queries import situation

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Member = Callable[[Officer], Membership]


def told(membership: Membership) -> dict[str, Any]:
    questions: dict[str, Any] = situation(membership)["questions"]
    return questions


def answer_after(answer: Message, question: Message, hours: float) -> None:
    """Let an answer have come so long after what it answers."""
    Message.objects.filter(pk=answer.pk).update(sent_at=question.sent_at + timedelta(hours=hours))


def test_answers_of_earlier_versions_count_and_what_was_withdrawn_does_not(
    post: Post, member: Member, amina: Officer, bruno: Officer, dmitri: Officer
) -> None:
    soon = timezone.now() + timedelta(hours=2)
    first = post(amina, "warning", due_at=soon).message
    answer_after(post(bruno, "feedback", in_reply_to=first.pk).message, first, 1)
    second = post(amina, "warning", supersedes=first.pk, due_at=soon).message
    answer_after(post(dmitri, "feedback", in_reply_to=second.pk).message, first, 3)
    late = post(amina, "warning", due_at=soon).message
    answer_after(post(bruno, "feedback", in_reply_to=late.pk).message, late, 5)
    alone = post(amina, "warning", due_at=timezone.now() - timedelta(hours=1)).message
    gone = post(amina, "warning").message
    move_status(member(amina), message_id=gone.pk, to="withdrawn", reason="By mistake")
    post(amina, "request", addressed_to={"countries": ["NG", "BE"]})
    found = told(member(amina))
    assert found["warning"] == {
        "sent": 3, "open": 1, "overdue": 1, "answered": 2, "in_time": 1, "median_hours": 5.0,
        "waiting_countries": {},
    }  # fmt: skip
    assert found["request"] == {
        "sent": 1, "open": 1, "overdue": 0, "answered": 0, "in_time": 0, "median_hours": None,
        "waiting_countries": {"NG": 1, "BE": 1},
    }  # fmt: skip
    answer_after(post(bruno, "feedback", in_reply_to=alone.pk).message, alone, 2)
    assert told(member(amina))["warning"]["median_hours"] == 2.0
    withdrawn = Message.objects.get(in_reply_to=late.pk)
    move_status(member(bruno), message_id=withdrawn.pk, to="withdrawn", reason="By mistake")
    again = told(member(amina))["warning"]
    assert (again["open"], again["answered"], again["in_time"]) == (1, 2, 1)


def test_nothing_is_summed_up_again_before_something_happens(
    post: Post, member: Member, amina: Officer, bruno: Officer
) -> None:
    for _ in range(3):
        post(bruno, "feedback", in_reply_to=post(amina, "warning").message.pk)

    def sums() -> int:
        membership = member(amina)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert told(membership)["warning"]["answered"] == Message.objects.filter(kind="warning").count()
        return sum("WITH RECURSIVE standing" in one["sql"] for one in asked.captured_queries)

    assert [sums(), sums()] == [1, 0]
    post(bruno, "feedback", in_reply_to=post(amina, "warning").message.pk)
    assert [sums(), sums()] == [1, 0]


def test_no_question_is_fetched_that_needs_no_answer(
    post: Post, member: Member, amina: Officer, bruno: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    real: Any = Message.from_db

    def count(_kind: type[Message], *values: Any, **options: Any) -> Any:
        made.append(values)
        return real(*values, **options)

    for _ in range(5):
        post(bruno, "feedback", in_reply_to=post(amina, "warning").message.pk)
    post(amina, "warning")
    membership = member(amina)
    monkeypatch.setattr(Message, "from_db", classmethod(count))
    assert told(membership)["warning"]["sent"] == 6
    assert len(made) == 1
