"""Checkpoints outside the database: a file that only grows. What the tables are held against.

One line of JSON for each: `{"at", "checkpoint"}`, or `{"at", "restored"}` where an operator declared that the
database was restored from a backup with so many leaves. Copy the file off the host as it grows (another mount,
a log shipper): whoever can change both the database and the only copy of this file can change the past.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from audit.checkpoints import Checkpoint, NotACheckpoint, read_checkpoint

shipping = logging.getLogger("cencomm.audit.checkpoints")


class Anchored(NamedTuple):
    """One line of the file: a signed note with what it says, or the size after a declared restore."""

    note: str
    checkpoint: Checkpoint | None
    restored: int | None


class AnchorFile:
    """The file of one installation. Reading it again costs only what it has grown by."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._newest: Checkpoint | None = None
        self._restores: list[int] = []

    @property
    def newest(self) -> Checkpoint | None:
        """The checkpoint that the tree must begin with: the last, or the last that a declared restore kept."""
        self._catch_up()
        return self._newest

    @property
    def generation(self) -> int:
        """Which log this is: 1, and one more for each declared restore. Each signs in a name of its own."""
        return 1 + len(self.restores)

    @property
    def restores(self) -> list[int]:
        """How many leaves were left after each declared restore, oldest first."""
        self._catch_up()
        return list(self._restores)

    def append(self, note: str) -> None:
        """Write a checkpoint to the file, durably, and to the log `cencomm.audit.checkpoints` for shippers."""
        self._write({"checkpoint": note})
        shipping.info("checkpoint %s", base64.b64encode(note.encode()).decode())

    def declare_restored(self, size: int) -> None:
        """Note that history after `size` leaves is gone by a restore that was meant."""
        self._write({"restored": size})

    def lines(self) -> Iterator[Anchored]:
        """Return everything in the file, oldest first. An unreadable line has neither checkpoint nor size."""
        if not self._path.exists():
            return
        with self._path.open("rb") as handle:
            for line in handle:
                yield _parsed(line)

    def _write(self, content: dict[str, str | int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **content}).encode() + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if self._ends_within_a_line():
                line = b"\n" + line  # a power cut left half a line: keep it, begin a new one
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _ends_within_a_line(self) -> bool:
        if not self._path.stat().st_size:
            return False
        with self._path.open("rb") as handle:
            handle.seek(-1, os.SEEK_END)
            return handle.read(1) != b"\n"

    def _catch_up(self) -> None:
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._read:
            self._read, self._newest, self._restores = 0, None, []
        if size == self._read:
            return
        with self._path.open("rb") as handle:
            handle.seek(self._read)
            for line in handle:
                if line.endswith(b"\n"):
                    self._read += len(line)
                    self._take(_parsed(line))

    def _take(self, line: Anchored) -> None:
        if line.checkpoint is not None:
            self._newest = line.checkpoint
        if line.restored is not None:
            self._restores.append(line.restored)
            kept = [
                one.checkpoint
                for one in self.lines()
                if one.checkpoint is not None and one.checkpoint.size <= line.restored
            ]
            self._newest = kept[-1] if kept else None


def _parsed(line: bytes) -> Anchored:
    try:
        content = json.loads(line)
        if isinstance(content.get("restored"), int):
            return Anchored("", None, content["restored"])
        note = str(content["checkpoint"])
        return Anchored(note, read_checkpoint(note), None)
    except (ValueError, KeyError, AttributeError, NotACheckpoint):
        return Anchored("", None, None)
