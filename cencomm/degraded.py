"""What is not well while the product serves all the same: less, or later. Told beside "ready", in short words.

Redis gone: other processes learn of a message by their heartbeat. CEN's database gone: search and transfers wait,
groups do not. So neither may take a process out of service. What must not live here: what nothing works without.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from cencomm.embedded import SYSTEM_HOME
from cencomm.health import database_answers, is_migrated, redis_answers, worker_alive
from cencomm.models import Canary

WORKER_BEHIND_AFTER_SECONDS = 120
CLOCK_SECONDS = 2.0
DISK_LEFT_BYTES = 512 * 1024 * 1024
DISK_LEFT_SHARE = 0.1  # of a small disk, as a container's temporary folder is


@dataclass(frozen=True, slots=True)
class Work:
    """What the worker has before it, and how far this machine's clock is ahead of the database's, in seconds."""

    due: int
    doing: int
    failed: int
    oldest_seconds: float
    clock_ahead: float


WORK_QUERY = """
SELECT count(*) FILTER (WHERE job.status = 'todo'), count(*) FILTER (WHERE job.status = 'doing'),
       count(*) FILTER (WHERE job.status = 'failed'),
       coalesce(max(extract(epoch FROM now() - coalesce(job.scheduled_at, deferred.at)))
                FILTER (WHERE job.status = 'todo'), 0),
       extract(epoch FROM clock_timestamp())
FROM procrastinate_jobs job
LEFT JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events event
                   WHERE event.job_id = job.id AND event.type = 'deferred') deferred ON job.status = 'todo'
WHERE job.status IN ('doing', 'failed') OR (job.status = 'todo' AND coalesce(job.scheduled_at, now()) <= now())
"""


def work_now() -> Work | None:
    """Return how the worker stands, None where the database does not say."""
    try:
        with connections["default"].cursor() as cursor:
            asked = time.time()
            cursor.execute(WORK_QUERY)
            due, doing, failed, oldest, told = cursor.fetchone()
            here = (asked + time.time()) / 2
    except (DatabaseError, OSError):
        return None
    return Work(due, doing, failed, max(0.0, float(oldest)), here - float(told))


def worker_keeps_up() -> bool:
    """Whether no due job has waited for long."""
    work = work_now()
    return work is None or work.oldest_seconds < WORKER_BEHIND_AFTER_SECONDS


def clock_agrees() -> bool:
    """Whether this machine and the database agree on the time."""
    work = work_now()
    return work is None or abs(work.clock_ahead) < CLOCK_SECONDS


def places() -> dict[str, Path]:
    """Return the folders whose disks this process can see."""
    found = {"data": settings.DATA_DIR, "keys": settings.CENCOMM_KEY_STORE}
    cluster = SYSTEM_HOME if (settings.DATA_DIR / "postgres-cluster").exists() else settings.DATA_DIR / "postgres"
    return {place: path for place, path in {**found, "database": cluster}.items() if path.is_dir()}


def disks_have_room() -> bool:
    """Whether none of those disks is nearly full."""
    for path in places().values():
        usage = shutil.disk_usage(path)
        if usage.free < min(DISK_LEFT_BYTES, usage.total * DISK_LEFT_SHARE):
            return False
    return True


def canary_arrives() -> bool:
    """Whether the last canary arrived, and lately; true before the first one, and where none is sent."""
    if not settings.CENCOMM_CANARY_URL:
        return True
    try:
        canary = Canary.objects.first()
    except (DatabaseError, OSError):
        return True  # the database is what is named then
    return canary is None or canary.is_well(timezone.now())


def cen_is_there() -> bool:
    """Whether CEN's database answers and holds its tables: without it groups work, search and transfers wait."""
    return database_answers("cen") and is_migrated("cen")


NEEDED_TO_BE_WELL: dict[str, Callable[[], bool]] = {
    "cen-database": cen_is_there,
    "redis": redis_answers,
    "worker": worker_alive,
    "worker-behind": worker_keeps_up,
    "canary": canary_arrives,
    "disk": disks_have_room,
    "clock": clock_agrees,
}


def degraded() -> list[str]:
    """Return what is not well while this process can serve."""
    return [name for name, check in NEEDED_TO_BE_WELL.items() if not check()]
