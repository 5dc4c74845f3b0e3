"""High-water marks: up to where each group's history is known to have gone, kept outside of the database.

A restored or promoted database cannot tell by itself that it lost something. These files can: per group the epoch,
the newest number and a fingerprint of that event. They hold identifiers, numbers and digests only. A file that was
copied (put back from a backup, with what it should prove) is recognised by the time when its inode last changed,
which nobody can set: a seal beside it holds that time. What was copied is believed no more.
What must not live here: the database, and what follows from a loss (`history`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson

MOST_RETIRED = 10_000


class Mark(NamedTuple):
    """How far a group's stream is known to have gone under an epoch."""

    epoch: UUID
    head: int
    proof: str


class Standing(NamedTuple):
    """What the database says of a group now."""

    epoch: UUID
    head: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of groups, and the epochs that are over: a database that holds one of those went back."""

    groups: Mapping[UUID, Mark] = field(default_factory=dict)
    retired: Sequence[UUID] = ()  # the oldest first

    def merged(self, newer: Mapping[UUID, Mark], retired: Collection[UUID] = ()) -> Marks:
        """Return these marks with others: of one epoch the higher, of another the newer.

        What was read before its epoch ended, and comes late, is left out: it would hide the mark of the new one.
        """
        groups, ended = dict(self.groups), dict.fromkeys([*self.retired, *retired])
        for group_id, mark in newer.items():
            known = groups.get(group_id)
            if known is None or (mark.head > known.head if mark.epoch == known.epoch else mark.epoch not in ended):
                groups[group_id] = mark
        return Marks(groups, tuple(ended)[-MOST_RETIRED:])


def proof_of(seq: int, kind: str, at: str, actor: UUID | None, message: UUID | None) -> str:
    """Return the fingerprint of an event: of two histories that parted it differs from there on."""
    return hashlib.sha256(f"{seq} {kind} {at} {actor} {message}".encode()).hexdigest()[:24]


def lost_groups(
    marks: Marks,
    standing: Mapping[UUID, Standing],
    proofs: Mapping[UUID, str],
    told: Mapping[UUID, int],
    known_epochs: Mapping[UUID, UUID],
) -> set[UUID]:
    """Return the groups whose history is not what it was.

    `proofs`: of the events at the marks, as the database has them now. `told`: numbers that this process knows to
    have been committed and that no mark holds yet; they count only for the epoch that it knew.
    """
    lost, retired = set(), set(marks.retired)
    for group_id, now in standing.items():
        mark = marks.groups.get(group_id)
        if now.epoch in retired or (
            mark is not None
            and mark.epoch == now.epoch
            and mark.head > 0
            and (now.head < mark.head or proofs.get(group_id) != mark.proof)
        ):
            lost.add(group_id)
        if known_epochs.get(group_id, now.epoch) == now.epoch and now.head < told.get(group_id, 0):
            lost.add(group_id)
    return lost


@dataclass(frozen=True, slots=True)
class MarksFolder:
    """The folder that all processes of a machine share. Each writing makes a new file and drops the one before."""

    path: Path

    def load(self) -> Marks | None:
        """Return the marks; None where there are none that can be believed."""
        with self.locked():
            return self._load()

    def _load(self) -> Marks | None:
        files = self._files()
        # The newest is what counts: an older one beside it was put back.
        return _read(files[-1][1]) if files else None

    def add(self, groups: Mapping[UUID, Mark], retired: Collection[UUID] = ()) -> None:
        """Merge marks into those on the disk, and return when they are there to stay."""
        with self.locked():
            known = self._load() or Marks()
            self._write(known.merged(groups, retired))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone; the kernel lets go of it when the holder dies."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _files(self) -> list[tuple[int, Path]]:
        found = []
        for file in self.path.glob("marks-*.json"):
            number = file.stem.removeprefix("marks-")
            if number.isdigit() and file.with_suffix(".seal").exists():
                found.append((int(number), file))
        return sorted(found)

    def _write(self, marks: Marks) -> None:
        files = self._files()
        number = files[-1][0] + 1 if files else 1
        staging = self.path / ".staging"
        handle = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            retired = list(map(str, marks.retired))
            groups = {str(key): [str(mark.epoch), mark.head, mark.proof] for key, mark in marks.groups.items()}
            out.write(orjson.dumps({"inode": os.fstat(out.fileno()).st_ino, "retired": retired, "groups": groups}))
            out.flush()
            os.fsync(out.fileno())
        final = self.path / f"marks-{number:012}.json"
        staging.rename(final)
        staging.write_text(f"{final.stat().st_ctime_ns}\n")
        staging.rename(final.with_suffix(".seal"))
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        for _number, file in files:
            file.with_suffix(".seal").unlink(missing_ok=True)
            file.unlink(missing_ok=True)


def _read(file: Path) -> Marks | None:
    try:
        with file.open("rb") as opened:
            data = orjson.loads(opened.read())
            found = os.fstat(opened.fileno())
            if data["inode"] != found.st_ino or int(file.with_suffix(".seal").read_text()) != found.st_ctime_ns:
                return None
        groups = {}
        for key, (epoch, head, proof) in data["groups"].items():
            groups[UUID(key)] = Mark(UUID(epoch), int(head), str(proof))
        return Marks(groups, tuple(map(UUID, data["retired"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
