"""The key store: a root key file, and a folder with one wrapped key per group, apart from the database.

What must not live here: the database, anybody's rights. A destroyed key leaves a mark, so that a folder that is
merely not mounted (unavailable, 503) is told apart from a key that is gone for good (410), and so that a key file
that comes back from an old backup stays refused.
"""

from __future__ import annotations

import base64
import threading
import time
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import NoReturn
from uuid import UUID

from django.conf import settings

from vault import files
from vault.errors import KeyDestroyed, KeyStoreUnavailable, SealBroken
from vault.notes import NoteSigner
from vault.primitives import Aead, derive, length_prefixed, random_key
from vault.sealing import SCHEME, Sealer

_MAGIC = b"CCK\x01"
_ROOT_ID_BYTES = 8
_PLATFORM = UUID(int=0)  # the key of secrets that belong to no group lies in the store as a group's does
_CACHED_SEALERS = 2048
_STAT_EVERY = 1.0  # seconds until a key destroyed by another process is noticed here


def keystore() -> KeyStore:
    """Return this process's key store, as the settings place it."""
    return _keystore(Path(settings.CENCOMM_ROOT_KEY_FILE), Path(settings.CENCOMM_KEY_STORE))


@cache
def _keystore(root_file: Path, folder: Path) -> KeyStore:
    return KeyStore(root_file=root_file, folder=folder)


