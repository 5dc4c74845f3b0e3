"""What this process took of memory at most: for tests that run a program of their own and judge its peak."""

from __future__ import annotations

import re
from pathlib import Path


def peak() -> int:
    """Return the peak of this program's resident memory in bytes.

    Not `ru_maxrss`: that of a new program begins at what its parent had when it split off.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
