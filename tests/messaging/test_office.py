"""Group commit: posts that arrive together share a transaction, and each has its own answer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from psycopg_pool import PoolTimeout

from accounts.models import Officer
from audit.models import Entry
from groups.errors import NotAllowed, Stranger
from groups.models import ClosedUserGroup, Membership, Role
from messaging.actions import Parcel, Posted, post_message
from messaging.actions.office import AT_ONCE, Office, PostOffice
from messaging.actions.together import Answer, send_together
from messaging.delivery.reads import Batch, batches_for_hub
from messaging.errors import Busy, ConflictingReplay, InvalidMessage, TooFast
from messaging.fresh import Fresh, FreshItem, fresh
from messaging.models import Event, Message
from messaging.wakeups import Resync, Wake, wake_ups
from simplified_forms.models import FormTemplate
from tests.cast import membership_of
from tests.cencomm.ports import PATIENCE, wait_until
from tests.messaging.conftest import draft, parcel

Member = Callable[[Officer], Membership]


def soon() -> datetime:
    return datetime.now(tz=UTC) + timedelta(hours=1)


@pytest.mark.django_db
def test_one_bad_post_spoils_no_other(room: ClosedUserGroup, fatou: Officer, bruno: Officer, eve: Officer) -> None:
    twice = uuid4()
    batch = [
        parcel(fatou, room.pk),
        parcel(fatou, room.pk, body={"text": ""}),
        parcel(eve, room.pk),
        parcel(bruno, room.pk, id=twice, body={"text": "one"}),
        parcel(bruno, room.pk, id=twice, body={"text": "one"}),
        parcel(fatou, room.pk, id=twice, body={"text": "two"}),
        parcel(bruno, room.pk, "reply", in_reply_to=uuid4()),
        parcel(bruno, room.pk),
    ]
    answers = send_together(batch)
    kinds = [type(answer) for answer in answers]
    assert kinds == [
        Posted, InvalidMessage, Stranger, Posted, Posted, ConflictingReplay, InvalidMessage, Posted,
    ]  # fmt: skip
    assert [answer.created for answer in answers if isinstance(answer, Posted)] == [True, True, False, True]
    sent = list(Message.objects.filter(group=room).order_by("seq"))
    assert [one.seq for one in sent] == [1, 2, 3] == [one.number for one in sent]
    assert list(Event.objects.filter(group=room).order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]
    assert Entry.objects.filter(action="message:message:posted", group=room.pk).count() == 3
    room.refresh_from_db()
    assert room.head == 3


@pytest.mark.django_db
def test_a_reply_may_follow_what_it_answers_in_one_batch(room: ClosedUserGroup, fatou: Officer) -> None:
    asked = parcel(fatou, room.pk, "request")
    told = parcel(fatou, room.pk, "reply", in_reply_to=asked.draft.id)
    answers = send_together([asked, told])
    assert [isinstance(one, Posted) and one.created for one in answers] == [True, True]
    assert Message.objects.get(pk=told.draft.id).thread == asked.draft.id


@pytest.mark.django_db
def test_a_remembered_membership_opens_nothing(room: ClosedUserGroup, fatou: Officer, member: Member) -> None:
    [first] = send_together([parcel(fatou, room.pk)])
    assert isinstance(first, Posted)
    Membership.objects.filter(pk=member(fatou).pk).update(role=Role.OBSERVER)
    [second] = send_together([parcel(fatou, room.pk)])
    assert isinstance(second, NotAllowed)
    Membership.objects.filter(group=room, officer=fatou).update(left_at="2026-11-20T00:00:00Z")
    [third] = send_together([parcel(fatou, room.pk)])
    assert isinstance(third, Stranger)
    assert Message.objects.filter(group=room).count() == 1


@pytest.mark.django_db
def test_a_remembered_membership_gives_its_present_country(room: ClosedUserGroup, fatou: Officer) -> None:
    send_together([parcel(fatou, room.pk)])
    Membership.objects.filter(group=room, officer=fatou).update(country="NG")
    [second] = send_together([parcel(fatou, room.pk)])
    assert isinstance(second, Posted)
    assert second.message.country == "NG"


@pytest.mark.django_db
def test_a_remembered_form_that_was_replaced_is_not_used(room: ClosedUserGroup, fatou: Officer) -> None:
    send_together([parcel(fatou, room.pk)])
    old = FormTemplate.objects.get(group=room, kind="note", state="published")
    FormTemplate.objects.filter(pk=old.pk).update(state="retired", retired_at="2026-11-20T00:00:00Z")
    new = FormTemplate.objects.create(
        group=room, kind="note", mode="", version=(old.version or 0) + 1, state="published", name=old.name,
        spec=old.spec, published_at=old.published_at,
    )  # fmt: skip
    [second] = send_together([parcel(fatou, room.pk)])
    assert isinstance(second, Posted)
    assert second.message.template_id == new.pk


@pytest.mark.django_db(transaction=True)
def test_the_same_post_racing_is_sent_once(room: ClosedUserGroup, fatou: Officer) -> None:
    membership = membership_of(fatou, room)
    one = draft(id=uuid4())
    others = [draft() for _ in range(12)]
    start = threading.Barrier(24)

    def post(wanted: Any) -> Posted:
        try:
            start.wait(PATIENCE)
            return post_message(membership, draft=wanted)
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(post, [one] * 12 + others))
    assert sum(answer.created for answer in answers[:12]) == 1
    assert {answer.message.pk for answer in answers[:12]} == {one.id}
    assert all(answer.created for answer in answers[12:])
    seqs = list(Message.objects.filter(group=room).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 14))


class Slow:
    """A way of sending that waits until it is let go, and remembers its batches."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.batches: list[int] = []
        self.fails: Exception | None = None

    def __call__(self, parcels: Sequence[Parcel]) -> list[Any]:
        self.begun.set()
        self.go.wait(PATIENCE)
        self.batches.append(len(parcels))
        if self.fails is not None:
            raise self.fails
        return [Posted(Message(pk=one.draft.id), created=True) for one in parcels]


