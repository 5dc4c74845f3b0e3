"""Moving the status of many messages at once: each is judged as it would be alone."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from accounts.models import Officer
from audit.models import Entry
from groups.errors import NotAllowed, OperationClosed, Stranger
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted, move_status, move_status_many
from messaging.errors import BadStatusMove, MessageUnknown, NotYours, ReasonMissing
from messaging.models import Event, Message, StatusMove
from tests.cast import membership_of

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Member = Callable[[Officer], Membership]
MANY = 25


@pytest.fixture
def seizures(post: Post, fatou: Officer) -> list[Message]:
    return [post(fatou, "seizure").message for _ in range(MANY)]


def statuses() -> list[str]:
    return list(Message.objects.order_by("seq").values_list("status", flat=True))


def test_many_move_in_one_stretch_of_the_stream(
    seizures: list[Message], member: Member, chloe: Officer, room: ClosedUserGroup
) -> None:
    moves = move_status_many(member(chloe), message_ids=[one.pk for one in seizures], to="validated_ocu")
    assert moves.moved == [one.pk for one in seizures]
    assert moves.refused == {}
    assert statuses() == ["validated_ocu"] * MANY
    events = Event.objects.filter(type="status").order_by("seq")
    assert [event.seq for event in events] == list(range(MANY + 1, 2 * MANY + 1))
    assert [event.message_id for event in events] == moves.moved
    assert events[0].data == {"from": "submitted", "to": "validated_ocu", "country": "FR"}
    kept = StatusMove.objects.order_by("seq").values_list("seq", "from_status", "to_status", "officer__name")
    assert list(kept) == [(seq, "submitted", "validated_ocu", "Chloe") for seq in range(MANY + 1, 2 * MANY + 1)]
    entry = Entry.objects.get(action="message:status:moved")
    assert (entry.actor, entry.group) == (chloe.pk, room.pk)
    assert entry.details == {"to": "validated_ocu", "count": MANY, "first": MANY + 1, "last": 2 * MANY}
    room.refresh_from_db()
    assert room.head == 2 * MANY


def test_each_is_judged_alone(
    seizures: list[Message], post: Post, member: Member, dmitri: Officer, bruno: Officer, chloe: Officer
) -> None:
    foreign, unknown = post(dmitri, "seizure").message, uuid4()
    move_status(member(chloe), message_id=seizures[0].pk, to="validated_ocu")
    move_status(member(bruno), message_id=seizures[1].pk, to="validated_ncp")
    asked = [*(one.pk for one in seizures), foreign.pk, unknown, unknown]
    moves = move_status_many(member(bruno), message_ids=asked, to="validated_ncp")
    assert moves.moved == [one.pk for one in seizures[2:]]  # the second is there already
    assert {pk: type(refusal) for pk, refusal in moves.refused.items()} == {
        seizures[0].pk: BadStatusMove,
        foreign.pk: NotYours,
        unknown: MessageUnknown,
    }
    assert statuses() == ["validated_ocu", *["validated_ncp"] * (MANY - 1), "submitted"]


def test_again_changes_nothing(seizures: list[Message], member: Member, chloe: Officer) -> None:
    asked = [one.pk for one in seizures]
    move_status_many(member(chloe), message_ids=asked, to="validated_ocu")
    moves = move_status_many(member(chloe), message_ids=asked, to="validated_ocu")
    assert (moves.moved, moves.refused) == ([], {})
    assert StatusMove.objects.count() == Event.objects.filter(type="status").count() == MANY


def test_a_message_of_another_group_is_unknown(
    seizures: list[Message], other_group: ClosedUserGroup, eve: Officer
) -> None:
    moves = move_status_many(membership_of(eve, other_group), message_ids=[seizures[0].pk], to="validated_ocu")
    assert isinstance(moves.refused[seizures[0].pk], MessageUnknown)
    assert statuses() == ["submitted"] * MANY


def test_who_may_not_moves_nothing(
    seizures: list[Message], member: Member, olga: Officer, fatou: Officer, bruno: Officer
) -> None:
    asked = [seizures[0].pk]
    with pytest.raises(NotAllowed):
        move_status_many(member(olga), message_ids=asked, to="validated_ocu")
    assert isinstance(
        move_status_many(member(fatou), message_ids=asked, to="validated_ocu").refused[asked[0]], NotYours
    )
    left = member(bruno)
    Membership.objects.filter(pk=left.pk).update(left_at="2026-01-01T00:00Z")
    with pytest.raises(Stranger):
        move_status_many(left, message_ids=asked, to="validated_ncp")
    assert statuses() == ["submitted"] * MANY


def test_moves_that_need_a_reason_or_do_not_exist_are_not_made_by_the_dozen(
    seizures: list[Message], member: Member, chloe: Officer
) -> None:
    asked = [seizures[0].pk]
    with pytest.raises(ReasonMissing):
        move_status_many(member(chloe), message_ids=asked, to="returned")
    with pytest.raises(BadStatusMove):
        move_status_many(member(chloe), message_ids=asked, to="lost")
    assert statuses() == ["submitted"] * MANY


def test_a_closed_operation_stays_as_it_is(
    seizures: list[Message], member: Member, chloe: Officer, room: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    with pytest.raises(OperationClosed):
        move_status_many(member(chloe), message_ids=[seizures[0].pk], to="validated_ocu")
    assert statuses() == ["submitted"] * MANY
