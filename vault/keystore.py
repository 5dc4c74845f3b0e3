"""The key store: a folder with one key per group, each wrapped by a root key, apart from the database.

What must not live here: the database, anybody's rights. A destroyed key leaves a mark, so that a folder that is
merely not mounted (unavailable, 503) is told apart from a key that is gone for good (410), and so that a key file
that comes back from an old backup stays refused.
"""

from __future__ import annotations

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
from vault.roots import ROOT_ID_BYTES, RootKeys, locked, root_keys
from vault.sealing import SCHEME, Sealer

_MAGIC = b"CCK\x01"
_PLATFORM = UUID(int=0)  # the key of secrets that belong to no group lies in the store as a group's does
_CACHED_SEALERS = 2048
_STAT_EVERY = 1.0  # seconds until a key destroyed by another process is noticed here


def keystore() -> KeyStore:
    """Return this process's key store, as the settings place it."""
    file = Path(settings.CENCOMM_ROOT_KEY_FILE)
    uri = settings.CENCOMM_ROOT_KEY_URI
    return _keystore(file, uri, bool(uri) and file.exists(), Path(settings.CENCOMM_KEY_STORE))


@cache
def _keystore(file: Path, uri: str, _moving: bool, folder: Path) -> KeyStore:
    return KeyStore(roots=root_keys(file=file, uri=uri), folder=folder)


class KeyStore:
    """Makes, opens and destroys keys. Safe to share between threads; holds no key longer than its bounded cache."""

    def __init__(self, *, roots: RootKeys, folder: Path) -> None:
        self._roots = roots
        self._folder = folder
        self._lock = threading.Lock()
        self._sealers: OrderedDict[tuple[UUID, int], tuple[bytes, Sealer]] = OrderedDict()
        self._seen: dict[UUID, tuple[float, tuple[int, int]]] = {}
        self._prints: dict[UUID, bytes] = {}

    def create_group_key(self, group_id: UUID) -> None:
        """Make the group's key; one that exists stays. Raises KeyDestroyed where one was destroyed before."""
        if self._mark(group_id).exists():
            raise KeyDestroyed
        try:
            files.make_folder(self._folder)
            self._see_root_key()
            with locked(self._lock_file, shared=True):  # no root key is retired between wrapping and writing
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
        self._see_root_key()
        try:
            files.make_folder(self._folder)
            next(self._folder.iterdir(), None)
        except OSError:
            raise KeyStoreUnavailable from None

    def rotate_root_key(self) -> tuple[bytes, int]:
        """Make a new root key, wrap every key of the store under it, forget the old ones; everybody works on.

        Returns the new root key's id and how many keys were wrapped anew. The next call finishes one that was
        interrupted. Backups of the folder from before open only with the root key of then.
        """
        self._see_root_key()
        known = self._roots.ids()
        current = known[-1] if len(known) > 1 else self._roots.add()
        count = sum(self._wrap_anew(file, current) for file in self._key_files())
        with locked(self._lock_file, shared=False):
            count += sum(self._wrap_anew(file, current) for file in self._key_files())
            self._roots.retire(current)
        return current, count

    def root_keys(self) -> dict[bytes, int]:
        """Return the ids of the root keys, each with how many keys it wraps; an id that is not known is one too."""
        counts = dict.fromkeys(self._roots.ids(), 0)
        for file in self._key_files():
            root_id = _root_id_of(file.read_bytes())
            counts[root_id] = counts.get(root_id, 0) + 1
        return counts

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
            self._prints.pop(group_id, None)
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
        if seen is not None and seen[1] != signature and self._is_another_key(group_id):
            self._forget(group_id)
        self._seen[group_id] = (now, signature)

    def _is_another_key(self, group_id: UUID) -> bool:
        """Whether the file holds another key than before; one that was only wrapped anew is the same."""
        before = self._prints.get(group_id)
        self._unwrap(group_id)
        return before != self._prints.get(group_id)

    def _raise_missing(self, group_id: UUID) -> NoReturn:
        if self._mark(group_id).exists():
            raise KeyDestroyed
        raise KeyStoreUnavailable

    def _epoch_wrapper(self, group_id: UUID) -> Aead:
        return Aead(derive(self._unwrap(group_id), info=b"cencomm/wrap-epoch-key/1"))

    def _wrap(self, key: bytes, group_id: UUID) -> bytes:
        root_id, wrapped = self._roots.wrap(key, lambda root_id: _group_place(group_id, root_id))
        return _MAGIC + root_id + wrapped

    def _unwrap(self, group_id: UUID) -> bytes:
        if self._mark(group_id).exists():
            raise KeyDestroyed
        try:
            key = self._open_file(group_id)
        except KeyStoreUnavailable:
            key = self._open_file(group_id)  # wrapped anew between the two looks: now its root key is known
        self._prints[group_id] = derive(key, info=b"cencomm/same-key/1", length=16)
        return key

    def _open_file(self, group_id: UUID) -> bytes:
        try:
            content = self._file(group_id).read_bytes()
        except OSError:
            self._raise_missing(group_id)
        root_id = _root_id_of(content)
        wrapped = content[len(_MAGIC) + ROOT_ID_BYTES :]
        return self._roots.unwrap(root_id, wrapped, lambda root_id: _group_place(group_id, root_id))

    def _wrap_anew(self, file: Path, current: bytes) -> int:
        """Wrap one key file under the current root key, unless it is already; return how many were."""
        group_id = UUID(file.stem)
        try:
            if not self._mark(group_id).exists() and _root_id_of(file.read_bytes()) != current:
                files.replace(file, self._wrap(self._open_file(group_id), group_id))
                return 1
        except (FileNotFoundError, KeyDestroyed):
            return 0
        except OSError:
            raise KeyStoreUnavailable from None
        finally:
            if self._mark(group_id).exists():
                files.destroy(file)  # destroyed meanwhile: it stays destroyed
        return 0

    def _key_files(self) -> list[Path]:
        return sorted(self._folder.glob("*.key"))

    def _see_root_key(self) -> None:
        """Make the first root key at first use, unless keys exist already: then theirs must be there."""
        try:
            self._roots.ids()
        except KeyStoreUnavailable:
            if self._folder.exists() and any(self._folder.glob("*.key")):
                raise
            self._roots.make_first()
            self._roots.ids()

    @property
    def _lock_file(self) -> Path:
        return self._folder / ".lock"

    def _file(self, group_id: UUID) -> Path:
        return self._folder / f"{group_id.hex}.key"

    def _mark(self, group_id: UUID) -> Path:
        return self._folder / f"{group_id.hex}.destroyed"

    def __repr__(self) -> str:
        return "<KeyStore>"


def _root_id_of(content: bytes) -> bytes:
    if content[: len(_MAGIC)] != _MAGIC:
        raise SealBroken
    return content[len(_MAGIC) : len(_MAGIC) + ROOT_ID_BYTES]


def _group_place(group_id: UUID, root_id: bytes) -> bytes:
    return length_prefixed(b"cencomm/group-key", group_id.bytes, root_id)


def _epoch_place(group_id: UUID, epoch: int) -> bytes:
    return length_prefixed(b"cencomm/epoch-key", group_id.bytes, epoch.to_bytes(8, "big"))
