"""What the worker runs for messaging: checks of files, a sweep that finds what a dead worker left, tidying up."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from messaging.connections import own_connections


@app.task(name="messaging.check_attachment", queue="attachments")
def check_attachment(attachment: str) -> None:
    """Check one file."""
    from messaging.attachments.checking import check_attachment as check

    with own_connections():
        check(UUID(attachment))


@app.periodic(cron="* * * * * */30")
@app.task(name="messaging.sweep_attachments", queue="attachments", queueing_lock="messaging.sweep_attachments")
def sweep_attachments(timestamp: int) -> None:
    """Check whatever waits still: a job may have died with its worker, the rows did not."""
    from messaging.attachments.tending import waiting_attachments

    with own_connections():
        for attachment_id in waiting_attachments():
            check_soon(attachment_id)


@app.periodic(cron="23 * * * *")
@app.task(name="messaging.tidy_attachments", queue="attachments", queueing_lock="messaging.tidy_attachments")
def tidy_attachments(timestamp: int) -> None:
    """Remove files that nobody sent within a day, and stored bytes that no row names."""
    from messaging.attachments.tending import remove_orphans, remove_unsent

    with own_connections():
        remove_unsent()
        remove_orphans()


def check_soon(attachment_id: UUID) -> None:
    """Ask the worker, in the caller's transaction, to check a file; the sweep would find it in any case."""
    try:
        with transaction.atomic():
            job = check_attachment.configure(queueing_lock=f"attachment:{attachment_id}")
            job.defer(attachment=str(attachment_id))
    except AlreadyEnqueued:
        return
