"""The key agent as a process: takes its place, gives up its rights, answers until it is told to stop.

Started as root it becomes the system user that alone can read root key and key store. What must not live here: what
it answers (`vault.agent`), who starts it (`key_site`).
"""

from __future__ import annotations

import logging
import os
import pwd
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cencomm import privileges
from cencomm.cli_errors import CommandRefused
from cencomm.orphans import stay_with_parent
from vault import KeyStoreUnavailable, files
from vault.agent.client import SIGNAL
from vault.agent.limits import Limits, Rates
from vault.agent.record import Record
from vault.agent.server import KeyAgent
from vault.backups import AGENT_LOCK
from vault.keystore import KeyStore
from vault.roots import RootKeys, root_keys

logger = logging.getLogger("cencomm.vault")
UNSAFE = 78
MARKS_SECONDS = 1.0  # so often it looks whether another machine or command destroyed a key


@dataclass(frozen=True, slots=True)
class Places:
    """Where the agent finds keys, writes its record, and listens."""

    root_file: Path
    uri: str
    store: Path
    record: Path
    socket: Path

    @property
    def home(self) -> Path | None:
        """The folder that holds all keys, where there is one."""
        parents = {self.store.parent, self.record.parent}
        if not self.uri or self.root_file.exists():  # with both, it is to move from the file into the token
            parents.add(self.root_file.parent)
        return parents.pop() if len(parents) == 1 else None

    def beneath_home(self) -> Places:
        """Return the same places as seen from `home`: the way there may be closed to the agent's user."""
        home = self.home
        if home is None:
            return self
        return replace(
            self,
            root_file=self.root_file.relative_to(home) if self.root_file.parent == home else self.root_file,
            store=self.store.relative_to(home),
            record=self.record.relative_to(home),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """Whom the agent answers, how much, as whom it runs (None: as whoever started it), its parent's pipe."""

    allowed: frozenset[int]
    rates: Rates
    user: str | None = None
    socket_mode: int = 0o600
    ready: int | None = None


def run_agent(places: Places, terms: Terms) -> int:
    """Listen, become the agent's user, answer until SIGTERM; return the exit code. Raises CommandRefused."""
    os.umask(0o077)
    user = _user(terms.user)
    _prepare(places, user)
    check_modes(places)
    working = _announce(places.store)
    if (home := places.home) is not None:
        os.chdir(home)
        places = places.beneath_home()
    # Before it becomes another user: a token needs modules of its own, which that one may not be able to read.
    store = KeyStore(roots=_roots(places), folder=places.store)
    listener = listen(places.socket, terms.socket_mode)
    told = os.open(places.socket.with_name(SIGNAL), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if user is not None:
        privileges.become(user)
    if terms.ready is not None:
        stay_with_parent(signal.SIGTERM)  # becoming another user has undone it
    privileges.close_memory()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    agent = KeyAgent(
        store,
        record=Record(places.record),
        limits=Limits(terms.rates),
        allowed=terms.allowed | {os.geteuid()},  # its own user reads the keys anyway
        tell_destroyed=lambda: _tell(told),
    )
    _say_what_is_wrong(store)
    threading.Thread(target=_watch_marks, args=(places.store, told), daemon=True).start()
    if terms.ready is not None:
        os.write(terms.ready, b"ready\n")
        os.close(terms.ready)
    agent.serve(listener, stopping)
    os.close(working)
    return 0


def _prepare(places: Places, user: pwd.struct_passwd | None) -> None:
    """Make the folders, and give what holds keys to the agent's user. Raises CommandRefused."""
    try:
        for folder in (places.store, places.record, places.socket.parent):
            files.make_folder(folder)
        if user is None:
            return
        if places.home is not None:
            _check_home(places.home)
        for path in _owned(places):
            with suppress(FileNotFoundError):  # another agent has written it and taken it away
                if path.lstat().st_uid != user.pw_uid:
                    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    except OSError as error:
        whose = f" the user {user.pw_name}" if user else " this user"
        message = (
            f"The key agent cannot make {error.filename} ready for{whose}: {error.strerror}. Make the folders, and "
            "give them and the root key to that user, or mount them so that they can be written."
        )
        raise CommandRefused(message, code=UNSAFE) from error


def _check_home(home: Path) -> None:
    """Refuse to give away a folder that is plainly not for keys alone."""
    if len(home.resolve().parts) < 3 or str(home.resolve()) in {entry.pw_dir for entry in pwd.getpwall()}:
        message = (
            f"{home} would be given to the key agent, and is not for keys alone: put the keys into a folder below."
        )
        raise CommandRefused(message, code=UNSAFE)


def _announce(store: Path) -> int:
    """Hold the lock that tells a restore that an agent works here. Raises CommandRefused during one."""
    try:
        working = files.hold(store / AGENT_LOCK, shared=True)
    except OSError as error:
        message = f"The key agent cannot write in {store}: {error.strerror}."
        raise CommandRefused(message, code=UNSAFE) from error
    if working is None:
        message = f"Keys are being put back into {store}: start the key agent when that has ended."
        raise CommandRefused(message, code=75)
    return working


def _roots(places: Places) -> RootKeys:
    try:
        return root_keys(file=places.root_file, uri=places.uri)
    except ValueError as error:
        message = f"CENCOMM_ROOT_KEY_URI: {error}."
        raise CommandRefused(message, code=UNSAFE) from error


def listen(place: Path, mode: int) -> socket.socket:
    """Listen at a path in place of whoever did before: whoever connects finds one of them at every moment."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    staging = place.with_name(f".{os.getpid()}")
    try:
        staging.unlink(missing_ok=True)
        listener.bind(str(staging))
        staging.chmod(mode)
        listener.listen(256)
        staging.replace(place)
    except OSError as error:
        message = f"The key agent cannot listen at {place}: {error.strerror or error}."
        raise CommandRefused(message, code=73) from error
    return listener


def check_modes(places: Places) -> None:
    """Refuse keys that others than their owner can read."""
    for path in (places.root_file, places.store):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            message = f"{path} can be read by others than its owner: mend its rights, and replace the root key."
            raise CommandRefused(message, code=UNSAFE)


def _user(name: str | None) -> pwd.struct_passwd | None:
    if name is None or os.geteuid() != 0:
        return None
    user = privileges.system_user(name)
    if user is None:
        message = f"There is no system user {name}, and it could not be made: useradd --system {name}"
        raise CommandRefused(message, code=UNSAFE)
    return user


def _owned(places: Places) -> Iterator[Path]:
    """Yield what belongs to the agent's user alone."""
    if places.home is not None:
        yield places.home
    if places.root_file.exists():
        yield places.root_file
        lock = places.root_file.with_name(f".{places.root_file.name}.lock")
        if lock.exists():
            yield lock
    for folder in (places.store, places.record):
        yield folder
        yield from folder.iterdir()


def _say_what_is_wrong(store: KeyStore) -> None:
    try:
        store.check()
    except KeyStoreUnavailable:
        sys.stderr.write(
            "The key agent cannot use the root key or the key store: is it there, may this user read it? "
            "It goes on, and opens nothing until it can.\n"
        )


def _tell(handle: int) -> None:
    """Let every process that watches the file know that a key is gone."""
    try:
        os.write(handle, b".")
    except OSError as error:
        logger.error("the key agent cannot tell of a destroyed key: %s", type(error).__name__)


def _watch_marks(store: Path, told: int) -> None:
    """Tell of keys that somebody else destroyed: another machine's agent, a command of the operator."""
    waiting, known, changed = threading.Event(), _marks(store), 0
    while not waiting.wait(MARKS_SECONDS):
        try:
            now = store.stat().st_mtime_ns
        except OSError:
            continue
        if now == changed:
            continue
        changed = now
        found = _marks(store)
        if found - known:
            _tell(told)
        known = found


def _marks(store: Path) -> set[str]:
    try:
        return {name for name in os.listdir(store) if name.endswith(".destroyed")}
    except OSError:
        return set()
