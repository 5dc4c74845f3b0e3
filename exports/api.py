"""The HTTP API of transfers: start, follow, read receipts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from accounts import step_up
from accounts.step_up import Act
from exports import actions, queries
from exports.models import Batch
from exports.presentation import reason_text
from groups.access import Right
from groups.gates import caller, member_of

router = Router(tags=["transfers"])
MAX_ROWS = 500


class Confirmation(Schema):
    """One seizure to be sent; `digest`, as the review gave it, binds the confirmation to that very record."""

    id: UUID
    digest: str = Field("", max_length=64)


class TransferIn(Schema):
    """What to send: the named seizures, or with `all` everything that is ready."""

    all: bool = False
    messages: list[Confirmation] = Field(default_factory=list, max_length=20_000)


@router.get("/groups/{uuid:group_id}/transfers/review", summary="What is ready for CEN, and what blocks the rest")
def review(
    request: HttpRequest, group_id: UUID, limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 100
) -> dict[str, Any]:
    """Return counts, and up to `limit` ready and blocked seizures with records and blockers."""
    membership = member_of(caller(request, "transfers"), group_id, Right.SEE_TRANSFERS)
    outline = queries.outline_of(membership)
    found = queries.review_of(membership, only=[*outline.ready[:limit], *outline.blocked[:limit]])
    return {
        "counts": {
            "ready": len(outline.ready),
            "blocked": len(outline.blocked),
            "not_validated": len(outline.not_validated),
            **outline.sent,
        },
        "ready": [
            {"id": str(row.message), "reference": row.reference, "digest": row.digest, "records": row.records}
            for row in found.ready[:limit]
        ],
        "blocked": [
            {
                "id": str(row.message),
                "reference": row.reference,
                "blockers": [
                    {"kind": b.kind, "code": b.code, "field": b.where, "text": b.text} for b in row.blockers
                ],
            }
            for row in found.blocked[:limit]
        ],
    }


@router.post("/groups/{uuid:group_id}/transfers", response={201: dict[str, Any]}, summary="Send seizures to CEN")
def start(request: HttpRequest, group_id: UUID, payload: TransferIn) -> Status[dict[str, Any]]:
    """Queue the confirmed seizures and return their batch.

    Sessions only, and each time with a second factor for this very call (`Step-Up`). A token follows transfers, and
    starts none.
    """
    membership = member_of(caller(request, "transfers"), group_id, Right.TRANSFER)
    step_up.require(request, Act.TRANSFER)
    confirmed = None if payload.all else {one.id: one.digest for one in payload.messages}
    return Status(201, _batch_json(actions.start_transfer(membership, confirmed=confirmed)))


@router.get("/transfers/{uuid:batch_id}", summary="Follow a transfer, read its receipts")
def batch(request: HttpRequest, batch_id: UUID) -> dict[str, Any]:
    """Return progress, and for each record its state, CEN's reference, or the reason of its refusal."""
    return _batch_json(queries.batch_for(caller(request, "transfers"), batch_id))


def _batch_json(batch: Batch) -> dict[str, Any]:
    return {
        "id": str(batch.pk),
        "group": str(batch.group_id),
        "started_at": batch.started_at,
        "finished_at": batch.finished_at,
        "progress": queries.progress_of(batch),
        "receipts": [
            {
                "message": str(transfer.message),
                "source_reference": transfer.source_reference,
                "version": transfer.source_version,
                "state": transfer.state,
                "outcome": transfer.outcome,
                "cen_reference": transfer.cen_reference,
                "reason_code": transfer.reason_code,
                "reason": reason_text(transfer.reason_code),
                "fields": transfer.reason_fields,
            }
            for transfer in batch.transfers.order_by("source_reference")[:20_000]
        ],
    }
