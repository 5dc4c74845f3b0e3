"""Receipts that arrive together share a transaction, and each has its own answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Officer
from audit.models import Entry
from groups.errors import NotAllowed, OperationClosed, PhaseForbids, Stranger
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted, Receipt, Slip, acknowledge_message, give_receipt, receipts
from messaging.actions.acknowledging import receipts_office
from messaging.actions.office import AT_ONCE, Office
from messaging.actions.receipts import give_together
from messaging.delivery.reads import Batch, batches_for_hub
from messaging.errors import Busy, MessageUnknown
from messaging.fresh import fresh
from messaging.models import Acknowledgement, Event
from messaging.queries import groups_of_receipts
from messaging.wakeups import GroupMoved, Resync, Wake, wake_ups
from tests.cast import membership_of
from tests.messaging.conftest import wait_until_somebody_waits_for_a_lock

Post = Callable[..., Posted]


def seqs_of(group: ClosedUserGroup) -> list[int]:
    return list(Event.objects.filter(group=group).order_by("seq").values_list("seq", flat=True))


@pytest.mark.django_db
def test_one_bad_receipt_spoils_no_other(
    post: Post, room: ClosedUserGroup, other_group: ClosedUserGroup, amina: Officer, fatou: Officer,
    dmitri: Officer, olga: Officer, eve: Officer, removed: Officer, padma: Officer,
) -> None:  # fmt: skip
    one, two = post(amina, "bulletin").message.pk, post(amina, "warning").message.pk
    first = acknowledge_message(membership_of(dmitri, room), message_id=two)
    batch = [
        Slip(fatou.pk, room.pk, one),
        Slip(eve.pk, room.pk, one),
        Slip(removed.pk, room.pk, one),
        Slip(fatou.pk, room.pk, one),
        Slip(dmitri.pk, room.pk, two),
        Slip(fatou.pk, room.pk, uuid4()),
        Slip(olga.pk, room.pk, two),
        Slip(padma.pk, room.pk, two),
        Slip(dmitri.pk, room.pk, one),
        Slip(fatou.pk, room.pk, two),
    ]
    answers = give_together(batch)
    assert [type(answer) for answer in answers] == [
        Receipt, Stranger, Stranger, Receipt, Receipt, MessageUnknown, NotAllowed, Stranger, Receipt, Receipt,
    ]  # fmt: skip
    assert [answer.seq for answer in answers if isinstance(answer, Receipt)] == [4, 4, first.seq, 5, 6]
    assert answers[3] == answers[0]
    assert answers[4] == first
    columns = ("seq", "officer_id", "message_id", "country", "group_id")
    given = Acknowledgement.objects.order_by("seq").values_list(*columns)
    assert list(given) == [
        (3, dmitri.pk, two, "BE", room.pk),
        (4, fatou.pk, one, "GH", room.pk),
        (5, dmitri.pk, one, "BE", room.pk),
        (6, fatou.pk, two, "GH", room.pk),
    ]
    events = Event.objects.filter(group=room, type="acknowledged").order_by("seq")
    assert list(events.values_list("seq", "actor", "message_id", "data__country")) == [row[:4] for row in given]
    assert [event.at for event in events] == list(
        Acknowledgement.objects.order_by("seq").values_list("at", flat=True)
    )
    entries = Entry.objects.filter(action="message:message:acknowledged").order_by("details__seq")
    assert list(entries.values_list("actor", "group", "subject", "details")) == [
        (officer, room.pk, f"message:{message}", {"seq": seq}) for seq, officer, message, _c, _g in given
    ]
    room.refresh_from_db()
    assert room.head == 6
    # The message of one group is unknown in another, also to its own members.
    assert isinstance(give_together([Slip(eve.pk, other_group.pk, one)])[0], MessageUnknown)


@pytest.mark.django_db
@pytest.mark.parametrize(("phase", "refusal"), [("closed", OperationClosed), ("planning", PhaseForbids)])
def test_a_phase_that_takes_none_answers_those_given_before(
    post: Post, room: ClosedUserGroup, amina: Officer, fatou: Officer, dmitri: Officer, eve: Officer,
    phase: str, refusal: type[Exception],
) -> None:  # fmt: skip
    message = post(amina, "bulletin").message.pk
    [first] = give_together([Slip(fatou.pk, room.pk, message)])
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=phase)
    people = (dmitri, fatou, eve)
    answers = give_together([Slip(officer.pk, room.pk, message) for officer in people])
    assert [type(answer) for answer in answers] == [refusal, Receipt, Stranger]
    assert answers[1] == first
    assert seqs_of(room) == [1, 2]


@pytest.mark.django_db
def test_where_a_receipt_belongs_is_told_to_members_only(
    post: Post, room: ClosedUserGroup, amina: Officer, fatou: Officer, olga: Officer, eve: Officer, removed: Officer
) -> None:
    message = post(amina, "bulletin").message.pk
    people = (fatou, eve, olga, removed, amina)
    pairs = [(officer.pk, message) for officer in people]
    found = groups_of_receipts([*pairs, (fatou.pk, uuid4())])
    assert found == [room.pk, None, room.pk, None, room.pk, None]
    Officer.objects.filter(pk=fatou.pk).update(is_active=False)
    Officer.objects.filter(pk=amina.pk).update(is_platform_administrator=True)
    assert groups_of_receipts(pairs) == [None, None, room.pk, None, None]


@pytest.mark.django_db
def test_a_failure_inside_a_batch_is_told_to_none_but_its_own(
    post: Post, room: ClosedUserGroup, amina: Officer, fatou: Officer, dmitri: Officer, bruno: Officer,
) -> None:  # fmt: skip
    message = post(amina, "bulletin").message.pk
    with connection.cursor() as cursor:  # the database itself refuses one of them
        cursor.execute(f"ALTER TABLE messaging_acknowledgement ADD CHECK (officer_id <> '{dmitri.pk}'::uuid)")
    answers = give_together([Slip(officer.pk, room.pk, message) for officer in (fatou, dmitri, bruno)])
    assert [type(answer).__name__ for answer in answers] == ["Receipt", "IntegrityError", "Receipt"]
    assert seqs_of(room) == [1, 2, 3]
    assert Entry.objects.filter(action="message:message:acknowledged").count() == 2


@pytest.mark.django_db(transaction=True)
def test_receipts_from_everywhere_are_numbered_without_gaps(
    post: Post, room: ClosedUserGroup, amina: Officer, make_officer: Callable[..., Officer]
) -> None:
    messages = [post(amina, "bulletin").message.pk for _ in range(3)]
    people = [make_officer(f"receiver{number}", "GH") for number in range(12)]
    for officer in people:
        Membership.objects.create(group=room, officer=officer, role="officer", country="GH")
    wanted = [Slip(officer.pk, room.pk, message) for officer in people for message in messages] * 2
    start = threading.Barrier(24)

    def give(slips: Sequence[Slip]) -> list[Receipt]:
        try:
            start.wait(300)
            return [give_receipt(slip) for slip in slips]
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as threads:
        answers = [one for found in threads.map(give, [wanted[at::24] for at in range(24)]) for one in found]
    assert len(answers) == 72
    assert len(set(answers)) == 36  # each was asked for twice, and answered alike
    assert sorted({answer.seq for answer in answers}) == list(range(4, 40))
    assert seqs_of(room) == list(range(1, 40))
    assert Acknowledgement.objects.count() == 36
    assert Entry.objects.filter(action="message:message:acknowledged").count() == 36
    room.refresh_from_db()
    assert room.head == 39
    assert receipts_office().waiting == 0


@pytest.mark.django_db(transaction=True)
def test_who_is_removed_while_a_receipt_waits_for_the_lock_gives_none(
    post: Post, room: ClosedUserGroup, amina: Officer, fatou: Officer, dmitri: Officer
) -> None:
    message = post(amina, "bulletin").message.pk
    answers: list[Any] = []

    def give() -> None:
        try:
            answers.extend(give_together([Slip(officer.pk, room.pk, message) for officer in (fatou, dmitri)]))
        finally:
            connection.close()

    waiting = threading.Thread(target=give)
    with transaction.atomic():
        ClosedUserGroup.objects.select_for_update().get(pk=room.pk)
        waiting.start()
        wait_until_somebody_waits_for_a_lock()
        Membership.objects.filter(group=room, officer=fatou).update(left_at=timezone.now())
        ClosedUserGroup.objects.filter(pk=room.pk).update(head=6)
    waiting.join(300)
    assert [type(one) for one in answers] == [Stranger, Receipt]
    assert answers[1].seq == 7


@pytest.mark.django_db(transaction=True)
def test_the_hub_is_handed_what_a_reader_finds_and_woken_once(
    post: Post, room: ClosedUserGroup, amina: Officer, fatou: Officer, dmitri: Officer, bruno: Officer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    message = post(amina, "bulletin").message.pk
    published: list[GroupMoved] = []
    monkeypatch.setattr(wake_ups(), "publish", published.append)
    fresh.follow(room.pk)
    try:
        give_together([Slip(officer.pk, room.pk, message) for officer in (fatou, dmitri, bruno)])
        handed = fresh.take(room.pk, room.stream_epoch, 1)
        read = batches_for_hub({room.pk: 1})[room.pk]
        assert isinstance(read, Batch)
        found = read.items
        assert [one.seq for one in handed] == [2, 3, 4]
        assert [json.loads(one.raw) for one in handed] == [json.loads(one.raw) for one in found]
        assert [(moved.group_id, moved.head) for moved in published] == [(room.pk, 4)]
        give_together([Slip(fatou.pk, room.pk, message)])
        assert len(published) == 1  # a repetition wakes nobody
    finally:
        fresh.unfollow(room.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["Receipt", "serialised"])
def test_what_was_committed_before_the_product_failed_is_told_all_the_same(
    post: Post, room: ClosedUserGroup, amina: Officer, fatou: Officer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    message = post(amina, "bulletin").message.pk
    heard: list[Wake] = []

    def fail(*_values: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(wake_ups(), "publish", heard.append)
    monkeypatch.setattr(receipts, where, fail)
    fresh.follow(room.pk)
    try:
        give_together([Slip(fatou.pk, room.pk, message)])
    finally:
        fresh.unfollow(room.pk)
    assert seqs_of(room) == [1, 2]
    assert heard == [Resync() if where == "Receipt" else GroupMoved(room.pk, 2)]


def test_what_waits_is_bounded_and_goes_together() -> None:
    go, batches = threading.Event(), []

    def slowly(slips: Sequence[Slip]) -> list[Receipt | Exception]:
        go.wait(300)
        batches.append(len(slips))
        return [Receipt(one.message_id, one.officer_id, "GH", 1, timezone.now()) for one in slips]

    group, limit = uuid4(), AT_ONCE + 10
    office: Office[Slip, Receipt] = Office(limit=limit, send=slowly, threads=1)
    taken: list[Future[Receipt]] = [office.hand_in(_slip(group)) for _ in range(limit)]
    with pytest.raises(Busy) as refused:
        office.hand_in(_slip(group))
    assert (refused.value.status, refused.value.retry_after) == (503, 2)
    go.set()
    assert [one.result(300).country for one in taken] == ["GH"] * limit
    assert sum(batches) == limit
    assert max(batches) == AT_ONCE
    assert office.waiting == 0


def _slip(group_id: UUID) -> Slip:
    return Slip(uuid4(), group_id, uuid4())
