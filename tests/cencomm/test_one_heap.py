"""Threads of a web process take memory from one heap; what they leave is used again, or goes back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cencomm.serve import give_back

PROGRAM = """
import re, threading
from pathlib import Path
from cencomm.serve import share_one_heap
{share}
def make():
    kept.append([bytes(1000) for _ in range(4000)])
kept = []
for _ in range(8):
    thread = threading.Thread(target=make); thread.start(); thread.join()
    # All at once: each thread would have taken a heap of its own.
started = [threading.Thread(target=lambda: (make(), waiting.wait())) for _ in range(8)]
waiting = threading.Event()
for thread in started: thread.start()
while len(kept) < 16: pass
maps = Path("/proc/self/maps").read_text()
waiting.set()
# The heap of a thread begins where 64 MiB do.
print(len(re.findall(r"^[0-9a-f]*[048c]000000-[0-9a-f]+ rw-p 00000000 00:00 0 *$", maps, re.MULTILINE)))
"""


def heaps(share: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(share=share)], capture_output=True, text=True, check=True, timeout=120
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_threads_share_one_heap() -> None:
    assert heaps("") > 0  # else this test could not fail
    assert heaps("share_one_heap()") == 0


BURST = """
import re
from pathlib import Path
from cencomm.serve import give_back, settle
def held():
    return int(re.search(r"^Private_Dirty: +([0-9]+) kB", Path("/proc/self/smaps_rollup").read_text(), re.M)[1])
before = held()
kept = [bytes(1000) for _ in range(50_000)]
del kept[:-1]  # the last one keeps the heap as high as it is
{act}
print(held() - before)
"""


def held_after(act: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", BURST.format(act=act)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(not give_back(), reason="glibc only")
def test_what_a_burst_has_left_goes_back() -> None:
    assert held_after("") > 30_000  # KiB; else this test could not fail
    assert held_after("give_back()") < 10_000
    assert held_after("settle()\nwhile held() - before > 10_000: pass") < 10_000  # by itself
