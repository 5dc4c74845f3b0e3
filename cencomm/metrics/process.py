"""The figures of this process: its counters, the depths of its queues, its memory, threads, tasks, connections."""

from __future__ import annotations

import asyncio
import os
import resource
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.db import connections

from messaging.actions import office, receipts_office
from messaging.delivery.conversation import Conversation
from messaging.delivery.hub import hubs
from messaging.delivery.reads import reads_waiting
from messaging.measures import LATENCY, Histogram, Sample, measures

STARTED_AT = time.time()
loop_lag = Histogram(LATENCY)


def process_samples() -> list[Sample]:
    """Return every figure of this process as it stands."""
    return [*measures.samples(), *_depths(), *_resources(), *_pools()]


def probe_loops() -> None:
    """Ask each loop that serves sockets how long it lets a callback wait."""
    for loop in hubs():
        try:
            loop.call_soon_threadsafe(_note_lag, time.monotonic())
        except RuntimeError:  # closed
            continue


def _note_lag(asked: float) -> None:
    loop_lag.observe(time.monotonic() - asked)


def _depths() -> list[Sample]:
    kinds: Counter[str] = Counter(session=0, token=0)
    queued, groups, followers = [0], 0, 0
    for hub in hubs().values():
        for client in hub.clients:
            if isinstance(client, Conversation):
                kinds[client.kind] += 1
                queued.append(client.queued_bytes)
        followed, here = hub.follows
        groups, followers = groups + followed, followers + here
    return [
        *(Sample("cencomm_sockets", {"kind": kind}, number) for kind, number in kinds.items()),
        Sample("cencomm_followed_groups", {}, groups),
        Sample("cencomm_followers", {}, followers),
        Sample("cencomm_outbox_bytes", {}, sum(queued)),
        Sample("cencomm_outbox_largest_bytes", {}, max(queued)),
        Sample("cencomm_delivery_reads_waiting", {}, reads_waiting()),
        Sample("cencomm_posts_waiting", {}, office().waiting),
        Sample("cencomm_receipts_waiting", {}, receipts_office().waiting),
    ]


def _resources() -> list[Sample]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found = [
        Sample("cencomm_process_threads", {}, threading.active_count()),
        Sample("cencomm_process_tasks", {}, sum(len(asyncio.all_tasks(loop)) for loop in hubs())),
        Sample("cencomm_process_cpu_seconds_total", {}, usage.ru_utime + usage.ru_stime),
        Sample("cencomm_process_start_time_seconds", {}, STARTED_AT),
        Sample("cencomm_loop_lag_seconds", {}, loop_lag.state()),
    ]
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        found += [
            Sample("cencomm_process_resident_memory_bytes", {}, pages * resource.getpagesize()),
            Sample("cencomm_process_open_fds", {}, len(os.listdir("/proc/self/fd"))),
        ]
    except OSError:  # no Linux: these two are not told
        pass
    return found


def _pools() -> list[Sample]:
    found = []
    for alias in ("default", "cen"):
        pool: Any = getattr(connections[alias], "pool", None)
        if pool is None:
            continue
        stats = pool.get_stats()
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        named = {"database": "cencomm" if alias == "default" else alias}
        found += [
            Sample("cencomm_database_pool_connections", {**named, "state": "idle"}, idle),
            Sample("cencomm_database_pool_connections", {**named, "state": "busy"}, max(0, size - idle)),
            Sample("cencomm_database_pool_limit", named, stats.get("pool_max", 0)),
            Sample("cencomm_database_pool_waiting", named, stats.get("requests_waiting", 0)),
            Sample("cencomm_database_pool_wait_seconds_total", named, stats.get("requests_wait_ms", 0) / 1000),
            Sample("cencomm_database_pool_errors_total", named, stats.get("requests_errors", 0)),
        ]
    return found
