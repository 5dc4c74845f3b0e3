"""Root keys: what wraps the keys of the groups. A file here; what never lets a key out in `pkcs11` and `transit`.

A provider knows several root keys by their ids and wraps with the current one, so that a rotation can go on while
everybody works. What must not live here: which keys are wrapped, and where those lie.
"""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from vault import files
from vault.errors import KeyStoreUnavailable, RootKeyFixed
from vault.primitives import KEY_BYTES, Aead, derive, random_key

ROOT_ID_BYTES = 8

type PlaceOf = Callable[[bytes], bytes]  # the id of a root key -> what is bound to the wrapped key


class RootKeys(Protocol):
    """The root keys of one installation, oldest first, the last one current. All may raise KeyStoreUnavailable."""

    are_here: bool  # in this process's reach: whoever uses them waits for nobody

    @property
    def where(self) -> str:
        """Where they lie, for operators."""
        ...

    def ids(self) -> list[bytes]:
        """Return the ids of 8 bytes; raises where there is no key at all."""
        ...

    def make_first(self) -> None:
        """Make the first root key where there is none."""
        ...

    def add(self) -> bytes:
        """Make another root key, current from now on; return its id."""
        ...

    def retire(self, keep: bytes) -> None:
        """Forget every root key but one."""
        ...

    def wrap(self, key: bytes, place: PlaceOf) -> tuple[bytes, bytes]:
        """Return the current root key's id, and `key` wrapped under it."""
        ...

    def unwrap(self, root_id: bytes, wrapped: bytes, place: PlaceOf) -> bytes:
        """Return the key that was wrapped. Raises SealBroken too; KeyStoreUnavailable for a root key not known."""
        ...


class FileRootKeys:
    """Root keys in a file, a line of base64 each, mode 0600. Read at each use: nothing is kept in memory."""

    are_here = True

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        """The file."""
        return f"the file {self._path.name}"

    def ids(self) -> list[bytes]:
        """Return the ids, oldest first."""
        return [_id_of(key) for key in self._keys()]

    def make_first(self) -> None:
        """Make the file with one key; one that is there stays."""
        try:
            if not self._path.exists():
                files.make_folder(self._path.parent)
                files.write_new(self._path, _line(random_key()))
        except OSError:
            raise KeyStoreUnavailable from None

    def add(self) -> bytes:
        """Add a line to the file."""
        key = random_key()
        with self._alone():
            self._write([*self._keys(), key])
        return _id_of(key)

    def retire(self, keep: bytes) -> None:
        """Leave one line in the file, or no file when that key lies elsewhere."""
        with self._alone():
            kept = [key for key in self._keys() if _id_of(key) == keep]
            if kept:
                self._write(kept)
                return
            try:
                files.destroy(self._path)  # the key that is kept lies elsewhere
            except OSError:
                raise RootKeyFixed from None

    def wrap(self, key: bytes, place: PlaceOf) -> tuple[bytes, bytes]:
        """Wrap under the last line's key."""
        root = self._keys()[-1]
        root_id = _id_of(root)
        return root_id, _wrapper(root).encrypt(key, place(root_id))

    def unwrap(self, root_id: bytes, wrapped: bytes, place: PlaceOf) -> bytes:
        """Unwrap with the key of that id."""
        for root in self._keys():
            if _id_of(root) == root_id:
                return _wrapper(root).decrypt(wrapped, place(root_id))
        # The root key file is not the one that wrapped this key: the wrong file is mounted.
        raise KeyStoreUnavailable

    def _keys(self) -> list[bytes]:
        try:
            keys = [base64.b64decode(line, validate=True) for line in self._path.read_bytes().split()]
        except (OSError, ValueError):
            raise KeyStoreUnavailable from None
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise KeyStoreUnavailable
        return keys

    def _write(self, keys: list[bytes]) -> None:
        try:
            files.replace(self._path, b"".join(map(_line, keys)))
        except OSError:
            raise RootKeyFixed from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self._path.with_name(f".{self._path.name}.lock"), shared=False, refusal=RootKeyFixed):
            yield


class MovedRootKeys:
    """Root keys that leave a file for a token or a service: both open, the new wrap; a rotation ends the file."""

    are_here = False

    def __init__(self, old: FileRootKeys, new: RootKeys) -> None:
        self._old, self._new = old, new

    @property
    def where(self) -> str:
        """Both, until the root key was replaced."""
        return f"{self._old.where}, on its way into {self._new.where}"

    def ids(self) -> list[bytes]:
        """Return the file's ids, then the new ones."""
        found = [*_ids_or_none(self._old), *_ids_or_none(self._new)]
        if not found:
            raise KeyStoreUnavailable
        return found

    def make_first(self) -> None:
        """Make the first key at the new place."""
        self._new.make_first()

    def add(self) -> bytes:
        """Add at the new place."""
        return self._new.add()

    def retire(self, keep: bytes) -> None:
        """Forget the file, and at the new place every key but one."""
        self._new.retire(keep)
        self._old.retire(keep)

    def wrap(self, key: bytes, place: PlaceOf) -> tuple[bytes, bytes]:
        """Wrap at the new place once it has a key."""
        return (self._new if _ids_or_none(self._new) else self._old).wrap(key, place)

    def unwrap(self, root_id: bytes, wrapped: bytes, place: PlaceOf) -> bytes:
        """Unwrap with whichever knows the id."""
        return (self._old if root_id in _ids_or_none(self._old) else self._new).unwrap(root_id, wrapped, place)


def _ids_or_none(keys: RootKeys) -> list[bytes]:
    try:
        return keys.ids()
    except KeyStoreUnavailable:
        return []


def root_keys(*, file: Path, uri: str) -> RootKeys:
    """Return the root keys that the settings name: in a file, or by an address, or moving to there.

    Raises ValueError where the address is none.
    """
    if not uri:
        return FileRootKeys(file)
    elsewhere = _elsewhere(uri)
    return MovedRootKeys(FileRootKeys(file), elsewhere) if file.exists() else elsewhere


def _elsewhere(uri: str) -> RootKeys:
    if uri.startswith("transit:"):
        from vault.transit import TransitRootKeys

        return TransitRootKeys(uri)
    from vault.pkcs11 import TokenRootKeys

    return TokenRootKeys(uri)


@contextmanager
def locked(path: Path, *, shared: bool, refusal: type[KeyStoreUnavailable] = KeyStoreUnavailable) -> Iterator[None]:
    """Hold a lock between processes, for many or for one. Raises the refusal."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        raise refusal from None
    try:
        files.give_to_owner(descriptor, path.parent)
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _line(key: bytes) -> bytes:
    return base64.b64encode(key) + b"\n"


def _id_of(root: bytes) -> bytes:
    return derive(root, info=b"cencomm/root-key-id/1", length=ROOT_ID_BYTES)


def _wrapper(root: bytes) -> Aead:
    return Aead(derive(root, info=b"cencomm/wrap-group-key/1"))
