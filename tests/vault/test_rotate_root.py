"""The root key is replaced while everybody works: nothing fails, and the old one opens nothing any more."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import vault.service
from vault import KeyDestroyed, KeyStore, KeyStoreUnavailable, Place
from vault.errors import RootKeyFixed
from vault.roots import FileRootKeys, root_keys

PLACE = Place("t", "f", "r")
GROUP = UUID("22222222-2222-4222-8222-222222222222")


def look_again(store: KeyStore) -> None:
    """Let the store look at its files again, as it does once a second."""
    for group_id, (at, signature) in list(store._seen.items()):
        store._seen[group_id] = (at - 2, signature)


def test_everything_opens_after_a_rotation_and_nothing_with_the_old_key(
    store: KeyStore, root_file: Path, folder: Path
) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealed = store.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)
    secret = store.platform_sealer(make=True).seal(b"totp", PLACE)
    name = store.note_signer("log").name
    [old] = store.root_keys()
    old_file = root_file.read_bytes()

    new, count = store.rotate_root_key()

    assert count == 2
    assert store.root_keys() == {new: 2}
    assert new != old
    fresh = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    assert fresh.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"
    assert fresh.platform_sealer().open(secret, PLACE) == b"totp"
    assert fresh.note_signer("log").name == name
    root_file.write_bytes(old_file)
    with pytest.raises(KeyStoreUnavailable):
        KeyStore(roots=FileRootKeys(root_file), folder=folder).group_sealer(GROUP, 1, wrapped)


def test_sealers_that_are_in_use_stay(store: KeyStore, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    held = store.group_sealer(GROUP, 1, wrapped)
    KeyStore(roots=FileRootKeys(root_file), folder=folder).rotate_root_key()
    look_again(store)
    assert store.group_sealer(GROUP, 1, wrapped) is held
    assert held.open(held.seal(b"text", PLACE), PLACE) == b"text"


def test_rotation_that_was_interrupted_is_finished(store: KeyStore, root_file: Path) -> None:
    groups = [uuid4() for _ in range(3)]
    for group in groups:
        store.create_group_key(group)
    new = store._roots.add()
    store._wrap_anew(store._file(groups[0]), new)  # the process dies here
    assert sorted(store.root_keys().values()) == [1, 2]
    assert store.rotate_root_key() == (new, 2)
    assert store.root_keys() == {new: 3}
    assert len(root_file.read_text().split()) == 1


def test_a_root_key_that_cannot_be_written_says_so_and_stays(store: KeyStore, root_file: Path) -> None:
    """As a secret that is mounted, file by file: nothing can take its place."""
    store.create_group_key(GROUP)
    kept = root_file.read_bytes()
    place = Path("/proc/self/fd")  # where nobody can write, not even root
    with pytest.raises(RootKeyFixed) as refused:
        FileRootKeys(place / "root.key").add()
    assert "cannot be written" in refused.value.sentence
    with pytest.MonkeyPatch.context() as patch:

        def mounted(_path: Path, _content: bytes) -> None:
            raise OSError(16, "Device or resource busy")

        patch.setattr("vault.roots.files.replace", mounted)
        with pytest.raises(RootKeyFixed):
            store.rotate_root_key()
    assert root_file.read_bytes() == kept
    assert store.rotate_root_key()[1] == 1


def test_destroyed_key_does_not_come_back(store: KeyStore, folder: Path) -> None:
    store.create_group_key(GROUP)
    copy = (folder / f"{GROUP.hex}.key").read_bytes()
    store.destroy_group_key(GROUP)
    (folder / f"{GROUP.hex}.key").write_bytes(copy)  # from a backup of the folder
    assert store.rotate_root_key()[1] == 0
    assert not (folder / f"{GROUP.hex}.key").exists()
    with pytest.raises(KeyDestroyed):
        store.new_epoch_key(GROUP, 1)


def test_key_under_a_root_key_that_is_gone_stops_the_rotation_and_loses_nothing(
    store: KeyStore, root_file: Path
) -> None:
    store.create_group_key(GROUP)
    right = root_file.read_bytes()
    root_file.unlink()
    FileRootKeys(root_file).make_first()  # the wrong file is mounted
    with pytest.raises(KeyStoreUnavailable):
        store.rotate_root_key()
    root_file.write_bytes(right)
    assert store.rotate_root_key()[1] == 1


def work(
    root_file: Path, uri: str, folder: Path, begun: Event, stop: Event, failures: multiprocessing.Queue[str]
) -> None:
    """Make groups, seal and open in them with stores that know nothing yet, until told to stop."""
    vault.service.ANSWER_SECONDS = 20.0  # a busy machine is no fault of the rotation
    groups: list[tuple[UUID, bytes]] = []
    store = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    for turn in itertools.count():
        if stop.is_set():
            return
        try:
            if len(groups) < 12:
                group = uuid4()
                store.create_group_key(group)
                groups.append((group, store.new_epoch_key(group, 1)))
            group, wrapped = groups[turn % len(groups)]
            look_again(store)
            sealed = store.group_sealer(group, 1, wrapped).seal(b"text", PLACE)
            fresh = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
            if fresh.group_sealer(group, 1, wrapped).open(sealed, PLACE) != b"text":
                failures.put("another text")
        except Exception as error:
            failures.put(repr(error))
        if turn == 3:
            begun.set()


@pytest.mark.parametrize("sort", ["file", "transit"])
def test_rotation_under_load_fails_nobody(
    sort: str, new_uri: Callable[[str], str], root_file: Path, folder: Path
) -> None:
    """Processes that work with the store while the root key is replaced again and again."""
    uri = new_uri(sort)
    context = multiprocessing.get_context("spawn")
    stop, failures = context.Event(), context.Queue()
    begun = [context.Event() for _ in range(3)]
    workers = [
        context.Process(target=work, args=(root_file, uri, folder, one, stop, failures), daemon=True)
        for one in begun
    ]
    store = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    store.check()
    for worker in workers:
        worker.start()
    assert all(one.wait(300) for one in begun)
    ids = {store.rotate_root_key()[0] for _ in range(5)}
    stop.set()
    for worker in workers:
        worker.join(300)
    found = []
    while not failures.empty():
        found.append(failures.get())
    assert found == []
    assert len(ids) == 5
    [(last, count)] = store.root_keys().items()
    assert last in ids
    assert count >= 12
