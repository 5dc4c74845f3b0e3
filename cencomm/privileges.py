"""What a process may do on this machine, made less: system users, root's capabilities, what others may read of it.

What must not live here: which process gets what (`cli_up`, `key_agent`).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
_MAKES_USERS = Path("/run/cencomm-users.lock")
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def system_user(name: str, *, home: Path = Path("/nonexistent")) -> pwd.struct_passwd | None:
    """Return the system user of that name, made where root can make it; None where there is none."""
    with suppress(KeyError):
        return pwd.getpwnam(name)
    command = ["useradd", "--system", "--no-create-home", "--home-dir", str(home), "--shell", "/usr/sbin/nologin"]
    with suppress(OSError, KeyError), _one_at_a_time():
        with suppress(KeyError):  # another process was first
            return pwd.getpwnam(name)
        subprocess.run([*command, name], check=False, capture_output=True)  # noqa: S603
        return pwd.getpwnam(name)
    return None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two useradd at the same moment both make the user, each with another number."""
    lock = os.open(_MAKES_USERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def become(user: pwd.struct_passwd) -> None:
    """Give up root for a system user, for good."""
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)


def close_memory() -> None:
    """Let no other process of the same user read this one's memory, leave no core, gain no rights any more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _prctl is not None:
        _prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        _prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def without_capabilities(first: Callable[[], None]) -> Callable[[], None]:
    """Return what a child of root must run before its program, so that it may do no more than its files' owner.

    The program is then user 0 without root's rights over other users' files and processes. `first` runs before.
    """
    last = int(_LAST_CAPABILITY.read_text()) if _LAST_CAPABILITY.exists() else 40

    def arrange() -> None:
        first()
        if _prctl is not None:
            for number in range(last + 1):
                _prctl(PR_CAPBSET_DROP, number, 0, 0, 0)

    return arrange


def capabilities_of(process: int | str = "self") -> int:
    """Return the effective capabilities of a process as the kernel tells them; 0 where it tells none."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0)
