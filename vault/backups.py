"""Backups of a key store, apart from the database's, and none older than 35 days.

A backup is a tar of the store's files as they are: keys wrapped by a root key, marks of destroyed ones. Without the
root key it opens nothing. What must not live here: the root key, the database, where a backup is sent to.
"""

from __future__ import annotations

import calendar
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vault import files
from vault.keystore import root_id_of
from vault.roots import locked

AGENT_LOCK = ".agent"  # in the store: held together by its key agents, alone by a restore
_RESTORE_LOCK = ".restore"
KEPT_SECONDS = 35 * 24 * 3600
_NAME = re.compile(r"cencomm-keys-(\d{8}T\d{6})Z\.tar")
_MEMBER = re.compile(r"[0-9a-f]{32}\.(key|destroyed)")
_MANIFEST = "manifest.json"
MAX_FILE = 4096


class BackupRefused(Exception):
    """The backup cannot be made or used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup file: when it was made, by its name."""

    path: Path
    made_at: float

    def is_too_old(self, now: float) -> bool:
        """Whether it must not be kept or used any more."""
        return now - self.made_at > KEPT_SECONDS


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: keys, marks of destroyed ones, the root keys without which it opens nothing."""

    keys: int
    destroyed: int
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: keys put back, keys that were there, keys that stay destroyed, marks put back."""

    keys: int
    present: int
    destroyed: int
    marks: int


def back_up(store: Path, folder: Path, *, now: float | None = None) -> tuple[Backup, Contents]:
    """Write a backup of the store into a folder. Raises BackupRefused, OSError."""
    made_at = time.time() if now is None else now
    if not store.is_dir():
        message = f"{store} is no key store, or this user may not read it."
        raise BackupRefused(message)
    with locked(store / ".lock", shared=True):  # no root key is retired meanwhile
        held = {path.name: path.read_bytes() for path in sorted(store.iterdir()) if _MEMBER.fullmatch(path.name)}
    contents = _contents(held)
    if len(contents.roots) > 1:
        message = "The root key is being replaced: back up again when that has ended (rotate_root_key ends it)."
        raise BackupRefused(message)
    files.make_folder(folder)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(made_at))
    backup = Backup(folder / f"cencomm-keys-{stamp}Z.tar", made_at)
    manifest = {"made_at": stamp, "keys": contents.keys, "destroyed": contents.destroyed, "roots": contents.roots}
    if not files.write_new(backup.path, _tar({_MANIFEST: json.dumps(manifest).encode(), **held}, int(made_at))):
        message = f"{backup.path} is there already."
        raise BackupRefused(message)
    return backup, contents


def backups_in(folder: Path) -> list[Backup]:
    """Return the backups of a folder, oldest first; other files are none."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            found.append(Backup(path, _time_of(match[1])))
    return found


def prune(folder: Path, *, now: float | None = None) -> list[Path]:
    """Overwrite and delete the backups that are older than 35 days; return which."""
    at = time.time() if now is None else now
    old = [backup.path for backup in backups_in(folder) if backup.is_too_old(at)]
    for path in old:
        files.destroy(path)
    return old


def restore(file: Path, store: Path, *, now: float | None = None) -> Restored:
    """Put back what the store lacks. What was destroyed stays so, by the marks of either side.

    Raises BackupRefused: also for a backup of more than 35 days, which may hold keys that were destroyed since, and
    while a key agent or another restore works on the store.
    """
    match = _NAME.fullmatch(file.name)
    if match is None or not file.is_file():
        message = f"{file} is no backup of a key store: it is called cencomm-keys-…Z.tar as it was made."
        raise BackupRefused(message)
    if Backup(file, _time_of(match[1])).is_too_old(time.time() if now is None else now):
        message = f"{file} is older than 35 days: it may hold keys of archived groups, and is not used any more."
        raise BackupRefused(message)
    held = _read(file)
    files.make_folder(store)
    with (
        _held(store, _RESTORE_LOCK, "Another restore works on"),
        _held(store, AGENT_LOCK, "A key agent works on"),
        locked(store / ".lock", shared=False),  # no key is made, no root key is replaced meanwhile
    ):
        return _put_back(held, store)


@contextmanager
def _held(store: Path, lock: str, who: str) -> Iterator[None]:
    descriptor = files.hold(store / lock, shared=False)
    if descriptor is None:
        message = f"{who} {store}: stop it, then restore."
        raise BackupRefused(message)
    try:
        yield
    finally:
        os.close(descriptor)


def _put_back(held: dict[str, bytes], store: Path) -> Restored:
    marks = [name for name in held if name.endswith(".destroyed")]
    put_marks = sum(files.write_new(store / name, b"") for name in marks)
    gone = {path.stem for path in store.glob("*.destroyed")}
    keys = {name: data for name, data in held.items() if name.endswith(".key")}
    wanted = {name: data for name, data in keys.items() if Path(name).stem not in gone}
    put = sum(files.write_new(store / name, data) for name, data in wanted.items())
    for name in gone:
        files.destroy(store / f"{name}.key")
    return Restored(put, len(wanted) - put, len(keys) - len(wanted), put_marks)


def contents_of(file: Path) -> Contents:
    """Return what a backup holds. Raises BackupRefused."""
    return _contents(_read(file))


def _contents(held: dict[str, bytes]) -> Contents:
    keys = [data for name, data in held.items() if name.endswith(".key")]
    return Contents(len(keys), len(held) - len(keys), tuple(sorted({root_id_of(data).hex() for data in keys})))


def _tar(held: dict[str, bytes], made_at: int) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, data in held.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(data), 0o600, made_at
            tar.addfile(member, io.BytesIO(data))
    return whole.getvalue()


def _read(file: Path) -> dict[str, bytes]:
    held = {}
    try:
        with tarfile.open(file, mode="r:") as tar:
            for member in tar:
                known = member.name == _MANIFEST or _MEMBER.fullmatch(member.name)
                handle = tar.extractfile(member) if known and member.isreg() and member.size <= MAX_FILE else None
                if handle is None:
                    raise tarfile.TarError
                held[member.name] = handle.read()
        if held.pop(_MANIFEST, None) is None:
            raise tarfile.TarError
    except (tarfile.TarError, OSError, EOFError):
        message = f"{file} is no whole backup of a key store."
        raise BackupRefused(message) from None
    return held


def _time_of(stamp: str) -> float:
    return float(calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%S")))
