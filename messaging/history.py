"""Whether the database still holds the history that clients were told; where it does not, a group gets a new epoch.

Each time this process meets a server that it has not met (at its start, after a restore, after a fail-over), the
marks outside of the database are compared with it before the connection is used for anything. A group that lost
events, and no other, gets a new `stream_epoch`: its clients start afresh instead of trusting numbers that now mean
something else. Clients cannot bring that about. What must not live here: files (`marks`), delivery.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import connections
from psycopg_pool import ConnectionPool

from audit import Action
from messaging.marks import Mark, Marks, MarksFolder, Standing, lost_groups, proof_of

logger = logging.getLogger("cencomm.messaging")
VOUCHED = "cencomm (history known)"  # how connections of a process name themselves that has compared
SAVE_SECONDS = 1.0
MOST_HEARD = 50_000

SERVER_QUERY = "SELECT pg_postmaster_start_time()::text, system_identifier FROM pg_control_system()"

type Server = tuple[str, int]


class History:
    """What this process knows of every group's history."""

    def __init__(self, folder: MarksFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._told: dict[UUID, int] = {}
        self._heard: OrderedDict[UUID, int] = OrderedDict()
        self._unsaved: set[UUID] = set()
        self._epochs: dict[UUID, UUID] = {}
        self._changed = threading.Event()
        self._server: Server | None = None
        self._examining = threading.Lock()
        self._saver: threading.Thread | None = None
        self._stopping = False

    # -- what was committed

    def note(self, group_id: UUID, head: int) -> None:
        """Keep in mind that this process has committed a group's events up to `head`."""
        with self._lock:
            if head <= self._told.get(group_id, 0):
                return
            self._told[group_id] = head
            self._unsaved.add(group_id)
        self._changed.set()

    def hear(self, group_id: UUID, head: int) -> None:
        """Keep in mind what another process says to have committed: it counts when a server is met, not before."""
        with self._lock:
            if head > self._heard.get(group_id, 0):
                self._heard[group_id] = head
                self._heard.move_to_end(group_id)
                if len(self._heard) > MOST_HEARD:
                    self._heard.popitem(last=False)

    def start(self) -> None:
        """Save what is noted, a moment after it is noted, from a thread of its own."""
        self._saver = threading.Thread(target=self._save_forever, name="marks", daemon=True)
        self._saver.start()

    def stop(self) -> None:
        """Save what is left."""
        self._stopping = True
        self._changed.set()
        if self._saver is not None:
            self._saver.join(5)
        self._save_calmly()

    def _save_forever(self) -> None:
        while not self._stopping:
            self._changed.wait()
            self._changed.clear()
            self._save_calmly()
            time.sleep(SAVE_SECONDS)

    def _save_calmly(self) -> None:
        try:
            self.save()
        except Exception as error:  # noqa: BLE001
            logger.warning("the marks of the streams cannot be saved now: %s", type(error).__name__)
            if not self._stopping:
                self._changed.set()

    def save(self) -> None:
        """Write the marks of all groups that moved; a group that went back meanwhile gets a new epoch."""
        with self._lock:  # before the database is asked: what is committed meanwhile is no sign of a loss
            wanted = {group_id: self._told.get(group_id, 0) for group_id in self._unsaved}
        if not wanted:
            return
        try:
            with connections["default"].cursor() as cursor:
                raw = cursor.connection
                found = read_marks(raw, wanted)
                back = [key for key, mark in found.items() if mark.head < wanted[key]]
                if back:
                    self.examine(raw)
                    found = read_marks(raw, wanted)
        finally:
            connections["default"].close()
        self._folder.add(found)
        with self._lock:
            for group_id in wanted:
                mark = found.get(group_id)
                if mark is None or mark.head >= self._told.get(group_id, 0):
                    self._unsaved.discard(group_id)
                    self._told.pop(group_id, None)  # the mark on the disk says it from now on
            self._epochs.update({group_id: mark.epoch for group_id, mark in found.items()})

    # -- whether it still is what it was

    def meet(self, raw: psycopg.Connection[Any]) -> None:
        """Compare, when this connection leads to a server that this process has not met; before anybody uses it."""
        row = raw.execute(SERVER_QUERY).fetchone()
        server: Server = (row[0], row[1]) if row else ("", 0)
        if server != self._server:
            with self._examining:
                if server != self._server and self.examine(raw, heard=True):
                    self._server = server
        if server == self._server:
            raw.execute(f"SET application_name = '{VOUCHED}'")

    def examine(self, raw: psycopg.Connection[Any], *, heard: bool = False) -> bool:
        """Compare every group with what is known of it; renew what was lost. False: there are no tables yet."""
        # First what is known, then how it stands: others go on committing, and saving marks, all the while.
        marks = self._folder.load()
        with self._lock:
            told, epochs = {**self._told}, {**self._epochs}
            for group_id, head in self._heard.items() if heard else ():
                told[group_id] = max(head, told.get(group_id, 0))
        try:
            standing = read_standing(raw)
        except psycopg.errors.UndefinedTable:
            return False
        self._forget_epochs_before(standing)
        if marks is None:
            lost = self._unproven(raw, standing)
            marks = Marks()
        else:
            proofs = read_proofs(raw, {key: mark.head for key, mark in marks.groups.items() if key in standing})
            lost = lost_groups(marks, standing, proofs, told, epochs)
        if lost:
            self.renew(raw, {group_id: standing[group_id].epoch for group_id in lost})
        self._keep(read_marks(raw, list(standing)))
        return True

    def _forget_epochs_before(self, standing: Mapping[UUID, Standing]) -> None:
        """Drop numbers of epochs that are over: whoever began the new one has judged, and once is enough."""
        with self._lock:
            for group_id, now in standing.items():
                if self._epochs.setdefault(group_id, now.epoch) == now.epoch:
                    continue
                self._epochs[group_id] = now.epoch
                self._told.pop(group_id, None)
                self._heard.pop(group_id, None)
                self._unsaved.discard(group_id)

    def _keep(self, marks: Mapping[UUID, Mark], retired: Collection[UUID] = ()) -> None:
        """Write marks; a full disk does not keep anybody from the database."""
        try:
            self._folder.add(marks, retired)
        except OSError as error:
            logger.error("the marks of the streams cannot be written: %s", error.strerror)

    def _unproven(self, raw: psycopg.Connection[Any], standing: Mapping[UUID, Standing]) -> set[UUID]:
        """Return the groups of which nothing is proven: all with events, unless another process vouches for all."""
        some = {group_id for group_id, now in standing.items() if now.head > 0}
        if some and is_vouched(raw):
            logger.warning("no marks of the streams here: another process vouches for the database")
            return set()
        if some:
            logger.warning("no marks of the streams here: nobody can tell whether the database went back")
        return some

    def renew(self, raw: psycopg.Connection[Any], epochs: Mapping[UUID, UUID]) -> int:
        """Give groups a new epoch in place of the one that they have now; return how many got one."""
        # First outside: should this end half way, the next comparison goes on from there.
        self._keep({}, list(epochs.values()))
        renewed = []
        with raw.transaction():
            for group_id, epoch in sorted(epochs.items()):
                found = raw.execute(
                    "UPDATE groups_closedusergroup SET stream_epoch = %s"
                    " WHERE id = %s AND stream_epoch = %s RETURNING id",
                    [uuid4(), group_id, epoch],
                )
                if found.fetchone() is None:
                    continue  # another process was first
                renewed.append(group_id)
                raw.execute(
                    'INSERT INTO audit_entry (action, actor, "group", subject, details)'
                    " VALUES (%s, NULL, %s, %s, %s)",
                    [str(Action.GROUP_STREAM_RENEWED), group_id, f"group:{group_id}", "{}"],
                )
        with self._lock:
            for group_id in epochs:
                self._told.pop(group_id, None)
                self._heard.pop(group_id, None)
                self._unsaved.discard(group_id)
                self._epochs.pop(group_id, None)
        for group_id in renewed:
            logger.error("group %s lost events: its clients start afresh", group_id)
        if renewed:
            from messaging.wakeups import Resync, wake_ups

            wake_ups().publish(Resync())
        return len(renewed)


def read_standing(raw: psycopg.Connection[Any]) -> dict[UUID, Standing]:
    """Return epoch and newest number of every group."""
    rows = raw.execute("SELECT id, stream_epoch, head FROM groups_closedusergroup").fetchall()
    return {group_id: Standing(epoch, head) for group_id, epoch, head in rows}


def read_proofs(raw: psycopg.Connection[Any], heads: Mapping[UUID, int]) -> dict[UUID, str]:
    """Return the fingerprints of these events, of those that there are."""
    rows = raw.execute(
        "SELECT e.group_id, e.seq, e.type, (e.at AT TIME ZONE 'UTC')::text, e.actor, e.message_id"
        "  FROM unnest(%s::uuid[], %s::bigint[]) AS wanted (group_id, seq)"
        "  JOIN messaging_event e USING (group_id, seq)",
        [list(heads), list(heads.values())],
    ).fetchall()
    return {group_id: proof_of(*event) for group_id, *event in rows}


def read_marks(raw: psycopg.Connection[Any], groups: Collection[UUID]) -> dict[UUID, Mark]:
    """Return the marks of groups as they stand now, in one reading."""
    rows = raw.execute(
        "SELECT g.id, g.stream_epoch, g.head, e.seq, e.type, (e.at AT TIME ZONE 'UTC')::text, e.actor, e.message_id"
        "  FROM groups_closedusergroup g LEFT JOIN messaging_event e ON e.group_id = g.id AND e.seq = g.head"
        " WHERE g.id = ANY(%s)",
        [list(groups)],
    ).fetchall()
    return {
        group_id: Mark(epoch, head, proof_of(*event) if event[0] is not None else "")
        for group_id, epoch, head, *event in rows
    }


def is_vouched(raw: psycopg.Connection[Any]) -> bool:
    """Whether another process is connected that has compared this server's history with its marks."""
    row = raw.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
        "               AND application_name = %s AND pid <> pg_backend_pid())",
        [VOUCHED],
    ).fetchone()
    return bool(row and row[0])


_history: History | None = None


def watch() -> History:
    """Compare and keep marks in this process from now on."""
    global _history  # noqa: PLW0603
    if _history is None:
        _history = History(MarksFolder(settings.CENCOMM_MARKS))
        _history.start()
    return _history


def stop_watching() -> None:
    """Save what is left, at the end of a process."""
    if _history is not None:
        _history.stop()


def note_moved(group_id: UUID, head: int) -> None:
    """Keep in mind how far this process has brought a group's stream, where it watches."""
    if _history is not None:
        _history.note(group_id, head)


def hear_moved(group_id: UUID, head: int) -> None:
    """Keep in mind how far another process says to have brought it."""
    if _history is not None:
        _history.hear(group_id, head)


def check_connection(raw: psycopg.Connection[Any]) -> None:
    """Whether a pooled connection may be handed out: it works, and its server's history was compared."""
    ConnectionPool.check_connection(raw)
    if _history is not None and getattr(raw, "cencomm_met", None) is not _history:
        _history.meet(raw)
        raw.cencomm_met = _history  # type: ignore[attr-defined]
