"""A destroyed key leaves the memory of every process at once, also of one that does nothing with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.cencomm.ports import wait_until
from tests.vault.agents import ROOT, Agent, agent_within
from vault import AgentKeyStore, KeyDestroyed, KeyStore, on_key_forgotten
from vault.roots import FileRootKeys

# Holds a sealer, does nothing at all with it, and says when it is no good any more.
IDLE = """
import sys, time
from pathlib import Path
from uuid import UUID
from vault import AgentKeyStore, KeyStore, on_key_forgotten
from vault.roots import FileRootKeys
place, group, wrapped = Path(sys.argv[1]), UUID(sys.argv[2]), bytes.fromhex(sys.argv[3])
store = AgentKeyStore(place) if place.suffix == ".sock" else KeyStore(
    roots=FileRootKeys(place / "root.key"), folder=place / "store")
told = []
on_key_forgotten(told.append)
sealer = store.group_sealer(group, 1, wrapped)
print("holds", flush=True)
until = time.monotonic() + 300
while sealer._aead is not None or sealer._digest_key or told != [group]:
    if time.monotonic() > until:
        sys.exit("still there")
    time.sleep(0.01)
assert not store._sealers
print("gone", flush=True)
"""


@pytest.fixture(params=["files", "agent"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A key store in files, or behind an agent."""
    if request.param == "files":
        yield tmp_path
        return
    agent = Agent(tmp_path / "data")
    agent.start()
    yield agent.socket
    agent.stop()


def store_at(place: Path) -> KeyStore | AgentKeyStore:
    if place.suffix == ".sock":
        return AgentKeyStore(place)
    return KeyStore(roots=FileRootKeys(place / "root.key"), folder=place / "store")


def test_another_process_lets_go_without_being_asked(place: Path) -> None:
    store = store_at(place)
    group, other = uuid4(), uuid4()
    for one in (group, other):
        store.create_group_key(one)
    wrapped = store.new_epoch_key(group, 1)
    command = [sys.executable, "-c", IDLE, str(place), str(group), wrapped.hex()]
    with subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True) as idle:
        assert idle.stdout is not None
        assert idle.stdout.readline() == "holds\n"
        store.destroy_group_key(other)
        assert idle.poll() is None
        store.destroy_group_key(group)
        assert idle.stdout.readline() == "gone\n"
    assert idle.returncode == 0


def test_who_keeps_what_was_opened_is_told_here_as_well(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.sealers._told", [])
    heard: list[UUID] = []
    on_key_forgotten(heard.append)
    group = uuid4()
    store.create_group_key(group)
    store.group_sealer(group, 1, store.new_epoch_key(group, 1))
    store.destroy_group_key(group)
    assert heard == [group]


def test_a_key_destroyed_while_it_is_opened_is_not_kept(
    store: KeyStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = uuid4()
    store.create_group_key(group)
    wrapped = store.new_epoch_key(group, 1)
    opening: Callable[..., object] = store.epoch_keys

    def slow(*words: object) -> object:
        keys = opening(*words)
        (folder / f"{group.hex}.destroyed").touch()  # another process, between reading and keeping
        return keys

    monkeypatch.setattr(store, "epoch_keys", slow)
    with pytest.raises(KeyDestroyed):
        store.group_sealer(group, 1, wrapped)
    assert not store._sealers


def test_a_key_destroyed_behind_the_agents_back_is_forgotten_too(tmp_path: Path) -> None:
    """By a command of the operator, or by the agent of another machine on the same folder."""
    agent = Agent(tmp_path / "data")
    agent.start()
    try:
        client = agent.client()
        group = uuid4()
        client.create_group_key(group)
        held = client.group_sealer(group, 1, client.new_epoch_key(group, 1))
        KeyStore(roots=FileRootKeys(agent.root_file), folder=agent.folder / "keys" / "store").destroy_group_key(
            group
        )
        wait_until(lambda: held._aead is None)
    finally:
        agent.stop()


def test_an_agent_that_goes_away_destroys_nothing(tmp_path: Path) -> None:
    with agent_within(tmp_path):
        client = AgentKeyStore(tmp_path / "keys.sock")
        group = uuid4()
        client.create_group_key(group)
        held = client.group_sealer(group, 1, client.new_epoch_key(group, 1))
    (tmp_path / "destroyed").unlink()
    client._look()
    assert held._aead is not None
