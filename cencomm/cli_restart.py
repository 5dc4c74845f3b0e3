"""`bin/cencomm restart`: asks the running `up` to replace its processes one after the other, and waits for that."""

from __future__ import annotations

import argparse
import os
import time

from cencomm.cli_errors import CommandRefused
from cencomm.data_folder import DataFolder
from cencomm.fleet import RESTART_SIGNAL, last_restart
from cencomm.progress import say

WITHIN_SECONDS = 900.0


def run_restart(options: argparse.Namespace) -> int:
    """Ask, wait, and say how it went. Raises CommandRefused when nothing runs there."""
    folder = DataFolder(options.data)
    holder = folder.holder()
    if holder is None or holder[1] != "up":
        message = (
            f"CENcomm does not run on {folder.path}: start it (bin/cencomm up), or name its folder: --data DIR."
        )
        raise CommandRefused(message, code=69)
    before = last_restart(folder.restart_file)["count"]
    os.kill(holder[0], RESTART_SIGNAL)
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        found = last_restart(folder.restart_file)
        if found["count"] > before:
            say(found["problem"] or "Every process was replaced.")
            return 1 if found["problem"] else 0
        if folder.holder() != holder:
            message = "CENcomm was stopped meanwhile."
            raise CommandRefused(message, code=69)
        time.sleep(0.1)
    message = f"No answer after {WITHIN_SECONDS:.0f} s: look at what `up` says."
    raise CommandRefused(message)
