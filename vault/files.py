"""Key files: written whole or not at all, readable by their owner only, really gone when destroyed."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, and missing parents likewise (`mkdir` alone opens those)."""
    if not folder.parent.exists():
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)


def write_new(path: Path, content: bytes) -> bool:
    """Write a file that did not exist, atomically and durably, mode 0600. False if it exists: then it stays."""
    staging = _write_staging(path, content)
    try:
        os.link(staging, path)
    except FileExistsError:
        return False
    finally:
        staging.unlink()
    _sync_folder(path.parent)
    return True


def replace(path: Path, content: bytes) -> None:
    """Put new content in a file's place, atomically and durably, mode 0600."""
    _write_staging(path, content).replace(path)
    _sync_folder(path.parent)


def destroy(path: Path) -> None:
    """Overwrite and remove a file. That it is missing already is no error."""
    with suppress(FileNotFoundError):
        size = path.stat().st_size
        with path.open("r+b", buffering=0) as handle:
            handle.write(os.urandom(size))
            os.fsync(handle.fileno())
        path.unlink()
    _sync_folder(path.parent)


def give_to_owner(descriptor: int, folder: Path) -> None:
    """Give a file that root makes to whoever the folder belongs to: the key agent's user reads it then."""
    if os.geteuid() == 0 and (owner := folder.stat()).st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def hold(path: Path, *, shared: bool) -> int | None:
    """Take a lock until the descriptor is closed; None where somebody else's stands against it. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        give_to_owner(descriptor, path.parent)
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _write_staging(path: Path, content: bytes) -> Path:
    staging = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        give_to_owner(descriptor, path.parent)
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    return staging


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
