"""Lists, search, one message with its thread, counts, the situation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Officer
from audit.models import Entry
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted, acknowledge_message, mark_seen, move_status, post_messages
from messaging.folding import fold
from messaging.models import Message
from messaging.queries import card_facts, console_counts, searching, seized, situation
from tests.messaging.conftest import DAY, draft, seizure_body
from vault import KeyDestroyed

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Member = Callable[[Officer], Membership]
Api = Callable[..., Client]


@pytest.fixture
def ask(api: Api, room: ClosedUserGroup) -> Callable[..., Any]:
    def ask(officer: Officer, **filters: Any) -> Any:
        path = f"/api/v1/groups/{room.pk}"
        if {"text", "commodity"} & set(filters):
            lists = {name: [value] if name == "commodity" else value for name, value in filters.items()}
            answer = api(officer).post(f"{path}/search", lists, "application/json")
        else:
            answer = api(officer).get(f"{path}/messages?{urlencode(filters, doseq=True)}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def test_newest_first_by_cursor(ask: Any, member: Member, fatou: Officer) -> None:
    list(post_messages(member(fatou), [draft() for _ in range(7)]))
    first = ask(fatou, limit=3)
    assert [m["seq"] for m in first["messages"]] == [7, 6, 5]
    second = ask(fatou, limit=3, after=first["next"])
    assert [m["seq"] for m in second["messages"]] == [4, 3, 2]
    last = ask(fatou, limit=3, after=second["next"])
    assert ([m["seq"] for m in last["messages"]], last["next"]) == ([1], None)


def test_each_filter_narrows(ask: Any, post: Post, amina: Officer, fatou: Officer, dmitri: Officer) -> None:
    post(amina, "warning", addressed_to={"countries": ["GH"]}, due_at=timezone.now() - timedelta(hours=1))  # 1
    post(fatou, "seizure")  # 2
    post(
        dmitri, "seizure", body=seizure_body(country="BE", commodity="TOB.cigarettes_genuine"), priority="immediate"
    )  # 3
    post(dmitri)  # 4
    late = timezone.now()
    post(amina, "warning")  # 5

    def seqs(officer: Officer = fatou, **filters: Any) -> list[int]:
        return [m["seq"] for m in ask(officer, **filters)["messages"]]

    assert seqs(kind="seizure") == [3, 2]
    assert seqs(kind=["seizure", "note"]) == [4, 3, 2]
    assert seqs(country="BE") == [4, 3]
    assert seqs(priority="immediate") == [3]
    assert seqs(status="submitted", country="GH") == [2]
    assert seqs(**{"from": late.isoformat()}) == [5]
    assert seqs(to=late.isoformat()) == [4, 3, 2, 1]
    assert seqs(mine="true") == [2]
    assert seqs(overdue="true") == [1]
    assert seqs(open="true") == [5, 1]
    assert seqs(waiting="true") == [5, 1]
    assert seqs(dmitri, waiting="true") == [5]
    assert seqs(commodity="TOB") == [3]
    assert seqs(commodity="DRG.tramadol") == [2]
    assert seqs(commodity="DRG.heroin") == []


def test_an_answer_settles_a_question(
    ask: Any, post: Post, amina: Officer, fatou: Officer, dmitri: Officer
) -> None:
    warning = post(amina, "warning", addressed_to={"countries": ["BE", "GH"]}).message
    post(fatou, "feedback", in_reply_to=warning.pk)
    [open_one] = ask(fatou, open="true")["messages"]
    assert open_one["answered_by"] == ["GH"]
    assert ask(fatou, waiting="true")["messages"] == []
    corrected = post(amina, "warning", addressed_to={"countries": ["BE", "GH"]}, supersedes=warning.pk).message
    [open_one] = ask(dmitri, waiting="true")["messages"]
    assert open_one["id"] == str(corrected.pk)
    post(dmitri, "feedback", in_reply_to=corrected.pk)
    assert ask(fatou, open="true")["messages"] == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Camion BÂCHÉ à l'entrée", "bache camion"),
        ("Контейнер с сигаретами, Ёлкино", "елкино КОНТЕЙНЕР"),
        ("شُحِنَت الأدوية إلى القاهرة", "الادويه القاهره"),
        ("كمية ٢٤٠ حبة", "240"),
        ("Straße 7, Łódź", "strasse lodz"),
        ("MSKU 1234565", "msku"),
        ("İstanbul liman", "istanbul"),
    ],
)
def test_a_search_finds_words_whatever_their_case_and_accents(
    text: str, query: str, ask: Any, post: Post, fatou: Officer
) -> None:
    wanted = post(fatou, body={"text": text}).message
    post(fatou, body={"text": "Nothing of the kind"})
    assert [m["id"] for m in ask(fatou, text=query)["messages"]] == [str(wanted.pk)]


def test_a_search_needs_every_word_and_knows_references(ask: Any, post: Post, fatou: Officer) -> None:
    one = post(fatou, body={"text": "grey van with tablets"}).message
    two = post(fatou, body={"text": "grey lorry"}).message
    assert [m["seq"] for m in ask(fatou, text="grey")["messages"]] == [two.seq, one.seq]
    assert [m["seq"] for m in ask(fatou, text="grey tablets")["messages"]] == [one.seq]
    assert [m["seq"] for m in ask(fatou, text="msg-00002")["messages"]] == [two.seq]
    assert ask(fatou, text="%' OR 1=1")["messages"] == []


def test_a_search_goes_on_from_its_cursor_and_is_audited(
    ask: Any, member: Member, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(post_messages(member(fatou), [draft(body={"text": f"parcel {n % 2}"}) for n in range(10)]))
    first = ask(fatou, text="parcel 1", limit=3)
    second = ask(fatou, text="parcel 1", limit=3, after=first["next"])
    assert [m["seq"] for m in first["messages"] + second["messages"]] == [10, 8, 6, 4, 2]
    entry = Entry.objects.filter(action="message:search:read").first()
    assert entry is not None
    assert entry.actor == fatou.pk
    assert "parcel" not in str(entry.details)
    monkeypatch.setattr(searching, "SCAN_SECONDS", -1.0)
    list(post_messages(member(fatou), [draft(body={"text": "x"}) for _ in range(600)]))
    stopped = ask(fatou, text="parcel")
    assert (stopped["messages"], stopped["complete"]) == ([], False)
    assert stopped["next"] == 111


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FFF, categories=["L", "N"]), max_size=40))
def test_what_was_written_is_found_as_it_was_written(text: str) -> None:
    assert fold(text) in fold(f"{text}")
    assert fold(text.upper()) == fold(text.upper().lower()) or len(text.upper()) != len(text)


def test_one_message_with_thread_receipts_and_history(
    api: Api, post: Post, member: Member, amina: Officer, fatou: Officer, bruno: Officer
) -> None:
    warning = post(amina, "warning", acknowledge=True).message
    acknowledge_message(member(bruno), message_id=warning.pk)
    feedback = post(fatou, "feedback", in_reply_to=warning.pk).message
    post(amina, in_reply_to=feedback.pk)
    move_status(member(amina), message_id=feedback.pk, to="withdrawn", reason="Sent by mistake")
    told = api(fatou).get(f"/api/v1/messages/{warning.pk}").json()
    assert [m["kind"] for m in told["thread_messages"]] == ["warning", "feedback", "note"]
    assert told["acknowledged"][0]["officer"]["name"] == "Bruno"
    assert told["acknowledgements"]["done"] == {"GH": 1}
    assert told["answered_by"] == []  # the answer was withdrawn
    history = api(fatou).get(f"/api/v1/messages/{feedback.pk}").json()["history"]
    assert [(entry["what"], entry.get("reason")) for entry in history] == [
        ("sent", None), ("status", "Sent by mistake"),
    ]  # fmt: skip


def test_strangers_read_nothing(
    api: Api, post: Post, fatou: Officer, eve: Officer, removed: Officer, audrey: Officer, padma: Officer,
    room: ClosedUserGroup, other_group: ClosedUserGroup,
) -> None:  # fmt: skip
    message = post(fatou).message
    paths = [
        f"/api/v1/groups/{room.pk}/messages",
        f"/api/v1/groups/{room.pk}/counts",
        f"/api/v1/groups/{room.pk}/situation",
        f"/api/v1/messages/{message.pk}",
    ]
    for path in paths:
        assert Client().get(path).status_code == 401
        assert api(audrey).get(path).status_code == 403
        assert api(fatou, "cen:read").get(path).status_code == 403
        assert api(fatou).get(path).status_code == 200
        for officer in (eve, removed, padma):
            answer = api(officer).get(path)
            assert answer.status_code == 404
            assert b"lantern" not in answer.content
    words = (f"/api/v1/groups/{room.pk}/search", {"text": "lantern"}, "application/json")
    assert api(fatou).post(*words).json()["messages"][0]["id"] == str(message.pk)
    assert [Client().post(*words).status_code, api(fatou, "cen:read").post(*words).status_code] == [401, 403]
    assert [api(officer).post(*words).status_code for officer in (audrey, eve, removed, padma)] == [
        403,
        404,
        404,
        404,
    ]
    gone = api(eve).get(f"/api/v1/messages/{uuid4()}").json()
    assert api(eve).get(f"/api/v1/messages/{message.pk}").json() == gone


def test_counts_tell_what_waits_for_whom(
    post: Post, member: Member, amina: Officer, fatou: Officer, bruno: Officer, dmitri: Officer
) -> None:
    post(amina, "warning", addressed_to={"countries": ["GH"]}, due_at=timezone.now() - timedelta(minutes=1))
    post(amina, "bulletin")
    seizure = post(fatou, "seizure").message
    of_fatou, of_bruno, of_dmitri = (console_counts(member(o)) for o in (fatou, bruno, dmitri))
    assert (of_fatou["unread"], of_bruno["unread"]) == (2, 3)
    assert (of_fatou["open"], of_fatou["overdue"], of_fatou["waiting"], of_dmitri["waiting"]) == (1, 1, 1, 0)
    assert (of_fatou["to_acknowledge"], of_bruno["to_validate"], of_dmitri["to_validate"]) == (1, 1, 0)
    mark_seen(member(fatou), seq=2)
    assert console_counts(member(fatou))["unread"] == 0
    move_status(member(bruno), message_id=seizure.pk, to="returned", reason="Unit?")
    assert console_counts(member(fatou))["returned"] == 1
    [facts] = card_facts([member(fatou)]).values()
    assert (facts["unread"], facts["waiting"], facts["overdue"]) == (0, 1, 1)
    assert facts["last_event_at"] is not None


def test_reading_only_goes_forward(api: Api, post: Post, fatou: Officer, room: ClosedUserGroup) -> None:
    for _ in range(3):
        post(fatou)
    client = api(fatou)

    def seen(seq: int) -> int:
        path = f"/api/v1/groups/{room.pk}/seen"
        return int(client.put(path, {"seq": seq}, content_type="application/json").json()["seq"])

    assert [seen(2), seen(1), seen(10**9)] == [2, 2, 3]


def test_the_situation_counts_what_stands(
    post: Post, member: Member, api: Api, amina: Officer, fatou: Officer, dmitri: Officer, bruno: Officer,
    room: ClosedUserGroup, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # all of it lies in one reporting day
    old = post(fatou, "seizure", body=seizure_body(cases=5)).message
    post(fatou, "seizure", body=seizure_body(cases=2), supersedes=old.pk)
    withdrawn = post(dmitri, "seizure", body=seizure_body(country="BE", commodity="TOB.cigarettes_genuine")).message
    move_status(member(dmitri), message_id=withdrawn.pk, to="withdrawn", reason="Duplicate")
    post(dmitri, "nil", body={"day": timezone.now().date().isoformat()})
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="preoperational")
    post(amina, "seizure", body=seizure_body(country="NG", cases=100))
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="operational")
    warning = post(amina, "warning", due_at=timezone.now() + timedelta(hours=1)).message
    post(bruno, "feedback", in_reply_to=warning.pk)
    found = situation(member(amina))
    assert {row["country"]: row["state"] for row in found["coverage"]} == {
        "BE": "nil", "FR": "silent", "GH": "reported", "NG": "silent",
    }  # fmt: skip
    assert (found["seizures"]["reports"], found["seizures"]["cases"]) == (1, 2)
    assert found["seizures"]["by_commodity"] == [
        {"commodity": "DRG.tramadol", "cases": 2, "quantities": {"H87": "1240"}}
    ]
    assert found["seizures"]["flows"] == [{"from": "IN", "to": "NE", "cases": 2}]
    assert found["seizures"]["by_day"] == [{"day": DAY.isoformat(), "groups": {"DRG": 2}}]
    assert found["questions"]["warning"]["answered"] == found["questions"]["warning"]["in_time"] == 1
    assert api(fatou).get(f"/api/v1/groups/{room.pk}/situation").json() == situation(member(fatou))


def test_a_page_costs_the_same_number_of_statements_however_long(
    member: Member, post: Post, fatou: Officer, amina: Officer, django_assert_num_queries: Any
) -> None:
    from messaging.queries import messages_page

    for kind in ("warning", "bulletin", "note"):
        post(amina, kind)
    reader = member(fatou)
    with django_assert_num_queries(4):
        messages_page(reader, limit=100)
    list(post_messages(member(amina), [draft(kind) for kind in ("warning", "bulletin", "note") * 20]))
    with django_assert_num_queries(4):
        assert len(messages_page(reader, limit=100).messages) == 63
    assert Message.objects.count() == 63


def test_what_was_summed_up_before_follows_corrections_and_withdrawals(
    post: Post, member: Member, fatou: Officer, dmitri: Officer, room: ClosedUserGroup
) -> None:
    def told() -> Any:
        return situation(member(fatou))["seizures"]

    def afresh() -> Any:
        with patch.dict(seized._kept, clear=True):
            return told()

    assert told()["reports"] == 0
    first = post(fatou, "seizure", body=seizure_body(cases=5, commodity="TOB.cigarettes_genuine")).message
    second = post(dmitri, "seizure", body=seizure_body(country="BE", cases=3)).message
    assert told() == afresh()
    assert (told()["reports"], told()["cases"]) == (2, 8)
    before = (DAY - timedelta(days=1)).isoformat()
    post(fatou, "seizure", body=seizure_body(cases=1, date=before), supersedes=first.pk)
    assert told() == afresh()
    assert told()["by_day"] == [
        {"day": before, "groups": {"DRG": 1}},
        {"day": DAY.isoformat(), "groups": {"DRG": 3}},
    ]
    move_status(member(dmitri), message_id=second.pk, to="withdrawn", reason="Duplicate")
    never_counted = post(dmitri, "seizure", body=seizure_body(cases=50)).message
    move_status(member(dmitri), message_id=never_counted.pk, to="withdrawn", reason="Duplicate")
    assert told() == afresh()
    post(dmitri, "seizure", body=seizure_body(cases=7))
    assert told() == afresh()
    assert (told()["reports"], told()["cases"], told()["by_country"]) == (2, 8, {"GH": 8})


def test_sums_of_an_archived_group_are_told_to_nobody_and_forgotten(
    post: Post, member: Member, fatou: Officer, room: ClosedUserGroup
) -> None:
    post(fatou, "seizure")
    situation(member(fatou))
    assert any(group == room.pk for group, _epoch in seized._kept)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="archived")
    with pytest.raises(KeyDestroyed):
        seized.seized(member(fatou))
    assert all(group != room.pk for group, _epoch in seized._kept)


def test_seizures_are_opened_once(post: Post, member: Member, fatou: Officer, room: ClosedUserGroup) -> None:
    for _ in range(3):
        post(fatou, "seizure")
    counted: list[int] = []

    def counting(*given: Any) -> Any:
        found = list(searching.scan(*given))
        counted.append(len(found))
        return found

    with patch.object(seized, "scan", counting):
        situation(member(fatou))
        situation(member(fatou))
        post(fatou, "seizure")
        situation(member(fatou))
    assert counted == [3, 0, 1]


def test_times_of_any_zone_are_understood(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    """RFC 3339 has zones that PostgreSQL refuses, and times whose UTC is before the first year."""
    path = f"/api/v1/groups/{room.pk}/messages"
    for at in ("2026-11-20T00:00:00-16:47", "2026-11-20T00:00:00+23:59", "0557-11-06T00:56:36.62-16:47"):
        assert api(fatou).get(path, {"from": at, "to": at}).status_code == 200
    for at in ("0001-01-01T00:00:00+23:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00"):
        assert api(fatou).get(path, {"from": at}).status_code == 422
