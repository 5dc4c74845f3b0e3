"""The key store: a folder with one key per group, each wrapped by a root key, apart from the database.

What must not live here: the database, anybody's rights. A destroyed key leaves a mark, so that a folder that is
merely not mounted (unavailable, 503) is told apart from a key that is gone for good (410), and so that a key file
that comes back from an old backup stays refused.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NoReturn
from uuid import UUID

from vault import files
from vault.at_hand import require_asking
from vault.errors import KeyDestroyed, KeyStoreUnavailable, SealBroken
from vault.notes import NoteSigner
from vault.primitives import Aead, derive, length_prefixed, random_key
from vault.roots import ROOT_ID_BYTES, RootKeys, locked
from vault.sealers import SealerCache
from vault.sealing import SCHEME, Sealer, SealingKeys

_MAGIC = b"CCK\x01"
_PLATFORM = UUID(int=0)  # the key of secrets that belong to no group lies in the store as a group's does
_STAT_EVERY = 1.0  # seconds until a key destroyed by another process is noticed here
_SETTLED_NS = 1_000_000_000  # a folder that changed less than this ago may change again without its time telling


class KeyStore(SealerCache):
    """Makes, opens and destroys keys. Safe to share between threads; holds no key longer than its bounded cache."""

    def __init__(self, *, roots: RootKeys, folder: Path) -> None:
        super().__init__()
        self._roots = roots
        self._folder = folder
        self._seen: dict[UUID, tuple[float, tuple[int, int]]] = {}
        self._prints: dict[UUID, bytes] = {}
        self._looked = 0

    @property
    def where(self) -> str:
        """Where the root key lies, for operators."""
        return self._roots.where

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

    def is_destroyed(self, group_id: UUID) -> bool:
        """Whether the group's key was destroyed; one that cannot be reached at the moment was not."""
        return self._mark(group_id).exists()

    def new_epoch_key(self, group_id: UUID, epoch: int) -> bytes:
        """Return a fresh epoch key, wrapped by the group's key, to be stored in the database."""
        wrapped = self._epoch_wrapper(group_id).encrypt(random_key(), _epoch_place(group_id, epoch))
        return bytes([SCHEME]) + wrapped

    def is_at_hand(self, group_id: UUID, epoch: int) -> bool:
        """Whether this process has the sealer of an epoch, or gets it without asking another machine or process."""
        return self._roots.are_here or super().is_at_hand(group_id, epoch)

    def group_sealer(self, group_id: UUID, epoch: int, wrapped: bytes | memoryview) -> Sealer:
        """Return what seals and opens under an epoch key. Raises KeyDestroyed, KeyStoreUnavailable, SealBroken."""
        self._check_present(group_id)
        given = bytes(wrapped)
        known = self._cached(group_id, epoch, given)
        if known is not None:
            return known
        keys = self.epoch_keys(group_id, epoch, given)
        return self._kept(Sealer(keys, group_id=group_id, epoch=epoch), given)

    def epoch_keys(self, group_id: UUID, epoch: int, wrapped: bytes) -> SealingKeys:
        """Return the keys of an epoch, kept nowhere: what a key agent hands out. Raises as `group_sealer` does."""
        if wrapped[:1] != bytes([SCHEME]):
            raise SealBroken
        key = self._epoch_wrapper(group_id).decrypt(wrapped[1:], _epoch_place(group_id, epoch))
        return SealingKeys.of(key, group_id=group_id, epoch=epoch)

    def platform_sealer(self, *, make: bool = False) -> Sealer:
        """Return what seals the secrets that belong to no group (keys of authenticators).

        Only who seals makes the key where there is none: who opens looks for one that must be there. In a store
        that is not mounted at the moment a new key would open nothing. Raises KeyStoreUnavailable then.
        """
        if make:
            self._make_platform_key()
        self._check_present(_PLATFORM)
        known = self._cached(_PLATFORM, 0, b"")
        if known is not None:
            return known
        return self._kept(Sealer(self._unwrap(_PLATFORM), group_id=_PLATFORM, epoch=0), b"")

    def platform_keys(self, *, make: bool = False) -> SealingKeys:
        """Return the keys behind `platform_sealer`, kept nowhere: what a key agent hands out."""
        if make:
            self._make_platform_key()
        return SealingKeys.of(self._unwrap(_PLATFORM), group_id=_PLATFORM, epoch=0)

    def _make_platform_key(self) -> None:
        if not self._file(_PLATFORM).exists():
            self.create_group_key(_PLATFORM)

    def note_signer(self, purpose: str, generation: int = 1, *, make: bool = False) -> NoteSigner:
        """Return what signs for this installation, named after purpose, key and generation.

        Derived from the platform's key, so the store's backup holds it too. Raises KeyStoreUnavailable where there
        is no platform key, unless it is to be made.
        """
        if make:
            self._make_platform_key()
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
            root_id = root_id_of(file.read_bytes())
            counts[root_id] = counts.get(root_id, 0) + 1
        return counts

    def _kept(self, sealer: Sealer, wrapped: bytes) -> Sealer:
        self._remember(sealer, wrapped)
        if self._mark(sealer.group_id).exists():  # destroyed while it was opened
            self._forget(sealer.group_id)
            raise KeyDestroyed
        return sealer

    def _evict(self, group_id: UUID) -> None:
        self._seen.pop(group_id, None)
        self._prints.pop(group_id, None)

    def _look(self) -> None:
        """Forget the groups whose keys others have destroyed: each leaves a mark, which changes the folder."""
        try:
            changed = self._folder.stat().st_mtime_ns
            if changed == self._looked:
                return
            names = set(os.listdir(self._folder))
        except OSError:
            return
        self._looked = changed if time.time_ns() - changed > _SETTLED_NS else 0
        for group_id in self._held():
            if self._mark(group_id).name in names:
                self._forget(group_id)

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
        root_id = root_id_of(content)
        wrapped = content[len(_MAGIC) + ROOT_ID_BYTES :]
        if not self._roots.are_here:
            require_asking()
        return self._roots.unwrap(root_id, wrapped, lambda root_id: _group_place(group_id, root_id))

    def _wrap_anew(self, file: Path, current: bytes) -> int:
        """Wrap one key file under the current root key, unless it is already; return how many were."""
        group_id = UUID(file.stem)
        try:
            if not self._mark(group_id).exists() and root_id_of(file.read_bytes()) != current:
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


def root_id_of(content: bytes) -> bytes:
    """Return the id of the root key that wraps a key file's key. Raises SealBroken."""
    if content[: len(_MAGIC)] != _MAGIC:
        raise SealBroken
    return content[len(_MAGIC) : len(_MAGIC) + ROOT_ID_BYTES]


def _group_place(group_id: UUID, root_id: bytes) -> bytes:
    return length_prefixed(b"cencomm/group-key", group_id.bytes, root_id)


def _epoch_place(group_id: UUID, epoch: int) -> bytes:
    return length_prefixed(b"cencomm/epoch-key", group_id.bytes, epoch.to_bytes(8, "big"))
