"""One row: how the canary fares. Everything else of the product is in the tables of its apps."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

from groups.models import ClosedUserGroup

SILENT_AFTER = timedelta(minutes=4)


class Canary(models.Model):
    """What became of the last canaries: messages that the product sends to itself, through its own doors.

    `counts`: how often each outcome was, ever. `key`: always 1, so that there is one row.
    """

    class Outcome(models.TextChoices):
        ARRIVED = "arrived"
        NO_DOOR = "no_door"  # no web process answered
        NOT_LET_IN = "not_let_in"  # the token was refused
        NOT_TAKEN = "not_taken"  # the message was not accepted
        NOT_HEARD = "not_heard"  # it was, and the socket heard nothing of it in time
        NOT_WHOLE = "not_whole"  # what came back is not what was sent
        BROKEN = "broken"  # the canary itself could not be prepared

    key = models.PositiveSmallIntegerField(primary_key=True, default=1)
    group = models.ForeignKey(ClosedUserGroup, null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.ARRIVED)
    counts = models.JSONField(default=dict)
    round_trip_seconds = models.FloatField(default=0)
    last_run_at = models.DateTimeField(null=True)
    last_arrival_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(key=1), name="canary_once")]

    def is_well(self, now: datetime) -> bool:
        """Whether the last one arrived, and lately."""
        return (
            self.outcome == self.Outcome.ARRIVED
            and self.last_run_at is not None
            and now - self.last_run_at < SILENT_AFTER
        )
