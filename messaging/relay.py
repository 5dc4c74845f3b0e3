"""What this process has just committed, handed to the other web processes of this machine, who need not read it.

By datagrams over Unix sockets in a folder that nobody but this user enters. Never the only copy: whatever does not
arrive (too large, a queue that is full, a process that has just come) is read from the database once the wake-up
tells of it. What must not live here: who gets it (`delivery.hub`), wake-ups, other machines.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from messaging.fresh import FreshItem, fresh
from messaging.measures import measures

logger = logging.getLogger("cencomm.messaging")
SEND_BYTES = 1024 * 1024
MAX_BYTES = 64 * 1024  # of one datagram; larger batches are left to the database
LOOK_SECONDS = 1.0  # how often it is looked who else there is
AT_ONCE = 64  # datagrams in one turn of the loop
_HEAD = struct.Struct("!16s16sd")  # group, epoch, when it was committed
_ITEM = struct.Struct("!QI")  # number, length
_GONE = {errno.ECONNREFUSED, errno.ENOENT}


class Handed(NamedTuple):
    """Events of one group as they came from another process."""

    group_id: UUID
    epoch: UUID
    at: float
    items: list[FreshItem]


type Take = Callable[[Handed], object]


def packed(group_id: UUID, epoch: UUID, at: float, items: Sequence[FreshItem]) -> bytes:
    """Return events as one datagram."""
    parts = [_HEAD.pack(group_id.bytes, epoch.bytes, at)]
    for seq, raw in items:
        parts += (_ITEM.pack(seq, len(raw)), raw)
    return b"".join(parts)


def unpacked(data: bytes | memoryview) -> Handed | None:
    """Return what `packed` gave; None for anything else. Nothing of `data` is kept."""
    if len(data) < _HEAD.size:
        return None
    group, epoch, at = _HEAD.unpack_from(data)
    place, items = _HEAD.size, []
    while place < len(data):
        if place + _ITEM.size > len(data):
            return None
        seq, length = _ITEM.unpack_from(data, place)
        place += _ITEM.size
        if place + length > len(data):
            return None
        items.append(FreshItem(seq, bytes(data[place : place + length])))
        place += length
    return Handed(UUID(bytes=group), UUID(bytes=epoch), at, items) if items else None


class Relay:
    """One per process. Without a folder there is nobody else: then it only keeps what this process has written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder if folder is not None and is_private(folder) else None
        self._own: Path | None = None
        self._others: tuple[str, ...] = ()
        self._look_at = 0.0
        if self._folder is not None:
            self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)

    def is_wanted(self, group_id: UUID) -> bool:
        """Whether it is worth while to serialise what is written into a group."""
        return fresh.is_followed(group_id) or bool(self._present())

    def hand_on(self, group_id: UUID, epoch: UUID, items: Sequence[FreshItem]) -> None:
        """Keep committed events for this process, and hand them to the others. Waits for nobody, never raises."""
        fresh.put(group_id, epoch, items)
        others = self._present()
        if not others:
            return
        data = packed(group_id, epoch, time.time(), items)
        for place in others if len(data) <= MAX_BYTES else ():
            try:
                self._sender.sendto(data, place)
                measures.relayed["taken"] += 1
            except OSError as failure:
                measures.relayed["refused"] += 1
                if failure.errno in _GONE:
                    self._others = tuple(one for one in self._others if one != place)
                if failure.errno == errno.ECONNREFUSED:  # left by a process that has ended
                    with suppress(OSError):
                        os.unlink(place)

    def listen(self, take: Take) -> Listening:
        """Call `take` on the running loop for what others hand to this process from now on."""
        if self._folder is None:
            return Listening(None, None)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        place = self._folder / f"{os.getpid()}-{line.fileno()}"
        try:
            _sweep(self._folder, place)
            line.bind(str(place))
        except OSError as failure:  # a path that is too long, say
            logger.warning("nothing comes from other processes but by the database: %s", failure)
            line.close()
            return Listening(None, None)
        self._own, self._look_at = place, 0.0
        room = memoryview(bytearray(MAX_BYTES + 1))  # one for all: to give each its own tears the heap into pieces
        asyncio.get_running_loop().add_reader(line.fileno(), _hear, line, room, take)
        return Listening(line, place)

    def _present(self) -> tuple[str, ...]:
        if self._folder is None:
            return ()
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            with suppress(OSError):
                self._others = tuple(str(one) for one in self._folder.iterdir() if one != self._own)
        return self._others


class Listening:
    """What a listener holds; closing it ends the listening."""

    def __init__(self, line: socket.socket | None, place: Path | None) -> None:
        self._line = line
        self._place = place

    def close(self) -> None:
        """Take nothing more; others notice."""
        if self._line is None or self._place is None:
            return
        asyncio.get_running_loop().remove_reader(self._line.fileno())
        self._line.close()
        self._line = None
        with suppress(OSError):
            self._place.unlink()


def is_private(folder: Path) -> bool:
    """Whether nobody but this user can enter a folder; says so where somebody can."""
    try:
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    except OSError:
        private = False
    if not private:
        logger.warning("CENCOMM_RELAY is no folder of this user alone: nothing is handed on there")
    return private


def _sweep(folder: Path, own: Path) -> None:
    """Remove what processes have left that ended without stopping, one of this process's number among them."""
    for place in folder.iterdir():
        if place == own or not Path("/proc", place.name.partition("-")[0]).exists():
            place.unlink(missing_ok=True)


def _hear(line: socket.socket, room: memoryview, take: Take) -> None:
    for _ in range(AT_ONCE):
        try:
            size = line.recv_into(room)
        except OSError:  # nothing more, for now
            return
        handed = unpacked(room[:size])
        if handed is not None:
            take(handed)


relay = Relay(Path(settings.CENCOMM_RELAY) if settings.CENCOMM_RELAY else None)
