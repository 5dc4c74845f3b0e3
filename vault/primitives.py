"""The three primitives everything here is made of, with their parameters fixed. Tested on the Wycheproof vectors.

What must not live here: keys at rest, places, schemes.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import SealBroken

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


def random_key() -> bytes:
    """Return a fresh 256-bit key from the operating system."""
    return os.urandom(KEY_BYTES)


class Aead:
    """AES-256-GCM under one key. `encrypt` draws its nonce from the operating system, also after a fork."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            message = "an AES-256 key has 32 bytes"
            raise ValueError(message)
        self._cipher = AESGCM(key)

    def encrypt(self, plaintext: bytes, associated: bytes) -> bytes:
        """Return nonce and ciphertext with its tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, associated)

    def decrypt(self, sealed: bytes, associated: bytes, *, skip: int = 0) -> bytes:
        """Return the plaintext of what `encrypt` gave, which begins after `skip` bytes. Raises SealBroken."""
        if len(sealed) < skip + NONCE_BYTES + TAG_BYTES:
            raise SealBroken
        begins = skip + NONCE_BYTES
        try:
            return self._cipher.decrypt(sealed[skip:begins], sealed[begins:], associated)
        except InvalidTag:
            raise SealBroken from None


def derive(key: bytes, *, info: bytes, salt: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """Return HKDF-SHA-256 (RFC 5869) of `key` for the purpose that `info` names."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(key)


def keyed_digest(key: bytes, data: bytes) -> bytes:
    """Return HMAC-SHA-256: tells whether two contents are the same, to nobody who lacks the key."""
    return hmac.digest(key, data, hashlib.sha256)


def digest(data: bytes) -> bytes:
    """Return SHA-256: names a content that is no secret."""
    return hashlib.sha256(data).digest()


def length_prefixed(*parts: bytes) -> bytes:
    """Join parts so that no two different lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
