"""Sealing one value at one place. A sealed value opens at its own place, under its own key, and nowhere else.

A sealed value is: scheme byte, 96-bit nonce, ciphertext with tag. Bound to it as associated data, length-prefixed:
scheme, group, epoch, table, field, record, sender.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn
from uuid import UUID

from vault.errors import KeyDestroyed, SealBroken
from vault.primitives import Aead, derive, keyed_digest, length_prefixed

# A later scheme (HPKE-wrapped keys of devices, say) gets its own byte and lives beside this one.
SCHEME = 1
_SCHEME_BYTE = bytes([SCHEME])
_PURPOSE_SEAL = b"cencomm/seal/1"
_PURPOSE_DIGEST = b"cencomm/digest/1"


class Place(NamedTuple):
    """Where a sealed value lives; group, epoch and scheme are bound by the sealer itself."""

    table: str
    field: str
    record: str
    sender: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class SealingKeys:
    """What an epoch key is good for: the key that seals and the key that makes digests. Never shown."""

    seal: bytes
    digest: bytes

    @classmethod
    def of(cls, key: bytes, *, group_id: UUID, epoch: int) -> SealingKeys:
        """Return what is derived from the key of one epoch of a group."""
        bound = _bound_to(group_id, epoch)
        return cls(
            derive(key, info=length_prefixed(_PURPOSE_SEAL, bound)),
            derive(key, info=length_prefixed(_PURPOSE_DIGEST, bound)),
        )


class Sealer:
    """Seals and opens the values of one group under one epoch key. Fetch it anew for each act."""

    __slots__ = ("_aead", "_bound", "_digest_key", "_prefixes", "epoch", "group_id")

    def __init__(self, key: bytes | SealingKeys, *, group_id: UUID, epoch: int) -> None:
        """Take an epoch key, or what was derived from it elsewhere."""
        keys = key if isinstance(key, SealingKeys) else SealingKeys.of(key, group_id=group_id, epoch=epoch)
        self.group_id = group_id
        self.epoch = epoch
        self._bound = _bound_to(group_id, epoch)
        self._prefixes: dict[tuple[str, str], bytes] = {}
        self._aead: Aead | None = Aead(keys.seal)
        self._digest_key = keys.digest

    def seal(self, plaintext: bytes, place: Place) -> bytes:
        """Return `plaintext` sealed at `place`. Raises KeyDestroyed once this sealer was forgotten."""
        aead = self._aead  # once: another thread may forget it in between
        if aead is None:
            raise KeyDestroyed
        return _SCHEME_BYTE + aead.encrypt(plaintext, self._associated(place))

    def open(self, sealed: bytes | memoryview, place: Place) -> bytes:
        """Return what was sealed at `place`. Raises SealBroken, KeyDestroyed once this sealer was forgotten."""
        aead = self._aead
        if aead is None:
            raise KeyDestroyed
        data = bytes(sealed)
        if data[:1] != _SCHEME_BYTE:
            raise SealBroken
        return aead.decrypt(data, self._associated(place), skip=1)

    def opener(self, table: str, field: str) -> Callable[[str, str, bytes], bytes]:
        """Return what opens many values of one field, each by record, sender and sealed value, as `open` does.

        What is the same for all of them is done once: for those who open a hundred thousand.
        """
        prefix = self._bound + length_prefixed(table.encode(), field.encode())

        def open_one(record: str, sender: str, sealed: bytes) -> bytes:
            aead = self._aead  # each time: the key may go in the middle of a long reading
            if aead is None:
                raise KeyDestroyed
            if sealed[:1] != _SCHEME_BYTE:
                raise SealBroken
            a, b = record.encode(), sender.encode()
            # What length_prefixed gives, without a call for each part.
            associated = prefix + len(a).to_bytes(4, "big") + a + len(b).to_bytes(4, "big") + b
            return aead.decrypt(sealed, associated, skip=1)

        return open_one

    def digest(self, data: bytes) -> bytes:
        """Return a keyed digest of `data`, for comparing two contents without opening either."""
        key = self._digest_key
        if not key:
            raise KeyDestroyed
        return keyed_digest(key, data)

    def forget(self) -> None:
        """Let go of the keys: everybody who still holds this sealer is refused from now on."""
        self._aead = None
        self._digest_key = b""

    def _associated(self, place: Place) -> bytes:
        table, field, record, sender = place
        prefix = self._prefixes.get((table, field))
        if prefix is None:
            prefix = self._bound + length_prefixed(table.encode(), field.encode())
            if len(self._prefixes) < 64:
                self._prefixes[table, field] = prefix
        return prefix + length_prefixed(record.encode(), sender.encode())

    def __repr__(self) -> str:
        return "<Sealer>"

    def __reduce__(self) -> NoReturn:
        message = "a sealer holds keys and is never serialised"
        raise TypeError(message)


def _bound_to(group_id: UUID, epoch: int) -> bytes:
    return length_prefixed(b"cencomm", _SCHEME_BYTE, group_id.bytes, epoch.to_bytes(8, "big"))
