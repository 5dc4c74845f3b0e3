"""The console page, the record of one message, the figures of the left pane: who sees them, and what they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Officer
from groups.models import ClosedUserGroup, Membership, Phase, Role
from groups.phases import day_of
from groups.queries import today_utc
from messaging import actions
from messaging.drafts import Draft
from tests.cast import membership_of
from tests.messaging.conftest import seizure_body

pytestmark = pytest.mark.django_db

SignIn = Callable[[Client, Officer], Client]
PAGES = ["", "figures/", "situation/"]


def note(membership: Membership, text: str, **values: Any) -> Any:
    draft = Draft(id=uuid4(), kind="note", body={"text": text}, **values)
    return actions.post_message(membership, draft=draft).message


def page_data(html: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))  # type: ignore[no-any-return]


def test_member_sees_the_console(client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup) -> None:
    asked_on = today_utc()
    answer = sign_in(client, bruno).get(f"/groups/{room.pk}/")
    assert answer.status_code == 200
    data = page_data(answer.content.decode(), "console-data")
    assert data["group"]["code"] == "HARMATTAN"
    # The third, and the fourth where midnight has passed since the operation was made.
    days = {day_of(room, day) for day in (asked_on, today_utc())}
    assert (data["group"]["operation_day"], data["group"]["operation_days"]) in days
    assert data["me"]["country"] == "GH"
    assert {country["code"] for country in data["group"]["countries"]} == {"NG", "FR", "GH", "BE"}
    allowed = {kind["code"] for kind in data["kinds"] if kind["allowed"]}
    assert {"note", "warning", "seizure"} <= allowed
    assert "sitrep" not in allowed
    assert "warning" in data["forms"]


def test_nothing_of_the_console_is_kept_by_caches(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    answer = sign_in(client, bruno).get(f"/groups/{room.pk}/")
    assert "no-store" in answer["Cache-Control"]


def test_page_has_no_inline_script_or_style(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    html = sign_in(client, bruno).get(f"/groups/{room.pk}/").content.decode()
    for script in re.findall(r"<script(?![^>]*application/json)[^>]*>", html):
        assert "src=" in script
        assert "nonce=" in script
    assert not re.search(r"\s(style|on\w+)=", html)


@pytest.mark.parametrize("page", PAGES)
def test_stranger_cannot_tell_the_group_exists(
    client: Client, sign_in: SignIn, eve: Officer, room: ClosedUserGroup, page: str
) -> None:
    sign_in(client, eve)
    there = client.get(f"/groups/{room.pk}/{page}")
    nowhere = client.get(f"/groups/{uuid4()}/{page}")
    assert there.status_code == nowhere.status_code == 404
    clean = re.compile(rb"nonce-?=?\"?[\w-]+|[0-9a-f-]{36}|csrfmiddlewaretoken\" value=\"\w+\"")
    assert clean.sub(b"", there.content) == clean.sub(b"", nowhere.content)


@pytest.mark.parametrize("page", PAGES)
def test_auditor_reads_no_content(
    client: Client, sign_in: SignIn, audrey: Officer, room: ClosedUserGroup, page: str
) -> None:
    assert sign_in(client, audrey).get(f"/groups/{room.pk}/{page}").status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_removed_member_is_a_stranger(
    client: Client, sign_in: SignIn, removed: Officer, room: ClosedUserGroup, page: str
) -> None:
    assert sign_in(client, removed).get(f"/groups/{room.pk}/{page}").status_code == 404


WRITE = 'data-screen-button="compose"'  # the phone's way to the composer


def test_observer_may_write_nothing(client: Client, sign_in: SignIn, olga: Officer, room: ClosedUserGroup) -> None:
    html = sign_in(client, olga).get(f"/groups/{room.pk}/").content.decode()
    data = page_data(html, "console-data")
    assert not any(kind["allowed"] for kind in data["kinds"])
    assert data["forms"] == {}
    assert WRITE not in html
    assert 'id="composer-closed">Your role reads here' in html


def test_who_writes_is_led_to_the_composer(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    html = sign_in(client, bruno).get(f"/groups/{room.pk}/").content.decode()
    assert WRITE in html
    assert 'id="composer-closed" hidden>' in html


@pytest.mark.parametrize("phase", [Phase.PLANNING, Phase.CLOSED])
def test_nothing_leads_to_writing_where_the_phase_forbids_it(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup, phase: Phase
) -> None:
    report = f'href="/groups/{room.pk}/seizure/"'
    sign_in(client, bruno)
    assert report in client.get(f"/groups/{room.pk}/").content.decode()
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=phase)
    html = client.get(f"/groups/{room.pk}/").content.decode()
    assert report not in html
    assert WRITE not in html


def test_console_of_an_archived_group_says_that_nothing_is_left(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=Phase.ARCHIVED)
    answer = sign_in(client, bruno).get(f"/groups/{room.pk}/")
    assert answer.status_code == 410
    assert "can never be read again" in answer.content.decode()


def test_closed_operation_offers_no_composer(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=Phase.CLOSED)
    data = page_data(sign_in(client, bruno).get(f"/groups/{room.pk}/").content.decode(), "console-data")
    assert not any(kind["allowed"] for kind in data["kinds"])


def test_record_shows_text_receipts_and_thread(
    client: Client, sign_in: SignIn, bruno: Officer, dmitri: Officer, room: ClosedUserGroup
) -> None:
    asked = note(membership_of(dmitri, room), "Watch the quay <b>tonight</b>", acknowledge=True)
    note(membership_of(bruno, room), "We are there", in_reply_to=asked.pk)
    actions.acknowledge_message(membership_of(bruno, room), message_id=asked.pk)
    html = sign_in(client, bruno).get(f"/groups/{room.pk}/messages/{asked.pk}/").content.decode()
    assert "Watch the quay &lt;b&gt;tonight&lt;/b&gt;" in html
    assert "We are there" in html
    assert 'class="ack ack-done" title="Bruno"' in html
    assert 'data-action="acknowledge"' not in html
    assert 'data-action="answer"' in html


def test_record_offers_the_acknowledgement_once(
    client: Client, sign_in: SignIn, bruno: Officer, dmitri: Officer, room: ClosedUserGroup
) -> None:
    asked = note(membership_of(dmitri, room), "Watch the quay", acknowledge=True)
    sign_in(client, bruno)
    assert 'data-action="acknowledge"' in client.get(f"/groups/{room.pk}/messages/{asked.pk}/").content.decode()
    sign_in(client, dmitri)
    assert 'data-action="acknowledge"' not in client.get(f"/groups/{room.pk}/messages/{asked.pk}/").content.decode()


def test_record_is_due_until_every_country_named_has_answered(
    client: Client, sign_in: SignIn, bruno: Officer, dmitri: Officer, amina: Officer, room: ClosedUserGroup
) -> None:
    draft = Draft(
        id=uuid4(),
        kind="request",
        body={"question": "Who unloaded it?"},
        addressed_to={"countries": ["GH", "NG"]},
        due_at=timezone.now() + timedelta(hours=2),
    )
    asked = actions.post_message(membership_of(dmitri, room), draft=draft).message
    sign_in(client, dmitri)
    for officer, tag in ((bruno, r"due \d+ \w+, \d\d:\d\d UTC"), (amina, "answered")):
        answer = Draft(id=uuid4(), kind="reply", body={"answer": "Not we"}, in_reply_to=asked.pk)
        actions.post_message(membership_of(officer, room), draft=answer)
        html = client.get(f"/groups/{room.pk}/messages/{asked.pk}/").content.decode()
        assert re.search(rf'<span class="pill">{tag}</span>', html)


def test_record_of_another_group_is_not_found(
    client: Client,
    sign_in: SignIn,
    dmitri: Officer,
    eve: Officer,
    room: ClosedUserGroup,
    other_group: ClosedUserGroup,
) -> None:
    asked = note(membership_of(dmitri, room), "Watch the quay")
    sign_in(client, eve)
    assert client.get(f"/groups/{room.pk}/messages/{asked.pk}/").status_code == 404
    assert client.get(f"/groups/{other_group.pk}/messages/{asked.pk}/").status_code == 404


def test_figures_count_what_waits_for_my_country(
    client: Client, sign_in: SignIn, bruno: Officer, dmitri: Officer, room: ClosedUserGroup
) -> None:
    draft = Draft(
        id=uuid4(), kind="request", body={"question": "Who unloaded it?"}, addressed_to={"countries": ["GH"]}
    )
    actions.post_message(membership_of(dmitri, room), draft=draft)
    counts = sign_in(client, bruno).get(f"/groups/{room.pk}/figures/").json()["counts"]
    assert (counts["all"], counts["waiting"], counts["requests"]) == (1, 1, 1)
    assert sign_in(client, dmitri).get(f"/groups/{room.pk}/figures/").json()["counts"]["waiting"] == 0


@pytest.mark.parametrize(
    ("kind", "phase", "late"),
    [
        ("operation", Phase.PREOPERATIONAL, 0),
        ("operation", Phase.OPERATIONAL, 1),
        ("standing", Phase.OPERATIONAL, 0),
    ],
)
def test_silent_country_is_overdue_while_an_operation_runs(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup, kind: str, phase: Phase, late: int
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(kind=kind, phase=phase)
    countries = sign_in(client, bruno).get(f"/groups/{room.pk}/figures/").json()["countries"]
    assert {country["state"] for country in countries} == {"silent"}
    assert {country["overdue"] for country in countries} == {bool(late)}
    assert client.get(f"/groups/{room.pk}/").content.decode().count("dot-alert") == late * len(countries)
    overdue = client.get(f"/groups/{room.pk}/situation/").content.decode().count("status-overdue")
    assert overdue == late * len(countries)


def test_seizure_page_starts_from_its_warning(
    client: Client, sign_in: SignIn, bruno: Officer, dmitri: Officer, room: ClosedUserGroup
) -> None:
    body = {"target": "CTN", "requested_action": ["INS"], "conveyance": "SEA", "destination_country": "GH"}
    draft = Draft(id=uuid4(), kind="warning", body=body, subject="Ceramic tiles")
    warning = actions.post_message(membership_of(dmitri, room), draft=draft).message
    html = sign_in(client, bruno).get(f"/groups/{room.pk}/seizure/?warning={warning.pk}").content.decode()
    data = page_data(html, "seizure-data")
    assert data["warning"]["reference"] == warning.reference
    assert data["warning"]["body"]["conveyance"] == "SEA"
    assert [choice["code"] for choice in data["warnings"]] == [str(warning.pk)]


def test_seizure_page_of_a_correction_knows_what_is_said_beside_the_form(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    said: dict[str, Any] = {
        "priority": "immediate",
        "handling": "RED",
        "grading": {"source": "B", "information": "2"},
        "addressed_to": {"countries": ["NG"]},
        "acknowledge": True,
    }
    draft = Draft(id=uuid4(), kind="seizure", body=seizure_body(country="GH"), **said)
    first = actions.post_message(membership_of(bruno, room), draft=draft).message
    html = sign_in(client, bruno).get(f"/groups/{room.pk}/seizure/?supersedes={first.pk}").content.decode()
    corrected = page_data(html, "seizure-data")["corrected"]
    assert corrected["envelope"] == {**said, "in_reply_to": None}
    assert (corrected["id"], corrected["body"]["country"]) == (str(first.pk), "GH")


def test_seizure_page_is_for_those_who_report(
    client: Client, sign_in: SignIn, olga: Officer, eve: Officer, room: ClosedUserGroup
) -> None:
    assert sign_in(client, olga).get(f"/groups/{room.pk}/seizure/").status_code == 403
    assert sign_in(client, eve).get(f"/groups/{room.pk}/seizure/").status_code == 404


def test_seizure_page_of_a_closed_operation_says_so(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase=Phase.CLOSED)
    answer = sign_in(client, bruno).get(f"/groups/{room.pk}/seizure/")
    assert answer.status_code == 409
    assert "closed" in answer.content.decode()


def test_seizure_page_refuses_a_warning_from_elsewhere(
    client: Client, sign_in: SignIn, bruno: Officer, room: ClosedUserGroup
) -> None:
    sign_in(client, bruno)
    assert client.get(f"/groups/{room.pk}/seizure/?warning={uuid4()}").status_code == 404
    assert client.get(f"/groups/{room.pk}/seizure/?warning=nonsense").status_code == 404


def test_roles_see_their_pages_in_the_navigation(
    client: Client, sign_in: SignIn, olga: Officer, amina: Officer, room: ClosedUserGroup
) -> None:
    assert membership_of(amina, room).role == Role.COORDINATOR
    settings = f'href="/groups/{room.pk}/settings/"'
    assert settings in sign_in(client, amina).get(f"/groups/{room.pk}/").content.decode()
    assert settings not in sign_in(client, olga).get(f"/groups/{room.pk}/").content.decode()
