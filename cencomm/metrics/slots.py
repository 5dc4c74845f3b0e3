"""How the processes of one machine share their figures: behind one port a scrape reaches one of them at random.

Each process holds a slot (`web-1`, `worker-1`, …) of a folder in the data folder and writes its figures there
every two seconds; whoever is asked reads the others'. The kernel frees the slot of a process that was killed, and
the next one takes it over: no file stays for a process that is no more. What must not live here: what is counted.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import logging
import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.conf import settings

from cencomm.metrics.process import probe_loops, process_samples
from messaging.measures import Sample

logger = logging.getLogger("cencomm.metrics")
EVERY_SECONDS = 2.0
STALE_SECONDS = 15.0  # older figures are those of a process that ended
MOST_SLOTS = 64
_NAME = re.compile(r"[a-z]+-\d{1,2}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one process and when they were taken."""

    process: str
    at: float
    samples: list[Sample]


class Slot:
    """This process's place among those of the machine, and the thread that writes there."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self.name = kind
        self._lock: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="metrics", daemon=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, MOST_SLOTS + 1):
            handle = os.open(folder / f"{kind}-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            self._lock, self.name = handle, f"{kind}-{number}"
            break

    @property
    def file(self) -> Path:
        """Where the figures are."""
        return self._folder / f"{self.name}.json"

    def start(self) -> None:
        """Write from now on; without a slot (all are taken) nothing is shared."""
        if self._lock is not None:
            self._thread.start()

    def stop(self) -> None:
        """Write no more and give the slot back."""
        if self._lock is None:
            return
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(EVERY_SECONDS * 5)
        self.file.unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def write(self) -> None:
        """Write the figures once: whole, or not at all."""
        staging = self.file.with_suffix(".new")
        samples = [[one.name, dict(one.labels), one.value] for one in process_samples()]
        handle = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps({"at": time.time(), "samples": samples}))
        staging.replace(self.file)

    def _write_on(self) -> None:
        failed = False
        while not self._stop.wait(EVERY_SECONDS):
            probe_loops()
            try:
                self.write()
                failed = False
            except Exception as error:  # noqa: BLE001 - a full disk is told by others; figures are no reason to end
                if not failed:
                    logger.warning("the figures of this process cannot be written: %s", type(error).__name__)
                failed = True


_slot: Slot | None = None
_starting = threading.Lock()


def share_figures(kind: str) -> None:
    """Take a slot for this process and write its figures there from now on; once per process, never in the way."""
    global _slot  # noqa: PLW0603 - a process has one slot
    with _starting:
        if _slot is not None:
            return
        try:
            _slot = Slot(settings.DATA_DIR / "metrics", kind)
            _slot.start()
            atexit.register(stop_sharing)
        except OSError as error:
            logger.warning("the figures of this process are not shared: %s", error.strerror)


def stop_sharing() -> None:
    """Write no more, and take this process's figures away; at exit, and by who ends a process otherwise."""
    if _slot is not None:
        _slot.stop()


def snapshots() -> list[Snapshot]:
    """Return this process's figures of this moment, and the newest of every other living process of the machine."""
    name = _slot.name if _slot else "web"
    return [Snapshot(name, time.time(), process_samples()), *others(settings.DATA_DIR / "metrics", but=name)]


def others(folder: Path, *, but: str) -> list[Snapshot]:
    """Return what the other processes wrote lately; a file that cannot be read is left out."""
    found = []
    for file in sorted(folder.glob("*-*.json")):
        if file.stem == but or not _NAME.fullmatch(file.stem):
            continue
        try:
            told = json.loads(file.read_text())
            samples = [Sample(name, labels, value) for name, labels, value in told["samples"]]
            at = float(told["at"])
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if abs(time.time() - at) <= STALE_SECONDS:
            found.append(Snapshot(file.stem, at, samples))
    return found
