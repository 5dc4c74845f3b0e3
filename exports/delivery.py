"""The way of a queued row into CEN. The rows are the queue; a call may die at any moment and be made again.

A turn claims rows under the lock of their batch, which ends with its transaction, hands their records to CEN (which
keeps its own transaction and knows each record by source and reference), then writes the receipts. Death before
CEN commits leaves everything as it was; death after it leaves rows queued, and the next turn gets those receipts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

import audit
from cen.actions import Receipt, take_in
from cen.models import OURS
from exports import queries
from exports.models import Batch, Transfer
from exports.receipts import READ, Claimed, write_receipts
from exports.review import Row
from groups import phases
from groups.access import Right
from groups.models import ClosedUserGroup, Membership
from groups.phases import PhaseAct
from messaging.actions import mark_transferred
from messaging.conditions import OneOf
from messaging.kinds import Status

TURN = 500


def deliver_waiting() -> int:
    """Deliver every queued row there is; return how many rows got an answer."""
    delivered = 0
    waiting = Batch.objects.filter(transfers__state=Transfer.State.QUEUED).order_by("started_at").distinct()
    for batch_id in list(waiting.values_list("pk", flat=True)):
        delivered += deliver_batch(batch_id)
    return delivered


def deliver_batch(batch_id: UUID) -> int:
    """Deliver the rows of one batch in turns until none is left; one that another delivers is left to it."""
    delivered = 0
    while turn := _deliver_turn(batch_id):
        delivered += turn
    return delivered


def _deliver_turn(batch_id: UUID) -> int:
    with transaction.atomic():
        batch = (
            Batch.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("started_by__officer", "group")
            .filter(pk=batch_id)
            .first()
        )
        if batch is None:
            return 0
        claimed = _claimed(batch)
        if not claimed:
            _finish(batch_id)
            return 0
        refusal = _why_not(batch)
        if refusal:
            _refuse(claimed, refusal)
        else:
            _send(batch, claimed)
        write_receipts(claimed)
        _mark_messages(batch, claimed)
    return len(claimed)


def _claimed(batch: Batch) -> list[Claimed]:
    """Return the next rows, never a part of a seizure's: what CEN got of it decides what else it is to get."""
    queued = (
        Transfer.objects.select_for_update(no_key=True)
        .filter(batch=batch, state=Transfer.State.QUEUED)
        .order_by("message", "source_reference")
        .values_list(*READ)
    )
    claimed = [Claimed(*values) for values in queued[:TURN]]
    if len(claimed) == TURN:
        held = [one.id for one in claimed if one.message == claimed[-1].message]
        rest = queued.filter(message=claimed[-1].message).exclude(pk__in=held)
        claimed += [Claimed(*values) for values in rest]
    return claimed


def _why_not(batch: Batch) -> str:
    """Return why the batch may not go on now: the right is checked when it runs, not only when it was asked."""
    member: Membership = batch.started_by
    officer = member.officer
    gone = member.left_at is not None or not officer.is_active or officer.is_platform_administrator
    if gone or not member.has(Right.TRANSFER):
        return "right_withdrawn"
    if not phases.allows(batch.group, PhaseAct.TRANSFER):
        return "phase_forbids"
    return ""


def _refuse(claimed: Sequence[Claimed], code: str) -> None:
    now = timezone.now()
    for one in claimed:
        one.state, one.reason_code, one.finished_at = Transfer.State.REFUSED, code, now


def _send(batch: Batch, claimed: Sequence[Claimed]) -> None:
    # The group's lock: nobody withdraws or returns a seizure between this reading and CEN's receipt.
    ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=batch.group_id)
    rows = {row.message: row for row in queries.rows_to_send(batch.started_by, {t.message for t in claimed})}
    outgoing: list[tuple[Claimed, dict[str, Any]]] = []
    for transfer in claimed:
        record, refusal = _record_for(transfer, rows.get(transfer.message))
        if record is None:
            _refuse([transfer], refusal)
        else:
            outgoing.append((transfer, record))
    receipts = take_in(
        [record for _transfer, record in outgoing],
        source=OURS,
        client=f"batch:{batch.pk}",
        actor=batch.started_by.officer_id,
    )
    for (transfer, _record), receipt in zip(outgoing, receipts, strict=True):
        _note(transfer, receipt)


def _mark_messages(batch: Batch, claimed: Sequence[Claimed]) -> None:
    """Mark the seizures of which CEN now holds every record."""
    messages = {transfer.message for transfer in claimed if transfer.state == Transfer.State.ACCEPTED}
    unfinished = Transfer.objects.filter(OneOf("message", messages), group_id=batch.group_id).exclude(
        state=Transfer.State.ACCEPTED
    )
    messages -= set(unfinished.values_list("message", flat=True))
    mark_transferred(batch.group_id, messages, actor=batch.started_by.officer_id)


def _record_for(transfer: Claimed, row: Row | None) -> tuple[dict[str, Any] | None, str]:
    if row is None or row.status not in {Status.VALIDATED_OCU, Status.TRANSFERRED, Status.WITHDRAWN}:
        return None, "withdrawn_meanwhile"
    if row.version != transfer.source_version:
        return None, "withdrawn_meanwhile"
    if bytes(transfer.confirmed_digest).hex() != row.digest:
        return None, "changed_meanwhile"
    for record in row.records:
        if record["source_reference"] == transfer.source_reference:
            return record, ""
    return None, "changed_meanwhile"


def _note(transfer: Claimed, receipt: Receipt) -> None:
    accepted = receipt.outcome != "refused"
    transfer.state = Transfer.State.ACCEPTED if accepted else Transfer.State.REFUSED
    transfer.outcome = receipt.outcome
    transfer.cen_reference = receipt.cen_reference
    transfer.cen_version = receipt.version or None
    transfer.reason_code = receipt.reason_code
    # CEN names the fields at fault; what stands in them stays out of this table.
    transfer.reason_fields = [[problem.field, problem.code] for problem in receipt.errors]
    transfer.finished_at = timezone.now()


def _finish(batch_id: UUID) -> None:
    """Close a batch once nothing of it is queued, by whichever turn notices first."""
    open_batches = Batch.objects.filter(pk=batch_id, finished_at__isnull=True).exclude(
        transfers__state=Transfer.State.QUEUED
    )
    if open_batches.update(finished_at=timezone.now()):
        batch = Batch.objects.get(pk=batch_id)
        progress = queries.progress_of(batch)
        audit.record(
            audit.Action.TRANSFER_FINISHED,
            actor=None,
            group=batch.group_id,
            subject=f"batch:{batch_id}",
            accepted=progress["accepted"],
            refused=progress["refused"],
        )
