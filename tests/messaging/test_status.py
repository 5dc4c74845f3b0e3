"""Moving the status of a message: who may, from where to where, and that the reason is sealed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Officer
from audit.models import Entry
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted, mark_transferred, move_status
from messaging.actions.status import MOVES
from messaging.errors import BadStatusMove, NotYours, ReasonMissing, ReasonTooLong
from messaging.kinds import Status
from messaging.models import Event, Message, StatusMove
from messaging.queries import detail_of
from tests.messaging.conftest import seizure_body

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Member = Callable[[Officer], Membership]


@pytest.fixture
def seizure(post: Post, fatou: Officer) -> Message:
    return post(fatou, "seizure").message


def status_of(message: Message) -> str:
    message.refresh_from_db()
    return message.status


def test_a_seizure_goes_all_the_way(
    seizure: Message, member: Member, bruno: Officer, chloe: Officer, room: ClosedUserGroup
) -> None:
    move_status(member(bruno), message_id=seizure.pk, to="validated_ncp")
    move_status(member(chloe), message_id=seizure.pk, to="validated_ocu")
    assert mark_transferred(room.pk, [seizure.pk], actor=chloe.pk) == 1
    assert status_of(seizure) == "transferred"
    moves = StatusMove.objects.order_by("seq").values_list("from_status", "to_status", "officer__name")
    assert list(moves) == [
        ("submitted", "validated_ncp", "Bruno"),
        ("validated_ncp", "validated_ocu", "Chloe"),
        ("validated_ocu", "transferred", "Chloe"),
    ]
    events = Event.objects.filter(type="status").order_by("seq")
    assert [event.seq for event in events] == [2, 3, 4]
    assert [event.data["to"] for event in events] == ["validated_ncp", "validated_ocu", "transferred"]
    assert Entry.objects.filter(action="message:status:moved").count() == 3


def test_a_transfer_is_marked_once(seizure: Message, room: ClosedUserGroup) -> None:
    assert mark_transferred(room.pk, [seizure.pk]) == 0  # not validated
    Message.objects.filter(pk=seizure.pk).update(status="validated_ocu")
    assert [mark_transferred(room.pk, [seizure.pk]) for _ in range(2)] == [1, 0]
    assert mark_transferred(room.pk, []) == 0
    assert Event.objects.filter(type="status").count() == 1


def test_the_reason_of_a_return_is_sealed_and_read_by_the_group(
    seizure: Message, member: Member, bruno: Officer, fatou: Officer
) -> None:
    move_status(member(bruno), message_id=seizure.pk, to="returned", reason="The quantity is missing a zero")
    move = StatusMove.objects.get()
    assert move.sealed_reason is not None
    assert b"quantity" not in bytes(move.sealed_reason)
    history = detail_of(member(fatou), seizure.pk).history
    assert [entry["what"] for entry in history] == ["sent", "status"]
    assert history[1]["reason"] == "The quantity is missing a zero"
    assert "zero" not in str(Entry.objects.filter(action="message:status:moved").values_list())
    assert "zero" not in str(Event.objects.values_list("data", flat=True))


@pytest.mark.parametrize("to", ["returned", "withdrawn"])
def test_a_return_and_a_withdrawal_say_why(to: str, seizure: Message, member: Member, bruno: Officer) -> None:
    with pytest.raises(ReasonMissing):
        move_status(member(bruno), message_id=seizure.pk, to=to, reason="  ")
    with pytest.raises(ReasonTooLong):
        move_status(member(bruno), message_id=seizure.pk, to=to, reason="x" * 2001)
    assert status_of(seizure) == "submitted"


def test_a_returned_seizure_is_submitted_again(
    seizure: Message, member: Member, bruno: Officer, fatou: Officer
) -> None:
    move_status(member(bruno), message_id=seizure.pk, to="returned", reason="Look again")
    move_status(member(fatou), message_id=seizure.pk, to="submitted", reason="It is right")
    assert status_of(seizure) == "submitted"


def test_a_sender_does_not_validate_the_own_report(seizure: Message, member: Member, fatou: Officer) -> None:
    for to in ("validated_ncp", "validated_ocu"):
        with pytest.raises(NotYours):
            move_status(member(fatou), message_id=seizure.pk, to=to)


def test_a_contact_point_checks_the_own_country_only(
    post: Post, member: Member, bruno: Officer, dmitri: Officer
) -> None:
    of_belgium = post(dmitri, "seizure", body=seizure_body(country="BE")).message
    for to, reason in (("validated_ncp", ""), ("returned", "no"), ("withdrawn", "no")):
        with pytest.raises(NotYours):
            move_status(member(bruno), message_id=of_belgium.pk, to=to, reason=reason)


def test_another_officer_withdraws_nothing(seizure: Message, member: Member, dmitri: Officer) -> None:
    with pytest.raises(NotYours):
        move_status(member(dmitri), message_id=seizure.pk, to="withdrawn", reason="mine")


def test_no_move_is_possible_that_the_table_does_not_name(seizure: Message, member: Member, amina: Officer) -> None:
    for origin in Status.values:
        for to in [*Status.values, "nonsense"]:
            if origin == to or (origin, to) in MOVES:
                continue
            Message.objects.filter(pk=seizure.pk).update(status=origin)
            with pytest.raises(BadStatusMove):
                move_status(member(amina), message_id=seizure.pk, to=to, reason="why not")


def test_nobody_sets_transferred_by_hand(seizure: Message, member: Member, amina: Officer) -> None:
    Message.objects.filter(pk=seizure.pk).update(status="validated_ocu")
    with pytest.raises(BadStatusMove):
        move_status(member(amina), message_id=seizure.pk, to="transferred")


def test_what_is_there_already_is_no_error(seizure: Message, member: Member, bruno: Officer) -> None:
    for _ in range(2):
        move_status(member(bruno), message_id=seizure.pk, to="validated_ncp")
    assert StatusMove.objects.count() == 1


def test_what_was_corrected_moves_no_more(
    post: Post, seizure: Message, member: Member, fatou: Officer, bruno: Officer
) -> None:
    post(fatou, "seizure", body=seizure_body(cases=2), supersedes=seizure.pk)
    with pytest.raises(BadStatusMove):
        move_status(member(bruno), message_id=seizure.pk, to="validated_ncp")


def test_the_api_refuses_as_the_protocol_says(
    seizure: Message,
    api: Callable[..., Client],
    eve: Officer,
    removed: Officer,
    olga: Officer,
    dmitri: Officer,
    bruno: Officer,
    room: ClosedUserGroup,
) -> None:
    def move(officer: Officer, to: str, message_id: object = seizure.pk, **more: str) -> int:
        return (
            api(officer)
            .post(f"/api/v1/messages/{message_id}/status", {"status": to, **more}, content_type="application/json")
            .status_code
        )

    assert move(eve, "validated_ncp") == move(removed, "validated_ncp") == 404
    assert move(bruno, "validated_ncp", uuid4()) == 404
    assert move(olga, "validated_ncp") == move(dmitri, "validated_ncp") == 403
    assert move(bruno, "returned") == 422
    assert move(bruno, "transferred") == 409
    assert move(bruno, "validated_ncp") == 200
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    assert move(bruno, "returned", reason="too late") == 409
