"""A token (SoftHSM) as the place of the root key, beyond what every place promises (`test_root_keys`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.vault.conftest import PIN
from vault import KeyStore, KeyStoreUnavailable
from vault.roots import root_keys

GROUP = UUID("22222222-2222-4222-8222-222222222222")


@pytest.fixture
def uri(new_uri: Callable[[str], str]) -> str:
    return new_uri("pkcs11")


@pytest.fixture
def store(uri: str, root_file: Path, folder: Path) -> KeyStore:
    return KeyStore(roots=root_keys(file=root_file, uri=uri), folder=folder)


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
