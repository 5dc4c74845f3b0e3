"""Sends the canary and keeps what became of it: one row that every process reads, one log line when it changes."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cencomm.canary.flight import Door, Lost, Moved, fly
from cencomm.canary.place import forget_old_messages, home, token
from cencomm.models import Canary

logger = logging.getLogger("cencomm.canary")


def send_canary() -> Canary.Outcome:
    """Send one canary, note what became of it, and forget old ones.

    Once it does what every client does: a refused token is replaced, and it comes back to whoever takes over.
    """
    seconds, outcome = 0.0, Canary.Outcome.ARRIVED
    try:
        seconds = _fly()
    except Lost as lost:
        outcome = lost.outcome
    except Exception as error:  # noqa: BLE001 - whatever is broken, that the canary does not fly is what is told
        logger.warning("the canary could not be prepared: %s", type(error).__name__)
        outcome = Canary.Outcome.BROKEN
    note_outcome(outcome, seconds=seconds)
    return outcome


def _fly() -> float:
    group = home()
    forget_old_messages(group)
    group.refresh_from_db()
    try:
        return fly(_door(), group=group.pk, after=group.head, epoch=group.stream_epoch)
    except Lost as lost:
        refused = lost.outcome == Canary.Outcome.NOT_LET_IN
        if not refused and not isinstance(lost, Moved):
            raise
    return fly(_door(afresh=refused), group=group.pk, after=group.head, epoch=group.stream_epoch)


def _door(*, afresh: bool = False) -> Door:
    names = [name for name in settings.ALLOWED_HOSTS if "*" not in name]
    host = names[0].lstrip(".") if names else ""
    return Door(url=settings.CENCOMM_CANARY_URL.rstrip("/"), token=token(afresh=afresh), host=host)


@transaction.atomic
def note_outcome(outcome: Canary.Outcome, *, seconds: float) -> None:
    """Keep an outcome; say so in the log when it is another than before: once, not each minute."""
    canary, _made = Canary.objects.get_or_create(pk=1)
    canary = Canary.objects.select_for_update().get(pk=canary.pk)
    before, now = canary.outcome, timezone.now()
    canary.outcome = outcome
    canary.counts = {**canary.counts, outcome.value: int(canary.counts.get(outcome.value, 0)) + 1}
    canary.last_run_at = now
    if outcome == Canary.Outcome.ARRIVED:
        canary.round_trip_seconds, canary.last_arrival_at = seconds, now
    canary.save()
    if outcome == before:
        return
    if outcome == Canary.Outcome.ARRIVED:
        logger.warning("the canary arrives again")
    else:
        logger.error("the canary does not arrive: %s", outcome.value)
