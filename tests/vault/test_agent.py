"""The key agent: gives keys to whom it may, writes down each, survives whatever comes, and its end harms nobody."""

from __future__ import annotations

import base64
import json
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from cencomm.cli_errors import CommandRefused
from cencomm.key_agent import Places, _check_home, _prepare, listen
from cencomm.key_place import agent_answers, agent_socket
from cencomm.key_site import running_agent
from tests.cencomm.ports import freeze, wait_until
from tests.vault.agents import ROOT, Agent, agent_within
from vault import KeyAgentAway, KeyDestroyed, KeyStoreUnavailable, Place, SealBroken, opened_note
from vault.agent.client import AgentKeyStore
from vault.keystore import KeyStore
from vault.roots import FileRootKeys

PLACE = Place("t", "f", "r")
LIBRARIES = sorted(Path("/usr/lib").glob("**/libsofthsm2.so"))


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """One agent for the tests that do not end it."""
    made = Agent(tmp_path_factory.mktemp("agent") / "data")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "data")
    made.start()
    yield made
    made.stop()


def opened_group(store: AgentKeyStore) -> tuple[UUID, bytes]:
    group = uuid4()
    store.create_group_key(group)
    return group, store.new_epoch_key(group, 1)


def test_a_client_seals_and_opens_what_a_store_of_files_opens(agent: Agent) -> None:
    client = agent.client()
    group, wrapped = opened_group(client)
    sealed = client.group_sealer(group, 1, wrapped).seal(b"text", PLACE)
    here = KeyStore(roots=FileRootKeys(agent.root_file), folder=agent.folder / "keys" / "store")
    assert here.group_sealer(group, 1, wrapped).open(sealed, PLACE) == b"text"
    assert agent.client().group_sealer(group, 1, wrapped).open(sealed, PLACE) == b"text"
    assert client.group_sealer(group, 1, wrapped) is client.group_sealer(group, 1, wrapped)
    digest = client.group_sealer(group, 1, wrapped).digest(b"same")
    assert here.group_sealer(group, 1, wrapped).digest(b"same") == digest


def test_secrets_of_the_platform_and_signatures_are_those_of_the_store(agent: Agent) -> None:
    client = agent.client()
    sealed = client.platform_sealer(make=True).seal(b"totp", PLACE)
    here = KeyStore(roots=FileRootKeys(agent.root_file), folder=agent.folder / "keys" / "store")
    assert here.platform_sealer().open(sealed, PLACE) == b"totp"
    signer = client.note_signer("cencomm-audit", 2)
    assert opened_note(signer.sign("one\ntwo\n"), here.note_signer("cencomm-audit", 2).verifier_key) == "one\ntwo\n"
    assert signer.name == here.note_signer("cencomm-audit", 2).name


def test_what_the_agent_refuses_is_refused_here(agent: Agent) -> None:
    client = agent.client()
    group, wrapped = opened_group(client)
    with pytest.raises(SealBroken):
        client.group_sealer(group, 2, wrapped)
    with pytest.raises(KeyStoreUnavailable):
        client.new_epoch_key(uuid4(), 1)
    client.destroy_group_key(group)
    for refused in (
        lambda: client.group_sealer(group, 1, wrapped),
        lambda: client.new_epoch_key(group, 2),
        lambda: client.create_group_key(group),
    ):
        with pytest.raises(KeyDestroyed):
            refused()
    assert not client.has_group_key(group)


def test_root_key_is_replaced_by_the_agent_while_a_group_is_open(agent: Agent) -> None:
    client = agent.client()
    group, wrapped = opened_group(client)
    held = client.group_sealer(group, 1, wrapped)
    before = agent.root_file.read_bytes()
    root, count = client.rotate_root_key()
    assert agent.root_file.read_bytes() != before
    assert client.root_keys() == {root: count}
    assert agent.client().group_sealer(group, 1, wrapped).open(held.seal(b"x", PLACE), PLACE) == b"x"


