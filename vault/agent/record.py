"""The agent's record: one line of JSON for each key that was handed out, made or destroyed, and for each refusal.

A file a month, only ever added to. Who, which group, which epoch, when; never a key. An act that cannot be recorded
is not done. What must not live here: the audit trail of the application, which the agent cannot reach.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from vault import files

TELL_AGAIN_SECONDS = 60.0  # a flood of refusals is one line a minute for each caller and reason
MAX_REPEATED = 1024


class Record:
    """Writes the record in one folder; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        files.make_folder(folder)
        self._folder = folder
        self._lock = threading.Lock()
        self._file = -1
        self._month = ""
        self._repeated: dict[tuple[str, int, int], tuple[float, int]] = {}

    def write(self, what: str, **details: str | int) -> None:
        """Add a line. Raises OSError where that cannot be done."""
        now = time.time()
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"
        line = json.dumps({"at": at, "what": what, **details}).encode() + b"\n"
        with self._lock:
            self._turn(at[:7])
            if os.write(self._file, line) != len(line):
                raise OSError

    def write_refusal(self, what: str, reason: str, *, uid: int, pid: int, **details: str | int) -> None:
        """Add a line about a refusal: the first at once, those that follow counted once a minute."""
        now, key = time.monotonic(), (reason, uid, pid)
        with self._lock:
            told, count = self._repeated.get(key, (-TELL_AGAIN_SECONDS, 0))
            if now - told < TELL_AGAIN_SECONDS:
                self._repeated[key] = (told, count + 1)
                return
            if len(self._repeated) >= MAX_REPEATED:
                self._repeated.clear()
            self._repeated[key] = (now, 0)
        more = {"unwritten": count} if count else {}
        self.write(what, refused=reason, uid=uid, pid=pid, **details, **more)

    def _turn(self, month: str) -> None:
        if month == self._month:
            return
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        file = self._folder / f"keys-{month}.jsonl"
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._month = month
