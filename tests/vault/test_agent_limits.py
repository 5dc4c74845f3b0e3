"""How much the agent gives out: all that a start needs at once, and little to whoever goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.vault.agents import agent_within
from vault import KeyStoreUnavailable, TooManyOpenings
from vault.agent.client import AgentKeyStore
from vault.agent.limits import Limits, Rate, Rates

ONE, OTHER = (1000, 11), (1000, 12)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("vault.agent.limits.time.monotonic", lambda: now[0])
    return now


def taken(limits: Limits, caller: tuple[int, int], tries: int) -> int:
    return sum(not limits.ask("open", caller) for _ in range(tries))


def test_a_start_of_four_processes_on_five_hundred_groups_passes(clock: list[float]) -> None:
    """Each opens this month's key and three older ones of every group, within one moment."""
    limits = Limits(Rates())
    assert [taken(limits, (1000, process), 500 * 4) for process in range(4)] == [2000] * 4


def test_whoever_goes_on_is_slowed(clock: list[float]) -> None:
    limits = Limits(Rates())
    assert taken(limits, ONE, 5000) == 2000
    assert limits.ask("open", ONE) == pytest.approx(0.1)
    clock[0] += 60
    assert taken(limits, ONE, 5000) == 600


def test_callers_do_not_take_from_each_other_but_share_a_whole(clock: list[float]) -> None:
    limits = Limits(Rates(open_each=Rate(10, 1.0), open_all=Rate(15, 2.0)))
    assert taken(limits, ONE, 20) == 10
    assert taken(limits, OTHER, 20) == 5
    clock[0] += 5
    assert taken(limits, OTHER, 20) == 10  # what all together were refused was not taken from it


def test_a_caller_with_many_processes_is_held_by_the_whole(clock: list[float]) -> None:
    limits = Limits(Rates())
    assert sum(taken(limits, (1000, process), 10) for process in range(3000)) == 8000


def test_making_and_destroying_have_limits_of_their_own(clock: list[float]) -> None:
    limits = Limits(Rates())
    assert sum(not limits.ask("destroy", ONE) for _ in range(100)) == 50
    assert not limits.ask("open", ONE)
    assert not limits.ask("create", ONE)


def test_beginning_epochs_signing_and_replacing_have_limits_of_their_own(clock: list[float]) -> None:
    limits = Limits(Rates())
    for act, most in (("new_epoch", 2000), ("sign", 600), ("rotate", 5)):
        assert sum(not limits.ask(act, (1000, process)) for process in range(3000)) == most
    assert not limits.ask("open", ONE)
    assert not limits.ask("destroy", ONE)


def test_an_operator_chooses_the_rate() -> None:
    rates = Rates.of(burst=100, per_minute=60)
    assert (rates.open_each, rates.open_all) == (Rate(100, 1.0), Rate(400, 2.0))
    assert rates.new_epoch == Rate(100, 1.0)


def test_the_agent_refuses_in_words_and_writes_that_down_once(tmp_path: Path) -> None:
    rates = Rates(open_each=Rate(3, 0.0001), open_all=Rate(3, 0.0001))
    with agent_within(tmp_path, rates=rates):
        client = AgentKeyStore(tmp_path / "keys.sock")
        group = uuid4()
        client.create_group_key(group)
        wrapped = {epoch: client.new_epoch_key(group, epoch) for epoch in range(1, 9)}
        held = [client.group_sealer(group, epoch, wrapped[epoch]) for epoch in (1, 2, 3)]
        for epoch in range(4, 9):
            with pytest.raises(TooManyOpenings) as refusal:
                client.group_sealer(group, epoch, wrapped[epoch])
        assert isinstance(refusal.value, KeyStoreUnavailable)
        assert refusal.value.retry_after
        assert client.group_sealer(group, 1, wrapped[1]) is held[0]  # what is open is not asked for
        assert client.state()["limited_ago"] >= 0
    lines = [json.loads(one) for one in next((tmp_path / "record").iterdir()).read_text().splitlines()]
    assert [one["refused"] for one in lines if "refused" in one] == ["too_many_openings"]


