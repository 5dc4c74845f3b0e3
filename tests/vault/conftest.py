"""A key store of its own for every test of the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from vault import KeyStore
from vault.roots import FileRootKeys


@pytest.fixture
def root_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "root.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "store"


@pytest.fixture
def store(root_file: Path, folder: Path) -> KeyStore:
    return KeyStore(roots=FileRootKeys(root_file), folder=folder)
