"""How much processor time a server has used so far: what a busy machine disturbs least."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PARENT, _OWN, _ENDED = 1, slice(11, 13), slice(13, 15)  # of what follows the name in /proc/…/stat


def of_process(pid: int) -> float:
    """Return the seconds that a process and all of its threads have used."""
    return _seconds(_fields(pid), _OWN)


def of_database(postmaster: int) -> float:
    """Return the seconds that a PostgreSQL has used: its postmaster, who ended before, and everybody who runs."""
    first = _fields(postmaster)
    total = _seconds(first, _OWN) + _seconds(first, _ENDED)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _fields(int(folder.name))
            if fields and int(fields[_PARENT]) == postmaster:
                total += _seconds(fields, _OWN)
    return total


def postmaster_of(backend: int) -> int:
    """Return the postmaster behind the process that answers a connection."""
    return int(_fields(backend)[_PARENT])


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return []


def _seconds(fields: list[str], which: slice) -> float:
    return sum(map(int, fields[which])) / _TICK
