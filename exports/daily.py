"""The daily transfer of a group: at its cut-off hour, in the name of the coordinator who switched it on."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from exports.actions import start_transfer
from exports.models import AutomaticTransfer
from problems import Refusal


def start_due_transfers(*, now: datetime | None = None) -> int:
    """Start what is due at `now` (UTC) and was not run today; return how many batches were started.

    A coordinator who left, or a phase that forbids, starts nothing: the next coordinator switches it on anew.
    """
    moment = (now or timezone.now()).astimezone(UTC)
    started = 0
    for group_id in AutomaticTransfer.objects.filter(group__cut_off_hour__lte=moment.hour).values_list(
        "group_id", flat=True
    ):
        with transaction.atomic():
            automatic = (
                AutomaticTransfer.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("enabled_by__group", "enabled_by__officer")
                .filter(group_id=group_id)
                .exclude(last_run_on=moment.date())
                .first()
            )
            if automatic is None:
                continue
            automatic.last_run_on = moment.date()
            automatic.save(update_fields=["last_run_on"])
            member = automatic.enabled_by
            if member.left_at is not None or not member.officer.is_active:
                continue
            started += _start(automatic)
    return started


def _start(automatic: AutomaticTransfer) -> int:
    try:
        with transaction.atomic():
            start_transfer(automatic.enabled_by, automatic=True)
    except Refusal:
        return 0
    return 1
