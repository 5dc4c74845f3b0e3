"""Plain messages are written in one round trip: the same rows as alone, and nothing that no longer holds."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Administration, Officer
from audit.models import Entry
from groups.errors import Stranger
from groups.models import ClosedUserGroup, GroupCountry, Membership
from messaging.actions import Parcel, Posted, together
from messaging.actions.posting import send_alone
from messaging.actions.together import send_together
from messaging.errors import ConflictingReplay, InvalidMessage
from messaging.models import Event, Message
from tests.messaging.conftest import parcel, wait_until_somebody_waits_for_a_lock

# What follows from the moment, the place in the stream or the seal itself.
OWN = {"id", "thread", "seq", "number", "reference", "sent_at", "sealed", "digest"}


def columns(model: Any, pk: Any) -> dict[str, Any]:
    row = model.objects.filter(pk=pk).values().get()
    return {name: value for name, value in row.items() if name not in OWN}


@pytest.fixture
def _never_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(wanted: Parcel) -> Posted:
        message = f"a {wanted.draft.kind} was not written together"
        raise AssertionError(message)

    monkeypatch.setattr(together, "send_alone", refuse)


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("note", {}),
    ("note", {"subject": "Été", "priority": "immediate", "acknowledge": True, "handling": "RED"}),
    ("note", {"grading": {"source": "B", "information": "2"}, "addressed_to": {"countries": ["NG"]}}),
    ("request", {"due_at": datetime.now(tz=UTC) + timedelta(hours=1)}),
    ("warning", {"addressed_to": {"roles": ["analyst"]}}),
    ("nil", {}),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "values"), KINDS)
def test_together_and_alone_write_the_same_rows(
    room: ClosedUserGroup, fatou: Officer, kind: str, values: dict[str, Any]
) -> None:
    first, second = parcel(fatou, room.pk, kind, **values), parcel(fatou, room.pk, kind, **values)
    [answer] = send_together([first])
    alone = send_alone(second)
    assert isinstance(answer, Posted)
    assert answer.created
    assert columns(Message, first.draft.id) == columns(Message, second.draft.id)
    assert (answer.message.seq, answer.message.number) == (1, 1)
    assert answer.message.reference[:-1] == alone.message.reference[:-1]
    kept = Message.objects.get(pk=first.draft.id)
    names = {field.attname for field in Message._meta.concrete_fields}
    assert {name: getattr(answer.message, name) for name in names} == {
        name: bytes(value) if isinstance(value := getattr(kept, name), memoryview) else value for name in names
    }
    assert answer.message == kept
    assert answer.message.sender == kept.sender
    events = list(Event.objects.filter(group=room).order_by("seq").values("type", "actor", "data", "group_id"))
    assert events[0] == events[1]
    entries = list(Entry.objects.filter(group=room.pk, action="message:message:posted").order_by("id"))
    assert [one.subject for one in entries] == [f"message:{first.draft.id}", f"message:{second.draft.id}"]
    assert entries[0].details == {"kind": kind, "seq": 1}
    assert {*entries[1].details} == {*entries[0].details}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_never_alone")
def test_plain_drafts_of_every_kind_are_written_together(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    batch = [parcel((fatou, bruno)[at % 2], room.pk, kind, **values) for at, (kind, values) in enumerate(KINDS * 3)]
    answers = send_together(batch)
    assert all(isinstance(one, Posted) and one.created for one in answers), answers
    sent = list(Message.objects.filter(group=room).order_by("seq").values_list("id", "seq", "kind", "number"))
    assert [one[0] for one in sent] == [one.draft.id for one in batch]
    assert [one[1] for one in sent] == list(range(1, len(batch) + 1))
    for kind in {one[2] for one in sent}:
        numbers = [one[3] for one in sent if one[2] == kind]
        assert numbers == list(range(1, len(numbers) + 1))
    room.refresh_from_db()
    assert room.head == len(batch)


def _rename(fatou: Officer, _room: ClosedUserGroup) -> str:
    Officer.objects.filter(pk=fatou.pk).update(name="Fatou Diop-Sarr")
    return "Fatou Diop-Sarr"


def _move(fatou: Officer, _room: ClosedUserGroup) -> str:
    elsewhere = Administration.objects.create(country="NG", name="Elsewhere Customs")
    Officer.objects.filter(pk=fatou.pk).update(administration=elsewhere)
    return str(elsewhere.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [_rename, _move])
def test_what_was_remembered_of_a_sender_is_not_used_once_it_changed(
    room: ClosedUserGroup, fatou: Officer, change: Any
) -> None:
    send_together([parcel(fatou, room.pk)])
    changed = change(fatou, room)
    [answer] = send_together([parcel(fatou, room.pk)])
    assert isinstance(answer, Posted)
    told = {answer.message.sender.name, str(answer.message.administration_id)}
    assert changed in told


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [{"is_active": False}, {"is_platform_administrator": True}])
@pytest.mark.parametrize("way", ["plainly", "as an answer"])
def test_who_was_shut_out_or_administers_sends_nothing_by_what_was_remembered(
    room: ClosedUserGroup, fatou: Officer, change: dict[str, bool], way: str
) -> None:
    asked = parcel(fatou, room.pk, "request")
    send_together([asked])
    Officer.objects.filter(pk=fatou.pk).update(**change)
    next_one = (
        parcel(fatou, room.pk) if way == "plainly" else parcel(fatou, room.pk, "reply", in_reply_to=asked.draft.id)
    )
    [answer] = send_together([next_one])
    assert isinstance(answer, Stranger)
    assert Message.objects.filter(group=room).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_group_that_changed_leaves_nothing_of_a_batch_half_done(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    send_together([parcel(fatou, room.pk), parcel(bruno, room.pk)])
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="preoperational", code="OTHER")
    answers = send_together([parcel(fatou, room.pk), parcel(bruno, room.pk)])
    assert [isinstance(one, Posted) and one.message.exercise for one in answers] == [True, True]
    assert [one.message.reference[:5] for one in answers if isinstance(one, Posted)] == ["OTHER", "OTHER"]
    seqs = Message.objects.filter(group=room).order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_an_id_that_is_taken_elsewhere_spoils_no_other(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    taken: UUID = uuid4()
    send_together([parcel(bruno, room.pk, id=taken)])
    answers = send_together([parcel(fatou, room.pk), parcel(fatou, room.pk, id=taken), parcel(bruno, room.pk)])
    assert [type(one) for one in answers] == [Posted, ConflictingReplay, Posted]
    assert Message.objects.filter(group=room).count() == 3
    with connection.cursor() as cursor:  # nothing is prepared for anybody else on this connection
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


def _country_leaves(room: ClosedUserGroup, _bruno: Officer) -> None:
    GroupCountry.objects.filter(group=room, country="NG").delete()


def _officer_leaves(room: ClosedUserGroup, bruno: Officer) -> None:
    Membership.objects.filter(group=room, officer=bruno).update(left_at=timezone.now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("leaves", [_country_leaves, _officer_leaves])
@pytest.mark.parametrize("way", ["plainly", "beside an answer", "alone"])
def test_who_is_addressed_must_still_be_there_once_the_lock_is_held(
    room: ClosedUserGroup, fatou: Officer, amina: Officer, bruno: Officer, leaves: Any, way: str
) -> None:
    """Whoever leaves while a post waits for the lock is not addressed by it."""
    asked = parcel(fatou, room.pk, "request")
    send_together([asked, parcel(amina, room.pk)])
    to = {"countries": ["NG"]} if leaves is _country_leaves else {"officers": [str(bruno.pk)]}
    batch = [parcel(fatou, room.pk, addressed_to=to), parcel(amina, room.pk)]
    if way == "beside an answer":
        batch.append(parcel(amina, room.pk, "reply", in_reply_to=asked.draft.id))
    answers: list[Any] = []

    def post() -> None:
        try:
            if way == "alone":
                answers.append(send_alone(batch[0]))
            else:
                answers.extend(send_together(batch))
        except InvalidMessage as refusal:
            answers.append(refusal)
        finally:
            connection.close()

    waiting = threading.Thread(target=post)
    with transaction.atomic():
        ClosedUserGroup.objects.select_for_update().get(pk=room.pk)
        waiting.start()
        wait_until_somebody_waits_for_a_lock()
        leaves(room, bruno)
    waiting.join(300)
    assert isinstance(answers[0], InvalidMessage)
    assert all(isinstance(one, Posted) for one in answers[1:])
    assert not Message.objects.filter(pk=batch[0].draft.id).exists()


@pytest.mark.django_db(transaction=True)
def test_who_is_removed_while_a_post_waits_for_the_lock_sends_nothing(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer
) -> None:
    send_together([parcel(fatou, room.pk), parcel(bruno, room.pk)])
    answers: list[Any] = []

    def post() -> None:
        try:
            answers.extend(send_together([parcel(fatou, room.pk), parcel(bruno, room.pk)]))
        finally:
            connection.close()

    waiting = threading.Thread(target=post)
    with transaction.atomic():
        ClosedUserGroup.objects.select_for_update().get(pk=room.pk)
        waiting.start()
        wait_until_somebody_waits_for_a_lock()
        Membership.objects.filter(group=room, officer=fatou).update(left_at=timezone.now())
        ClosedUserGroup.objects.filter(pk=room.pk).update(head=F("head") + 5)
    waiting.join(300)
    assert [type(one) for one in answers] == [Stranger, Posted]
    assert answers[1].message.seq == 8
