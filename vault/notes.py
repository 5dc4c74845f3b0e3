"""Signed notes: a text with Ed25519 signatures under it, as transparency logs exchange them.

Sources: C2SP signed-note (the note, the key, the key's id) and C2SP tlog-cosignature (what a witness adds).
What must not live here: what a note says, where notes and keys are kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 1
COSIGNATURE = 4
_MARK = "— "  # an em dash and a space begin each line of a signature


class NoteBroken(Exception):
    """A note is not signed by the key that it should be signed by, or it was changed."""


class VerifierKey(NamedTuple):
    """Who signs: a name, the sort of its signatures (`ED25519` or `COSIGNATURE`), its public key of 32 bytes."""

    name: str
    sort: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Return the key that `name+hash+base64` names. Raises NoteBroken."""
        name, _, rest = text.strip().partition("+")
        hashed, _, encoded = rest.partition("+")
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise NoteBroken from None
        if len(data) != 33 or data[0] not in {ED25519, COSIGNATURE} or not _is_name(name):
            raise NoteBroken
        key = cls(name, data[0], data[1:])
        if key.identifier.hex() != hashed:
            raise NoteBroken
        return key

    @property
    def identifier(self) -> bytes:
        """The four bytes by which a signature says whose it is."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.sort]) + self.public).digest()[:4]

    def __str__(self) -> str:
        data = base64.b64encode(bytes([self.sort]) + self.public).decode()
        return f"{self.name}+{self.identifier.hex()}+{data}"


class NoteSigner:
    """Signs notes in one name. The seed is 32 secret bytes; it is never shown, and may lie with somebody else."""

    __slots__ = ("_public", "_sign", "name", "sort")

    def __init__(self, name: str, seed: bytes, *, sort: int = ED25519) -> None:
        if not _is_name(name):
            message = "the name of a signer has no space and no plus"
            raise ValueError(message)
        self.name, self.sort = name, sort
        key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = key.public_key().public_bytes_raw()
        self._sign: Callable[[bytes], bytes] = key.sign

    @classmethod
    def elsewhere(cls, name: str, public: bytes, sign: Callable[[bytes], bytes]) -> NoteSigner:
        """Return a signer whose seed another process holds: `sign` asks it for a signature."""
        signer = cls.__new__(cls)
        signer.name, signer.sort, signer._public, signer._sign = name, ED25519, public, sign
        return signer

    def signature(self, text: bytes) -> bytes:
        """Return the bare signature of a text."""
        return self._sign(text)

    @property
    def verifier_key(self) -> VerifierKey:
        """What others need to check the signatures."""
        return VerifierKey(self.name, self.sort, self._public)

    def sign(self, body: str) -> str:
        """Return the signed note: `body`, whole lines, an empty line, one signature."""
        _check_body(body)
        return f"{body}\n{self._line(self._sign(body.encode()))}"

    def cosign(self, note: str, *, at: int) -> str:
        """Return the line that a witness adds to a note it has checked at `at`, seconds since 1970."""
        body, _lines = _split(note)
        signature = self._sign(_witnessed(body, at))
        return self._line(at.to_bytes(8, "big") + signature)

    def _line(self, signature: bytes) -> str:
        data = base64.b64encode(self.verifier_key.identifier + signature).decode()
        return f"{_MARK}{self.name} {data}\n"

    def __repr__(self) -> str:
        return f"<NoteSigner {self.name}>"


def signers_of(note: str, keys: list[VerifierKey]) -> list[VerifierKey]:
    """Return which of `keys` signed the note. Raises NoteBroken where one of theirs is a wrong one."""
    body, lines = _split(note)
    found = []
    for key in keys:
        for name, data in lines:
            if name != key.name or data[:4] != key.identifier:
                continue
            _check(key, body, data[4:])
            found.append(key)
            break
    return found


def opened_note(note: str, key: VerifierKey) -> str:
    """Return the text of a note that `key` signed. Raises NoteBroken."""
    if not signers_of(note, [key]):
        raise NoteBroken
    return _split(note)[0]


def _check(key: VerifierKey, body: str, signature: bytes) -> None:
    message = body.encode()
    if key.sort == COSIGNATURE:
        message = _witnessed(body, int.from_bytes(signature[:8], "big"))
        signature = signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise NoteBroken from None


def _witnessed(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    body, middle, tail = note.rpartition("\n\n")
    if not middle or not tail.endswith("\n"):
        raise NoteBroken
    lines = []
    for line in tail.splitlines():
        if not line.startswith(_MARK):
            raise NoteBroken
        name, _, encoded = line.removeprefix(_MARK).partition(" ")
        try:
            lines.append((name, base64.b64decode(encoded, validate=True)))
        except (binascii.Error, ValueError):
            raise NoteBroken from None
    return body + "\n", lines


def _check_body(body: str) -> None:
    if not body.endswith("\n") or "\r" in body or "\x00" in body:
        message = "a note is made of whole lines"
        raise ValueError(message)


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(part.isspace() for part in name)
