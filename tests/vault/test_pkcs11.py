"""The root key in a token, tried with SoftHSM: wraps, opens, is replaced, and takes over from a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from vault import KeyStore, KeyStoreUnavailable, Place, SealBroken
from vault.roots import FileRootKeys, root_keys

LIBRARIES = sorted(Path("/usr/lib").glob("**/libsofthsm2.so"))
PIN = "493817"
PLACE = Place("t", "f", "r")
GROUP = UUID("22222222-2222-4222-8222-222222222222")
OTHER = UUID("33333333-3333-4333-8333-333333333333")

pytestmark = pytest.mark.skipif(
    shutil.which("softhsm2-util") is None or not LIBRARIES, reason="SoftHSM is not installed"
)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SoftHSM with no token: its library reads where once per process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield folder


@pytest.fixture
def uri(tokens: Path, request: pytest.FixtureRequest) -> str:
    name = f"cen{abs(hash(request.node.name)) % 10**8}"
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", name, "--pin", PIN, "--so-pin", PIN],
        check=True,
        capture_output=True,
    )
    pin = tokens / "pin"
    pin.write_text(f"{PIN}\n")
    # The library lists its tokens when it begins: without this it would not know the new one.
    import pkcs11

    pkcs11.lib(str(LIBRARIES[0])).reinitialize()
    return f"pkcs11:token={name}?module-path={LIBRARIES[0]}&pin-source={pin}"


@pytest.fixture
def store(uri: str, root_file: Path, folder: Path) -> KeyStore:
    return KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)


def test_keys_are_wrapped_by_the_token(store: KeyStore, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealer = store.group_sealer(GROUP, 1, wrapped)
    assert sealer.open(sealer.seal(b"text", PLACE), PLACE) == b"text"
    assert not root_file.exists()
    content = (folder / f"{GROUP.hex}.key").read_bytes()
    assert store._unwrap(GROUP) not in content
    (folder / f"{OTHER.hex}.key").write_bytes(content)  # moved to another group
    with pytest.raises(SealBroken):
        store.new_epoch_key(OTHER, 1)


def test_root_key_in_the_token_is_replaced(store: KeyStore, uri: str, root_file: Path, folder: Path) -> None:
    store.create_group_key(GROUP)
    wrapped = store.new_epoch_key(GROUP, 1)
    sealed = store.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)
    [old] = store.root_keys()
    new, count = store.rotate_root_key()
    assert (count, store.root_keys()) == (1, {new: 1})
    assert new != old
    again = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    assert again.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"


def test_root_key_moves_from_a_file_into_the_token(uri: str, root_file: Path, folder: Path) -> None:
    before = KeyStore(roots=FileRootKeys(root_file), folder=folder)
    before.create_group_key(GROUP)
    wrapped = before.new_epoch_key(GROUP, 1)
    sealed = before.group_sealer(GROUP, 1, wrapped).seal(b"text", PLACE)

    moving = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    assert moving.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"
    new, count = moving.rotate_root_key()

    assert count == 1
    assert not root_file.exists()
    moved = KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)
    assert moved.root_keys() == {new: 1}
    assert moved.group_sealer(GROUP, 1, wrapped).open(sealed, PLACE) == b"text"
    assert moving.new_epoch_key(GROUP, 2)


def test_no_key_leaves_the_token(store: KeyStore) -> None:
    import pkcs11

    store.check()
    with store._roots._open() as session:  # type: ignore[attr-defined]
        [key] = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY})
        assert key[pkcs11.Attribute.EXTRACTABLE] is False
        assert key[pkcs11.Attribute.SENSITIVE] is True
        assert key[pkcs11.Attribute.PRIVATE] is True


def test_wrong_pin_or_token_tells_nothing(tokens: Path, uri: str, root_file: Path, folder: Path) -> None:
    (tokens / "wrong").write_text("000000")
    for right, wrong in (("/pin", "/wrong"), ("/pin", "/absent"), ("token=cen", "token=no")):
        bad = uri.replace(right, wrong)
        with pytest.raises(KeyStoreUnavailable) as refusal:
            KeyStore(roots=root_keys(file=root_file, uri=bad), folder=folder).create_group_key(GROUP)
        assert PIN not in str(refusal.value)


def test_address_that_lacks_something_is_refused(root_file: Path) -> None:
    with pytest.raises(ValueError, match="pin-source"):
        root_keys(file=root_file, uri="pkcs11:token=cencomm?module-path=/usr/lib/x.so")


def test_forked_process_signs_in_for_itself(store: KeyStore, uri: str, root_file: Path, folder: Path) -> None:
    """As a web server's workers do: the session of the parent is not the child's."""
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
