"""The figures of the whole installation, taken anew for each scrape: readiness, jobs, transfers, databases, disks.

Each is asked for by itself: what cannot be had now (no database) is left out, and `cencomm_missing` says why. What
must not live here: the figures of a process.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator

from django.db import DatabaseError, connections
from django.db.models import Count, Min
from django.utils import timezone

from cencomm import __version__, degraded, health
from cencomm.models import Canary
from exports.models import Transfer
from messaging.attachments.refusing import Reason
from messaging.measures import Sample
from messaging.models import Attachment

DATABASES = {"default": "cencomm", "cen": "cen"}


def installation_samples() -> list[Sample]:
    """Return what can be told now."""
    found = [Sample("cencomm_build_info", {"version": __version__}, 1), *_disks()]
    lacking = health.missing()
    found.append(Sample("cencomm_ready", {}, int(not lacking)))
    found += [Sample("cencomm_missing", {"part": name}, int(name in lacking)) for name in health.CHECKS]
    if "database" in lacking:
        return found
    weak = degraded.degraded()
    found += [Sample("cencomm_degraded", {"part": name}, int(name in weak)) for name in degraded.NEEDED_TO_BE_WELL]
    asked: tuple[Callable[[], Iterator[Sample]], ...] = (_work, _transfers, _attachments, _sizes, _canary)
    for question in asked:
        try:
            found += list(question())
        except (DatabaseError, OSError):
            continue
    return found


def _work() -> Iterator[Sample]:
    work = degraded.work_now()
    if work is None:
        return
    yield Sample("cencomm_jobs", {"state": "due"}, work.due)
    yield Sample("cencomm_jobs", {"state": "doing"}, work.doing)
    yield Sample("cencomm_jobs", {"state": "failed"}, work.failed)
    yield Sample("cencomm_job_oldest_seconds", {}, work.oldest_seconds)
    yield Sample("cencomm_clock_skew_seconds", {}, work.clock_ahead)


def _transfers() -> Iterator[Sample]:
    waiting = Transfer.objects.filter(state=Transfer.State.QUEUED).aggregate(n=Count("pk"), oldest=Min("queued_at"))
    age = (timezone.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
    yield Sample("cencomm_transfers_waiting", {}, waiting["n"])
    yield Sample("cencomm_transfer_oldest_seconds", {}, max(0.0, age))


def _attachments() -> Iterator[Sample]:
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for state, reason, number in Attachment.objects.values_list("state", "reason").annotate(n=Count("*")):
        counts[state] += number
        reasons[reason] += number
    waiting = Attachment.objects.filter(state=Attachment.State.CHECKING).aggregate(oldest=Min("created_at"))
    age = (timezone.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
    for name in Attachment.State.values:
        yield Sample("cencomm_attachments", {"state": name}, counts[name])
    for name in Reason:
        yield Sample("cencomm_attachments_refused", {"reason": name.value}, reasons[name])
    yield Sample("cencomm_attachment_check_oldest_seconds", {}, max(0.0, age))


def _sizes() -> Iterator[Sample]:
    for alias, name in DATABASES.items():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            yield Sample("cencomm_database_size_bytes", {"database": name}, int(cursor.fetchone()[0]))


def _disks() -> Iterator[Sample]:
    for place, path in degraded.places().items():
        usage = shutil.disk_usage(path)
        yield Sample("cencomm_disk_free_bytes", {"place": place}, usage.free)
        yield Sample("cencomm_disk_size_bytes", {"place": place}, usage.total)


def _canary() -> Iterator[Sample]:
    canary = Canary.objects.first()
    if canary is None:
        return
    yield Sample("cencomm_canary_up", {}, int(canary.is_well(timezone.now())))
    for outcome in Canary.Outcome.values:
        yield Sample("cencomm_canary_runs_total", {"outcome": outcome}, int(canary.counts.get(outcome, 0)))
    if canary.last_arrival_at is not None:
        yield Sample("cencomm_canary_round_trip_seconds", {}, canary.round_trip_seconds)
        yield Sample("cencomm_canary_last_arrival_timestamp_seconds", {}, canary.last_arrival_at.timestamp())
