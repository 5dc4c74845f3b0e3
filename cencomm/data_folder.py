"""The data folder: where it lies, who may use it now, its version, its secrets. No database and no Django here.

VERSION            layout of this folder; a program refuses a newer one
lock               held while a process uses the embedded PostgreSQL; holds that process's id
secret-key         signs sessions and forms (0600)
metrics-token      opens /metrics (0600)
metrics/           figures that the processes share; made anew by themselves
relay/             sockets by which web processes hand each other new events; made anew by themselves
keys/              root key and key store (made by vault; to be backed up apart from the database)
logs/              what web and worker say
postgres/          the embedded cluster (as root it lies below /var/lib/cencomm)
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cencomm import embedded

ROOT = Path(__file__).resolve().parent.parent
LAYOUT = 1
LONGEST_SOCKET_FOLDER = 80  # a socket's whole path has 108 bytes
NEEDED_NEW = 400 * 1024 * 1024
NEEDED_OLD = 150 * 1024 * 1024


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class DataFolderBusy(DataFolderError):
    """Another process uses the data folder."""

    def __init__(self, path: Path, process: str) -> None:
        super().__init__(
            f"CENcomm already runs on the data folder {path} (process {process or '?'}): use that one, stop it "
            "first, or choose another folder: --data DIR."
        )


def default_folder() -> Path:
    """Return CENCOMM_DATA, else `$XDG_DATA_HOME/cencomm`, `~/.local/share/cencomm`, or, homeless, `.data` here."""
    if named := os.environ.get("CENCOMM_DATA"):
        return Path(named)
    if (named := os.environ.get("XDG_DATA_HOME")) and Path(named).is_absolute():
        return Path(named) / "cencomm"
    home = os.environ.get("HOME")
    if home and Path(home).is_dir() and os.access(home, os.W_OK):
        return Path(home) / ".local" / "share" / "cencomm"
    return ROOT / ".data"


class DataFolder:
    """One data folder. Making the object touches nothing."""

    def __init__(self, path: Path | str | None) -> None:
        self.path = Path(path or default_folder()).absolute()

    @property
    def version_file(self) -> Path:
        return self.path / "VERSION"

    @property
    def secret_key_file(self) -> Path:
        return self.path / "secret-key"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def relay(self) -> Path | None:
        """Return the folder for the sockets of web processes, which this user alone enters; None where too long."""
        folder = self.path / "relay"
        return folder if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER else None

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever prepared here."""
        return not self.version_file.exists()

    def prepare(self) -> bool:
        """Make what is missing, all of it for this user alone; return whether the folder is new."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.check_access()
            self.check_version()
            self.check_space()
            new = self.is_new
            self.path.chmod(0o700)
            for folder in (self.logs, self.path / "keys", self.path / "relay"):
                folder.mkdir(exist_ok=True, mode=0o700)
            if not self.secret_key_file.exists():
                write_private(self.secret_key_file, secrets.token_urlsafe(64) + "\n")
            if not (self.path / "metrics-token").exists():
                write_private(self.path / "metrics-token", secrets.token_urlsafe(32) + "\n")
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"The data folder {self.path} cannot be used: {reason} ({error.filename})."
            raise DataFolderError(message) from error
        return new

    def mark_prepared(self) -> None:
        """Write the version, when everything in the folder is complete for the first time."""
        if self.is_new:
            write_private(self.version_file, f"{LAYOUT}\n")

    def check_access(self) -> None:
        """Refuse a folder that this user cannot read and write."""
        if not self.path.is_dir():
            message = f"{self.path} is not a folder. Choose another: --data DIR."
            raise DataFolderError(message)
        owner = self.path.stat().st_uid
        if owner != os.geteuid() or not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            message = (
                f"The data folder {self.path} (of user number {owner}) cannot be read and written by this user: "
                "run as its owner, mend its rights (chmod 700), or choose another: --data DIR."
            )
            raise DataFolderError(message)

    def check_version(self) -> None:
        """Refuse a folder that a newer program wrote."""
        if self.is_new:
            return
        text = self.version_file.read_text().strip()
        if not text.isdigit():
            message = f"{self.version_file} holds no version: choose another data folder: --data DIR."
            raise DataFolderError(message)
        if int(text) > LAYOUT:
            message = (
                f"The data folder {self.path} was written by a newer CENcomm (layout {text}, this program knows "
                f"{LAYOUT}): update this program (git pull), or choose another folder: --data DIR."
            )
            raise DataFolderError(message)

    def check_space(self) -> None:
        """Refuse to start where the disk is about to be full: a database that cannot write stops in the middle."""
        needed = NEEDED_NEW if self.is_new else NEEDED_OLD
        places = {self.path}
        if os.geteuid() == 0:
            places.add(embedded.SYSTEM_HOME if embedded.SYSTEM_HOME.exists() else embedded.SYSTEM_HOME.parent)
        for place in places:
            free = shutil.disk_usage(place).free
            if free < needed:
                message = (
                    f"The disk is full: {place} has {free // 2**20} MB free, {needed // 2**20} MB are needed. "
                    "Free some space, or choose a folder on another disk: --data DIR."
                )
                raise DataFolderError(message)

    @property
    def demo_file(self) -> Path:
        """There when the demo was loaded here, whole."""
        return self.path / "demo"

    @property
    def loading_file(self) -> Path:
        """There while the demo is being loaded into an empty installation, and after that was interrupted."""
        return self.path / "demo-loading"

    @contextmanager
    def locked(self, purpose: str, *, wait_seconds: float = 20) -> Iterator[bool]:
        """Hold this folder alone; give whether its last user ended without letting go (a stale lock, taken over).

        The kernel frees the lock when its holder dies, so that no file has to be deleted by hand. A short command
        that holds it is waited for, an `up` is not.
        """
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + wait_seconds
        try:
            while not _try_lock(handle):
                holder = os.pread(handle, 60, 0).decode(errors="replace").strip()
                if holder.endswith(" up") or time.monotonic() >= deadline:
                    raise DataFolderBusy(self.path, holder.split(" ")[0])
                time.sleep(0.1)
            stale = bool(os.pread(handle, 60, 0).strip())
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()} {purpose}\n".encode(), 0)
            try:
                yield stale
            finally:
                os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    @property
    def restart_file(self) -> Path:
        """How the last restart that was asked for went."""
        return self.path / "restart"

    def holder(self) -> tuple[int, str] | None:
        """Return the process that holds this folder now and what for; None when nobody does."""
        if not self.is_locked():
            return None
        number, _, purpose = (self.path / "lock").read_text(errors="replace").strip().partition(" ")
        return (int(number), purpose) if number.isdigit() else None

    def is_locked(self) -> bool:
        """Whether another process holds this folder now."""
        file = self.path / "lock"
        if not file.exists():
            return False
        handle = os.open(file, os.O_RDWR)
        try:
            return not _try_lock(handle)
        finally:
            os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all."""
    staging = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)
