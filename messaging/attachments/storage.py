"""Where sealed streams lie: a folder of files whose names are random identifiers, or a bucket (`bucket`). Written
whole or not at all.

What must not live here: keys, plaintext, the database. Nothing in a name or time tells what a file holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings

from messaging.attachments.bucket import BadPlace, BucketStorage, Place, configured
from messaging.attachments.errors import StorageUnavailable
from vault import SealBroken

BLOCK = 1024 * 1024
_STAGING = ".part"


class Storage(Protocol):
    """What both can do, with the same refusals."""

    def write(self, name: UUID, blocks: Iterable[bytes]) -> int:
        """Write an object that did not exist, durably; return its size. On failure nothing of it stays."""
        ...

    def read(self, name: UUID) -> Iterator[bytes]:
        """Yield an object block by block. Raises SealBroken where it is gone: what was committed is missing."""
        ...

    def remove(self, name: UUID) -> None:
        """Remove an object; that it is gone already is no error."""
        ...

    def older_than(self, moment: float) -> Iterator[UUID]:
        """Yield the names of objects written before a time, in seconds since 1970; half-written ones vanish."""
        ...

    def answers(self) -> bool:
        """Whether it is there."""
        ...


def storage() -> Storage:
    """Return the storage of this installation. Raises StorageUnavailable where the settings name none."""
    if not settings.CENCOMM_S3_URL:
        return _folder(Path(settings.CENCOMM_ATTACHMENTS))
    try:
        return _bucket(configured())
    except BadPlace:
        raise StorageUnavailable from None


@cache
def _folder(folder: Path) -> FolderStorage:
    return FolderStorage(folder)


@cache
def _bucket(place: Place) -> BucketStorage:
    return BucketStorage(place)


class FolderStorage:
    """Files in a folder that only their owner can enter, spread over 256 folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: UUID, blocks: Iterable[bytes]) -> int:
        """Write an object that did not exist, durably; return its size. On failure nothing of it stays.

        Raises StorageUnavailable, and whatever `blocks` raises.
        """
        path = self._path(name)
        staging = path.with_name(path.name + _STAGING)
        try:
            self._make(path.parent)
            descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                size = 0
                with os.fdopen(descriptor, "wb") as handle:
                    for block in blocks:
                        size += handle.write(block)
                    handle.flush()
                    os.fsync(handle.fileno())
                staging.rename(path)
            except BaseException:
                with suppress(OSError):
                    staging.unlink()
                raise
            _sync(path.parent)
        except OSError:
            raise StorageUnavailable from None
        return size

    def read(self, name: UUID) -> Iterator[bytes]:
        """Yield an object block by block. Raises SealBroken where it is gone: what was committed is missing."""
        try:
            with self._path(name).open("rb") as handle:
                while block := handle.read(BLOCK):
                    yield block
        except FileNotFoundError:
            raise SealBroken from None
        except OSError:
            raise StorageUnavailable from None

    def remove(self, name: UUID) -> None:
        """Remove an object; that it is gone already is no error."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError:
            raise StorageUnavailable from None

    def older_than(self, moment: float) -> Iterator[UUID]:
        """Yield the names of objects written before a time, in seconds since 1970; half-written ones vanish."""
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else []:
            if not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime >= moment:
                        continue
                    if path.name.endswith(_STAGING):
                        path.unlink()
                    else:
                        with suppress(ValueError):  # no name of ours: left alone
                            yield UUID(hex=path.name)

    def answers(self) -> bool:
        """It does: its disk is looked at elsewhere."""
        return True

    def _path(self, name: UUID) -> Path:
        return self._folder / name.hex[:2] / name.hex

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if folder != self._folder:
            self._make(self._folder)
        folder.mkdir(mode=0o700, exist_ok=True, parents=folder == self._folder)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
