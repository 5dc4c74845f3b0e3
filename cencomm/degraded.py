"""What is not well while the product serves all the same: less, or later. Told beside "ready", in short words.

Redis gone: other processes learn of a message by their heartbeat. CEN's database gone: search and transfers wait,
groups do not. So neither may take a process out of service. What must not live here: what nothing works without.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from cencomm.embedded import SYSTEM_HOME
from cencomm.health import (
    database_answers,
    is_migrated,
    key_agent_answers,
    key_agent_keeps_up,
    key_service_answers,
    redis_answers,
    worker_alive,
)
from cencomm.models import Canary
from messaging.attachments.errors import StorageUnavailable
from messaging.attachments.storage import storage

WORKER_BEHIND_AFTER_SECONDS = 120
CLOCK_SECONDS = 2.0
DISK_LEFT_BYTES = 512 * 1024 * 1024
DISK_LEFT_SHARE = 0.1  # of a small disk, as a container's temporary folder is
KEPT_SECONDS = 5.0  # so long an answer is given again: not every question waits for a database that is silent


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


class Look:
    """One look at everything: what two checks need is asked once."""

    @cached_property
    def work(self) -> Work | None:
        """How the worker stands."""
        return work_now()


def worker_keeps_up(look: Look) -> bool:
    """Whether no due job has waited for long."""
    return look.work is None or look.work.oldest_seconds < WORKER_BEHIND_AFTER_SECONDS


def clock_agrees(look: Look) -> bool:
    """Whether this machine and the database agree on the time."""
    return look.work is None or abs(look.work.clock_ahead) < CLOCK_SECONDS


def places() -> dict[str, Path]:
    """Return the folders whose disks this process can see."""
    found = {"data": settings.DATA_DIR, "files": settings.CENCOMM_ATTACHMENTS}
    if not settings.CENCOMM_KEY_AGENT:  # else it is another user's
        found["keys"] = settings.CENCOMM_KEY_STORE
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


def file_storage_answers() -> bool:
    """Whether files can be stored and read; groups go on without."""
    try:
        return storage().answers()
    except StorageUnavailable:
        return False


NEEDED_TO_BE_WELL: dict[str, Callable[[Look], bool]] = {
    "cen-database": lambda _look: cen_is_there(),
    "redis": lambda _look: redis_answers(),
    "key-agent": lambda _look: key_agent_answers(),
    "key-service": lambda _look: key_service_answers(),
    "key-limit": lambda _look: key_agent_keeps_up(),
    "worker": lambda _look: worker_alive(),
    "worker-behind": worker_keeps_up,
    "canary": lambda _look: canary_arrives(),
    "file-storage": lambda _look: file_storage_answers(),
    "disk": lambda _look: disks_have_room(),
    "clock": clock_agrees,
}


def questions() -> dict[str, Callable[[], bool]]:
    """Return the same checks, each with a look of its own: for who asks all of them and shows every answer."""
    return {name: lambda check=check: check(Look()) for name, check in NEEDED_TO_BE_WELL.items()}  # type: ignore[misc]


def degraded() -> list[str]:
    """Return what is not well while this process can serve."""
    look = Look()
    return [name for name, check in NEEDED_TO_BE_WELL.items() if not check(look)]


class Known:
    """What was found last. One looks at a time; who asks meanwhile gets what was known before."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._found: list[str] | None = None
        self._until = 0.0

    def lately(self) -> list[str]:
        """Return what is not well, as found within the last KEPT_SECONDS or by the look that is under way."""
        found = self._found
        if found is not None and time.monotonic() < self._until:
            return found
        if not self._looking.acquire(blocking=found is None):
            return found or []
        try:
            if self._found is None or time.monotonic() >= self._until:
                self._found = degraded()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._found
        finally:
            self._looking.release()

    def forget(self) -> None:
        """Look anew at the next question."""
        self._found = None


known = Known()
