"""The sealer: takes entries whose transactions can no longer be overtaken, grows the tree, has its state signed.

It signs nothing that contradicts what was signed before: a database that went back in time, or was rewritten, stops
it (`TrailBroken`). One sealer works at a time, whatever the number of processes. What must not live here: keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction

from audit.anchors import AnchorFile
from audit.checkpoints import Checkpoint as State
from audit.checkpoints import read_checkpoint
from audit.leaves import COLUMNS, SealedEntry, entry_of
from audit.merkle import Frontier, Node, leaf_hash, parts_of, root_of
from audit.models import Checkpoint

AT_ONCE = 10_000
_LOCK = 0x43454E41554454  # "CENAUDT": nobody else in this database locks this number
_NO_CLUSTER = 0

type Sign = Callable[[int, int, bytes], str]  # (generation, size, root) -> the signed note


class TrailBroken(Exception):
    """What is in the database does not continue what was signed: rolled back, forked, or changed."""


def seal_entries(*, sign: Sign, anchors: AnchorFile, at_once: int = AT_ONCE) -> int:
    """Seal what can be sealed now; return how many entries. Raises TrailBroken.

    The checkpoint reaches the file after the commit; if the process dies in between, the next run ships it first.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        last = Checkpoint.objects.order_by("-size").first()
        _check_continues(last, anchors)
        step = _next_step(cursor, last, at_once)
        if not step.entries:
            return 0
        size = last.size if last else 0
        tree = Frontier(size, [read_node(*place) for place in parts_of(size)])
        hashes = [leaf_hash(entry.leaf) for entry in step.entries]
        nodes = [node for one in hashes for node in tree.append(one)]
        note = sign(anchors.generation, tree.size, tree.root)
        try:
            _insert_leaves(cursor, size, step.entries, hashes)
            _insert_nodes(cursor, nodes)
            Checkpoint.objects.create(size=tree.size, note=note, horizon=step.horizon, cluster=step.cluster)
        except IntegrityError as error:
            message = "somebody else has put leaves into the tree"
            raise TrailBroken(message) from error
    anchors.append(note)
    return len(step.entries)


class _Step(NamedTuple):
    """Entries that are due, and up to which transaction of which cluster there are no others."""

    entries: list[SealedEntry]
    horizon: str
    cluster: int


def _check_continues(last: Checkpoint | None, anchors: AnchorFile) -> None:
    """Hold the database's last checkpoint against the file's, which it must be, or begin with."""
    known = anchors.newest
    state = read_checkpoint(last.note) if last else None
    if known is not None and (state is None or state.size < known.size):
        message = f"the tree has {state.size if state else 0} leaves, {known.size} were signed"
        raise TrailBroken(message)
    if state is None or last is None or known == state:
        return
    if known is not None and root_of(read_node, 0, known.size) != known.root:
        message = f"the first {known.size} leaves are not those that were signed"
        raise TrailBroken(message)
    if known is None or known.size < state.size:
        anchors.append(last.note)


def _next_step(cursor: Any, last: Checkpoint | None, at_once: int) -> _Step:
    """Return the next entries in the order of their transactions."""
    cursor.execute(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text, (SELECT system_identifier FROM pg_control_system())"
    )
    xmin, cluster = cursor.fetchone()
    # In a cluster that was filled from a dump, transactions are counted anew: then everything unsealed is due.
    same = last is not None and last.cluster == cluster
    within = "e.transaction >= %s::text::xid8 AND e.transaction < %s::text::xid8 AND" if same else ""
    cursor.execute(
        f"SELECT {COLUMNS} FROM audit_entry e WHERE {within} "  # noqa: S608
        "NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = e.id) "
        "ORDER BY e.transaction, e.id LIMIT %s",
        [last.horizon, xmin, at_once] if last is not None and same else [at_once],
    )
    entries = [entry_of(row) for row in cursor.fetchall()]
    if len(entries) < at_once:
        return _Step(entries, xmin, cluster)
    return _Step(entries, entries[-1].transaction, cluster) if same else _Step(entries, "0", _NO_CLUSTER)


def _insert_leaves(cursor: Any, size: int, entries: Sequence[SealedEntry], hashes: Sequence[bytes]) -> None:
    cursor.execute(
        "INSERT INTO audit_leaf (position, entry_id, hash) "
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[])",
        [list(range(size, size + len(entries))), [entry.id for entry in entries], list(hashes)],
    )


def _insert_nodes(cursor: Any, nodes: Sequence[Node]) -> None:
    cursor.execute(
        "INSERT INTO audit_node (level, position, hash) "
        "SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])",
        [[one.level for one in nodes], [one.position for one in nodes], [one.hash for one in nodes]],
    )


def read_node(level: int, position: int) -> bytes:
    """Return the hash of one complete subtree from the database. Raises TrailBroken where it is missing."""
    table, where, values = "audit_node", "level = %s AND position = %s", [level, position]
    if level == 0:
        table, where, values = "audit_leaf", "position = %s", [position]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT hash FROM {table} WHERE {where}", values)  # noqa: S608
        row = cursor.fetchone()
    if row is None:
        message = f"the tree lacks its node {position} of level {level}"
        raise TrailBroken(message)
    return bytes(row[0])


def newest_state() -> tuple[State, str] | None:
    """Return the newest checkpoint and its signed note, None before the first."""
    note = Checkpoint.objects.order_by("-size").values_list("note", flat=True).first()
    return (read_checkpoint(note), note) if note is not None else None
