"""Children are restarted when they die, stopped in order, and do not outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cencomm.supervisor import Child, Supervisor
from tests.cencomm.ports import has_ended, wait_until

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(say=said.append)
    yield supervisor
    supervisor.stop()


def child(tmp_path: Path, name: str, program: str = SLEEPER, *, grace: float = 15) -> Child:
    return Child(name, [sys.executable, "-c", program], os.environ, tmp_path / f"{name}.log", grace_seconds=grace)


def test_killed_child_is_started_again(tmp_path: Path, supervisor: Supervisor, said: list[str]) -> None:
    one = child(tmp_path, "worker")
    supervisor.add(one)
    assert one.process is not None
    first = one.process.pid
    one.process.kill()
    wait_until(lambda: not one.is_running())

    def tended() -> bool:
        supervisor.tend()
        return one.is_running()

    wait_until(tended)
    assert one.process.pid != first
    assert said == ["The worker process ended (killed by signal 9); starting it again."]


def test_what_is_no_child_is_looked_after_while_a_child_is_replaced(tmp_path: Path) -> None:
    turns: list[int] = []
    supervisor = Supervisor(say=lambda _text: None, beside=lambda: turns.append(1))
    old = child(tmp_path, "worker")
    try:
        supervisor.add(old)
        assert supervisor.replace(old, within=60)
        assert turns
        assert not old.is_running()
    finally:
        supervisor.stop()


# Says when it was told to stop, and when it stops: half a second later, as who finishes its work, and once
# everybody whom it is given was told, too.
FINISHING = """
import signal, sys, time
from pathlib import Path
def leave(*_):
    name, file, others = sys.argv[1:4]
    print(name, "told", file=open(file, "a"))
    time.sleep(0.5)
    while not {other + " told" for other in others.split()} <= {*Path(file).read_text().splitlines()}:
        time.sleep(0.02)
    print(name, "gone", file=open(file, "a"))
    sys.exit(0)
signal.signal(15, leave)
print("up", flush=True)
time.sleep(600)
"""


def test_who_was_started_later_is_gone_before_the_others_are_told(tmp_path: Path) -> None:
    """What the worker does last may need an answer of a web process, and that Redis."""
    supervisor = Supervisor(say=lambda _text: None)
    told = tmp_path / "told"
    for name in ("redis", "web", "web-2", "worker"):
        one = child(tmp_path, name, FINISHING, grace=60)
        one.tells_ready = name.startswith("web")  # those leave together
        one.command = [*one.command, name, str(told), "web web-2" if one.tells_ready else ""]
        supervisor.add(one)
    for name in ("redis", "web", "web-2", "worker"):
        wait_until(lambda log=tmp_path / f"{name}.log": "up" in log.read_text())  # type: ignore[misc]
    supervisor.stop()
    lines = told.read_text().splitlines()
    assert lines[:2] == ["worker told", "worker gone"]
    assert {*lines[2:4]} == {"web told", "web-2 told"}
    assert {*lines[4:6]} == {"web gone", "web-2 gone"}
    assert lines[6:] == ["redis told", "redis gone"]


def test_pause_grows_while_a_child_keeps_dying(tmp_path: Path, supervisor: Supervisor) -> None:
    one = child(tmp_path, "web", "raise SystemExit(3)")
    supervisor.add(one)

    def died_twice() -> bool:
        supervisor.tend()
        return one.deaths == 2

    wait_until(died_twice)
    assert one.pause == 2.0


def test_stop_ends_politely_and_then_by_force(tmp_path: Path, supervisor: Supervisor, said: list[str]) -> None:
    polite, stubborn = child(tmp_path, "web"), child(tmp_path, "worker", STUBBORN, grace=0.2)
    for one in (polite, stubborn):
        supervisor.add(one)
        wait_until(lambda one=one: "up" in one.last_words())  # type: ignore[misc]
    supervisor.stop()
    assert polite.process is not None
    assert stubborn.process is not None
    assert (polite.process.returncode, stubborn.process.returncode) == (-signal.SIGTERM, -signal.SIGKILL)
    assert said == ["The worker process did not stop within 0 s; ending it."]


READY = "import os, sys, time; os.write(int(sys.argv[-1]), b'ready'); time.sleep(600)"


def test_the_new_one_is_ready_before_the_old_one_goes(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = child(tmp_path, "web", READY)
    old.tells_ready = True
    supervisor.add(old)
    wait_until(old.is_ready)
    served: list[bool] = []

    def turn(self: Supervisor) -> None:
        served.append(old.is_running())
        self.tend()
        time.sleep(0.02)

    monkeypatch.setattr(Supervisor, "_turn", turn)
    assert supervisor.replace(old, within=60)
    (new,) = supervisor.children
    assert new is not old
    assert new.is_ready()
    assert not old.is_running()
    assert served[0]  # while the new one started, the old one was there


@pytest.mark.parametrize("program", ["raise SystemExit(3)", SLEEPER])
def test_the_old_one_stays_when_the_new_one_does_not_start(
    tmp_path: Path, supervisor: Supervisor, said: list[str], program: str
) -> None:
    old = child(tmp_path, "web", READY)
    old.tells_ready = True
    supervisor.add(old)
    wait_until(old.is_ready)
    old.command = [sys.executable, "-c", program]
    assert not supervisor.replace(old, within=1)
    assert supervisor.children == [old]
    assert old.is_ready()
    assert supervisor.passing == []
    assert "the old one stays" in said[-1]


def test_log_of_a_child_is_for_its_owner_only(tmp_path: Path, supervisor: Supervisor) -> None:
    one = child(tmp_path, "web")
    supervisor.add(one)
    assert one.log.stat().st_mode & 0o077 == 0


PARENT = """
import os, sys, time
from pathlib import Path
from cencomm.supervisor import Child, Supervisor
supervisor = Supervisor(say=print)
child = Child("web", [sys.executable, "-c", "import time; time.sleep(600)"], os.environ, Path(sys.argv[1]))
supervisor.add(child)
print(child.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_child_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: has_ended(process))
