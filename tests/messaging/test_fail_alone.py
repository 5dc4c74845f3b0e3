"""A draft on which the product itself fails: the posts that share its transaction are sent all the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.actions import Parcel, Posted, inserting, plainly, preparing, said_by
from messaging.actions.together import send_together
from messaging.models import Message
from tests.messaging.conftest import draft

BAD = "on this the product fails"


def parcel(officer: Officer, group: ClosedUserGroup, text: str) -> Parcel:
    one = draft(body={"text": text})
    return Parcel(officer=officer, group_id=group.pk, draft=one, said=said_by(one), language="en")


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
    answers = send_together([parcel(bruno, room, "one"), parcel(fatou, room, BAD), parcel(bruno, room, "two")])
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
        send_together([parcel(fatou, room, BAD)])
