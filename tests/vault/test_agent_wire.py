"""Whatever comes over the agent's socket: a question within its bounds, or the connection ends and no more."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cencomm.ports import PATIENCE
from tests.examples import fuzzing
from tests.vault.agents import agent_within
from vault.agent import wire
from vault.agent.client import AgentKeyStore, AgentLine
from vault.agent.server import KeyAgent
from vault.agent.wire import ACTS, MAX_FRAME, BadFrame, Question, packed, question_of, unpacked
from vault.errors import KeyAgentAway

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
plausible = {
    "group": st.uuids().map(lambda one: one.hex),
    "groups": st.lists(st.uuids().map(lambda one: one.hex), max_size=3),
    "epoch": st.integers(1, 2**31 - 1),
    "generation": st.integers(1, 2**31 - 1),
    "wrapped": st.binary(max_size=wire.MAX_WRAPPED).map(wire.encoded),
    "text": st.text(st.sampled_from("ab \n"), max_size=40),
    "purpose": st.from_regex(r"[a-z][a-z-]{0,9}", fullmatch=True),
    "make": st.booleans(),
}


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that are questions, or nearly."""
    do = draw(st.sampled_from(sorted(ACTS)))
    document = {"do": do, **{name: draw(plausible[name]) for name in ACTS[do]}}
    if draw(st.booleans()) and len(document) > 1:
        document[draw(st.sampled_from(sorted(document)))] = draw(json_values)
    return document


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KeyAgent, Path]]:
    folder = tmp_path_factory.mktemp("wire")
    with agent_within(folder) as running:
        yield running, folder / "keys.sock"


def said(place: Path, data: bytes) -> bytes:
    """Send bytes, end the sending, return everything that comes back until the agent closes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(PATIENCE)
        line.connect(str(place))
        try:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has closed already
        answer = b""
        try:
            while piece := line.recv(65536):
                answer += piece
        except OSError:
            pass
        return answer


@fuzzing(150)
@given(data=st.binary(max_size=300) | st.binary(max_size=80).map(lambda d: len(d).to_bytes(4, "big") + d))
def test_bytes_of_any_kind_end_a_connection_and_nothing_else(agent: tuple[KeyAgent, Path], data: bytes) -> None:
    answer = said(agent[1], data)
    if answer:
        assert unpacked(answer[4:]) == {"refused": "bad_frame"}


@fuzzing(150)
@given(document=st.dictionaries(st.text(max_size=8), json_values, max_size=4) | questions())
def test_a_document_is_a_question_within_its_bounds_or_none(document: dict[str, Any]) -> None:
    try:
        question = question_of(document)
    except BadFrame:
        return
    assert question.do in ACTS
    assert 0 <= question.epoch < 2**31
    assert len(question.wrapped) <= wire.MAX_WRAPPED
    assert len(question.text) <= wire.MAX_TEXT
    assert len(question.groups) <= wire.MAX_GROUPS


@fuzzing(60)
@given(document=questions().filter(lambda d: d["do"] not in ("rotate", "create")))
def test_every_question_has_an_answer(agent: tuple[KeyAgent, Path], document: dict[str, Any]) -> None:
    answer = said(agent[1], packed(document))
    assert isinstance(unpacked(answer[4:]), dict)
    assert len(answer) - 4 == int.from_bytes(answer[:4], "big") <= MAX_FRAME


@fuzzing(100)
@given(document=questions())
def test_what_was_packed_is_unpacked(document: dict[str, Any]) -> None:
    assert unpacked(packed(document)[4:]) == json.loads(json.dumps(document))


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b"[]", b'"do"', b'{"do": NaN', b"\xff\xfe", b"[" * 60_000, b'{"do":"open"}', b'{"do":["open"]}'],
)
def test_what_is_no_question_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        question_of(unpacked(data))


def test_a_frame_that_is_too_long_is_not_read(agent: tuple[KeyAgent, Path]) -> None:
    answer = said(agent[1], (MAX_FRAME + 1).to_bytes(4, "big") + b"x" * 100)
    assert unpacked(answer[4:]) == {"refused": "bad_frame"}


def test_a_frame_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.agent.server.FRAME_SECONDS", 0.2)
    with agent_within(tmp_path), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(PATIENCE)
        line.connect(str(tmp_path / "keys.sock"))
        with suppress(ConnectionError):  # given up already, or with what was not read yet
            line.sendall(b"\x00\x00\x00\x10{")
            assert line.recv(1) == b""


def test_more_connections_than_it_takes_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.agent.server.MAX_CONNECTIONS", 3)
    with agent_within(tmp_path):
        lines = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(4)]
        try:
            for line in lines:
                line.settimeout(PATIENCE)
                line.connect(str(tmp_path / "keys.sock"))
            assert lines[3].recv(1) == b""
            lines[0].sendall(packed({"do": "state"}))
            assert lines[0].recv(1)
        finally:
            for line in lines:
                line.close()


def test_an_agent_that_answers_nonsense_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.agent.client.PATIENCE_SECONDS", 0.0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "keys.sock"))
        listener.listen(8)

        def babble() -> None:
            for answer in (b"\xff\xff\xff\xff", b"", b"\x00\x00\x00\x02[]"):
                line, _ = listener.accept()
                with line:
                    line.recv(1024)
                    line.sendall(answer)

        speaking = threading.Thread(target=babble)
        speaking.start()
        for _ in range(3):
            client = AgentKeyStore(tmp_path / "keys.sock")
            with pytest.raises(Exception, match="key_agent_away"):
                client.has_group_key(uuid4())
        speaking.join()


def test_an_answer_that_drips_is_waited_for_as_long_as_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.agent.client.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("vault.agent.client.REST_SECONDS", 0.0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "keys.sock"))
        listener.listen(8)

        def drip() -> None:
            for _ in range(2):
                line, _address = listener.accept()
                with line, suppress(OSError):
                    line.recv(1024)
                    for one in packed({"has": True}):
                        line.sendall(bytes([one]))
                        time.sleep(0.1)

        dripping = threading.Thread(target=drip)
        dripping.start()
        asking = AgentLine(tmp_path / "keys.sock")
        # The pause between two bytes is below this, what they take together above.
        with pytest.raises(KeyAgentAway):
            asking.ask("has", seconds=0.5, group=uuid4().hex)
        assert asking.ask("has", seconds=60.0, group=uuid4().hex) == {"has": True}
        dripping.join()


def test_questions_show_nothing_of_what_they_hold() -> None:
    assert "secret" not in repr(Question("sign", text="secret"))
