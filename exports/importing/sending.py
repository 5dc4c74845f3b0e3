"""Imported seizures on their way through validation, review and transfer, by the actions that people use too.

What stops a row is written into the ledger. What must not live here: another judgement than the review's.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from uuid import UUID

from exports.actions import resolve_many, start_transfer
from exports.delivery import deliver_batch
from exports.importing.ledger import CORRECTED, Ledger
from exports.importing.mapping_file import ImportMapping
from exports.models import Batch, Resolution, Transfer
from exports.queries import Review, review_of, rules_in_force
from exports.review import Blocker, Row
from groups.models import Membership
from messaging.actions import move_status_many
from messaging.conditions import OneOf
from messaging.kinds import Status
from messaging.models import Message

UNDER_WAY = frozenset({Status.SUBMITTED, Status.VALIDATED_NCP})
DONE = frozenset({Status.VALIDATED_OCU, Status.TRANSFERRED})
_WAIT_SECONDS = 0.2


def validate_rows(membership: Membership, ledger: Ledger) -> None:
    """Validate what was submitted, in the name of this coordinator or analyst.

    What a person returned, withdrew or corrected meanwhile stays as it is, and is held back.
    """
    states = Message.objects.filter(OneOf("pk", ledger.lines), group_id=membership.group_id, kind="seizure")
    waiting = []
    for message_id, status, superseded_at in states.values_list("pk", "status", "superseded_at"):
        if superseded_at is not None:
            ledger.hold_back(message_id, "validate", "", CORRECTED)
        elif status in UNDER_WAY:
            waiting.append(message_id)
        elif status not in DONE:
            ledger.hold_back(message_id, "validate", "", status)
    waiting.sort(key=ledger.lines.__getitem__)
    moves = move_status_many(membership, message_ids=waiting, to=Status.VALIDATED_OCU)
    ledger.moved += len(moves.moved)
    for message_id, refusal in moves.refused.items():
        ledger.hold_back(message_id, "validate", "", refusal.code, refusal.detail)


def review_rows(
    membership: Membership, ledger: Ledger, mapping: ImportMapping, *, resolving: Collection[str]
) -> tuple[Review, int]:
    """Return the review of the imported rows and the number of decisions that were recorded for it.

    `resolving` names the kinds of blocker ("nominal", "duplicate") that this coordinator decides away.
    """
    review = review_of(membership, only=ledger.lines)
    decisions = list(_decisions(review, resolving))
    decided = 0
    if decisions:
        decided = resolve_many(membership, decisions=decisions, review=review)
        review = review_of(membership, only=ledger.lines)
    _note_blocked(review, ledger, mapping)
    return review, decided


def _decisions(review: Review, resolving: Collection[str]) -> Iterator[tuple[UUID, Resolution.Kind, str]]:
    """Yield what is to be decided; of two rows that may be one, once is enough."""
    decided: set[tuple[UUID, UUID | None]] = set()
    for row in review.blocked:
        if "nominal" in resolving and any(one.kind == "nominal" for one in row.blockers):
            yield row.message, Resolution.Kind.NOT_NOMINAL, ""
        if "duplicate" not in resolving:
            continue
        for one in row.blockers:
            if one.kind == "duplicate" and (one.other, row.message) not in decided:
                decided.add((row.message, one.other))
                yield row.message, Resolution.Kind.NOT_DUPLICATE, one.about


def _note_blocked(review: Review, ledger: Ledger, mapping: ImportMapping) -> None:
    fields = {rule.column: rule.field for rule in rules_in_force()}
    for row in review.not_validated:
        ledger.hold_back(row.message, "review", "", "not_validated")
    for row in review.set_aside:
        ledger.hold_back(row.message, "review", "", "duplicate")
    for row in review.blocked:
        for blocker in _distinct(row):
            where = {"place_text": "place_code", "unit": "quantity"}.get(blocker.where, blocker.where)
            column = mapping.column_of(fields.get(where, where))
            ledger.hold_back(row.message, "review", column, blocker.code, blocker.text)


def _distinct(row: Row) -> list[Blocker]:
    return list({(one.kind, one.code, one.where): one for one in row.blockers}.values())


def transfer_rows(membership: Membership, ledger: Ledger, *, review: Review) -> None:
    """Transfer what was reviewed and wait until CEN has answered for every row of it; note what CEN refused."""
    if review.ready:
        confirmed = {row.message: row.digest for row in review.ready}
        batch = start_transfer(membership, confirmed=confirmed, review=review)
        # A worker may have taken rows of it too: what it holds is waited for, not taken from it.
        while deliver_batch(batch.pk) or not _finished(batch):
            time.sleep(_WAIT_SECONDS if not _finished(batch) else 0)
    refused = Transfer.objects.filter(
        OneOf("message", ledger.lines), group_id=membership.group_id, state=Transfer.State.REFUSED
    )
    reasons: defaultdict[UUID, list[str]] = defaultdict(list)
    for message_id, code in refused.values_list("message", "reason_code"):
        reasons[message_id].append(code)
    for message_id, codes in reasons.items():
        ledger.hold_back(message_id, "transfer", "", codes[0])


def _finished(batch: Batch) -> bool:
    batch.refresh_from_db(fields=["finished_at"])
    return batch.finished_at is not None
