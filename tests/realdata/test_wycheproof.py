"""The vault's own primitives on Project Wycheproof's vectors: AES-GCM, HKDF, HMAC."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault import SealBroken
from vault.primitives import Aead, derive, keyed_digest

FOLDER = Path(os.environ.get("CENCOMM_REALDATA", "")) / "wycheproof"
pytestmark = pytest.mark.skipif(
    "CENCOMM_REALDATA" not in os.environ or not FOLDER.is_dir(), reason="CENCOMM_REALDATA is not set"
)


def vectors(name: str) -> list[dict[str, Any]]:
    groups = json.loads((FOLDER / f"{name}_test.json").read_text())["testGroups"]
    return [{**group, **test} for group in groups for test in group["tests"]]


def test_aes_gcm(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {"valid": 0, "invalid": 0}
    for vector in vectors("aes_gcm"):
        if (vector["keySize"], vector["ivSize"], vector["tagSize"]) != (256, 96, 128):
            continue  # no other parameters can be had from the vault
        key, nonce, aad, message, ciphertext, tag = (
            bytes.fromhex(vector[field]) for field in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        aead = Aead(key)
        tried[vector["result"]] += 1
        if vector["result"] == "valid":
            monkeypatch.setattr(os, "urandom", lambda count, nonce=nonce: nonce)
            assert aead.encrypt(message, aad) == nonce + ciphertext + tag, vector["tcId"]
            assert aead.decrypt(nonce + ciphertext + tag, aad) == message, vector["tcId"]
        else:
            with pytest.raises(SealBroken):
                aead.decrypt(nonce + ciphertext + tag, aad)
    assert tried["valid"] > 30
    assert tried["invalid"] > 10


@pytest.mark.parametrize("size", [0, 1, 8, 11, 13, 16])
def test_no_other_nonce_length_can_be_made(size: int) -> None:
    key = bytes(32)
    if size < 8:
        with pytest.raises(ValueError, match=r"(?i)nonce"):
            AESGCM(key).encrypt(bytes(size), b"", b"")
    assert len(Aead(key).encrypt(b"", b"")) == 12 + 16


def test_hkdf_sha256() -> None:
    tried = 0
    for vector in vectors("hkdf_sha256"):
        ikm, salt, info = (bytes.fromhex(vector[field]) for field in ("ikm", "salt", "info"))
        if vector["result"] == "valid":
            assert derive(ikm, salt=salt, info=info, length=vector["size"]) == bytes.fromhex(vector["okm"])
        else:
            with pytest.raises(ValueError, match=r"(?i)derive|length|large"):
                derive(ikm, salt=salt, info=info, length=vector["size"])
        tried += 1
    assert tried > 50


def test_hmac_sha256() -> None:
    tried = 0
    for vector in vectors("hmac_sha256"):
        size = vector["tagSize"] // 8
        tag = keyed_digest(bytes.fromhex(vector["key"]), bytes.fromhex(vector["msg"]))[:size]
        assert (tag == bytes.fromhex(vector["tag"])) == (vector["result"] == "valid"), vector["tcId"]
        tried += 1
    assert tried > 100
