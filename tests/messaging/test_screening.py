"""Before sending the server says what to ask; the answers go with the message; nothing else is stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from accounts.models import Officer
from audit.models import Entry
from groups.models import ClosedUserGroup, Membership
from messaging.models import Message
from messaging.queries import opened
from messaging.queries.record import record_of
from tests.cast import membership_of
from tests.messaging.conftest import seizure_body, wire
from tests.messaging.uploads import checked, picture

pytestmark = pytest.mark.django_db
Api = Callable[..., Client]
TELLING = "driver Kofi Mensah, call +233 24 555 0187"


def ask(client: Client, group: ClosedUserGroup, **values: Any) -> Any:
    payload = {"kind": "note", "body": {"text": TELLING}} | values
    return client.post(f"/api/v1/groups/{group.pk}/screening", payload, content_type="application/json")


def test_findings_are_told_with_their_place(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    answer = ask(api(fatou), room, subject="for Mme Aïcha Diallo")
    assert answer.status_code == 200
    data = answer.json()
    assert [(one["field"], one["kind"], one["passage"]) for one in data["findings"]] == [
        ("subject", "name", "Aïcha Diallo"),
        ("text", "name", "Kofi Mensah"),
        ("text", "phone", "+233 24 555 0187"),
    ]
    name = data["findings"][1]
    assert TELLING[name["start"] : name["end"]] == "Kofi Mensah"
    assert (data["nominal_allowed"], data["questions"]) == (False, [])


def test_file_names_and_captions_are_screened(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    files = [{"name": "kofi_mensah_id.jpg", "caption": "passport A1234567"}, {"name": "door.jpg"}]
    data = ask(api(fatou), room, body={"text": "see files"}, files=files).json()
    assert [(one["field"], one["kind"]) for one in data["findings"]] == [
        ("files.0.name", "name"),
        ("files.0.caption", "passport"),
    ]


def test_odd_values_are_asked_about(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    body = seizure_body(quantity={"value": "90000000", "unit": "KGM"})
    data = ask(api(fatou), room, kind="seizure", body=body).json()
    assert ("quantity", "unusual_quantity") in {
        (one["field"].partition(".")[0], one["code"]) for one in data["questions"]
    }


def test_a_group_with_nominal_data_is_not_asked(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(nominal_allowed=True)
    data = ask(api(fatou), room).json()
    assert (data["nominal_allowed"], data["findings"]) == (True, [])


def test_stranger_reader_and_token_without_the_scope_are_refused(
    api: Api, room: ClosedUserGroup, eve: Officer, olga: Officer, fatou: Officer
) -> None:
    assert ask(api(eve), room).status_code == 404
    assert ask(api(olga), room).status_code == 403
    assert ask(api(fatou, "messages:read"), room).status_code == 403
    assert ask(api(fatou), room, kind="poem").status_code in {404, 409, 422}


@pytest.mark.usefixtures("_no_time_passes")
def test_too_much_and_too_often_are_refused(
    api: Api, room: ClosedUserGroup, fatou: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(api(fatou), room, body={"text": "x" * 70_000}).status_code == 413
    monkeypatch.setitem(settings.CENCOMM_LIMITS, "screenings_per_officer_per_minute", 2)
    client = api(fatou)
    answers = [ask(client, room) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    posted = client.post(f"/api/v1/groups/{room.pk}/messages", wire(), content_type="application/json")
    assert posted.status_code == 201, "asking often does not keep anybody from sending"


def test_nothing_is_stored_or_logged(
    api: Api, room: ClosedUserGroup, fatou: Officer, caplog: pytest.LogCaptureFixture
) -> None:
    client = api(fatou)  # its token has an entry of its own
    before = Entry.objects.count()
    with caplog.at_level(logging.DEBUG):
        assert ask(client, room).status_code == 200
    assert (Entry.objects.count(), Message.objects.count()) == (before, 0)
    assert "Mensah" not in caplog.text


def send(client: Client, group: ClosedUserGroup, **values: Any) -> Any:
    payload = {**wire(), "id": str(uuid4()), "body": {"text": TELLING}, **values}
    return client.post(f"/api/v1/groups/{group.pk}/messages", payload, content_type="application/json")


CONFIRMED = [{"field": "text", "code": "name", "passage": "Kofi Mensah", "reason": "official"}]


def test_what_was_confirmed_goes_with_the_message_under_its_seal(
    api: Api, room: ClosedUserGroup, fatou: Officer
) -> None:
    answer = send(api(fatou), room, confirmed=CONFIRMED)
    assert (answer.status_code, answer.json()["confirmed"]) == (201, CONFIRMED)
    message = Message.objects.get()
    assert b"official" not in bytes(message.sealed)
    [found] = opened(membership_of(fatou, room), [message])
    assert list(found.confirmed) == CONFIRMED
    assert "confirmed" not in send(api(fatou), room).json()


def test_the_same_message_again_and_with_another_confirmation(
    api: Api, room: ClosedUserGroup, fatou: Officer
) -> None:
    client, one = api(fatou), str(uuid4())
    assert send(client, room, id=one, confirmed=CONFIRMED).status_code == 201
    assert send(client, room, id=one, confirmed=CONFIRMED).status_code == 200
    assert send(client, room, id=one).status_code == 409


def test_a_confirmation_in_words_of_its_own_is_refused(api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    answer = send(api(fatou), room, confirmed=[{**CONFIRMED[0], "reason": "he is a friend"}])
    assert answer.status_code == 422
    assert "friend" not in json.dumps(answer.json())


def told(membership: Membership, message: Message) -> list[tuple[str, bool]]:
    found = record_of(membership, message.pk, language="en").findings
    return [(one.passage, bool(one.reason)) for one in found]


def test_the_sender_and_the_coordinator_see_it_on_the_message_others_do_not(
    api: Api, room: ClosedUserGroup, fatou: Officer, amina: Officer, chloe: Officer, olga: Officer
) -> None:
    """As after an hour without a network: it was sent, and nobody could be asked before."""
    assert send(api(fatou), room, confirmed=CONFIRMED).status_code == 201
    message = Message.objects.get()
    for looks in (fatou, amina):
        assert told(membership_of(looks, room), message) == [("Kofi Mensah", True), ("+233 24 555 0187", False)]
    for other in (chloe, olga):
        assert told(membership_of(other, room), message) == []
    ClosedUserGroup.objects.filter(pk=room.pk).update(nominal_allowed=True)
    assert told(membership_of(fatou, room), message) == []


def test_names_and_captions_of_files_are_told_on_the_message(
    api: Api,
    room: ClosedUserGroup,
    fatou: Officer,
    amina: Officer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(settings, "CENCOMM_ATTACHMENTS", str(tmp_path))
    sender = membership_of(fatou, room)
    file = checked(sender, picture(), "kofi_mensah_id.jpg", caption="passport A1234567")
    confirmed = [{"field": "files.0.name", "code": "name", "passage": "kofi_mensah", "reason": "official"}]
    answer = send(api(fatou), room, body={"text": "see the file"}, attachments=[str(file.pk)], confirmed=confirmed)
    assert answer.status_code == 201, answer.content
    with translation.override("en"):
        found = record_of(membership_of(amina, room), Message.objects.get().pk, language="en").findings
    assert [(one.passage, one.field_label, bool(one.reason)) for one in found] == [
        ("kofi_mensah", "Name of a file", True),
        ("A1234567", "Caption of a file", False),
    ]


def test_the_record_shows_it(client: Client, sign_in: Any, api: Api, room: ClosedUserGroup, fatou: Officer) -> None:
    Officer.objects.filter(pk=fatou.pk).update(language="en")
    fatou.refresh_from_db()
    assert send(api(fatou), room, confirmed=CONFIRMED).status_code == 201
    page = sign_in(client, fatou).get(f"/groups/{room.pk}/messages/{Message.objects.get().pk}/")
    assert "This may point at a person" in page.content.decode()
    assert "It names an official in office." in page.content.decode()
