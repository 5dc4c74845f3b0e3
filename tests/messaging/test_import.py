"""Sending many messages at once: the same checks, rows that fail told one by one, safe to run again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Officer
from audit.models import Entry
from groups.errors import NotAllowed, OperationClosed
from groups.models import ClosedUserGroup, Membership
from messaging.actions import importing, post_messages
from messaging.errors import ConflictingReplay, InvalidMessage
from messaging.models import Event, Message
from messaging.queries import opened
from tests.messaging.conftest import draft, seizure_body

pytestmark = pytest.mark.django_db
Member = Callable[[Officer], Membership]


def test_good_rows_are_sent_and_bad_ones_told(
    member: Member, fatou: Officer, room: ClosedUserGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    drafts = [draft("seizure", body=seizure_body(cases=n)) for n in range(1, 31)]
    drafts[4] = draft("seizure", body={"date": "never"})
    drafts[17] = draft("sitrep")
    outcomes = list(post_messages(member(fatou), drafts))
    assert [outcome.draft for outcome in outcomes] == drafts
    bad = {at: outcome.refusal for at, outcome in enumerate(outcomes) if outcome.refusal}
    assert {at: type(refusal) for at, refusal in bad.items()} == {4: InvalidMessage, 17: NotAllowed}
    assert list(Message.objects.order_by("seq").values_list("number", flat=True)) == list(range(1, 29))
    assert list(Event.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 29))
    found = opened(member(fatou), Message.objects.order_by("seq").select_related("sender", "template"))
    assert [one.body["cases"] for one in found] == [n for n in range(1, 31) if n not in {5, 18}]
    entries = Entry.objects.filter(action="message:import:made").order_by("id")
    assert [(e.details["count"], e.details["first"], e.details["last"]) for e in entries] == [
        (9, 1, 9), (9, 10, 18), (10, 19, 28),
    ]  # fmt: skip


def test_running_again_sends_what_is_missing(member: Member, fatou: Officer) -> None:
    drafts = [draft() for _ in range(6)]
    list(post_messages(member(fatou), drafts[:4]))
    outcomes = list(post_messages(member(fatou), drafts))
    assert [outcome.created for outcome in outcomes] == [False] * 4 + [True] * 2
    assert Message.objects.count() == 6


def test_an_id_comes_once_and_with_one_content(member: Member, fatou: Officer, dmitri: Officer) -> None:
    one = draft()
    list(post_messages(member(dmitri), [one]))
    changed = draft(id=one.id, body={"text": "other"})
    twice = draft()
    outcomes = list(post_messages(member(fatou), [one, twice, twice]))
    outcomes += list(post_messages(member(dmitri), [changed]))
    assert [type(outcome.refusal) for outcome in outcomes] == [
        ConflictingReplay, type(None), ConflictingReplay, ConflictingReplay,
    ]  # fmt: skip


def test_an_id_that_is_taken_meanwhile_spoils_no_other_row(
    member: Member, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = [draft() for _ in range(3)]
    list(post_messages(member(fatou), [drafts[1]]))
    monkeypatch.setattr(importing, "_earlier", lambda _drafts: {})  # as if it came between look and insert
    outcomes = list(post_messages(member(fatou), drafts))
    assert [type(outcome.refusal) for outcome in outcomes] == [type(None), ConflictingReplay, type(None)]
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]


def test_a_row_may_answer_a_row_before_it(member: Member, amina: Officer) -> None:
    warning = draft("warning")
    feedback = draft("feedback", in_reply_to=warning.id)
    outcomes = list(post_messages(member(amina), [warning, feedback]))
    assert outcomes[1].message is not None
    assert outcomes[1].message.thread == warning.id


def test_who_sends_nothing_imports_nothing(member: Member, olga: Officer) -> None:
    with pytest.raises(NotAllowed):
        list(post_messages(member(olga), [draft()]))


def test_a_closed_operation_takes_no_rows(member: Member, fatou: Officer, room: ClosedUserGroup) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    outcomes = list(post_messages(member(fatou), [draft(), draft()]))
    assert all(isinstance(outcome.refusal, OperationClosed) for outcome in outcomes)
