"""What several processes make of one loss: each knew numbers that are gone, and one new epoch says it all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from accounts.models import Officer
from groups.models import ClosedUserGroup, Membership
from messaging import history as history_module
from messaging.actions import Posted, acknowledge_message
from messaging.history import History
from messaging.marks import MarksFolder


def epoch_of(group: ClosedUserGroup) -> UUID:
    return ClosedUserGroup.objects.get(pk=group.pk).stream_epoch


@pytest.mark.django_db(transaction=True)
def test_one_loss_makes_one_epoch_however_many_knew_of_more(room: ClosedUserGroup, tmp_path: Path) -> None:
    connection.ensure_connection()
    raw = connection.connection
    finder, writer, listener = (History(MarksFolder(tmp_path / "marks")) for _ in range(3))
    for one in (finder, writer, listener):
        assert one.examine(raw, heard=True)
    before, gone = epoch_of(room), room.head + 1000  # committed once, and in no database any more
    finder.note(room.pk, gone)
    writer.note(room.pk, gone)
    listener.hear(room.pk, gone)
    finder.examine(raw, heard=True)
    renewed = epoch_of(room)
    assert renewed != before
    for one in (writer, listener):
        assert one.examine(raw, heard=True)
        assert epoch_of(room) == renewed
    # Nor later, when what was noted is to be saved, or the server is met once more.
    writer.note(room.pk, ClosedUserGroup.objects.get(pk=room.pk).head)
    for _ in range(2):
        writer.save()
        connection.ensure_connection()
        listener.examine(connection.connection, heard=True)
    assert epoch_of(room) == renewed


@pytest.mark.django_db(transaction=True)
def test_numbers_of_the_present_epoch_still_count(room: ClosedUserGroup, tmp_path: Path) -> None:
    connection.ensure_connection()
    history = History(MarksFolder(tmp_path / "marks"))
    assert history.examine(connection.connection, heard=True)
    before = epoch_of(room)
    history.hear(room.pk, room.head + 1000)
    assert history.examine(connection.connection)
    assert epoch_of(room) == before  # heard only: judged when a server is met
    assert history.examine(connection.connection, heard=True)
    assert epoch_of(room) != before


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_while_the_database_is_asked_is_no_loss(
    room: ClosedUserGroup,
    post: Callable[..., Posted],
    member: Callable[[Officer], Membership],
    fatou: Officer,
    amina: Officer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = post(fatou, acknowledge=True).message
    room.refresh_from_db()
    connection.ensure_connection()
    history, other = History(MarksFolder(tmp_path / "marks")), History(MarksFolder(tmp_path / "marks"))
    for one in (history, other):
        assert one.examine(connection.connection, heard=True)
    before, asked = epoch_of(room), history_module.read_standing
    history.note(room.pk, room.head)

    def commit() -> None:
        acknowledge_message(member(amina), message_id=message.pk)
        history.note(room.pk, room.head + 1)
        other.note(room.pk, room.head + 1)
        other.save()
        connection.close()

    def and_then_others_commit(*args: Any) -> Any:
        answer = asked(*args)
        monkeypatch.setattr(history_module, "read_standing", asked)
        thread = Thread(target=commit)
        thread.start()
        thread.join(300)
        assert ClosedUserGroup.objects.get(pk=room.pk).head == room.head + 1
        return answer

    monkeypatch.setattr(history_module, "read_standing", and_then_others_commit)
    connection.ensure_connection()
    assert history.examine(connection.connection, heard=True)
    assert epoch_of(room) == before
