"""`bin/cencomm test` without arguments: both halves of the tests, side by side, and none of them left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cencomm import cli_test
from tests.cencomm.ports import wait_until

TESTS = Path(__file__).resolve().parents[1]
# Says that it is there, waits for the other one, and ends as told.
MEETING = """
import pathlib, sys, time
here, other, code = sys.argv[1:]
pathlib.Path(here).touch()
print("begun", flush=True)
for _ in range(2400):
    if pathlib.Path(other).exists():
        break
    time.sleep(0.05)
else:
    sys.exit(9)
print("FAILED tests/one.py::test_two - of", code, flush=True)
sys.exit(int(code))
"""

# Says that it is there, and when it was asked to end.
STAYING = """
import pathlib, signal, sys
begun, ended = map(pathlib.Path, sys.argv[1:])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
begun.touch()
if signal.sigtimedwait({signal.SIGTERM}, 600):
    ended.touch()
"""
# Ends at once, and leaves somebody behind who holds its output, until the file is there.
LEAVING = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
print("FAILED tests/one.py::test_two - of what is left behind")
sys.stdout.write("half a line")
"""
LEFT = """
import pathlib, sys, time
begun, over = map(pathlib.Path, sys.argv[1:])
begun.touch()
until = time.monotonic() + 120
while not over.exists() and time.monotonic() < until:
    time.sleep(0.05)
over.touch()
"""
PARENT = """
import os, sys
from cencomm.cli_test import side_by_side
side_by_side([[sys.executable, "-c", *sys.argv[1:]]], dict(os.environ))
"""


def meeting(folder: Path, here: str, other: str, code: int) -> list[str]:
    return [sys.executable, "-c", MEETING, str(folder / here), str(folder / other), str(code)]


def test_both_run_at_once_and_one_that_fails_is_enough(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    both = [meeting(tmp_path, "a", "b", 0), meeting(tmp_path, "b", "a", 3)]
    assert cli_test.side_by_side(both, dict(os.environ)) == 3
    lines = capfd.readouterr().out.splitlines()
    assert {"1| begun", "2| begun"} <= set(lines[:-3])
    # What failed stands at the end once more, however early it was.
    assert sorted(lines[-3:]) == [
        "FAILED tests/one.py::test_two - of 0",
        "FAILED tests/one.py::test_two - of 3",
        "Half 2 of the tests ended with exit code 3.",
    ]


def test_both_well_is_well(tmp_path: Path) -> None:
    both = [meeting(tmp_path, "a", "b", 0), meeting(tmp_path, "b", "a", 0)]
    assert cli_test.side_by_side(both, dict(os.environ)) == 0


def test_whoever_is_left_behind_holds_nothing_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun, over = tmp_path / "begun", tmp_path / "over"
    leaving = [sys.executable, "-c", LEAVING, LEFT, str(begun), str(over)]
    try:
        assert cli_test.side_by_side([leaving, meeting(tmp_path, "a", "a", 0)], dict(os.environ)) == 0
        assert not over.exists()
        wait_until(begun.exists)
    finally:
        over.touch()
    lines = capfd.readouterr().out.splitlines()
    assert {"1| half a line", "2| begun"} <= set(lines)
    assert "FAILED tests/one.py::test_two - of what is left behind" in lines


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells children that their parent died")
def test_no_half_outlives_the_command(tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    words = [sys.executable, "-c", PARENT, STAYING, str(begun), str(ended)]
    with subprocess.Popen(words, cwd=TESTS.parent, env={**os.environ, "PYTHONPATH": str(TESTS.parent)}) as parent:
        try:
            wait_until(begun.exists)
        finally:
            parent.kill()
    wait_until(ended.exists)


def test_the_halves_together_are_all_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []

    def note(commands: list[list[str]], environment: dict[str, str]) -> int:
        given.extend(commands)
        return 5

    monkeypatch.setattr(cli_test, "install_missing", lambda: None)
    monkeypatch.setattr(cli_test, "side_by_side", note)
    assert cli_test.run_tests([]) == 5
    first, second = (command[command.index("pytest") + 1 :] for command in given)
    assert first
    assert all((TESTS.parent / folder).is_dir() for folder in first)
    assert second == [f"--ignore={folder}" for folder in first]
