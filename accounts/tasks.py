"""What accounts does by itself: forget what has ended."""

from __future__ import annotations

from procrastinate.contrib.django import app

from accounts import actions


@app.periodic(cron="23 3 * * *")
@app.task(queueing_lock="accounts:forget")
def forget_what_ended(timestamp: int) -> None:
    """Delete sessions that ended a month ago, counts of failures that are forgotten, challenges of yesterday."""
    actions.prune_sessions()
    actions.prune_throttles()
    actions.prune_challenges()