class KeyStore:
    """Makes, opens and destroys keys. Safe to share between threads; holds no key longer than its bounded cache."""

    def __init__(self, *, root_file: Path, folder: Path) -> None:
        self._root_file = root_file
        self._folder = folder
        self._lock = threading.Lock()
        self._sealers: OrderedDict[tuple[UUID, int], tuple[bytes, Sealer]] = OrderedDict()
        self._seen: dict[UUID, tuple[float, tuple[int, int]]] = {}

    def create_group_key(self, group_id: UUID) -> None:
        """Make the group's key; one that exists stays. Raises KeyDestroyed where one was destroyed before."""
        if self._mark(group_id).exists():
            raise KeyDestroyed
        try:
            files.make_folder(self._folder)
            files.write_new(self._file(group_id), self._wrap(random_key(), group_id))
        except OSError:
            raise KeyStoreUnavailable from None

    def destroy_group_key(self, group_id: UUID) -> None:
        """Destroy the group's key for good: nothing sealed under it opens again, in any process within a second."""
        try:
            files.make_folder(self._folder)
            files.write_new(self._mark(group_id), b"")
            files.destroy(self._file(group_id))
        except OSError:
            raise KeyStoreUnavailable from None
        finally:
            self._forget(group_id)

    def has_group_key(self, group_id: UUID) -> bool:
        """Whether the group's key exists and was not destroyed."""
        return self._file(group_id).exists() and not self._mark(group_id).exists()

    def new_epoch_key(self, group_id: UUID, epoch: int) -> bytes:
        """Return a fresh epoch key, wrapped by the group's key, to be stored in the database."""
        wrapped = self._epoch_wrapper(group_id).encrypt(random_key(), _epoch_place(group_id, epoch))
        return bytes([SCHEME]) + wrapped

    def group_sealer(self, group_id: UUID, epoch: int, wrapped: bytes | memoryview) -> Sealer:
        """Return what seals and opens under an epoch key. Raises KeyDestroyed, KeyStoreUnavailable, SealBroken."""
        self._check_present(group_id)
        given = bytes(wrapped)
        with self._lock:
            cached = self._sealers.get((group_id, epoch))
            if cached is not None and cached[0] == given:
                self._sealers.move_to_end((group_id, epoch))
                return cached[1]
        if given[:1] != bytes([SCHEME]):
            raise SealBroken
        key = self._epoch_wrapper(group_id).decrypt(given[1:], _epoch_place(group_id, epoch))
        return self._remember(Sealer(key, group_id=group_id, epoch=epoch), given)

    def platform_sealer(self, *, make: bool = False) -> Sealer:
        """Return what seals the secrets that belong to no group (keys of authenticators).

        Only who seals makes the key where there is none: who opens looks for one that must be there. In a store
        that is not mounted at the moment a new key would open nothing. Raises KeyStoreUnavailable then.
        """
        if make and not self._file(_PLATFORM).exists():
            self.create_group_key(_PLATFORM)
        self._check_present(_PLATFORM)
        with self._lock:
            cached = self._sealers.get((_PLATFORM, 0))
        if cached is not None:
            return cached[1]
        return self._remember(Sealer(self._unwrap(_PLATFORM), group_id=_PLATFORM, epoch=0), b"")

    def note_signer(self, purpose: str, generation: int = 1, *, make: bool = False) -> NoteSigner:
        """Return what signs for this installation, named after purpose, key and generation.

        Derived from the platform's key, so the store's backup holds it too. Raises KeyStoreUnavailable where there
        is no platform key, unless it is to be made.
        """
        if make and not self._file(_PLATFORM).exists():
            self.create_group_key(_PLATFORM)
        info = length_prefixed(b"cencomm/note-signer/1", purpose.encode(), generation.to_bytes(4, "big"))
        seed = derive(self._unwrap(_PLATFORM), info=info)
        installation = NoteSigner("unnamed", seed).verifier_key.public[:4].hex()
        return NoteSigner(f"{purpose}.{installation}.{generation}", seed)

    def check(self) -> None:
        """Raise KeyStoreUnavailable unless the root key and the folder can be read: for readiness and doctor."""
        self._root_key()
        try:
            files.make_folder(self._folder)
            next(self._folder.iterdir(), None)
        except OSError:
            raise KeyStoreUnavailable from None

    def _remember(self, sealer: Sealer, wrapped: bytes) -> Sealer:
        with self._lock:
            self._sealers[sealer.group_id, sealer.epoch] = (wrapped, sealer)
            while len(self._sealers) > _CACHED_SEALERS:
                # Not forgotten as destroyed ones are: somebody may be sealing with it right now.
                (group_id, _epoch), _evicted = self._sealers.popitem(last=False)
                self._seen.pop(group_id, None)
        return sealer

    def _forget(self, group_id: UUID) -> None:
        with self._lock:
            self._seen.pop(group_id, None)
            for name in [name for name in self._sealers if name[0] == group_id]:
                self._sealers.pop(name)[1].forget()

    def _check_present(self, group_id: UUID) -> None:
        """Notice, at the cost of one stat a second, that another process destroyed or replaced the key."""
        now = time.monotonic()
        seen = self._seen.get(group_id)
        if seen is not None and now - seen[0] < _STAT_EVERY:
            return
        try:
            stat = self._file(group_id).stat()
        except OSError:
            self._forget(group_id)
            self._raise_missing(group_id)
        if self._mark(group_id).exists():
            self._forget(group_id)
            raise KeyDestroyed
        signature = (stat.st_ino, stat.st_mtime_ns)
        if seen is not None and seen[1] != signature:
            self._forget(group_id)
        self._seen[group_id] = (now, signature)

    def _raise_missing(self, group_id: UUID) -> NoReturn:
        if self._mark(group_id).exists():
            raise KeyDestroyed
        raise KeyStoreUnavailable

    def _epoch_wrapper(self, group_id: UUID) -> Aead:
        return Aead(derive(self._unwrap(group_id), info=b"cencomm/wrap-epoch-key/1"))

    def _wrap(self, key: bytes, group_id: UUID) -> bytes:
        root_id, wrapper = self._root()
        return _MAGIC + root_id + wrapper.encrypt(key, _group_place(group_id, root_id))

    def _unwrap(self, group_id: UUID) -> bytes:
        if self._mark(group_id).exists():
            raise KeyDestroyed
        try:
            content = self._file(group_id).read_bytes()
        except OSError:
            self._raise_missing(group_id)
        root_id, wrapper = self._root()
        head = len(_MAGIC)
        if content[:head] != _MAGIC:
            raise SealBroken
        if content[head : head + _ROOT_ID_BYTES] != root_id:
            # The root key file is not the one that wrapped this key: the wrong file is mounted.
            raise KeyStoreUnavailable
        return wrapper.decrypt(content[head + _ROOT_ID_BYTES :], _group_place(group_id, root_id))

    def _root(self) -> tuple[bytes, Aead]:
        root = self._root_key()
        root_id = derive(root, info=b"cencomm/root-key-id/1", length=_ROOT_ID_BYTES)
        return root_id, Aead(derive(root, info=b"cencomm/wrap-group-key/1"))

    def _root_key(self) -> bytes:
        """Return the root key; make it at first use, unless keys exist already that another root key wraps."""
        try:
            if not self._root_file.exists():
                if self._folder.exists() and any(self._folder.glob("*.key")):
                    raise KeyStoreUnavailable
                files.make_folder(self._root_file.parent)
                files.write_new(self._root_file, base64.b64encode(random_key()) + b"\n")
            key = base64.b64decode(self._root_file.read_bytes().strip(), validate=True)
        except (OSError, ValueError):
            raise KeyStoreUnavailable from None
        if len(key) != 32:
            raise KeyStoreUnavailable
        return key

    def _file(self, group_id: UUID) -> Path:
        return self._folder / f"{group_id.hex}.key"

    def _mark(self, group_id: UUID) -> Path:
        return self._folder / f"{group_id.hex}.destroyed"

    def __repr__(self) -> str:
        return "<KeyStore>"


def _group_place(group_id: UUID, root_id: bytes) -> bytes:
    return length_prefixed(b"cencomm/group-key", group_id.bytes, root_id)


def _epoch_place(group_id: UUID, epoch: int) -> bytes:
    return length_prefixed(b"cencomm/epoch-key", group_id.bytes, epoch.to_bytes(8, "big"))
