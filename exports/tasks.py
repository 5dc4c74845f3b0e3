"""What the worker runs: deliveries, a sweep that finds what a dead worker left, and the daily transfers."""

from __future__ import annotations

from uuid import UUID

from procrastinate.contrib.django import app

from messaging.connections import own_connections


@app.task(name="exports.deliver", queue="exports")
def deliver(batch: str) -> None:
    """Deliver one batch."""
    from exports.delivery import deliver_batch

    with own_connections():
        deliver_batch(UUID(batch))


@app.periodic(cron="* * * * * */20")
@app.task(name="exports.sweep", queue="exports", queueing_lock="exports.sweep")
def sweep(timestamp: int) -> None:
    """Deliver whatever is queued still: a job may have died with its worker, the rows did not."""
    from exports.delivery import deliver_waiting

    with own_connections():
        deliver_waiting()


@app.periodic(cron="5 * * * *")
@app.task(name="exports.daily", queue="exports", queueing_lock="exports.daily")
def daily(timestamp: int) -> None:
    """Start the daily transfer of each group whose reporting day has ended."""
    from exports.daily import start_due_transfers

    with own_connections():
        start_due_transfers()


def deliver_soon(batch_id: UUID) -> None:
    """Ask the worker, in the caller's transaction, to deliver a batch; the sweep would find it in any case."""
    deliver.defer(batch=str(batch_id))
