"""Sealers that this process has opened: kept while their group's key exists, let go once it is destroyed.

Other parts of the product that keep what was opened (a hub, sums) register here to be told. What must not live
here: where keys lie, how a destruction is noticed.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID
from weakref import ReferenceType, ref

from vault.sealing import Sealer

CACHED_SEALERS = 2048
LOOK_SECONDS = 0.25  # a key that another process destroyed leaves the memory of this one within so long

_told: list[Callable[[UUID], None]] = []


def on_key_forgotten(tell: Callable[[UUID], None]) -> None:
    """Have `tell` called, from any thread, with each group whose key is gone: forget what was opened with it."""
    if tell not in _told:
        _told.append(tell)


class SealerCache(ABC):
    """The sealers of one key store in this process. A thread looks after them from the first one on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sealers: OrderedDict[tuple[UUID, int], tuple[bytes, Sealer]] = OrderedDict()
        self._watched_in = 0

    @property
    def holds_keys(self) -> bool:
        """Whether anything is open in this process: that goes on, whatever cannot be asked at the moment."""
        return bool(self._sealers)

    def is_at_hand(self, group_id: UUID, epoch: int) -> bool:
        """Whether this process has the sealer of an epoch, or gets it without asking another machine or process."""
        with self._lock:
            return (group_id, epoch) in self._sealers

    @abstractmethod
    def _look(self) -> None:
        """Find out whether keys of groups that are held were destroyed, and forget those."""

    def _cached(self, group_id: UUID, epoch: int, wrapped: bytes) -> Sealer | None:
        with self._lock:
            cached = self._sealers.get((group_id, epoch))
            if cached is None or cached[0] != wrapped:
                return None
            self._sealers.move_to_end((group_id, epoch))
            return cached[1]

    def _remember(self, sealer: Sealer, wrapped: bytes) -> Sealer:
        self._watch()
        with self._lock:
            self._sealers[sealer.group_id, sealer.epoch] = (wrapped, sealer)
            while len(self._sealers) > CACHED_SEALERS:
                # Not forgotten as destroyed ones are: somebody may be sealing with it right now.
                (group_id, _epoch), _evicted = self._sealers.popitem(last=False)
                self._evict(group_id)
        return sealer

    def _evict(self, group_id: UUID) -> None:  # noqa: B027 - some know nothing more
        """Forget what is known about a group besides its sealers; the lock is held."""

    def _held(self) -> set[UUID]:
        with self._lock:
            return {group_id for group_id, _epoch in self._sealers}

    def _forget(self, group_id: UUID) -> None:
        """Let go of a group's keys, and tell whoever keeps what was opened with them."""
        with self._lock:
            self._evict(group_id)
            for name in [name for name in self._sealers if name[0] == group_id]:
                self._sealers.pop(name)[1].forget()
        for tell in _told:
            tell(group_id)

    def _watch(self) -> None:
        """Begin to look regularly; again after a fork, which leaves threads behind."""
        if self._watched_in == os.getpid():
            return
        self._watched_in = os.getpid()
        threading.Thread(target=_look_after, args=(ref(self),), daemon=True, name="key-watch").start()


def _look_after(cache: ReferenceType[SealerCache]) -> None:
    """Look until nobody needs the cache any more."""
    while True:
        time.sleep(LOOK_SECONDS)
        found = cache()
        if found is None:
            return
        found._look()
        del found
