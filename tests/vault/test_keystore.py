"""Keys at rest: made once, readable by one user, wrapped, and really gone when destroyed."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from vault import KeyDestroyed, KeyStore, KeyStoreUnavailable, Place, SealBroken
from vault.roots import FileRootKeys

PLACE = Place("t", "f", "r")
GROUP = UUID("22222222-2222-4222-8222-222222222222")


def a_second_later(store: KeyStore) -> None:
    """Let the store look at its files again, as it does once a second."""
    for group_id, (at, signature) in list(store._seen.items()):
        store._seen[group_id] = (at - 2, signature)


def test_files_are_for_their_owner_only(store: KeyStore, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    assert stat.S_IMODE(root_file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(root_file.parent.stat().st_mode) == 0o700


def test_a_key_survives_a_restart(store: KeyStore, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealed = store.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)
    again = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    assert again.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"


def test_no_key_lies_unwrapped_in_the_store(store: KeyStore, folder: Path) -> None:
    store.create_group_key(GROUP)
    assert store._unwrap(GROUP) not in (folder / f"{GROUP.hex}.key").read_bytes()


def test_making_a_key_twice_keeps_the_first(store: KeyStore) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    store.create_group_key(GROUP)
    assert store.group_sealer(GROUP, 1, wrapped) is store.group_sealer(GROUP, 1, wrapped)


def test_an_epoch_key_belongs_to_its_group_and_epoch(store: KeyStore) -> None:
    other = uuid4()
    store.create_group_key(GROUP)
    store.create_group_key(other)
    wrapped = store.new_epoch_key(GROUP, 1)
    for group_id, epoch, given in [(other, 1, wrapped), (GROUP, 2, wrapped), (GROUP, 1, b"\x02" + wrapped[1:])]:
        with pytest.raises(SealBroken):
            store.group_sealer(group_id, epoch, given)


def test_a_key_file_moved_to_another_group_does_not_open(store: KeyStore, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    other = uuid4()
    (folder / f"{other.hex}.key").write_bytes((folder / f"{GROUP.hex}.key").read_bytes())
    with pytest.raises(SealBroken):
        store.group_sealer(other, 1, wrapped)


def test_a_destroyed_key_opens_nothing_any_more(store: KeyStore, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    held = store.group_sealer(GROUP, 1, wrapped)
    sealed = held.seal(b"text", PLACE)
    file = folder / f"{GROUP.hex}.key"
    copy_of_file = file.read_bytes()
    store.destroy_group_key(GROUP)
    assert not file.exists()
    assert not store.has_group_key(GROUP)
    with pytest.raises(KeyDestroyed):
        held.open(sealed, PLACE)
    with pytest.raises(KeyDestroyed):
        store.group_sealer(GROUP, 1, wrapped)
    with pytest.raises(KeyDestroyed):
        store.create_group_key(GROUP)
    file.write_bytes(copy_of_file)  # an old backup of the key store comes back
    with pytest.raises(KeyDestroyed):
        store.group_sealer(GROUP, 1, wrapped)
    assert not store.has_group_key(GROUP)


def test_the_bytes_of_a_destroyed_key_are_overwritten(store: KeyStore, folder: Path, tmp_path: Path) -> None:
    store.create_group_key(GROUP)
    file = folder / f"{GROUP.hex}.key"
    second_name = tmp_path / "same-inode"
    second_name.hardlink_to(file)
    before = second_name.read_bytes()
    store.destroy_group_key(GROUP)
    assert len(second_name.read_bytes()) == len(before)
    assert second_name.read_bytes()[:40] != before[:40]


def test_another_process_notices_the_destruction(store: KeyStore, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    other = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    held = other.group_sealer(GROUP, 1, wrapped)
    store.destroy_group_key(GROUP)
    a_second_later(other)
    with pytest.raises(KeyDestroyed):
        other.group_sealer(GROUP, 1, wrapped)
    with pytest.raises(KeyDestroyed):
        held.seal(b"text", PLACE)


def test_a_folder_that_is_away_is_no_destruction(store: KeyStore, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    store.group_sealer(GROUP, 1, wrapped)
    folder.rename(folder.with_name("away"))
    a_second_later(store)
    with pytest.raises(KeyStoreUnavailable):
        store.group_sealer(GROUP, 1, wrapped)
    folder.with_name("away").rename(folder)
    assert store.group_sealer(GROUP, 1, wrapped).epoch == 1


def test_another_root_key_is_refused(store: KeyStore, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    root_file.unlink()
    with pytest.raises(KeyStoreUnavailable):  # never a fresh root key beside keys that need the old one
        KeyStore(roots=FileRootKeys(root_file), folder=folder).new_epoch_key(GROUP, 1)
    assert not root_file.exists()
    KeyStore(roots=FileRootKeys(root_file), folder=folder.with_name("new")).create_group_key(uuid4())
    with pytest.raises(KeyStoreUnavailable):
        KeyStore(roots=FileRootKeys(root_file), folder=folder).new_epoch_key(GROUP, 1)


def test_a_broken_root_key_file_is_refused(store: KeyStore, root_file: Path) -> None:
    root_file.parent.mkdir(parents=True)
    root_file.write_text("not a key")
    with pytest.raises(KeyStoreUnavailable):
        store.create_group_key(GROUP)


def test_processes_that_start_together_agree_on_one_root_key(root_file: Path, folder: Path) -> None:
    code = (
        "import sys, pathlib, uuid\n"
        "from vault.keystore import KeyStore\n"
        "from vault.roots import FileRootKeys\n"
        "s = KeyStore(roots=FileRootKeys(pathlib.Path(sys.argv[1])), folder=pathlib.Path(sys.argv[2]))\n"
        "s.check()\n"
        "print(s._roots.ids()[0].hex())\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(root_file), str(folder)], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert len({run.communicate()[0] for run in runs} - {b""}) == 1
    assert all(run.returncode == 0 for run in runs)


def test_the_platform_has_a_key_of_its_own(store: KeyStore, root_file: Path, folder: Path) -> None:
    sealed = store.platform_sealer(make=True).seal(b"totp", PLACE)
    again = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    assert again.platform_sealer().open(sealed, PLACE) == b"totp"
    assert store.platform_sealer() is store.platform_sealer()


def test_opening_makes_no_platform_key(store: KeyStore) -> None:
    with pytest.raises(KeyStoreUnavailable):
        store.platform_sealer()
    assert store.platform_sealer(make=True).open(store.platform_sealer().seal(b"totp", PLACE), PLACE) == b"totp"


def test_the_cache_is_bounded_and_evicts_gently(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.sealers.CACHED_SEALERS", 2)
    store.create_group_key(GROUP)
    wrapped = {epoch: store.new_epoch_key(GROUP, epoch) for epoch in (1, 2, 3)}
    first = store.group_sealer(GROUP, 1, wrapped[1])
    for epoch in (2, 3):
        store.group_sealer(GROUP, epoch, wrapped[epoch])
    assert len(store._sealers) == 2
    assert first.open(first.seal(b"still at work", PLACE), PLACE) == b"still at work"
    assert store.group_sealer(GROUP, 1, wrapped[1]) is not first


def test_the_key_of_a_group_is_looked_for_once_a_second(
    store: KeyStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    store.group_sealer(GROUP, 1, wrapped)
    (folder / f"{GROUP.hex}.key").unlink()
    clock[0] += 0.9
    store.group_sealer(GROUP, 1, wrapped)
    clock[0] += 0.2
    with pytest.raises(KeyStoreUnavailable):
        store.group_sealer(GROUP, 1, wrapped)


def test_the_store_shows_no_keys(store: KeyStore) -> None:
    assert repr(store) == "<KeyStore>"
