"""The event stream from a position, over HTTP and as a query."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Officer
from groups.announcements import announce
from groups.errors import NotAllowed
from groups.keys import rotate_epoch
from groups.models import ClosedUserGroup, EpochKey, Membership
from groups.queries import _wrapped_key
from messaging import wakeups
from messaging.actions import Posted, acknowledge_message, move_status, post_message, post_messages
from messaging.models import Event, Message
from messaging.queries import events_after, latest_events
from messaging.queries import moved as module
from messaging.wakeups import GroupMoved
from tests.cast import membership_of
from tests.messaging.conftest import draft
from vault import KeyDestroyed, keystore

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Member = Callable[[Officer], Membership]
Api = Callable[..., Client]


def seqs(page: Any) -> list[int]:
    return [item["seq"] for item in page.items]


def test_pages_follow_each_other_without_a_gap(member: Member, fatou: Officer, room: ClosedUserGroup) -> None:
    list(post_messages(member(fatou), [draft() for _ in range(25)]))
    position, got = 0, []
    while True:
        page = events_after(member(fatou), after=position, epoch=room.stream_epoch, limit=10)
        got += seqs(page)
        position = page.last
        if page.last == page.head:
            break
    assert got == list(range(1, 26))
    assert seqs(latest_events(member(fatou), limit=5)) == [21, 22, 23, 24, 25]


def test_a_page_is_bounded_by_bytes_too(
    member: Member, fatou: Officer, room: ClosedUserGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(post_messages(member(fatou), [draft(body={"text": "x" * 5000}) for _ in range(30)]))
    monkeypatch.setattr(module, "PAGE_BYTES", 60_000)
    page = events_after(member(fatou), after=0)
    assert 1 < len(page.items) < 12
    assert seqs(page) == list(range(1, len(page.items) + 1))
    monkeypatch.setattr(module, "PAGE_BYTES", 1)
    assert len(events_after(member(fatou), after=0).items) == 1


def test_a_position_that_cannot_be_served_starts_afresh(
    api: Api, post: Post, fatou: Officer, room: ClosedUserGroup
) -> None:
    post(fatou)
    client = api(fatou)

    def ask(query: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get(f"/api/v1/groups/{room.pk}/events?{query}").json()
        return answer

    assert ask(f"after=0&epoch={room.stream_epoch}")["restart"] is False
    for query in (f"after=0&epoch={uuid4()}", f"after=2&epoch={room.stream_epoch}"):
        answer = ask(query)
        assert answer["restart"] is True
        assert answer["events"] == []
        assert (answer["epoch"], answer["head"]) == (str(room.stream_epoch), 1)


def test_the_stream_is_shut_to_everybody_else(
    api: Api, post: Post, fatou: Officer, eve: Officer, removed: Officer, audrey: Officer, padma: Officer,
    room: ClosedUserGroup, other_group: ClosedUserGroup,
) -> None:  # fmt: skip
    post(fatou)
    path = f"/api/v1/groups/{room.pk}/events?after=0"
    assert Client().get(path).status_code == 401
    for officer in (eve, removed, padma):
        assert api(officer).get(path).status_code == 404
    assert api(audrey).get(path).status_code == 403
    assert api(fatou, "cen:read").get(path).status_code == 403
    assert api(fatou).get(path + "&limit=501").status_code == 422
    assert len(api(fatou).get(path).json()["events"]) == 1


def test_an_auditor_opens_nothing(member: Member, audrey: Officer) -> None:
    for read in (lambda m: events_after(m, after=0), latest_events):
        with pytest.raises(NotAllowed):
            read(member(audrey))


def test_what_happens_to_a_message_and_a_group_is_in_the_stream(
    post: Post, member: Member, amina: Officer, fatou: Officer, bruno: Officer, room: ClosedUserGroup
) -> None:
    message = post(fatou, "seizure").message
    acknowledge_message(member(amina), message_id=message.pk)
    move_status(member(bruno), message_id=message.pk, to="returned", reason="Which unit?")
    room.refresh_from_db()
    announce(room, type="phase", actor=amina.pk, data={"from": "operational", "to": "postoperational"})
    page = events_after(member(amina), after=0)
    assert [item["event"]["type"] for item in page.items] == ["message", "acknowledged", "status", "phase"]
    assert seqs(page) == [1, 2, 3, 4]
    first, second, third, fourth = (item["event"] for item in page.items)
    assert first["message"]["body"]["commodity"] == "DRG.tramadol"
    assert (second["message"], second["country"], second["actor"]) == (str(message.pk), "NG", str(amina.pk))
    assert (third["from"], third["to"], third["reason"]) == ("submitted", "returned", "Which unit?")
    assert (fourth["from"], fourth["to"]) == ("operational", "postoperational")


def test_a_change_of_members_is_appended(post: Post, member: Member, amina: Officer, fatou: Officer) -> None:
    from groups.actions import remove_member

    post(fatou)
    remove_member(member(amina), member_id=member(fatou).pk)
    events = events_after(member(amina), after=1).items
    told = next(item["event"] for item in events if item["event"]["type"] == "member")
    assert (told["change"], told["officer"]) == ("removed", str(fatou.pk))
    assert post(amina).message.key_epoch == 2  # sealed with a key that the removed one never had


def test_one_wake_up_per_commit_carries_only_identifiers(
    post: Post, member: Member, fatou: Officer, room: ClosedUserGroup, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    told: list[object] = []
    monkeypatch.setattr(wakeups.wake_ups(), "publish", told.append)
    with django_capture_on_commit_callbacks(execute=True):
        post(fatou)
    assert told == [GroupMoved(room.pk, 1)]
    told.clear()
    with django_capture_on_commit_callbacks(execute=True):
        list(post_messages(member(fatou), [draft() for _ in range(50)]))
    assert told == [GroupMoved(room.pk, 51)]


def test_a_message_moved_to_another_row_does_not_open(
    post: Post, member: Member, api: Api, fatou: Officer, bruno: Officer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two, three = (post(fatou, body={"text": f"lantern {n}"}).message for n in range(3))
    Message.objects.filter(pk=two.pk).update(sealed=one.sealed)
    told = [item["event"]["message"] for item in events_after(member(fatou), after=0).items]
    assert [(each["body"], each.get("unreadable", False)) for each in told] == [
        ({"text": "lantern 0"}, False),
        ({}, True),
        ({"text": "lantern 2"}, False),
    ]
    assert str(two.pk) in caplog.text
    Message.objects.filter(pk=one.pk).update(sender=bruno)
    [first] = events_after(member(fatou), after=0, limit=1).items
    assert (first["event"]["message"]["body"], first["event"]["message"]["subject"]) == ({}, "")
    client, path = api(fatou), f"/api/v1/groups/{one.group_id}"
    found = client.post(f"{path}/search", {"text": "lantern"}, "application/json").json()
    assert [each["id"] for each in found["messages"]] == [str(three.pk)]
    assert len(client.get(f"{path}/messages").json()["messages"]) == 3


def test_a_broken_key_of_one_epoch_silences_no_other(post: Post, member: Member, fatou: Officer) -> None:
    first = post(fatou).message
    rotate_epoch(first.group, actor=None, reason="test")
    post(fatou)
    EpochKey.objects.filter(group=first.group, epoch=1).update(wrapped=b"broken")
    _wrapped_key.cache_clear()
    told = [item["event"]["message"] for item in events_after(member(fatou), after=0).items]
    assert [each.get("unreadable", False) for each in told] == [True, False]


def test_a_destroyed_key_opens_nothing(
    post: Post, member: Member, api: Api, fatou: Officer, room: ClosedUserGroup
) -> None:
    post(fatou)
    keystore().destroy_group_key(room.pk)
    with pytest.raises(KeyDestroyed):
        events_after(member(fatou), after=0)
    assert api(fatou).get(f"/api/v1/groups/{room.pk}/events?after=0").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_numbers_are_gapless_in_commit_order_when_many_post_at_once(
    room: ClosedUserGroup, fatou: Officer, dmitri: Officer, amina: Officer
) -> None:
    members = [membership_of(officer, room) for officer in (fatou, dmitri, amina)]
    same = draft()
    failures: list[Exception] = []

    def work(member: Membership) -> None:
        try:
            for _ in range(15):
                post_message(member, draft=draft())
            if member is members[0]:
                post_message(member, draft=same)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[m]) for m in [*members, members[0]]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    count = 4 * 15 + 1  # the message that two threads sent at once is there once
    assert list(Event.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, count + 1))
    numbers = Message.objects.filter(kind="note").order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, count + 1))
    room.refresh_from_db()
    assert room.head == count
    times = list(Message.objects.order_by("seq").values_list("sent_at", flat=True))
    assert times == sorted(times)
