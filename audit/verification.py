"""Verifies the whole trail: entries against leaves, leaves against the tree, the tree against what was signed.

Reads the tables in one snapshot and changes nothing. What is found wrong is named. What must not live here: keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, transaction

from audit.anchors import Anchored
from audit.checkpoints import Checkpoint, NotACheckpoint, read_checkpoint
from audit.leaves import COLUMNS, entry_of
from audit.merkle import Frontier, Node, leaf_hash
from audit.models import Checkpoint as Signed

CHUNK = 5_000
TOLD = 100  # findings of one kind that are named one by one; the others are counted
LONGEST_ACT = timedelta(hours=1)  # an entry is dated when it is written, and sealed when its transaction has ended

type IsSigned = Callable[[str], bool]  # whether the note is signed by this installation


class Finding(NamedTuple):
    """Something that is wrong: which sort, in words, and the numbers of the entries concerned."""

    kind: str
    text: str
    entries: tuple[int, ...] = ()


@dataclass(slots=True)
class Report:
    """What a verification found. `unsealed` entries wait for the sealer: no finding by themselves."""

    size: int = 0
    root: bytes = b""
    checkpoints: int = 0
    unsealed: int = 0
    notices: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def find(self, kind: str, text: str, *entries: int) -> None:
        """Note something wrong; past the first hundred of a kind it is only counted."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= TOLD:
            self.findings.append(Finding(kind, text, entries))

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.counts


class _Mark(NamedTuple):
    """A signed state to be met on the way: where it comes from, and what it says. Its signature was checked."""

    state: Checkpoint
    source: str


def verify_trail(*, shipped: Iterable[Anchored], is_signed: IsSigned, logs: Mapping[str, int | None]) -> Report:
    """Verify everything.

    `shipped` are checkpoints from outside the database. `logs` are the names of this log, each with how many of its
    entries a declared restore has left, None for all.
    """
    report, is_signed = Report(), cache(is_signed)  # most states stand in the database and in the file
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        marks, times = _marks(shipped, logs, is_signed, report)
        report.checkpoints = sum(len(several) for several in marks.values())
        sources = {mark.source for several in marks.values() for mark in several}
        if sources == {"database"}:
            report.notices.append(
                "No state that was signed was found outside of the database: nothing but itself was compared. "
                "Give a copy of the checkpoint file, or ask a witness."
            )
        _walk(report, marks, times)
        _look_for_late_entries(cursor, report)
    return report


def _marks(
    shipped: Iterable[Anchored], logs: Mapping[str, int | None], is_signed: IsSigned, report: Report
) -> tuple[dict[int, list[_Mark]], list[tuple[int, datetime]]]:
    marks: dict[int, list[_Mark]] = {}
    given_up: dict[str, int] = {}
    for line in shipped:
        if line.checkpoint is None:
            if line.restored is None:
                report.find("checkpoint_unreadable", "A line of the checkpoint file cannot be read.")
            continue
        state = line.checkpoint
        kept = logs.get(state.origin)
        if state.origin in logs and not is_signed(line.note):
            _tell_unsigned(report, state, "file")
            continue
        if kept is not None and state.size > kept:
            given_up[state.origin] = max(state.size, given_up.get(state.origin, 0))
        elif state.origin in logs:
            marks.setdefault(state.size, []).append(_Mark(state, "file"))
    for origin, size in given_up.items():
        report.notices.append(
            f"A restore from a backup was declared: of the log {origin}, which had {size} entries, {logs[origin]} "
            "were kept."
        )
    times = _add_own(marks, logs, is_signed, report)
    for several in marks.values():
        if len({one.state.root for one in several}) > 1:
            report.find("forked", f"Two different trees of {several[0].state.size} entries were signed.")
    return marks, times


def _add_own(
    marks: dict[int, list[_Mark]], logs: Mapping[str, int | None], is_signed: IsSigned, report: Report
) -> list[tuple[int, datetime]]:
    """Add the database's states; return how many entries each has, and when it was signed."""
    times = []
    for size, note, at in Signed.objects.order_by("size").values_list("size", "note", "at").iterator():
        times.append((size, at))
        try:
            state = read_checkpoint(note)
        except NotACheckpoint:
            state = Checkpoint("", 0, b"")
        if state.size != size or state.origin not in logs:
            report.find("checkpoint_changed", f"The database's checkpoint of size {size} was changed.")
        elif not is_signed(note):
            _tell_unsigned(report, state, "database")
        else:
            marks.setdefault(size, []).append(_Mark(state, "database"))
    return times


