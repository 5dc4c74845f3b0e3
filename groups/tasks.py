"""What runs by itself: keys that are old enough start a new epoch, keys of archived groups are gone."""

from __future__ import annotations

from procrastinate.contrib.django import app

from groups import keys


@app.periodic(cron="2,17,32,47 * * * *")
@app.task(queueing_lock="groups.rotate_old_epochs", pass_context=False)
def rotate_old_epochs(timestamp: int) -> None:
    """Start a new epoch every 30 days, and where one could not begin when a member left."""
    keys.rotate_old_epochs()


@app.periodic(cron="*/15 * * * *")
@app.task(queueing_lock="groups.destroy_keys_of_archived", pass_context=False)
def destroy_keys_of_archived(timestamp: int) -> None:
    """Finish an archiving that a crash interrupted."""
    keys.destroy_keys_of_archived()