@pytest.mark.parametrize(
    ("act", "ask"),
    [
        ("new_epoch", lambda client, group: client.new_epoch_key(group, 1)),
        ("sign", lambda client, _group: client.note_signer("cencomm-audit").sign("one\n")),
        ("rotate", lambda client, _group: client.rotate_root_key()),
    ],
)
def test_what_is_asked_too_often_is_refused_and_what_is_done_is_recorded(
    tmp_path: Path, act: str, ask: Callable[[AgentKeyStore, UUID], object]
) -> None:
    meagre = {"new_epoch": Rate(2, 0.0001), "sign": Rate(3, 0.0001), "rotate": Rate(2, 0.0001)}
    with agent_within(tmp_path, rates=Rates(**{act: meagre[act]})):
        client, group = AgentKeyStore(tmp_path / "keys.sock"), uuid4()
        client.platform_sealer(make=True)
        client.create_group_key(group)
        for _ in range(2):
            ask(client, group)
        before = client.root_keys()
        for _ in range(3):
            with pytest.raises(TooManyOpenings):
                ask(client, group)
        assert client.root_keys() == before
        assert client.state()["limited_ago"] >= 0
    lines = [json.loads(one) for one in next((tmp_path / "record").iterdir()).read_text().splitlines()]
    done = [one for one in lines if one["what"] == act.replace("_", "-") and "refused" not in one]
    assert len(done) == 2
    assert all(one["pid"] and "uid" in one for one in done)
    assert [one["refused"] for one in lines if "refused" in one] == ["too_many_openings"]
    if act == "sign":
        assert {one["sha256"] for one in done} == {hashlib.sha256(b"one\n").hexdigest()}
        assert done[0]["signer"].startswith("cencomm-audit.")


def test_a_signature_that_cannot_be_recorded_is_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent_within(tmp_path) as agent:
        client, group = AgentKeyStore(tmp_path / "keys.sock"), uuid4()
        client.platform_sealer(make=True)
        client.create_group_key(group)
        signer = client.note_signer("cencomm-audit")

        def full(*_words: object, **_details: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(agent._record, "write", full)
        before = client.root_keys()
        for refused in (
            lambda: signer.sign("one\n"),
            lambda: client.new_epoch_key(group, 1),
            client.rotate_root_key,
        ):
            with pytest.raises(KeyStoreUnavailable):
                refused()
        assert client.root_keys() == before


def test_whatever_is_handed_out_made_or_destroyed_waits_for_its_turn(tmp_path: Path) -> None:
    one = Rate(1, 0.0001)
    with agent_within(tmp_path, rates=Rates(open_each=one, open_all=one, create=one, destroy=one)):
        client, group = AgentKeyStore(tmp_path / "keys.sock"), uuid4()
        client.create_group_key(group)
        with pytest.raises(TooManyOpenings):
            client.create_group_key(uuid4())
        client.platform_sealer(make=True)
        with pytest.raises(TooManyOpenings):
            AgentKeyStore(tmp_path / "keys.sock").platform_sealer()
        client.destroy_group_key(group)
        with pytest.raises(TooManyOpenings):
            client.destroy_group_key(uuid4())
        assert (tmp_path / "destroyed").read_bytes() == b"."  # told once: who is refused destroys nothing


def test_a_short_wait_is_waited_for(tmp_path: Path) -> None:
    rates = Rates(open_each=Rate(1, 20.0), open_all=Rate(100, 20.0))
    with agent_within(tmp_path, rates=rates):
        client = AgentKeyStore(tmp_path / "keys.sock")
        group = uuid4()
        client.create_group_key(group)
        for epoch in range(1, 6):
            assert client.group_sealer(group, epoch, client.new_epoch_key(group, epoch)).epoch == epoch
