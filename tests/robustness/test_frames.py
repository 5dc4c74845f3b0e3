"""The frame parser of the socket, and the verbs behind it, given anything: a refusal, never another end."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Officer
from groups.models import ClosedUserGroup
from messaging.delivery.errors import BadFrame
from messaging.delivery.frames_in import MAX_ITEMS, items_of, places_of, uuid_of
from messaging.schemas import message_of
from problems import Refusal
from simplified_forms.actions import create_starting_templates
from tests.examples import LONGER, fuzzing
from tests.messaging.server import Talker, running_server
from tests.robustness.words import encodable, json_values, numbers, texts

OPTIONAL = (
    "subject", "language", "priority", "addressed_to", "in_reply_to", "due_at", "acknowledge", "handling",
    "grading",
    "supersedes", "attachments", "template",
)  # fmt: skip
epochs = st.one_of(st.none(), st.uuids().map(str), texts, numbers)
places = st.one_of(
    json_values,
    st.dictionaries(
        st.one_of(st.uuids().map(str), texts),
        st.one_of(
            json_values, st.fixed_dictionaries({}, optional={"after": st.one_of(numbers, texts), "epoch": epochs})
        ),
        max_size=4,
    ),
)


@fuzzing(400)
@given(
    st.one_of(
        texts,
        json_values.filter(encodable).map(json.dumps),
        st.binary(max_size=80).map(lambda b: b.decode("latin-1")),
    )
)
@example("[" * 100_000)
@example('{"a":' * 5_000 + "1" + "}" * 5_000)
@example("[]")
@example(json.dumps([{}] * (MAX_ITEMS + 1)))
@example('{"op":"ping"} {"op":"ping"}')
@example("1" * 10_000)
@example('{"op": NaN}')
@example("\ud800")
@example('{"op":"\\ud800"}')
def test_a_frame_is_items_or_refused(text: str) -> None:
    try:
        items = items_of(text)
    except BadFrame:
        return
    assert 0 < len(items) <= MAX_ITEMS
    assert all(isinstance(item, dict) for item in items)


@fuzzing(300)
@given(json_values)
def test_an_identifier_is_one_or_refused(value: Any) -> None:
    with contextlib.suppress(BadFrame):
        assert isinstance(uuid_of(value), UUID)


@fuzzing(400)
@given(places)
@example({str(uuid.UUID(int=1)): {"after": 2**63, "epoch": str(uuid.UUID(int=2))}})
@example({str(uuid.UUID(int=1)): {"after": 1.5, "epoch": str(uuid.UUID(int=2))}})
@example({str(uuid.UUID(int=1)): {"after": True, "epoch": str(uuid.UUID(int=2))}})
def test_a_position_is_one_that_the_database_can_be_asked_for_or_refused(groups: Any) -> None:
    try:
        found = places_of({"groups": groups})
    except BadFrame:
        return
    for name, (after, epoch) in found.items():
        assert isinstance(name, UUID)
        assert (after is None) == (epoch is None)
        assert after is None or (type(after) is int and 0 <= after < 2**63)


@fuzzing(300)
@given(
    st.one_of(
        json_values,
        st.fixed_dictionaries(
            {"id": st.uuids().map(str), "kind": st.sampled_from(["note", "seizure"]), "body": json_values},
            optional=dict.fromkeys(OPTIONAL, json_values),
        ),
    )
)  # fmt: skip
def test_a_message_is_a_draft_or_refused(message: Any) -> None:
    try:
        draft = message_of(message)
    except Refusal as refusal:
        if refusal.status != 422:
            pytest.fail(f"another refusal: {refusal.code}")
        return
    assert isinstance(message, Mapping)
    assert isinstance(draft.id, UUID)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_socket_answers_whatever_comes_and_stays(
    group: ClosedUserGroup, fatou: Officer, token_for: Callable[..., str], tmp_path: Path
) -> None:
    """A real server: for every item an answer, no `unexpected` among them; the next ping is answered as ever."""
    create_starting_templates(group)
    with running_server(tmp_path, CENCOMM_SOCKET_ITEMS_PER_SECOND="100000") as server:
        with Talker(server.ws, token=token_for(fatou)) as client:
            _say_everything(client, group)
            client.say(op="ping")
            client.until(lambda told: told["op"] == "pong")
            codes = {told["problem"]["code"] for told in client.items if told["op"] == "refused"}
        log = server.log.read_text()
    assert {"bad_frame", "invalid"} <= codes
    assert not codes & {"unexpected", "unavailable", "seal_broken"}, codes
    assert "failed" not in log, log[-2000:]


def _say_everything(client: Talker, group: ClosedUserGroup) -> None:
    own, big = str(group.pk), [0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 1.5, True, None, "1", [], {}]
    for number in big:
        client.say(op="seen", group=own, seq=number)
        client.say(op="follow", groups={own: {"after": number, "epoch": str(uuid.uuid4())}})
        client.say(op="acknowledge", message=number)
        client.say(op="post", group=own, message=number)
        client.say(op="post", group=number, message={})

    @fuzzing(60)
    @given(st.sampled_from(["post", "follow", "seen", "acknowledge"]), st.dictionaries(
        st.sampled_from(["group", "groups", "seq", "message", "after", "epoch"]), json_values.filter(encodable),
        max_size=4,
    ))  # fmt: skip
    def say(verb: str, item: dict[str, Any]) -> None:
        client.say(**{**item, "op": verb})

    say()
    sent = 60 * LONGER
    assert sent
