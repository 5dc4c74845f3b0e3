"""What a data folder refuses, in sentences; and its lock."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cencomm import data_folder
from cencomm.data_folder import DataFolder, DataFolderBusy, DataFolderError, default_folder

ROOT = Path(__file__).resolve().parents[2]


def test_new_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "b")
    assert folder.prepare()
    found = [folder.path, folder.logs, folder.path / "keys", folder.path / "relay", folder.secret_key_file]
    assert [stat.S_IMODE(path.stat().st_mode) for path in found] == [0o700, 0o700, 0o700, 0o700, 0o600]
    assert len(folder.secret_key_file.read_text().strip()) > 60


def test_prepared_folder_keeps_its_secret(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    secret = folder.secret_key_file.read_text()
    folder.mark_prepared()
    assert not folder.prepare()
    assert folder.secret_key_file.read_text() == secret


def test_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text(f"{data_folder.LAYOUT + 1}\n")
    with pytest.raises(DataFolderError, match="newer CENcomm"):
        DataFolder(tmp_path).prepare()


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("three point one")
    with pytest.raises(DataFolderError, match="holds no version"):
        DataFolder(tmp_path).prepare()


@pytest.mark.parametrize("name", ["keys", "logs", "relay"])
def test_file_in_place_of_a_part_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataFolderError, match=f"cannot be used: .*/{name}"):
        DataFolder(tmp_path).prepare()


def test_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "NEEDED_NEW", 1 << 62)  # more than any disk has
    with pytest.raises(DataFolderError, match="disk is full"):
        DataFolder(tmp_path / "data").prepare()


def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, 12345)
    else:
        tmp_path.chmod(0o500)
    try:
        with pytest.raises(DataFolderError, match="cannot be read and written"):
            DataFolder(tmp_path).prepare()
    finally:
        tmp_path.chmod(0o700)


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError):
        DataFolder(tmp_path / "file").prepare()


HOLDER = """
import sys, time
from cencomm.data_folder import DataFolder
with DataFolder(sys.argv[1]).locked("up"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_second_holder_is_refused_and_a_killed_one_leaves_a_stale_lock(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert folder.is_locked()
        with pytest.raises(DataFolderBusy, match=f"process {holder.pid}"), folder.locked("up"):
            pass
        holder.send_signal(signal.SIGKILL)
    assert not folder.is_locked()
    with folder.locked("up") as stale:
        assert stale
    with folder.locked("up") as stale:
        assert not stale


def test_default_folder_lies_below_the_home_or_without_one_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CENCOMM_DATA", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "share" / "cencomm"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "cencomm"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    assert default_folder() == ROOT / ".data"
    monkeypatch.setenv("CENCOMM_DATA", str(tmp_path / "named"))
    assert default_folder() == tmp_path / "named"
