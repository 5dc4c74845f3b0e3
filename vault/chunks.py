"""Sealing a file as a stream: never whole in memory, and no piece of it opens anywhere but at its own place.

The construction is C2SP chunked encryption (https://c2sp.org/chunked-encryption) in its instantiation
Cobblestone-256, as `cryptography` implements it: chunks of 16 KiB, a fresh salt for each stream, a commitment to
the key, a last chunk that is shorter than all others, so that a stream that was cut, extended or reordered does
not open. Whose file it is, and which stream of it, is bound into the derivation of each stream's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn
from uuid import UUID

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from vault.errors import SealBroken
from vault.primitives import KEY_BYTES, length_prefixed
from vault.sealing import Place, Sealer

_PURPOSE = b"cencomm/file/1"


class Stream(NamedTuple):
    """Which stream of whose file: `name` tells the streams of one file apart (an upload's piece, the preview)."""

    group_id: UUID
    file_id: UUID
    owner_id: UUID
    name: str

    @property
    def context(self) -> bytes:
        """What is bound into the key of this stream."""
        return length_prefixed(
            _PURPOSE, self.group_id.bytes, self.file_id.bytes, self.owner_id.bytes, self.name.encode()
        )


class FileKey:
    """The random key of one file. It seals any number of streams: each draws a salt of its own."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise SealBroken
        self._key = key

    def seal(self, plain: Iterable[bytes], stream: Stream) -> Iterator[bytes]:
        """Yield the sealed stream of what `plain` yields. Sealing again gives other bytes, under another salt."""
        sealing = Cobblestone256Encryptor(self._key, stream.context)
        for block in plain:
            yield sealing.update(block)
        yield sealing.finalize()

    def open(self, sealed: Iterable[bytes], stream: Stream) -> Iterator[bytes]:
        """Yield what was sealed as this stream; every byte that is yielded is authentic, and in its place.

        Raises SealBroken where something was changed, and at the end where something is missing.
        """
        opening = Cobblestone256Decryptor(self._key, stream.context)
        try:
            for block in sealed:
                if plain := opening.update(block):
                    yield plain
            if plain := opening.finalize():
                yield plain
        except InvalidTag:
            raise SealBroken from None

    def __repr__(self) -> str:
        return "<FileKey>"

    def __reduce__(self) -> NoReturn:
        message = "a key is never serialised"
        raise TypeError(message)


def new_file_key(sealer: Sealer, place: Place) -> tuple[FileKey, bytes]:
    """Return a fresh key with its sealed form, to be stored at `place`."""
    key = Cobblestone256Encryptor.generate_key()
    return FileKey(key), sealer.seal(key, place)


def opened_file_key(sealer: Sealer, sealed: bytes | memoryview, place: Place) -> FileKey:
    """Return the key that was sealed at `place`. Raises SealBroken, KeyDestroyed."""
    return FileKey(sealer.open(sealed, place))
