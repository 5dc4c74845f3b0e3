"""Writes of transfers: confirm, decide what blocked a row, switch the daily transfer, change the mapping.

Each takes the membership first and leaves its audit entry. Delivery itself is `exports.delivery`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

import audit
from accounts.models import Officer
from exports import queries, tasks
from exports.errors import BadMapping, NothingToResolve, NothingToTransfer, RecordChanged
from exports.mapping import problems_of
from exports.models import AutomaticTransfer, Batch, MappingVersion, Resolution, Transfer
from exports.queries import Review
from exports.receipts import NewTransfer, queue_transfers, record_decisions
from exports.review import Row
from groups import phases
from groups.access import Right
from groups.errors import NotAllowed
from groups.gates import hold_group
from groups.models import ClosedUserGroup, Membership
from groups.phases import PhaseAct


def _check_early(membership: Membership) -> None:
    """Refuse before any work what the group, as it was when the gate read it, does not permit."""
    if not membership.has(Right.TRANSFER):
        raise NotAllowed
    phases.permits(membership.group, PhaseAct.TRANSFER)


def _check_may(membership: Membership) -> ClosedUserGroup:
    """Lock the group's row and return it; refuse who left, lost the role, or may not transfer in this phase."""
    group = hold_group(membership, Right.TRANSFER)
    phases.permits(group, PhaseAct.TRANSFER)
    return group


def start_transfer(
    membership: Membership,
    *,
    confirmed: Mapping[UUID, str] | None = None,
    automatic: bool = False,
    review: Review | None = None,
) -> Batch:
    """Put ready seizures into the queue and return their batch.

    `confirmed` maps a message to the digest of the records that were shown; None takes all that are ready (the
    daily transfer). `review`: the one that was just made, if there is one. A seizure that is in the queue already
    stays there once. Raises NotAllowed, OperationClosed or PhaseForbids, RecordChanged when a record is not what
    was shown, NothingToTransfer.
    """
    _check_early(membership)
    # Opening thousands of seizures takes seconds: the group's lock, for which all who post wait, comes after it.
    review = review or queries.review_of(membership, only=confirmed)
    ready = [row for row in review.ready if confirmed is None or row.message in confirmed]
    if confirmed is not None and any(
        row.digest != confirmed[row.message] for row in ready if confirmed[row.message]
    ):
        raise RecordChanged
    with transaction.atomic():
        group = _check_may(membership)
        set_aside = queries.messages_set_aside(membership)
        ready = [row for row in ready if row.message not in set_aside]
        if not ready:
            raise NothingToTransfer
        batch = Batch.objects.create(group=group, started_by=membership, automatic=automatic)
        transfers = [transfer for row in ready for transfer in _transfers_of(row)]
        queue_transfers(batch, transfers)
        audit.record(
            audit.Action.TRANSFER_STARTED,
            actor=membership.officer_id,
            group=group.pk,
            subject=f"batch:{batch.pk}",
            seizures=len(ready),
            records=len(transfers),
            automatic=automatic,
        )
        tasks.deliver_soon(batch.pk)
    return batch


def _transfers_of(row: Row) -> list[NewTransfer]:
    return [
        NewTransfer(
            message=row.message,
            withdrawal=bool(record.get("withdrawn")),
            source_reference=record["source_reference"],
            source_version=row.version,
            confirmed_digest=bytes.fromhex(row.digest),
        )
        for record in row.records
    ]


def retry_refused(membership: Membership, *, transfer_id: UUID) -> Batch:
    """Put a refused record back into the queue, as it is now, in the name of this member.

    What blocks a row blocks it here too: since the refusal the mapping may let out another text, or a second report
    of the same seizure came. Raises NothingToResolve, NothingToTransfer for a row that is not ready.
    """
    _check_early(membership)
    refused = Transfer.objects.filter(group=membership.group, pk=transfer_id, state=Transfer.State.REFUSED)
    found = refused.first()
    if found is None:
        raise NothingToResolve
    ready = queries.review_of(membership, only=[found.message], again=True).ready
    if not ready:
        raise NothingToTransfer
    [row] = ready
    with transaction.atomic():
        group = _check_may(membership)
        if not refused.select_for_update().exists():
            raise NothingToResolve
        batch = Batch.objects.create(group=group, started_by=membership)
        refused.update(
            state=Transfer.State.QUEUED,
            batch=batch,
            outcome="",
            cen_reference="",
            cen_version=None,
            reason_code="",
            reason_fields=[],
            finished_at=None,
            confirmed_digest=bytes.fromhex(row.digest),
        )
        audit.record(
            audit.Action.TRANSFER_STARTED,
            actor=membership.officer_id,
            group=group.pk,
            subject=f"batch:{batch.pk}",
            seizures=1,
            again=True,
        )
        tasks.deliver_soon(batch.pk)
    return batch


