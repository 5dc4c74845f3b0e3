"""Copies of the key store: whole, put back without undoing a destruction, and gone after 35 days."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import threading
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.vault.agents import Agent
from vault import KeyDestroyed, KeyStore, Place, files
from vault.backups import BackupRefused, back_up, backups_in, contents_of, prune, restore
from vault.roots import FileRootKeys

PLACE = Place("t", "f", "r")
DAY = 86400.0
ONE, OTHER = UUID(int=1), UUID(int=2)


def test_a_store_that_is_lost_is_put_back(store: KeyStore, root_file: Path, folder: Path, tmp_path: Path) -> None:
    store.create_group_key(ONE)
    store.create_group_key(OTHER)
    store.destroy_group_key(OTHER)
    wrapped = store.new_epoch_key(ONE, 1)
    sealed = store.group_sealer(ONE, 1, wrapped).seal(b"text", PLACE)
    backup, contents = back_up(folder, tmp_path / "copies")
    assert (contents.keys, contents.destroyed) == (1, 1)
    assert contents.roots == tuple(root.hex() for root in store.root_keys())
    assert contents_of(backup.path) == contents
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    assert root_file.read_bytes().strip() not in backup.path.read_bytes()
    folder.rename(folder.with_name("lost"))
    done = restore(backup.path, folder)
    assert (done.keys, done.present, done.destroyed, done.marks) == (1, 0, 0, 1)
    again = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    assert again.group_sealer(ONE, 1, wrapped).open(sealed, PLACE) == b"text"
    with pytest.raises(KeyDestroyed):
        again.create_group_key(OTHER)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_what_was_destroyed_since_stays_destroyed(store: KeyStore, folder: Path, tmp_path: Path) -> None:
    store.create_group_key(ONE)
    store.create_group_key(OTHER)
    backup, _contents = back_up(folder, tmp_path / "copies")
    store.destroy_group_key(ONE)
    held = (folder / f"{OTHER.hex}.key").read_bytes()
    done = restore(backup.path, folder)
    assert (done.keys, done.present, done.destroyed) == (0, 1, 1)
    assert not store.has_group_key(ONE)
    assert (folder / f"{OTHER.hex}.key").read_bytes() == held


def test_a_mark_of_the_backup_ends_a_key_that_came_back(store: KeyStore, folder: Path, tmp_path: Path) -> None:
    store.create_group_key(ONE)
    key = (folder / f"{ONE.hex}.key").read_bytes()
    store.destroy_group_key(ONE)
    backup, _contents = back_up(folder, tmp_path / "copies")
    (folder / f"{ONE.hex}.destroyed").unlink()
    (folder / f"{ONE.hex}.key").write_bytes(key)  # a snapshot of the disk from before
    restore(backup.path, folder)
    assert not (folder / f"{ONE.hex}.key").exists()
    assert not store.has_group_key(ONE)


def test_copies_older_than_35_days_are_gone(store: KeyStore, folder: Path, tmp_path: Path) -> None:
    store.create_group_key(ONE)
    now, copies = time.time(), tmp_path / "copies"
    made = {days: back_up(folder, copies, now=now - days * DAY)[0].path for days in (0, 34, 36, 400)}
    (copies / "notes.txt").write_text("no copy")
    assert sorted(prune(copies, now=now)) == sorted([made[36], made[400]])
    assert [backup.path for backup in backups_in(copies)] == [made[34], made[0]]
    assert sorted(path.name for path in copies.iterdir()) == sorted([made[34].name, made[0].name, "notes.txt"])


def test_a_copy_that_is_too_old_is_not_used(store: KeyStore, folder: Path, tmp_path: Path) -> None:
    store.create_group_key(ONE)
    old, _contents = back_up(folder, tmp_path / "copies", now=time.time() - 35 * DAY - 60)
    with pytest.raises(BackupRefused, match="35 days"):
        restore(old.path, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_copy_made_while_the_root_key_changes_is_refused(store: KeyStore, folder: Path, tmp_path: Path) -> None:
    groups = [uuid4(), uuid4()]
    for group in groups:
        store.create_group_key(group)
    store._wrap_anew(store._file(groups[0]), store._roots.add())
    with pytest.raises(BackupRefused, match="being replaced"):
        back_up(folder, tmp_path / "copies")
    store.rotate_root_key()
    assert back_up(folder, tmp_path / "copies")[1].keys == 2


@pytest.mark.parametrize("lock", [".restore", ".agent"])
def test_a_store_that_others_work_on_is_left_alone(
    store: KeyStore, folder: Path, tmp_path: Path, lock: str
) -> None:
    store.create_group_key(ONE)
    backup, _contents = back_up(folder, tmp_path / "copies")
    (folder / f"{ONE.hex}.key").unlink()
    held = files.hold(folder / lock, shared=lock == ".agent")
    assert held is not None
    with pytest.raises(BackupRefused, match="Another restore" if lock == ".restore" else "A key agent"):
        restore(backup.path, folder)
    assert not (folder / f"{ONE.hex}.key").exists()
    os.close(held)
    assert restore(backup.path, folder).keys == 1
    assert restore(backup.path, folder).present == 1  # it holds nothing any more


def test_a_running_agent_and_a_restore_exclude_each_other(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "data")
    agent.start()
    store = agent.folder / "keys" / "store"
    try:
        agent.client().create_group_key(ONE)
        backup, _contents = back_up(store, tmp_path / "copies")  # also while it runs
        with pytest.raises(BackupRefused, match="A key agent"):
            restore(backup.path, store)
    finally:
        agent.stop()
    assert restore(backup.path, store).present == 1
    held = files.hold(store / ".agent", shared=False)  # as a restore holds it
    assert held is not None
    with pytest.raises(AssertionError, match="Keys are being put back"):
        agent.start()
    os.close(held)
    agent.start()
    agent.stop()


def test_no_root_key_is_retired_while_keys_are_put_back(
    store: KeyStore, root_file: Path, folder: Path, tmp_path: Path
) -> None:
    """A key that comes back under the old root key, unseen by a rotation, would be lost with it."""
    store.create_group_key(ONE)
    backup, _contents = back_up(folder, tmp_path / "copies")
    (folder / f"{ONE.hex}.key").unlink()
    store.create_group_key(OTHER)
    putting, going, written = threading.Event(), threading.Event(), files.write_new

    def slowly(path: Path, content: bytes) -> bool:
        if path.suffix == ".key":
            putting.set()
            assert going.wait(300)
        return written(path, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vault.backups.files.write_new", slowly)
        restoring = threading.Thread(target=restore, args=(backup.path, folder))
        restoring.start()
        assert putting.wait(300)
        rotating = threading.Thread(target=store.rotate_root_key)
        rotating.start()
        rotating.join(0.5)
        going.set()
        restoring.join(300)
        rotating.join(300)
    fresh = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    assert len(fresh.root_keys()) == 1
    assert fresh.new_epoch_key(ONE, 1)


@pytest.mark.parametrize("name", ["../escape.key", "/etc/x.key", "root.key", f"{ONE.hex}.key/x", "0" * 31 + ".key"])
def test_a_tar_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    file = tmp_path / f"cencomm-keys-{stamp}Z.tar"
    with tarfile.open(file, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BackupRefused):
        restore(file, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_link_in_a_tar_is_refused(tmp_path: Path) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    file = tmp_path / f"cencomm-keys-{stamp}Z.tar"
    with tarfile.open(file, "w") as tar:
        member = tarfile.TarInfo(f"{ONE.hex}.key")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(member)
    with pytest.raises(BackupRefused):
        contents_of(file)


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 5000])
def test_a_file_that_is_no_copy_is_refused(tmp_path: Path, content: bytes) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    file = tmp_path / f"cencomm-keys-{stamp}Z.tar"
    file.write_bytes(content)
    with pytest.raises(BackupRefused):
        restore(file, tmp_path / "store")
