"""The one way into CEN: `take_in`. Idempotent by (source, source reference), with versions for corrections.

What must not live here: what a right record is (`cen.schema`), SQL (`cen.rows`), reads (`cen.queries`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, UniqueViolation

import audit
from cen import rows
from cen.errors import IntakeBusy, TooManyRecords, UnknownSourceName
from cen.fields import REASONS
from cen.models import OURS, Intake, Source
from cen.rows import DATABASE, Standing
from cen.schema import CleanRecord, IntakeRecord, clean
from cen.tally import FOLD_EVERY, count_in, count_out, fold_tally
from problems import FieldProblem

__all__ = ["IntakeRecord", "Receipt", "take_in"]

MAX_RECORDS = 50_000
MAX_ATTEMPTS = 20
Outcome = Literal["accepted", "unchanged", "updated", "refused"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one record. A replay gets the receipt of the first time, with outcome `unchanged`."""

    source_reference: str
    outcome: Outcome
    cen_reference: str = ""
    version: int = 0
    reason_code: str = ""
    reason: str = ""
    errors: tuple[FieldProblem, ...] = ()


def take_in(
    records: Sequence[IntakeRecord | Mapping[str, object]],
    *,
    source: str,
    client: str | None = None,
    actor: UUID | None = None,
) -> list[Receipt]:
    """Take records into CEN and return one receipt for each, in their order.

    All that is right is kept in one transaction; what is not right is refused with its reason and hinders no
    other. Under one (source, source_reference): the same content again is `unchanged`; other content with a
    higher `version` is `updated` and the version before goes to the history; other content under a version
    that CEN holds is refused `conflicting_version`, under a lower one it never saw `older_version`.
    `withdrawn` with a higher version takes the seizure out of searches and keeps its history. Calls at the
    same time with the same references are safe. `client` names the deliverer in the intake log.
    Refuses the whole call: TooManyRecords, UnknownSourceName, IntakeBusy.
    """
    if len(records) > MAX_RECORDS:
        raise TooManyRecords
    if not source or len(source) > 80:
        raise UnknownSourceName
    now = timezone.now()
    today = now.astimezone(UTC).date()
    checked = [clean(record, today=today, ours=source == OURS) for record in records]
    try:
        return _take_checked(records, checked, source=source, client=client, actor=actor, now=now)
    except OperationalError as error:
        if isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected, QueryCanceled)):
            raise IntakeBusy from None
        raise


def _take_checked(
    records: Sequence[object],
    checked: Sequence[CleanRecord | list[FieldProblem]],
    *,
    source: str,
    client: str | None,
    actor: UUID | None,
    now: datetime,
) -> list[Receipt]:
    receipts: list[Receipt | None] = [
        None if isinstance(result, CleanRecord) else _refused_for(raw, result)
        for raw, result in zip(records, checked, strict=True)
    ]
    # Before the transaction: nobody waits for a first delivery because its source is new.
    source_id = Source.objects.get_or_create(name=source)[0].pk
    with transaction.atomic(), transaction.atomic(using=DATABASE):
        for turn in _turns(checked):
            taken = _take_turn(source_id, [record for _index, record in turn], now=now)
            for index, record in turn:
                receipts[index] = taken[record.source_reference]
        finished = [receipt for receipt in receipts if receipt is not None]
        intake = _log_intake(source_id, finished, client=client, actor=actor, source=source)
        if intake.pk % FOLD_EVERY == 0:
            fold_tally()
    return finished


def _refused_for(raw: object, problems: list[FieldProblem]) -> Receipt:
    reference = raw.get("source_reference") if isinstance(raw, Mapping) else None
    # A reference that is itself at fault is neither told back nor kept: it may be no text, or name somebody.
    fit = isinstance(reference, str) and all(problem.field != "source_reference" for problem in problems)
    named = str(reference) if fit else ""
    # The reason goes to logs of clients and to people: field and sentence, never the value.
    reason = " ".join(f"{problem.field}: {problem.message}".removeprefix(": ") for problem in problems[:5])
    return Receipt(named, "refused", reason_code=problems[0].code, reason=reason, errors=tuple(problems[:20]))


def _turns(checked: Sequence[CleanRecord | list[FieldProblem]]) -> list[list[tuple[int, CleanRecord]]]:
    """Split the right records into turns that hold each reference once, sorted by it.

    A reference that comes twice in one call is thus taken in the order of the call.
    """
    seen: Counter[str] = Counter()
    turns: list[list[tuple[int, CleanRecord]]] = []
    for index, record in enumerate(checked):
        if not isinstance(record, CleanRecord):
            continue
        turn = seen[record.source_reference]
        seen[record.source_reference] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append((index, record))
    for one in turns:
        one.sort(key=lambda pair: pair[1].source_reference)
    return turns


