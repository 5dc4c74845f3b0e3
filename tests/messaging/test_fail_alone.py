"""A draft on which the product itself fails: the posts that share its transaction are sent all the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.actions import Posted, inserting, plainly, preparing
from messaging.actions.together import send_together
from messaging.fresh import fresh
from messaging.models import Message
from messaging.wakeups import GroupMoved, Resync, Wake, wake_ups
from tests.messaging.conftest import parcel

BAD = "on this the product fails"


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["while it is checked", "while it is written"])
def test_a_failure_takes_no_other_post_with_it(
    room: ClosedUserGroup, fatou: Officer, bruno: Officer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    failure = RuntimeError("no refusal")
    if where == "while it is checked":
        real = preparing.validate
        monkeypatch.setattr(
            preparing, "validate", lambda spec, body, context: _raise(failure, body, real(spec, body, context))
        )
    else:
        _break_sealing(monkeypatch, failure)
    answers = send_together(
        [
            parcel(bruno, room.pk, body={"text": "one"}),
            parcel(fatou, room.pk, body={"text": BAD}),
            parcel(bruno, room.pk, body={"text": "two"}),
        ]
    )
    assert [type(answer) for answer in answers] == [Posted, RuntimeError, Posted]
    assert list(Message.objects.filter(group=room).order_by("seq").values_list("number", flat=True)) == [1, 2]


def _break_sealing(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    seal = inserting.seal_content
    for place in (inserting, plainly):
        monkeypatch.setattr(
            place,
            "seal_content",
            lambda sealer, content, **ids: _raise(failure, content.body, seal(sealer, content, **ids)),
        )


def _raise(failure: Exception, body: Any, result: Any) -> Any:
    if body.get("text") == BAD:
        raise failure
    return result


@pytest.mark.django_db
def test_of_a_database_that_does_not_answer_nothing_is_known(
    room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_sealing(monkeypatch, OperationalError("gone"))
    with pytest.raises(OperationalError):
        send_together([parcel(fatou, room.pk, body={"text": BAD})])


@pytest.mark.django_db(transaction=True)
def test_what_was_committed_before_the_product_failed_is_told_all_the_same(
    room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are written by the time that objects are made of them."""
    heard: list[Wake] = []
    monkeypatch.setattr(wake_ups(), "publish", heard.append)
    monkeypatch.setattr(plainly, "as_written", _never)
    [answer] = send_together([parcel(fatou, room.pk)])
    assert isinstance(answer, Posted)
    assert Message.objects.filter(group=room).count() == 1
    assert Resync() in heard


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_kept_for_the_hub_is_told_all_the_same(
    room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Wake] = []
    monkeypatch.setattr(wake_ups(), "publish", heard.append)
    monkeypatch.setattr(fresh, "put", _never)
    fresh.follow(room.pk)
    try:
        assert isinstance(send_together([parcel(fatou, room.pk)])[0], Posted)
        assert heard == [GroupMoved(room.pk, 1)]
    finally:
        fresh.unfollow(room.pk)


def _never(*_values: object, **_related: object) -> Any:
    message = "the product fails"
    raise RuntimeError(message)
