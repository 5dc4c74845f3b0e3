"""Walls around a process that decodes what strangers send: it computes, reads and writes what it holds, and ends.

`confine` is for good, for all threads and whatever they start. Three walls, from the kernel's side, none of which
needs a right: the system calls of a short list (seccomp); no file, no port, no other process (Landlock, where the
kernel has it: what seccomp lets slip by mistake dies there); a memory that nobody else of the same user reads.
Who is root becomes nobody first.

Standard library alone and nothing of ours: `redraw` runs this file by its path, before it knows a picture. `limit`
takes memory and time. What must not live here: what is drawn or looked through.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress

NOBODY = 65534
UNREADABLE, TOO_LARGE, NOT_CONFINED = 65, 66, 67  # how a child ends that has nothing to say
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38

# Numbers of the kernel's calls by machine. What is not named here is refused: opening, connecting, starting
# programs, signals, tracing, reading of others' memory, other users, namespaces, and what kernels will learn.
_CALLS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "read": 0, "write": 1, "close": 3, "munmap": 11, "mremap": 25, "madvise": 28, "brk": 12, "futex": 202,
            "exit": 60, "exit_group": 231, "restart_syscall": 219, "rt_sigreturn": 15, "rt_sigaction": 13,
            "rt_sigprocmask": 14, "sigaltstack": 131, "clock_gettime": 228, "clock_nanosleep": 230,
            "getrandom": 318, "sched_yield": 24, "sched_getaffinity": 204, "getpid": 39, "gettid": 186,
            "sysinfo": 99, "mmap": 9, "mprotect": 10, "clone": 56, "clone3": 435, "set_robust_list": 273,
            "rseq": 334, "seccomp": 317,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "read": 63, "write": 64, "close": 57, "munmap": 215, "mremap": 216, "madvise": 233, "brk": 214,
            "futex": 98, "exit": 93, "exit_group": 94, "restart_syscall": 128, "rt_sigreturn": 139,
            "rt_sigaction": 134, "rt_sigprocmask": 135, "sigaltstack": 132, "clock_gettime": 113,
            "clock_nanosleep": 115, "getrandom": 278, "sched_yield": 124, "sched_getaffinity": 123, "getpid": 172,
            "gettid": 178, "sysinfo": 179, "mmap": 222, "mprotect": 226, "clone": 220, "clone3": 435,
            "set_robust_list": 99, "rseq": 293, "seccomp": 277,
        },
    ),
}  # fmt: skip
_WITH_CONDITIONS = frozenset({"mmap", "mprotect", "clone", "clone3", "seccomp"})
_OF_THREADS = frozenset({"set_robust_list", "rseq"})

# linux/seccomp.h, linux/bpf_common.h
_SET_MODE_FILTER, _GET_ACTION_AVAIL, _ALL_THREADS = 1, 2, 1
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16
_EPERM, _ENOSYS, _PROT_EXEC, _CLONE_THREAD = 1, 38, 0x4, 0x10000

# linux/landlock.h: the same numbers on every machine
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT, _LANDLOCK_VERSION = 444, 446, 1
# Rights over files, over ports, and over other processes, by the version that has learnt to withhold them.
_FILES = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_PORTS = {4: 0b11}
_SCOPES = {6: 0b11}


class NotConfined(Exception):
    """The kernel gives no filter of system calls: nothing of strangers may be decoded."""


def limit(memory: int, seconds: int, *, threads: bool) -> None:
    """Take away what looking does not need: memory and time without end, writing, processes, core files."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own way to end by it is a call that the walls refuse
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU first: SIGKILL is somebody else's
    nothing = [resource.RLIMIT_FSIZE, resource.RLIMIT_CORE]
    if not threads:  # the kernel counts them as processes; the decoder of HEIC needs one
        nothing.append(resource.RLIMIT_NPROC)
    for what in nothing:
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (0, 0))