def letter(group_id: UUID) -> Parcel:
    return parcel(Officer(), group_id)


def test_what_arrives_meanwhile_goes_together_and_groups_do_not_wait_for_each_other() -> None:
    slow, group, other = Slow(), uuid4(), uuid4()
    office = PostOffice(limit=1000, send=slow)
    first = office.hand_in(letter(group))
    assert slow.begun.wait(PATIENCE)  # by itself: the rest comes later
    rest = [office.hand_in(letter(group)) for _ in range(AT_ONCE + 6)]
    elsewhere = office.hand_in(letter(other))
    slow.go.set()
    assert all(future.result(PATIENCE).created for future in [first, *rest, elsewhere])
    assert sum(slow.batches) == AT_ONCE + 8
    assert max(slow.batches) == AT_ONCE
    assert office.waiting == 0


def test_a_group_that_never_rests_keeps_no_other_waiting() -> None:
    busy, other = uuid4(), uuid4()
    served: list[UUID] = []

    def send(parcels: Sequence[Parcel]) -> list[Any]:
        served.extend(one.group_id for one in parcels)
        if len(served) == 1:
            office.hand_in(letter(other))
        if parcels[0].group_id == busy and len(served) < 50:
            office.hand_in(letter(busy))
        return [Posted(Message(pk=one.draft.id), created=True) for one in parcels]

    office: Office[Parcel, Posted] = Office(limit=1000, send=send, threads=1)
    office.hand_in(letter(busy)).result(PATIENCE)
    wait_until(lambda: office.waiting == 0, what="everything sent")
    assert served.index(other) < 5
    assert len(served) == 50


def test_past_its_bound_posts_are_refused_at_once() -> None:
    slow = Slow()
    office = PostOffice(limit=5, send=slow)
    taken = [office.hand_in(letter(uuid4())) for _ in range(5)]
    with pytest.raises(Busy) as refused:
        office.hand_in(letter(uuid4()))
    assert (refused.value.status, refused.value.retry_after) == (503, 2)
    slow.go.set()
    assert all(future.result(PATIENCE).created for future in taken)
    assert office.hand_in(letter(uuid4())).result(PATIENCE).created


def test_a_database_without_a_free_connection_is_busy_and_other_failures_are_told_as_they_are() -> None:
    slow = Slow()
    slow.go.set()
    office = PostOffice(limit=5, send=slow)
    slow.fails = OperationalError()
    slow.fails.__cause__ = PoolTimeout()
    with pytest.raises(Busy):
        office.hand_in(letter(uuid4())).result(PATIENCE)
    slow.fails = OperationalError()
    with pytest.raises(OperationalError):
        office.hand_in(letter(uuid4())).result(PATIENCE)
    assert office.waiting == 0


