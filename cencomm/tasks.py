"""What the worker does for the installation itself: the canary each minute, old jobs once a day."""

from __future__ import annotations

from django.conf import settings
from procrastinate import JobContext
from procrastinate.contrib.django import app

from messaging.connections import own_connections

DONE_KEPT_HOURS = 3 * 24
FAILED_KEPT_HOURS = 30 * 24


@app.periodic(cron="* * * * *")
@app.task(name="cencomm.canary", queueing_lock="cencomm.canary")
def canary(timestamp: int) -> None:
    """Send a canary where CENCOMM_CANARY_URL names a door."""
    from cencomm.canary.record import send_canary

    if not settings.CENCOMM_CANARY_URL:
        return
    with own_connections():
        send_canary()


@app.periodic(cron="41 3 * * *")
@app.task(name="cencomm.forget_jobs", queueing_lock="cencomm.forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that ended days ago, failed ones a month ago: each sweep, every twenty seconds, leaves a row."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(nb_hours=DONE_KEPT_HOURS)
    await manager.delete_old_jobs(
        nb_hours=FAILED_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