def _tell_unsigned(report: Report, state: Checkpoint, source: str) -> None:
    report.find("checkpoint_changed", f"The {source}'s checkpoint of size {state.size} is not signed by us.")


def _walk(report: Report, marks: dict[int, list[_Mark]], times: list[tuple[int, datetime]]) -> None:
    tree, sound_until, moments = Frontier(), 0, iter([*times, (2**63, None)])
    before: datetime | None = None
    next_size, since = next(moments)
    grown: list[Node] = []
    for position, hash_, entry_id, row in _leaves():
        if position != tree.size:
            report.find("leaf_missing", f"The tree lacks its leaves {tree.size} to {position - 1}.")
            return
        while next_size <= position:
            before, (next_size, since) = since, next(moments)
        _compare(report, entry_id, hash_, row, before)
        grown += tree.append(hash_)
        if len(grown) > CHUNK:
            _compare_nodes(report, grown)
            grown = []
        for mark in marks.pop(tree.size, []):
            if mark.state.root == tree.root:
                sound_until = max(sound_until, tree.size)
            else:
                _tell_fork(report, mark, sound_until)
    _compare_nodes(report, grown)
    report.size, report.root = tree.size, tree.root
    for size in sorted(marks):
        mark = marks[size][0]
        if size:
            report.find(
                "rolled_back",
                f"A tree of {size} entries was signed ({mark.source}), but only {tree.size} are there: entries at "
                f"the places {tree.size} to {size - 1} are gone.",
            )


def _tell_fork(report: Report, mark: _Mark, sound_until: int) -> None:
    report.find(
        "rewritten",
        f"The tree of {mark.state.size} entries is not the one that was signed ({mark.source}): something between "
        f"the places {sound_until} and {mark.state.size - 1} was changed, with its leaf.",
    )


def _leaves() -> Iterator[tuple[int, bytes, int, tuple[Any, ...] | None]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT l.position, l.hash, l.entry_id, {COLUMNS} FROM audit_leaf l "  # noqa: S608
            "LEFT JOIN audit_entry e ON e.id = l.entry_id ORDER BY l.position"
        )
        while rows := cursor.fetchmany(CHUNK):
            for position, hash_, entry_id, *columns in rows:
                yield position, bytes(hash_), entry_id, tuple(columns) if columns[0] is not None else None


def _compare(
    report: Report, entry_id: int, hash_: bytes, row: tuple[Any, ...] | None, before: datetime | None
) -> None:
    if row is None:
        report.find("removed", f"Entry {entry_id} was removed.", entry_id)
        return
    entry = entry_of(row)
    if leaf_hash(entry.leaf) != hash_:
        report.find("changed", f"Entry {entry_id} was changed after it was sealed.", entry_id)
    elif before is not None and datetime.fromisoformat(entry.at) < before - LONGEST_ACT:
        report.find(
            "dated_back",
            f"Entry {entry_id} bears the time {entry.at}, but was put in after {before:%Y-%m-%dT%H:%M:%SZ}.",
            entry_id,
        )


def _compare_nodes(report: Report, grown: list[Node]) -> None:
    if not grown:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT g.level, g.position FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[]) "
            "AS g(level, position, hash) LEFT JOIN audit_node n USING (level, position) "
            "WHERE n.hash IS DISTINCT FROM g.hash",
            [[one.level for one in grown], [one.position for one in grown], [one.hash for one in grown]],
        )
        for level, position in cursor.fetchall():
            report.find("node_changed", f"Node {position} of level {level} of the tree was changed or removed.")


def _look_for_late_entries(cursor: Any, report: Report) -> None:
    """Entries without a leaf: they wait for the sealer, or were put in behind its back.

    For a transaction that has not been yet the sealer would wait for ever: such an entry would be shown, and bound
    to nothing.
    """
    cursor.execute(
        "SELECT horizon::text, cluster = (SELECT system_identifier FROM pg_control_system()), "
        "pg_snapshot_xmax(pg_current_snapshot())::text FROM audit_checkpoint ORDER BY size DESC LIMIT 1"
    )
    row = cursor.fetchone()
    horizon, end = (int(row[0]), int(row[2])) if row and row[1] else (0, 2**64)
    cursor.execute(
        "SELECT e.id, e.transaction::text FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id "
        "WHERE l.entry_id IS NULL ORDER BY e.id"
    )
    for entry_id, number in cursor.fetchall():
        if int(number) < horizon:
            report.find(
                "inserted", f"Entry {entry_id} was put in among entries that were sealed already.", entry_id
            )
        elif int(number) >= end:
            report.find("inserted", f"Entry {entry_id} bears a transaction that has not been yet.", entry_id)
        else:
            report.unsealed += 1
