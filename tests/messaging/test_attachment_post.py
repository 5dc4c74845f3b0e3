"""Files in messages: claimed with the message or not at all, told by an event when checked, found by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging import queries
from messaging.actions import Posted, move_status, post_message, post_messages
from messaging.actions.together import send_together
from messaging.attachments import actions as uploads
from messaging.attachments.checking import check_attachment
from messaging.errors import ConflictingReplay, InvalidMessage
from messaging.models import Attachment, Event, Message
from messaging.presentation import message_json
from messaging.queries import Filters
from tests.messaging.conftest import draft, wire
from tests.messaging.uploads import Api, Member, checked, pdf, picture, uploaded

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CENCOMM_ATTACHMENTS = str(tmp_path / "attachments")


def files_of(member: Member, officer: Officer, message_id: UUID) -> list[dict[str, Any]]:
    """Return the files that a member sees in a message."""
    return list(message_json(queries.message_in(member(officer), message_id))["attachments"])


def problems(refused: pytest.ExceptionInfo[InvalidMessage]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in refused.value.errors]


def test_message_shows_its_files_in_their_order(
    api: Api, member: Member, room: ClosedUserGroup, fatou: Officer, olga: Officer
) -> None:
    first = [checked(member(fatou), picture(), caption="The seal").pk, uploaded(member(fatou), pdf(), "a.pdf").pk]
    second = [checked(member(fatou), picture()).pk, checked(member(fatou), pdf(), "b.pdf").pk]
    for order in (first, second[::-1]):
        said = wire(attachments=[str(one) for one in order])
        answer = api(fatou).post(f"/api/v1/groups/{room.pk}/messages", said, content_type="application/json")
        assert answer.status_code == 201, answer.content
        assert [one["id"] for one in answer.json()["attachments"]] == [str(one) for one in order]
        read = api(olga).get(f"/api/v1/messages/{said['id']}").json()
        assert read["attachments"] == answer.json()["attachments"]
        again = api(fatou).post(f"/api/v1/groups/{room.pk}/messages", said, content_type="application/json")
        assert (again.status_code, again.json()) == (200, answer.json())
    message = Message.objects.order_by("seq").first()
    assert message is not None
    one, other = files_of(member, olga, message.pk)
    assert (one["caption"], one["state"], one["kind"], one["preview"]) == ("The seal", "ready", "image", True)
    assert (other["name"], other["state"], other["kind"]) == ("a.pdf", "checking", None)


def test_message_without_files_is_written_the_quick_way(
    member: Member, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from messaging.actions import inserting

    monkeypatch.setattr(inserting, "insert_prepared", None)
    monkeypatch.setattr("messaging.actions.together.insert_prepared", None)
    posted = post_message(member(fatou), draft=draft())
    assert message_json(queries.message_in(member(fatou), posted.message.pk))["attachments"] == []


@pytest.mark.parametrize("alone", [False, True])
def test_what_cannot_go_with_a_message_is_named(
    member: Member,
    post: Post,
    fatou: Officer,
    bruno: Officer,
    eve: Officer,
    other_group: ClosedUserGroup,
    alone: bool,
) -> None:
    from tests.cast import membership_of

    mine, sent = checked(member(fatou), b"mine", "a.txt").pk, checked(member(fatou), b"sent", "b.txt").pk
    post(fatou, attachments=[sent])
    theirs = checked(member(bruno), b"theirs", "c.txt").pk
    elsewhere = checked(membership_of(eve, other_group), b"elsewhere", "d.txt").pk
    refused = checked(member(fatou), b"MZ\0", "e.txt").pk
    half = uploads.begin_upload(member(fatou), upload=uploads.Upload(id=uuid4(), name="f.txt", size=9))[0].pk
    wanted = [mine, sent, theirs, elsewhere, refused, half, uuid4()]
    with pytest.raises(InvalidMessage) as told:
        if alone:
            [outcome] = post_messages(member(fatou), [draft(attachments=wanted)])
            raise outcome.refusal or AssertionError
        post_message(member(fatou), draft=draft(attachments=wanted))
    assert problems(told) == [
        ("attachments.1", "used"),
        ("attachments.2", "not_found"),
        ("attachments.3", "not_found"),
        ("attachments.4", "refused"),
        ("attachments.5", "uploading"),
        ("attachments.6", "not_found"),
    ]
    assert Attachment.objects.get(pk=mine).message_id is None
    post(fatou, attachments=[mine])


def test_file_goes_with_one_message_of_those_that_want_it(member: Member, fatou: Officer) -> None:
    """Two drafts of one batch name the same file: the first gets it, the other is told so."""
    from messaging.actions import Parcel, said_by

    one = checked(member(fatou), b"text", "a.txt").pk
    drafts = [draft(attachments=[one]), draft(attachments=[one]), draft()]
    answers = send_together(
        [
            Parcel(officer=fatou, group_id=member(fatou).group_id, draft=each, said=said_by(each), language="en")
            for each in drafts
        ]
    )
    assert [type(answer).__name__ for answer in answers] == ["Posted", "InvalidMessage", "Posted"]
    assert Attachment.objects.get(pk=one).message_id == drafts[0].id


def test_the_same_message_with_other_files_is_another(member: Member, post: Post, fatou: Officer) -> None:
    name = uuid4()
    post(fatou, id=name, attachments=[checked(member(fatou), b"text", "a.txt").pk])
    with pytest.raises(ConflictingReplay):
        post(fatou, id=name)


def test_sent_file_is_neither_changed_nor_removed(api: Api, member: Member, post: Post, fatou: Officer) -> None:
    name = checked(member(fatou), b"text", "a.txt").pk
    post(fatou, attachments=[name])
    path = f"/api/v1/attachments/{name}"
    assert api(fatou).delete(path).json()["code"] == "attachment_sent"
    answer = api(fatou).put(f"{path}/caption", {"caption": "x"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "attachment_sent")
    from datetime import timedelta

    from django.utils import timezone

    from messaging.attachments.tending import remove_unsent

    Attachment.objects.update(created_at=timezone.now() - timedelta(days=9))
    assert remove_unsent() == 0


@pytest.mark.parametrize(("content", "state"), [(picture(), "ready"), (b"MZ\0\0", "refused")])
def test_event_tells_when_the_check_of_a_sent_file_ends(
    member: Member, room: ClosedUserGroup, post: Post, fatou: Officer, olga: Officer, content: bytes, state: str
) -> None:
    name = uploaded(member(fatou), content).pk
    posted = post(fatou, attachments=[name]).message
    before = queries.latest_events(member(olga)).head
    check_attachment(name)
    page = queries.events_after(member(olga), after=before)
    [item] = page.items
    assert item["event"].items() >= {"type": "attachment", "message": str(posted.pk), "actor": None}.items()
    assert item["event"]["attachment"]["state"] == state
    assert files_of(member, olga, posted.pk) == [item["event"]["attachment"]]
    stored = Event.objects.get(group=room, seq=item["seq"])
    assert stored.data == {"attachment": str(name)}
    # Whoever reads the older event of the message reads how things stand now: the same.
    [first] = queries.events_after(member(olga), after=before - 1, limit=1).items
    assert first["event"]["message"]["attachments"] == [item["event"]["attachment"]]


def test_check_of_a_file_that_is_in_no_message_tells_nobody(
    member: Member, room: ClosedUserGroup, fatou: Officer
) -> None:
    checked(member(fatou), picture())
    assert not Event.objects.filter(group=room).exists()


def test_correction_takes_the_files_over(
    member: Member, post: Post, fatou: Officer, bruno: Officer, olga: Officer
) -> None:
    kept, left = uploaded(member(fatou), picture()).pk, checked(member(fatou), b"text", "a.txt").pk
    old = post(fatou, attachments=[kept, left]).message
    added = checked(member(bruno), b"more", "b.txt").pk
    # Who checks the country's messages corrects them, with files of the one who wrote and of one's own.
    new = post(bruno, supersedes=old.pk, attachments=[kept, added]).message
    assert [one["id"] for one in files_of(member, olga, new.pk)] == [str(kept), str(added)]
    assert [one["id"] for one in files_of(member, olga, old.pk)] == [str(kept), str(left)]
    check_attachment(kept)
    for message in (old, new):
        assert files_of(member, olga, message.pk)[0]["state"] == "ready"
    assert Event.objects.order_by("seq").last().message_id == new.pk  # type: ignore[union-attr]
    with pytest.raises(InvalidMessage) as told:
        post(bruno, supersedes=new.pk, attachments=[left])
    assert problems(told) == [("attachments.0", "not_found")]


def test_withdrawn_message_keeps_its_files_as_it_keeps_its_text(
    api: Api, member: Member, post: Post, fatou: Officer, olga: Officer
) -> None:
    name = checked(member(fatou), b"text", "a.txt").pk
    message = post(fatou, attachments=[name]).message
    move_status(member(fatou), message_id=message.pk, to="withdrawn", reason="By mistake.")
    assert [one["id"] for one in files_of(member, olga, message.pk)] == [str(name)]
    assert api(olga).get(f"/api/v1/attachments/{name}").status_code == 200


def test_search_finds_names_and_captions(member: Member, post: Post, fatou: Officer, olga: Officer) -> None:
    name = uploaded(member(fatou), picture(), "Palétuvier-7.jpg", caption="Broken seal BX-99120").pk
    message = post(fatou, attachments=[name]).message
    post(fatou)
    for words in ("paletuvier", "bx-99120 broken", "PALÉTUVIER-7.JPG"):
        found = queries.search(member(olga), filters=Filters(text=words))
        assert [one.message.pk for one in found.messages] == [message.pk]


def test_file_of_a_message_whose_row_was_changed_says_so(
    member: Member, post: Post, fatou: Officer, olga: Officer
) -> None:
    name = checked(member(fatou), b"text", "a.txt").pk
    message = post(fatou, attachments=[name]).message
    Attachment.objects.filter(pk=name).update(sealed_facts=b"\x01" + bytes(60))
    [told] = files_of(member, olga, message.pk)
    assert (told["unreadable"], told["name"]) == (True, "")


def test_removal_and_message_at_the_same_moment_never_leave_half(
    member: Member, post: Post, fatou: Officer
) -> None:
    name = checked(member(fatou), b"text", "a.txt").pk
    uploads.remove_upload(member(fatou), attachment_id=name)
    with pytest.raises(InvalidMessage):
        post(fatou, attachments=[name])
    assert not Message.objects.exists()
