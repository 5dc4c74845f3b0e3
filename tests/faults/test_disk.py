"""The small disk of the suite forgets what a real one forgets, and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cencomm.ports import PATIENCE, has_ended, wait_until
from tests.faults.disk import SmallDisk, make_small_disk
from tests.faults.program import Program


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = make_small_disk(tmp_path / "disk", mib=16)
    if not isinstance(made, SmallDisk):
        pytest.skip(made)
    try:
        yield made
    finally:
        made.unmount()


def write(path: Path, text: str, *, flushed: bool) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        if flushed:
            os.fsync(file.fileno())
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)


def test_a_power_cut_forgets_what_was_not_flushed(disk: SmallDisk) -> None:
    if not disk.forgets:
        pytest.skip(disk.kind)
    write(disk.path / "kept", "kept", flushed=True)
    write(disk.path / "lost", "lost", flushed=False)
    disk.cut_power()
    with pytest.raises(OSError):  # noqa: PT011 - EIO, or EROFS
        (disk.path / "new").write_text("nobody writes while the power is away")
    disk.mend()
    assert (disk.path / "kept").read_text() == "kept"
    assert not (disk.path / "lost").exists() or (disk.path / "lost").read_text() == ""
    write(disk.path / "new", "new", flushed=True)


def test_a_disk_that_is_away_is_not_filled(disk: SmallDisk) -> None:
    subprocess.run(["umount", str(disk.path)], check=True)
    with pytest.raises(OSError, match="away"):
        disk.fill()


def test_all_of_a_program_ends_at_once(tmp_path: Path) -> None:
    script = "sleep 600 & echo $!; sleep 600"
    program = Program("family", ["sh", "-c", script], dict(os.environ), tmp_path / "log")
    program.start()
    try:
        wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"), what="the number of its child")
        program.kill_all()
        assert program.process is not None
        assert program.process.wait(PATIENCE) == -9
        child = int((tmp_path / "log").read_text())
        wait_until(lambda: has_ended(child))
    finally:
        program.kill()