def _take_turn(source_id: int, records: list[CleanRecord], *, now: datetime) -> dict[str, Receipt]:
    """Take records with different references, sorted by them; return reference -> receipt."""
    references = [record.source_reference for record in records]
    for _attempt in range(MAX_ATTEMPTS):
        held = rows.standing(source_id, references)
        fresh = [r for r in records if r.source_reference not in held and not r.withdrawn]
        try:
            with transaction.atomic(using=DATABASE):
                written = rows.copy_in(source_id, fresh, now=now) if fresh else {}
                if written:
                    count_in([one.id for one in written.values()])
            break
        except IntegrityError as error:
            # Another call committed one of them since we looked. It is there now: look again.
            if not isinstance(error.__cause__, UniqueViolation):
                raise
    else:
        raise RuntimeError("references of this call keep appearing in others")
    receipts = {
        reference: Receipt(reference, "accepted", one.cen_reference, one.version)
        for reference, one in written.items()
    }
    other = []
    for record in records:
        if record.source_reference in receipts:
            continue
        one = held.get(record.source_reference)
        if one is None:
            receipts[record.source_reference] = _refusal(record, "nothing_to_withdraw")
        elif one.digest == record.digest:
            receipts[record.source_reference] = _unchanged(record, one.cen_reference, one.version)
        else:
            other.append(record)
    if other:
        receipts |= _take_corrections(source_id, other, now=now)
    return receipts


def _take_corrections(source_id: int, records: list[CleanRecord], *, now: datetime) -> dict[str, Receipt]:
    """Decide about records whose content differs from what stands, with their rows locked."""
    held = rows.standing(source_id, [record.source_reference for record in records], lock=True)
    history = rows.replaced_versions([one.id for one in held.values()])
    receipts: dict[str, Receipt] = {}
    changes: list[tuple[int, CleanRecord]] = []
    for record in records:
        one = held[record.source_reference]
        receipt = _judge(record, one, history)
        if receipt is None:
            changes.append((one.id, record))
            receipt = Receipt(record.source_reference, "updated", one.cen_reference, record.version)
        receipts[record.source_reference] = receipt
    if changes:
        identifiers = [identifier for identifier, _record in changes]
        rows.keep_versions(identifiers, now=now)
        count_out(identifiers)
        rows.put_versions(changes, now=now)
        count_in(identifiers)
    return receipts


def _judge(record: CleanRecord, one: Standing, history: dict[tuple[int, int], bytes]) -> Receipt | None:
    """Return the receipt of a record that changes nothing, or None for one that replaces what stands."""
    if record.digest == one.digest:
        return _unchanged(record, one.cen_reference, one.version)
    if record.version > one.version:
        return None
    if history.get((one.id, record.version)) == record.digest:
        return _unchanged(record, one.cen_reference, record.version)
    known = record.version == one.version or (one.id, record.version) in history
    return _refusal(record, "conflicting_version" if known else "older_version", one)


def _unchanged(record: CleanRecord, cen_reference: str, version: int) -> Receipt:
    return Receipt(record.source_reference, "unchanged", cen_reference, version)


def _refusal(record: CleanRecord, code: str, one: Standing | None = None) -> Receipt:
    message = str(REASONS[code])
    return Receipt(
        record.source_reference,
        "refused",
        one.cen_reference if one else "",
        one.version if one else 0,
        code,
        message,
        (FieldProblem("version" if one else "withdrawn", code, message),),
    )


def _log_intake(
    source_id: int, receipts: list[Receipt], *, client: str | None, actor: UUID | None, source: str
) -> Intake:
    counts = Counter(receipt.outcome for receipt in receipts)
    intake = Intake.objects.create(
        source_id=source_id,
        client=(client or "")[:120],
        accepted=counts["accepted"],
        unchanged=counts["unchanged"],
        updated=counts["updated"],
        refused=counts["refused"],
        refusals=[
            [index, receipt.source_reference, receipt.reason_code]
            for index, receipt in enumerate(receipts)
            if receipt.outcome == "refused"
        ],
    )
    audit.record(
        audit.Action.CEN_INTAKE,
        actor=actor,
        subject=f"intake:{intake.pk}",
        source=source,
        client=client,
        accepted=counts["accepted"],
        unchanged=counts["unchanged"],
        updated=counts["updated"],
        refused=counts["refused"],
    )
    return intake