def confine(*, threads: bool) -> None:
    """Give up everything but computing, reading and writing what is open, and ending. Raises NotConfined."""
    libc = _libc()
    if libc is None or not _filter_is_there(libc):
        raise NotConfined
    if os.geteuid() == 0:
        with suppress(OSError):  # a root without root's rights cannot: it keeps its name, and the walls hold
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _withhold(libc)
    program = _program(threads=threads)
    instructions = ctypes.create_string_buffer(program, len(program))
    told = struct.pack("HP", len(program) // 8, ctypes.addressof(instructions))
    if libc.syscall(_calls()[1]["seccomp"], _SET_MODE_FILTER, _ALL_THREADS, told) != 0:
        raise NotConfined


def missing_walls() -> list[str]:
    """Return which walls this kernel does not give: `seccomp` (then nothing is drawn), `landlock`."""
    libc = _libc()
    missing = [] if libc is not None and _filter_is_there(libc) else ["seccomp"]
    return missing if libc is not None and _landlock_version(libc) > 0 else [*missing, "landlock"]


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _calls() -> tuple[int, dict[str, int]]:
    return _CALLS.get(platform.machine(), (0, {})) if sys.maxsize > 2**32 else (0, {})


def _filter_is_there(libc: ctypes.CDLL) -> bool:
    calls = _calls()[1]
    action = struct.pack("I", _REFUSE)
    return bool(calls) and libc.syscall(calls["seccomp"], _GET_ACTION_AVAIL, 0, action) == 0


def _landlock_version(libc: ctypes.CDLL) -> int:
    version: int = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    return version


def _withhold(libc: ctypes.CDLL) -> None:
    """Enter a set of Landlock rules that withholds all the kernel knows to withhold, and has no exception."""
    version = _landlock_version(libc)
    if version < 1:
        return
    rights = [sum(bit for since, bit in known.items() if since <= version) for known in (_FILES, _PORTS, _SCOPES)]
    told = struct.pack("QQQ", *rights)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = libc.syscall(_LANDLOCK_CREATE, told, ctypes.c_size_t(len(told)), 0)
    if rules < 0 or libc.syscall(_LANDLOCK_RESTRICT, rules, 0) != 0:
        raise NotConfined  # it is there and does not work: somebody should look
    os.close(rules)


def _program(*, threads: bool) -> bytes:
    """Return the filter: instructions for the kernel, run for each system call."""
    machine, calls = _calls()
    return b"".join(struct.pack("HBBI", *one) for one in _instructions(machine, calls, threads=threads))


def _instructions(machine: int, calls: dict[str, int], *, threads: bool) -> Iterator[tuple[int, int, int, int]]:
    yield _LOAD, 0, 0, _MACHINE
    yield _EQUAL, 1, 0, machine
    yield _RETURN, 0, 0, _KILL  # the numbers of another machine mean other calls
    yield _LOAD, 0, 0, _NUMBER
    for name, number in calls.items():
        if name in _WITH_CONDITIONS or (name in _OF_THREADS and not threads):
            continue
        yield _EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _ALLOW
    for name in ("mmap", "mprotect"):  # memory, but none that could be run
        yield _EQUAL, 0, 4, calls[name]
        yield _LOAD, 0, 0, _ARGUMENTS + 2 * 8
        yield _ANY_BIT, 0, 1, _PROT_EXEC
        yield _RETURN, 0, 0, _REFUSE | _EPERM
        yield _RETURN, 0, 0, _ALLOW
    if threads:  # threads of this process, no process
        yield _EQUAL, 0, 1, calls["clone3"]
        yield _RETURN, 0, 0, _REFUSE | _ENOSYS  # its flags cannot be looked at: the C library takes clone then
        yield _EQUAL, 0, 3, calls["clone"]
        yield _LOAD, 0, 0, _ARGUMENTS
        yield _ANY_BIT, 0, 1, _CLONE_THREAD
        yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _REFUSE | _EPERM
