"""A key store of its own for every test of the vault; a token and a key service for those that need one."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cencomm.ports import PATIENCE
from tests.vault.bao import Bao, program
from vault import KeyStore
from vault.agent.client import AgentLine
from vault.roots import FileRootKeys

LIBRARIES = sorted(Path("/usr/lib").glob("**/libsofthsm2.so"))
PIN = "493817"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _patient_with_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.service.ANSWER_SECONDS", 20.0)
    monkeypatch.setitem(AgentLine.ask.__kwdefaults__, "seconds", PATIENCE)
    monkeypatch.setattr("vault.agent.server.FRAME_SECONDS", PATIENCE)


@pytest.fixture
def root_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "root.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "store"


@pytest.fixture
def store(root_file: Path, folder: Path) -> KeyStore:
    return KeyStore(roots=FileRootKeys(root_file), folder=folder)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SoftHSM with no token: its library reads where once per process."""
    if shutil.which("softhsm2-util") is None or not LIBRARIES:
        pytest.skip("SoftHSM is not installed")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield folder


def token_uri(tokens: Path) -> str:
    """Make a token; return its address."""
    name = f"cen{next(_numbers)}"
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


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """An OpenBao for all tests that do not harm it."""
    if program() is None:
        pytest.skip("OpenBao is not installed")
    server = Bao(tmp_path_factory.mktemp("bao"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def new_uri(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return what makes the address of an empty place for root keys: of a file (none), a token, a transit key."""

    def make(sort: str) -> str:
        if sort == "file":
            return ""
        if sort == "pkcs11":
            return token_uri(request.getfixturevalue("tokens"))
        service: Bao = request.getfixturevalue("bao")
        return service.uri(f"key-{next(_numbers)}", tmp_path, made=False)

    return make
