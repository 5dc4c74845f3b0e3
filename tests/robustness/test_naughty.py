"""Naughty words through a group: read back equal or refused at their field, found again, shown as text alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging import limits
from messaging.kinds import RULES
from simplified_forms.actions import create_starting_templates
from simplified_forms.fields import Kind
from tests.cast import sign_in
from tests.messaging.conftest import wire
from tests.messaging.server import Talker, running_server
from tests.robustness.naughty import Through, places_of_form
from tests.robustness.words import NAUGHTY, encodable

Token = Callable[..., str]
WIRE_WORDS = [word for word in NAUGHTY if encodable(word)]


@pytest.fixture
def through(group: ClosedUserGroup, fatou: Officer, token_for: Token, monkeypatch: pytest.MonkeyPatch) -> Through:
    """A way through the group that nothing slows down."""
    create_starting_templates(group)
    monkeypatch.setitem(django_settings.CENCOMM_LIMITS, "posts_per_officer_per_minute", 10**6)
    limits._pace.cache_clear()
    api = Client(headers={"Authorization": f"Bearer {token_for(fatou)}", "Accept-Language": "en"})
    return Through(api, sign_in(Client(), fatou), group)


@pytest.mark.django_db
def test_words_come_back_as_they_were_sent_or_are_refused_where_they_stand(through: Through) -> None:
    for word in NAUGHTY:
        through.send(word)
    assert through.faults == [], "\n".join(map(str, through.faults))
    assert through.accepted > 2 * len(NAUGHTY)


EVERY = 15  # each field gets every fifteenth word over the API, and all of them in tests/robustness/test_forms.py


@pytest.mark.django_db
def test_words_in_every_field_of_every_kind(through: Through, amina: Officer, token_for: Token) -> None:
    """The forms that clients are told of, kind by kind, with what they take: nothing is chosen here.

    Each is read back over the API, from the stream and on its page; each field is searched.
    """
    ClosedUserGroup.objects.filter(pk=through.group.pk).update(form_mode="full")
    through.api = Client(headers={"Authorization": f"Bearer {token_for(amina)}", "Accept-Language": "en"})
    forms = through.api.get(f"/api/v1/groups/{through.group.pk}/templates").json()["templates"]
    assert {form["kind"] for form in forms} == {kind.value for kind in Kind}
    through.ask({kind.value: rule.answers.value for kind, rule in RULES.items() if rule.answers is not None})
    places = [place for form in forms for place in places_of_form(form)]
    textual = [place for place in places if place.textual]
    taken = []
    for at, place in enumerate(places):
        if place.textual and through.send_in(place, f"lantern{1000 + at}"):
            taken.append(at)
        for word in NAUGHTY[at % EVERY :: EVERY] if place.textual else NAUGHTY[at % 60 :: 60]:
            through.send_in(place, word)
    assert len(taken) >= len(textual) - 5  # numbers of containers and ships are checked
    for at in taken:
        through.look_up(f"lantern{1000 + at}")
    through.follow()
    assert through.faults == [], "\n".join(map(str, through.faults))
    assert len(textual) >= 40
    assert through.accepted > len(textual) * len(NAUGHTY) / EVERY / 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_words_over_the_socket(group: ClosedUserGroup, fatou: Officer, token_for: Token, tmp_path: Path) -> None:
    """Each is answered, and what was taken comes back to a follower as it was read over the API."""
    create_starting_templates(group)
    token = token_for(fatou)
    with running_server(tmp_path, CENCOMM_SOCKET_ITEMS_PER_SECOND="100000") as server:
        with Talker(server.ws, token=token) as client:
            client.follow(group.pk)
            sent = {}
            for word in WIRE_WORDS:
                message = wire(body={"text": word})
                sent[message["id"]] = word
                client.say(op="post", group=str(group.pk), message=message)
            _status, told = server.request("GET", f"/groups/{group.pk}/templates", token)
            allowed = [
                form for form in told["templates"] if form["kind"] in {"warning", "seizure", "movement", "note"}
            ]
            for at, place in enumerate(place for form in allowed for place in places_of_form(form)):
                if place.textual:
                    word = WIRE_WORDS[at % len(WIRE_WORDS)]
                    message = wire(place.kind, body=place.body(word))
                    sent[message["id"]] = word
                    client.say(op="post", group=str(group.pk), message=message)
            waiting = set(sent)
            while waiting:  # answers of several share a frame
                client.until(lambda told: told["op"] in {"posted", "refused"})
                waiting -= {one["id"] for one in client.items if one["op"] in {"posted", "refused"}}
            refused = [one for one in client.items if one["op"] == "refused"]
            assert {one["problem"]["code"] for one in refused} <= {"invalid"}
            head = max(one["seq"] for one in client.items if one["op"] == "posted")
            client.event(head)
            heard = {
                one["event"]["message"]["id"]: one["event"]["message"]["body"]
                for one in client.items
                if one["op"] == "event" and one["event"]["type"] == "message"
            }
        for id, body in heard.items():
            status, read = server.request("GET", f"/messages/{id}", token)
            assert (status, read["body"]) == (200, body), sent[id]
        assert len(heard) + len(refused) == len(sent)
        assert json.dumps(list(heard.values()))
        assert " ERROR " not in server.log.read_text().replace("lost events", "").replace(
            "ERROR cencomm.messaging group", ""
        )