def resolve(membership: Membership, *, message_id: UUID, kind: str, about: str = "") -> None:
    """Decide on what blocks one seizure: its texts are not nominal, or it is (not) a duplicate of `about`."""
    resolve_many(membership, decisions=[(message_id, Resolution.Kind(kind), about)])


def resolve_many(
    membership: Membership,
    *,
    decisions: Sequence[tuple[UUID, Resolution.Kind, str]],
    review: Review | None = None,
) -> int:
    """Record several decisions at once and return how many were new.

    An empty `about` covers everything of that kind that blocks the message now. `review`: the one that was just
    made, if there is one. Raises NothingToResolve when nothing of that kind does.
    """
    _check_early(membership)
    review = review or queries.review_of(membership, only=[message for message, _kind, _about in decisions])
    blocking = _blocking(review)
    found = dict.fromkeys(
        (message, kind, one)
        for message, kind, about in decisions
        for one in _abouts(blocking.get((message, _BLOCKED[kind]), {}), about)
    )
    if not found:
        raise NothingToResolve
    with transaction.atomic():
        group = _check_may(membership)
        made = record_decisions(membership, list(found))
        for kind in sorted({kind for _message, kind, _about in found}):
            messages = dict.fromkeys(message for message, decided, _about in found if decided == kind)
            audit.record_many(
                audit.Action.TRANSFER_ROW_RESOLVED,
                actor=membership.officer_id,
                group=group.pk,
                subjects=[f"message:{message}" for message in messages],
                decision=str(kind),
            )
    return made


_BLOCKED = {
    Resolution.Kind.NOT_NOMINAL: "nominal",
    Resolution.Kind.NOT_DUPLICATE: "duplicate",
    Resolution.Kind.DUPLICATE: "duplicate",
}


def _blocking(review: Review) -> dict[tuple[UUID, str], dict[str, None]]:
    """Return, by message and kind of blocker, what blocks it."""
    found: dict[tuple[UUID, str], dict[str, None]] = {}
    for row in review.candidates:
        for blocker in row.blockers:
            found.setdefault((row.message, blocker.kind), {})[blocker.about] = None
    return found


def _abouts(blocking: Mapping[str, None], about: str) -> list[str]:
    if not about:
        return list(blocking)
    return [about] if about in blocking else []


def set_automatic(membership: Membership, *, on: bool) -> None:
    """Switch the group's daily transfer on, in this member's name, or off."""
    with transaction.atomic():
        group = _check_may(membership)
        if on:
            AutomaticTransfer.objects.update_or_create(group=group, defaults={"enabled_by": membership})
        else:
            AutomaticTransfer.objects.filter(group=group).delete()
        audit.record(
            audit.Action.TRANSFER_AUTOMATIC_SET,
            actor=membership.officer_id,
            group=group.pk,
            subject=f"group:{group.pk}",
            on=on,
        )


def save_mapping(administrator: Officer, *, rules: Sequence[Mapping[str, Any]]) -> MappingVersion:
    """Put a new mapping in force for every group. Raises NotAllowed, BadMapping with the rules at fault."""
    if not administrator.is_platform_administrator:
        raise NotAllowed
    problems = problems_of(rules)
    if problems:
        raise BadMapping(errors=problems)
    with transaction.atomic():
        version = MappingVersion.objects.create(
            rules=[{"field": rule["field"], "column": rule["column"]} for rule in rules], created_by=administrator
        )
        audit.record(
            audit.Action.TRANSFER_MAPPING_CHANGED,
            actor=administrator.pk,
            subject=f"mapping:{version.pk}",
            rules=len(rules),
        )
    return version