def test_each_opening_is_recorded_and_no_key_is(agent: Agent) -> None:
    client = agent.client()
    group, wrapped = opened_group(client)
    for _ in range(2):
        agent.client().group_sealer(group, 1, wrapped)
    client.group_sealer(group, 1, wrapped)
    client.group_sealer(group, 1, wrapped)  # from memory: no key left the agent
    found = [json.loads(line) for line in agent.lines()]
    ours = [one for one in found if one.get("group") == group.hex]
    assert [one["what"] for one in ours] == ["create", "new-epoch", "open", "open", "open"]
    assert {(one["uid"], one["pid"]) for one in ours} == {(os.geteuid(), os.getpid())}
    assert all(one["at"].endswith("Z") for one in ours)
    answer = client._line.ask("open", group=group.hex, epoch=1, wrapped=base64.b64encode(wrapped).decode())
    text = "\n".join(agent.lines())
    for key in (answer["seal"], answer["digest"]):
        assert key not in text
        assert base64.b64decode(key).hex() not in text


def test_an_unrecorded_opening_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent_within(tmp_path) as agent:
        client = AgentKeyStore(tmp_path / "keys.sock")
        group, wrapped = opened_group(client)

        def full(*_words: object, **_details: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(agent._record, "write", full)
        with pytest.raises(KeyStoreUnavailable):
            client.group_sealer(group, 1, wrapped)
        with pytest.raises(KeyStoreUnavailable):
            client.destroy_group_key(group)
        assert client.has_group_key(group)


def test_another_user_is_not_answered(tmp_path: Path) -> None:
    with agent_within(tmp_path, allowed=os.geteuid() + 1):
        with pytest.raises(KeyAgentAway):
            AgentKeyStore(tmp_path / "keys.sock").check()
    [line] = [
        json.loads(line) for line in (tmp_path / "record").glob("*.jsonl").__next__().read_text().splitlines()
    ]
    assert (line["what"], line["refused"], line["uid"]) == ("connect", "uid", os.geteuid())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as others")
@pytest.mark.skipif(not LIBRARIES, reason="SoftHSM is not installed")
def test_a_root_key_that_is_to_move_into_a_token_still_opens_from_its_file(tmp_path: Path) -> None:
    uri = f"pkcs11:token=made-later?module-path={LIBRARIES[0]}&pin-source={tmp_path}/pin"
    made = Agent(tmp_path / "data", CENCOMM_ROOT_KEY_URI=uri)
    group = uuid4()
    before = KeyStore(roots=FileRootKeys(made.root_file), folder=made.folder / "keys" / "store")
    before.create_group_key(group)
    wrapped = before.new_epoch_key(group, 1)
    sealed = before.group_sealer(group, 1, wrapped).seal(b"text", PLACE)
    made.start("--user", "cencomm-keys", "--allow", "0")
    try:
        assert made.client().group_sealer(group, 1, wrapped).open(sealed, PLACE) == b"text"
    finally:
        made.stop()


def command(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "cencomm", "keys", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CENCOMM_DATA": str(folder), **environment},
        cwd="/", capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_what_cannot_be_made_ready_is_named(tmp_path: Path) -> None:
    place = str(tmp_path / "keys.sock")
    done = command(tmp_path, "agent", "--socket", place, CENCOMM_KEY_STORE="/proc/nowhere/store")
    assert done.returncode == 78
    assert "cannot make /proc/nowhere ready" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_key_that_cannot_be_given_to_the_agents_user_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is mounted and cannot be written."""
    places = Places(
        root_file=tmp_path / "root.key",
        uri="",
        store=tmp_path / "store",
        record=tmp_path / "record",
        socket=tmp_path / "agent" / "keys.sock",
    )
    places.root_file.touch(mode=0o600)
    user = pwd.struct_passwd(("keys", "x", os.getuid() + 1, os.getgid(), "", "/nonexistent", ""))

    def mounted(path: Path, *_words: object, **_more: object) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr("cencomm.key_agent.os.chown", mounted)
    with pytest.raises(CommandRefused, match="for the user keys: Read-only file system") as refused:
        _prepare(places, user)
    assert refused.value.code == 78
    mine = pwd.struct_passwd(("keys", "x", os.getuid(), os.getgid(), "", "/nonexistent", ""))
    _prepare(places, mine)  # what is its already needs no change


@pytest.mark.parametrize("folder", ["/", "/srv", "/etc", pwd.getpwuid(0).pw_dir])
def test_a_folder_that_is_not_for_keys_alone_is_not_given_away(folder: str) -> None:
    with pytest.raises(CommandRefused, match="not for keys alone"):
        _check_home(Path(folder))


def test_an_address_that_is_none_ends_the_start_and_leaves_the_running_agent_its_place(own_agent: Agent) -> None:
    done = command(
        own_agent.folder, "agent", "--socket", str(own_agent.socket),
        CENCOMM_ROOT_KEY_URI="transit:http://kms.example/transit/k?token-file=/t",
    )  # fmt: skip
    assert done.returncode == 78
    assert "CENCOMM_ROOT_KEY_URI: this is no address of a transit key" in done.stderr
    own_agent.client().check()


def test_status_tells_where_the_root_key_lies_and_who_holds_it(own_agent: Agent) -> None:
    own_agent.client().create_group_key(uuid4())
    told = command(own_agent.folder, "status", CENCOMM_KEY_AGENT=str(own_agent.socket))
    assert told.returncode == 0
    assert "A key agent holds the root key" in told.stdout
    assert "The root key lies in the file root.key." in told.stdout
    assert "wraps 1 keys" in told.stdout
    own_agent.stop()
    told = command(own_agent.folder, "status", CENCOMM_KEY_AGENT=str(own_agent.socket))
    assert told.returncode == 69
    assert "The key agent does not answer" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as others")
def test_started_as_root_it_is_another_user_who_alone_reads_the_keys(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "data")
    process = agent.start("--user", "cencomm-keys", "--allow", "0")
    try:
        agent.client().create_group_key(uuid4())
        owner = Path(f"/proc/{process.pid}").stat().st_uid
        status = Path(f"/proc/{process.pid}/status").read_text()
        keys = {path.stat().st_uid for path in (agent.folder / "keys").rglob("*")}
        code = (
            "import os, sys\n"
            "from cencomm.privileges import capabilities_of\n"
            "assert os.geteuid() == 0 and not capabilities_of()\n"
            "for path in sys.argv[1:]:\n"
            "    try:\n"
            "        open(path, 'rb').read(1)\n"
            "    except PermissionError:\n"
            "        continue\n"
            "    sys.exit(path)\n"
        )
        from cencomm.privileges import without_capabilities

        store = next((agent.folder / "keys" / "store").glob("*.key"))
        secrets = [str(agent.root_file), str(store), f"/proc/{process.pid}/mem", f"/proc/{process.pid}/environ"]
        done = subprocess.run(
            [sys.executable, "-c", code, *secrets],
            preexec_fn=without_capabilities(lambda: None), env={"PYTHONPATH": str(ROOT)}, cwd="/",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        agent.stop()
    assert "CapEff:\t0000000000000000" in status
    assert keys == {int(line.split()[1]) for line in status.splitlines() if line.startswith("Uid:")}
    assert owner in {0, *keys}
    assert 0 not in keys
    assert (done.returncode, done.stderr) == (0, "")


def test_open_groups_go_on_without_the_agent_and_others_wait_for_it(own_agent: Agent) -> None:
    client = own_agent.client()
    group, wrapped = opened_group(client)
    other, other_wrapped = opened_group(client)
    held = client.group_sealer(group, 1, wrapped)
    own_agent.stop(signal.SIGKILL)
    assert held.open(client.group_sealer(group, 1, wrapped).seal(b"on", PLACE), PLACE) == b"on"
    with pytest.raises(KeyAgentAway):
        client.group_sealer(other, 1, other_wrapped)
    with pytest.raises(KeyAgentAway):
        client.create_group_key(uuid4())
    assert client.was_reached
    own_agent.start()
    wait_until(lambda: not _is_away(client))
    assert client.group_sealer(other, 1, other_wrapped).epoch == 1
    assert client.group_sealer(group, 1, wrapped) is held


def _is_away(client: AgentKeyStore) -> bool:
    try:
        client.check()
    except KeyAgentAway:
        return True
    return False


def test_an_agent_that_hangs_is_away_and_comes_back(own_agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.agent.client.ANSWER_SECONDS", 0.5)
    client = own_agent.client()
    group, wrapped = opened_group(client)
    assert own_agent.process is not None
    freeze(own_agent.process)
    with pytest.raises(KeyAgentAway):
        client._line.ask("has", seconds=0.5, group=group.hex)
    own_agent.process.send_signal(signal.SIGCONT)
    wait_until(lambda: not _is_away(client))
    assert client.group_sealer(group, 1, wrapped).epoch == 1


def test_a_successor_takes_the_place_and_nobody_is_refused(own_agent: Agent) -> None:
    client = own_agent.client()
    group, wrapped = opened_group(client)
    question = {"group": group.hex, "epoch": 1, "wrapped": base64.b64encode(wrapped).decode()}
    stop, failures, asked = threading.Event(), [], [0]

    def ask() -> None:
        while not stop.is_set():
            try:
                client._line.ask("open", **question)
                asked[0] += 1
            except KeyStoreUnavailable as refusal:
                failures.append(refusal.code)
            stop.wait(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: asked[0] > 5)
    old = own_agent.process
    assert old is not None
    own_agent.start()
    old.terminate()
    old.wait(300)
    before = asked[0]
    wait_until(lambda: asked[0] > before + 5)
    stop.set()
    asking.join()
    assert failures == []


def test_threads_share_a_store(agent: Agent) -> None:
    client = agent.client()
    groups = [opened_group(client) for _ in range(20)]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for group, wrapped in groups:
                sealer = client.group_sealer(group, 1, wrapped)
                assert sealer.open(sealer.seal(b"x", PLACE), PLACE) == b"x"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_forked_process_asks_for_itself(agent: Agent) -> None:
    """In a process of its own: this one has threads, which a fork does not copy."""
    group, wrapped = opened_group(agent.client())
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from uuid import UUID\n"
        "from vault.agent.client import AgentKeyStore\n"
        "store, group, wrapped = AgentKeyStore(Path(sys.argv[1])), UUID(sys.argv[2]), bytes.fromhex(sys.argv[3])\n"
        "store.check()\n"
        "child = os.fork()\n"
        "for _ in range(200):\n"
        "    assert store.has_group_key(group)\n"
        "store.group_sealer(group, 1, wrapped)\n"
        "if child == 0: os._exit(0)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(agent.socket), str(group), wrapped.hex()],
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pids = {json.loads(line)["pid"] for line in agent.lines() if group.hex in line and '"open"' in line}
    assert len(pids) == 2


def test_where_others_could_listen_no_agent_is_started_or_asked(tmp_path: Path) -> None:
    """The path of a deep data folder is too long for a socket; below /tmp somebody else may have been first."""
    data = tmp_path / ("deep" * 20)
    place = agent_socket(data)
    assert data not in place.parents
    (tmp_path / "elsewhere").mkdir()
    place.parent.symlink_to(tmp_path / "elsewhere")
    try:
        with listen(place, 0o600):
            assert not agent_answers(place)
        with pytest.raises(CommandRefused, match="remove it"), running_agent(data, tmp_path, {}, print):
            pass
    finally:
        place.parent.unlink()
