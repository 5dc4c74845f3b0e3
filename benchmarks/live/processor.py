"""What a server has used of the machine so far: processor time, which a busy machine disturbs least, and memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PARENT, _USED = 1, slice(11, 15)  # of what follows the name in /proc/…/stat; with those that have ended


def of_tree(process_id: int) -> float:
    """Return the processor seconds of a process, of its descendants, and of those of them that have ended."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):  # no process, or it has just ended
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(words[_PARENT])
            used[int(entry.name)] = sum(map(int, words[_USED]))
    ticks = 0
    for one, own in used.items():
        ancestor = one
        while ancestor and ancestor != process_id:
            ancestor = parents.get(ancestor, 0)
        if ancestor == process_id:
            ticks += own
    return ticks / _TICK


def memory_kib(pid: int) -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