@pytest.mark.django_db(transaction=True)
async def test_everybody_looks_again_when_the_answer_of_a_commit_was_lost(
    room: ClosedUserGroup, fatou: Officer
) -> None:
    """The first try is in the database: what the second finds there was told to nobody."""
    answers = iter([True, False])

    def send_and_lose_the_answer(parcels: Sequence[Parcel]) -> list[Answer]:
        found = send_together(parcels)
        if next(answers):
            raise OperationalError
        return found

    heard: list[Wake] = []
    listening = wake_ups().subscribe(heard.append)
    post = await sync_to_async(parcel)(fatou, room.pk)
    posted = await asyncio.wrap_future(PostOffice(limit=5, send=send_and_lose_the_answer).hand_in(post))
    assert posted.created is False
    while Resync() not in heard:
        await asyncio.sleep(0.01)
    await listening.close()


@pytest.mark.usefixtures("_no_time_passes")
@pytest.mark.django_db(transaction=True)
def test_a_post_counts_once_against_the_rate_however_often_it_is_tried(
    room: ClosedUserGroup, fatou: Officer, settings: Any
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "posts_per_officer_per_minute": 2}
    failures = iter([OperationalError(), OperationalError(), None])

    def fail_twice(parcels: Sequence[Parcel]) -> list[Answer]:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return send_together(parcels)

    office = PostOffice(limit=5, send=fail_twice)
    with pytest.raises(OperationalError):
        office.post(parcel(fatou, room.pk))
    assert office.post(parcel(fatou, room.pk)).created
    with pytest.raises(TooFast):
        office.post(parcel(fatou, room.pk))


@pytest.mark.usefixtures("_no_time_passes")
@pytest.mark.django_db(transaction=True)
def test_who_is_too_fast_holds_up_nobody_of_the_same_batch(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer, settings: Any
) -> None:
    settings.CENCOMM_LIMITS = {**settings.CENCOMM_LIMITS, "posts_per_officer_per_minute": 1}
    slow = Slow()
    office = PostOffice(limit=9, send=lambda parcels: slow(parcels) and send_together(parcels))
    held = office.hand_in(parcel(bruno, room.pk))
    together = [office.hand_in(parcel(officer, room.pk)) for officer in (fatou, bruno, fatou)]
    slow.go.set()
    assert held.result(PATIENCE).created
    assert together[0].result(PATIENCE).created
    for refused in together[1:]:
        with pytest.raises(TooFast):
            refused.result(PATIENCE)


@pytest.mark.django_db(transaction=True)
def test_what_the_hub_is_handed_is_what_a_reader_finds(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    fresh.follow(room.pk)
    try:
        bodies = [{"text": "Deux camions bâchés"}, {"text": "1234567890 " * 30}]
        first = [parcel(fatou, room.pk, body=body, subject="Été") for body in bodies]
        batch = [*first, parcel(bruno, room.pk, "request", addressed_to={"countries": ["NG"]}, due_at=soon())]
        batch.append(parcel(fatou, room.pk, in_reply_to=first[0].draft.id))
        assert all(isinstance(one, Posted) for one in send_together(batch))
        room.refresh_from_db()
        handed = fresh.take(room.pk, room.stream_epoch, 0)
        batch_read = batches_for_hub({room.pk: 0})[room.pk]
        assert isinstance(batch_read, Batch)
        found = batch_read.items
        assert [one.seq for one in found] == [1, 2, 3, 4]
        plain = [one for one in found if one.seq <= len(handed)]
        assert len(plain) >= 2
        assert [json.loads(one.raw) for one in handed] == [json.loads(one.raw) for one in plain]
        assert fresh.take(room.pk, room.stream_epoch, 0) == []
    finally:
        fresh.unfollow(room.pk)
    assert isinstance(send_together([parcel(fatou, room.pk)])[0], Posted)
    assert fresh.take(room.pk, room.stream_epoch, 4) == []  # nobody follows: nothing is kept


def test_fresh_items_are_given_without_a_gap_and_of_one_epoch_only() -> None:
    one, group, epoch = Fresh(), uuid4(), uuid4()
    one.put(group, epoch, [FreshItem(1, b"1")])
    assert one.take(group, epoch, 0) == []
    one.follow(group)
    one.put(group, epoch, [FreshItem(2, b"2"), FreshItem(3, b"3"), FreshItem(5, b"5")])
    assert one.take(group, epoch, 0) == []
    assert one.take(group, uuid4(), 1) == []
    assert one.take(group, epoch, 1) == [FreshItem(2, b"2"), FreshItem(3, b"3")]
    one.put(group, epoch, [FreshItem(6, b"x" * 2_000_000)])
    assert one.take(group, epoch, 5) == []
