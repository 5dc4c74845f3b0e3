"""One contract for every place of a root key: a file, a token (SoftHSM), a key service (OpenBao)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from vault import KeyStore, KeyStoreUnavailable, Place, SealBroken
from vault.roots import FileRootKeys, RootKeys, root_keys

PLACE = Place("t", "f", "r")
GROUP = UUID("22222222-2222-4222-8222-222222222222")
OTHER = UUID("33333333-3333-4333-8333-333333333333")
KEY = bytes(range(32))
SORTS = ("file", "pkcs11", "transit")


@pytest.fixture(params=SORTS)
def uri(request: pytest.FixtureRequest, new_uri: Callable[[str], str]) -> str:
    return new_uri(request.param)


@pytest.fixture
def roots(uri: str, root_file: Path) -> RootKeys:
    return root_keys(file=root_file, uri=uri)


@pytest.fixture
def store(roots: RootKeys, folder: Path) -> KeyStore:
    return KeyStore(roots=roots, folder=folder)


def here(root_id: bytes) -> bytes:
    return b"here" + root_id


def test_there_is_none_until_the_first_is_made(roots: RootKeys) -> None:
    with pytest.raises(KeyStoreUnavailable):
        roots.ids()
    with pytest.raises(KeyStoreUnavailable):
        roots.wrap(KEY, here)
    roots.make_first()
    [first] = roots.ids()
    assert len(first) == 8
    roots.make_first()
    assert roots.ids() == [first]


def test_what_was_wrapped_opens_at_its_place_and_nowhere_else(roots: RootKeys) -> None:
    roots.make_first()
    root_id, wrapped = roots.wrap(KEY, here)
    assert roots.ids() == [root_id]
    assert roots.unwrap(root_id, wrapped, here) == KEY
    assert KEY not in wrapped
    assert roots.wrap(KEY, here)[1] != wrapped
    with pytest.raises(SealBroken):
        roots.unwrap(root_id, wrapped, lambda _root_id: b"there")
    for position in (0, 12, len(wrapped) - 1):
        broken = bytearray(wrapped)
        broken[position] ^= 1
        with pytest.raises(SealBroken):
            roots.unwrap(root_id, bytes(broken), here)


def test_a_newer_one_wraps_and_the_older_one_opens_until_it_is_retired(roots: RootKeys) -> None:
    roots.make_first()
    old, wrapped = roots.wrap(KEY, here)
    new = roots.add()
    assert roots.ids() == [old, new]
    assert roots.unwrap(old, wrapped, here) == KEY
    again = roots.wrap(KEY, here)
    assert again[0] == new
    roots.retire(new)
    assert roots.ids() == [new]
    with pytest.raises(KeyStoreUnavailable):
        roots.unwrap(old, wrapped, here)
    assert roots.unwrap(*again, here) == KEY


def test_one_that_is_not_known_is_told_apart_from_what_was_changed(roots: RootKeys) -> None:
    roots.make_first()
    _root_id, wrapped = roots.wrap(KEY, here)
    with pytest.raises(KeyStoreUnavailable):
        roots.unwrap(b"\0\0\0\7strange!"[:8], wrapped, here)


def test_it_says_where_it_is_and_shows_nothing_else(roots: RootKeys, uri: str) -> None:
    assert roots.where.split()[0] in {"the"}
    assert "-file=" not in f"{roots!r}{roots.where}"
    assert "493817" not in f"{roots!r}{roots.where}"


def test_keys_are_wrapped_by_it(store: KeyStore, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealer = store.group_sealer(GROUP, 1, wrapped)
    assert sealer.open(sealer.seal(b"text", PLACE), PLACE) == b"text"
    content = (folder / f"{GROUP.hex}.key").read_bytes()
    assert store._unwrap(GROUP) not in content
    (folder / f"{OTHER.hex}.key").write_bytes(content)  # moved to another group
    with pytest.raises(SealBroken):
        store.new_epoch_key(OTHER, 1)


def test_it_is_replaced(store: KeyStore, uri: str, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealed = store.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)
    before = (folder / f"{GROUP.hex}.key").read_bytes()
    [old] = store.root_keys()
    new, count = store.rotate_root_key()
    assert (count, store.root_keys()) == (1, {new: 1})
    assert new != old
    again = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    assert again.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"
    (folder / f"{GROUP.hex}.key").write_bytes(before)  # a copy from before opens nothing
    with pytest.raises(KeyStoreUnavailable):
        KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder).new_epoch_key(GROUP, 2)


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "file"])
def test_it_moves_from_a_file(sort: str, new_uri: Callable[[str], str], root_file: Path, folder: Path) -> None:
    before = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    before.create_group_key(GROUP)
    wrapped = before.new_epoch_key(GROUP, 1)
    sealed = before.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)
    uri = new_uri(sort)

    moving = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    assert "on its way into" in moving.where
    assert moving.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"
    new, count = moving.rotate_root_key()

    assert count == 1
    assert not root_file.exists()
    moved = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    assert moved.root_keys() == {new: 1}
    assert moved.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"
    assert moving.new_epoch_key(GROUP, 2)


def test_a_forked_process_uses_it_for_itself(store: KeyStore, uri: str, root_file: Path, folder: Path) -> None:
    """As a web server's workers do: the session or the connection of the parent is not the child's."""
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealed = store.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from uuid import UUID\n"
        "from vault import KeyStore, Place\n"
        "from vault.roots import root_keys\n"
        "uri, file, folder, wrapped, sealed = sys.argv[1:]\n"
        "store = KeyStore(roots=root_keys(file=Path(file), uri=uri), folder=Path(folder))\n"
        "store.check()\n"
        "child = os.fork()\n"
        f"group = UUID('{GROUP}')\n"
        "opened = store.group_sealer(group, 1, bytes.fromhex(wrapped)).open(\n"
        "    bytes.fromhex(sealed), Place('t', 'f', 'r'))\n"
        "assert opened == b'text'\n"
        "if child == 0: os._exit(0)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, uri, str(root_file), str(folder), wrapped.hex(), sealed.hex()],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
