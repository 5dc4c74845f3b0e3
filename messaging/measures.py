"""What this process counts of its posts and deliveries, for whoever scrapes it. Plain numbers, nothing else.

The hot paths add to attributes and nothing more: no locks on the loop, no labels made while something is sent. What
a name means, and how it is told, is in `cencomm.metrics`. What must not live here: ids, names, content; a label is
a word of a fixed list or the code of a refusal.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

# Seconds from a commit to the sockets: a fan-out takes about a millisecond, a wake-up that was lost a heartbeat.
LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class Sample(NamedTuple):
    """One figure: its name, its labels, its value (of a histogram: bounds, counts, sum)."""

    name: str
    labels: Mapping[str, str]
    value: float | Mapping[str, Any]


class Histogram:
    """How often a value fell below each bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def state(self) -> dict[str, Any]:
        """Return bounds, counts (the last one: above every bound) and the sum."""
        return {"bounds": list(self.bounds), "counts": list(self.counts), "sum": self.total}


class Measures:
    """The counters of one process. Those of sockets are touched by the loop alone, those of posts under a lock."""

    def __init__(self) -> None:
        # the hub
        self.deliveries = 0
        self.delivered_bytes = 0
        self.batches_from_memory = 0
        self.batches_from_database = 0
        self.commit_to_socket = Histogram(LATENCY)
        self.epoch_restarts = 0
        self.heartbeat = Histogram(LATENCY)
        self.heartbeats_failed = 0
        # wake-ups
        self.wakeups_heard = 0
        self.wakeups_healed = 0
        self.resyncs = 0
        self.wakeups_published = 0
        self.wakeups_unpublished = 0
        # events between processes of one machine
        self.relayed: Counter[str] = Counter()
        self.heard_by_relay = 0
        # sockets
        self.opened: Counter[str] = Counter()
        self.closed: Counter[int] = Counter()
        self.first_follows = 0
        self.reconnects: Counter[str] = Counter()
        self.pages_from_memory = 0
        self.pages_from_database = 0
        self.socket_refusals: Counter[str] = Counter()
        # posts
        self._lock = threading.Lock()
        self.posts: Counter[str] = Counter()
        self.posts_refused: Counter[str] = Counter()
        self.batch_size = Histogram(SIZES)
        self.transaction = Histogram(LATENCY)

    def count_follow(self, *, resumes: bool) -> None:
        """Count a group that is live for a socket now; `resumes`: everything since a position was sent before."""
        if resumes:
            self.reconnects["lossless"] += 1
        else:
            self.first_follows += 1

    def count_unfollowed(self, *, resumes: bool, ours: bool) -> None:
        """Count a follow that came to nothing: by a fault of ours, or because the officer may not read it."""
        if resumes:
            self.reconnects["failed" if ours else "refused"] += 1

    def count_batch(self, outcomes: Iterable[tuple[str, str]], *, seconds: float) -> None:
        """Count the posts of one batch, from the thread that sent it: outcome and, of a refusal, its code."""
        with self._lock:
            size = 0
            for outcome, code in outcomes:
                size += 1
                self.posts[outcome] += 1
                if code:
                    self.posts_refused[code] += 1
            self.batch_size.observe(size)
            self.transaction.observe(seconds)

    def count_busy(self) -> None:
        """Count a post that was not even queued."""
        with self._lock:
            self.posts["refused"] += 1
            self.posts_refused["busy"] += 1

    def samples(self) -> list[Sample]:
        """Return every figure as it stands."""
        return [*self._deliveries(), *self._wakeups(), *self._sockets(), *self._posts()]

    def _deliveries(self) -> list[Sample]:
        return [
            Sample("cencomm_deliveries_total", {}, self.deliveries),
            Sample("cencomm_delivered_bytes_total", {}, self.delivered_bytes),
            Sample("cencomm_delivery_batches_total", {"source": "memory"}, self.batches_from_memory),
            Sample("cencomm_delivery_batches_total", {"source": "database"}, self.batches_from_database),
            Sample("cencomm_commit_to_socket_seconds", {}, self.commit_to_socket.state()),
            Sample("cencomm_epoch_restarts_total", {}, self.epoch_restarts),
            Sample("cencomm_heartbeat_seconds", {}, self.heartbeat.state()),
            Sample("cencomm_heartbeat_failures_total", {}, self.heartbeats_failed),
        ]

    def _wakeups(self) -> list[Sample]:
        return [
            Sample("cencomm_wakeups_published_total", {}, self.wakeups_published),
            Sample("cencomm_wakeups_unpublished_total", {}, self.wakeups_unpublished),
            Sample("cencomm_wakeups_heard_total", {}, self.wakeups_heard),
            Sample("cencomm_wakeups_healed_total", {}, self.wakeups_healed),
            Sample("cencomm_resyncs_total", {}, self.resyncs),
            *_labelled("cencomm_relayed_total", "outcome", self.relayed, ("taken", "refused")),
            Sample("cencomm_relay_heard_total", {}, self.heard_by_relay),
        ]

    def _sockets(self) -> list[Sample]:
        return [
            *_labelled("cencomm_sockets_opened_total", "kind", self.opened, ("session", "token")),
            *_labelled("cencomm_sockets_closed_total", "code", self.closed, (1000, 4401, 4408, 4429)),
            Sample("cencomm_first_follows_total", {}, self.first_follows),
            *_labelled(
                "cencomm_reconnects_total", "outcome", self.reconnects, ("lossless", "restart", "failed", "refused")
            ),
            Sample("cencomm_catch_up_pages_total", {"source": "memory"}, self.pages_from_memory),
            Sample("cencomm_catch_up_pages_total", {"source": "database"}, self.pages_from_database),
            *_labelled("cencomm_socket_refusals_total", "code", self.socket_refusals),
        ]

    def _posts(self) -> list[Sample]:
        with self._lock:
            outcomes = ("created", "replayed", "refused", "failed")
            return [
                *_labelled("cencomm_posts_total", "outcome", self.posts, outcomes),
                *_labelled("cencomm_posts_refused_total", "code", self.posts_refused, ("busy", "too_fast")),
                Sample("cencomm_post_batch_size", {}, self.batch_size.state()),
                Sample("cencomm_post_transaction_seconds", {}, self.transaction.state()),
            ]


def _labelled(name: str, label: str, counts: Counter[Any], always: Sequence[Any] = ()) -> list[Sample]:
    """Return one sample a key; those of `always` also at zero, so that their first rise is seen."""
    known = dict.fromkeys([*always, *list(counts)])
    return [Sample(name, {label: str(key)}, counts[key]) for key in known]


measures = Measures()
