"""What stands between a seizure and CEN: a pure assembly of rows, blockers and the exact records.

What must not live here: the database (exports.queries reads), decisions (exports.actions writes).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from cen import schema
from exports.duplicates import Trace, candidates
from exports.mapping import Envelope, Rule, records_of
from messaging.kinds import Status
from nomenclature.units import normalise
from simplified_forms.screening import LABELS, Finding
from simplified_forms.screening.bodies import screen_field

# What leaves as free text, and therefore is screened before it does: of what a rule can fill, all but codes.
SCREENED_COLUMNS = ("description", "place_text")
CODED_TRANSPORT = frozenset({"registration_country", "traffic", "document_type", "packaging"})
type Screened = Callable[[str, str, tuple[str, ...]], list[Finding]]


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that keeps a row from CEN. `about` names it for a decision; `where` and `text` are for people."""

    kind: str  # status | validation | nominal | duplicate | unreadable
    code: str
    text: str
    where: str = ""
    about: str = ""
    passage: str = ""
    other: UUID | None = None


@dataclass(slots=True)
class Row:
    """One seizure as the review sees it. `records` is what CEN would get, in its columns."""

    message: UUID
    reference: str
    root_reference: str
    version: int
    country: str
    sender: str
    sent_at: datetime
    status: str
    subject: str
    records: list[dict[str, Any]]
    blockers: list[Blocker] = field(default_factory=list)
    digest: str = ""
    unreadable: bool = False
    traces: Sequence[Trace] = ()
    is_open: bool = True  # of one that is not, records and subject are missing

    @property
    def withdrawal(self) -> bool:
        """Whether it takes its records out of CEN again."""
        return self.status == Status.WITHDRAWN

    @property
    def ready(self) -> bool:
        """Whether nothing blocks it."""
        return not self.blockers


@dataclass(frozen=True, slots=True)
class Seizure:
    """What the assembly needs to know of an opened seizure message."""

    message: UUID
    reference: str
    root_reference: str
    version: int
    operation_code: str
    country: str
    sender: str
    sent_at: datetime
    first_sent_at: datetime
    status: str
    subject: str
    body: Mapping[str, Any]
    warning_reference: str = ""
    unreadable: bool = False  # its seal is broken
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided before: per message, the `about` of texts that are not nominal and of non-duplicates."""

    not_nominal: Mapping[UUID, frozenset[str]]
    not_duplicate: Mapping[UUID, frozenset[str]]
    duplicate: frozenset[UUID]


def row_of(seizure: Seizure, rules: Sequence[Rule], held: Collection[str] = ()) -> Row:
    """Return the row of a seizure with its records, nothing decided yet.

    `held`: the source references under which CEN holds records of this seizure. What the seizure no longer says (a
    goods line that a correction dropped, all of a withdrawn one) is withdrawn there. One that cannot be opened says
    nothing, so nothing of it changes there; to withdraw one nothing has to be opened.
    """
    if not seizure.is_open:
        return _row(seizure, subject="", records=[], is_open=False)
    if seizure.unreadable and seizure.status != Status.WITHDRAWN:
        return _unreadable(seizure)
    envelope = Envelope(
        reference=seizure.root_reference,
        version=seizure.version,
        operation_code=seizure.operation_code,
        reported_at=seizure.first_sent_at,
        entered_at=seizure.sent_at,
        warning_reference=seizure.warning_reference,
    )
    records = [] if seizure.status == Status.WITHDRAWN else records_of(rules, seizure.body, envelope)
    said = {record["source_reference"] for record in records}
    records += [
        {"source_reference": reference, "version": seizure.version, "withdrawn": True}
        for reference in sorted(set(held) - said)
    ]
    return _row(seizure, subject=seizure.subject, records=records)


def _unreadable(seizure: Seizure) -> Row:
    text = _(
        "It cannot be opened: its row or its key was changed outside of this program. It is left out, the others "
        "can be transferred. Ask whoever reported it to send a correction, and tell your operator."
    )
    blockers = [Blocker("unreadable", "seal_broken", text)]
    return _row(seizure, subject="", records=[], blockers=blockers, unreadable=True)


def _row(seizure: Seizure, **values: Any) -> Row:
    return Row(
        message=seizure.message,
        reference=seizure.reference,
        root_reference=seizure.root_reference,
        version=seizure.version,
        country=seizure.country,
        sender=seizure.sender,
        sent_at=seizure.sent_at,
        status=seizure.status,
        **values,
    )


def find_invalid(row: Row, *, today: date) -> list[Blocker]:
    """Return what CEN itself would refuse, column by column."""
    blockers = []
    for record in row.records:
        outcome = schema.clean(record, today=today)
        if isinstance(outcome, schema.CleanRecord):
            continue
        blockers += [Blocker("validation", p.code, str(p.message), where=p.field) for p in outcome]
    return blockers


def find_nominal(
    row: Row,
    *,
    digest_of: Any,
    cleared: frozenset[str],
    screened: Screened = screen_field,
) -> list[Blocker]:
    """Return the passages of free text that may name a person, unless the very same text was cleared.

    `screened` may remember what it has seen: the same few places and goods come in every second row.
    """
    blockers = []
    for where, text in _free_texts(row):
        findings = screened(where, text, (row.country,))
        if not findings:
            continue
        about = digest_of(f"{where}\n{text}")
        if about in cleared:
            continue
        blockers += [
            Blocker(
                "nominal",
                finding.kind.value,
                _("This may be a %(what)s.") % {"what": LABELS[finding.kind]},
                where=where,
                about=about,
                passage=text[finding.start : finding.end],
            )
            for finding in findings
        ]
    return blockers


def find_duplicates(rows: Sequence[Row], decisions: Decisions) -> dict[UUID, list[Blocker]]:
    """Return, per message, the other seizures of the group that it may repeat and that nobody decided on."""
    by_key: dict[str, Row] = {}
    traces: list[Trace] = []
    for row in rows:
        if row.message in decisions.duplicate:
            continue
        for trace in row.traces:
            by_key[trace.reference] = row
            traces.append(trace)
    found: dict[UUID, list[Blocker]] = {}
    seen: set[tuple[UUID, UUID]] = set()
    sentence = _("It may be the same seizure as %(reference)s.")
    for key, others in candidates(traces).items():
        row = by_key[key]
        for other_key in others:
            other = by_key[other_key]
            pair = (row.message, other.message)
            if other.message == row.message or pair in seen or _decided(row, other, decisions):
                continue
            seen.add(pair)
            text = sentence % {"reference": other.reference}
            found.setdefault(row.message, []).append(
                Blocker("duplicate", "possible_duplicate", text, about=other.root_reference, other=other.message)
            )
    return found


def _decided(row: Row, other: Row, decisions: Decisions) -> bool:
    empty: frozenset[str] = frozenset()
    return other.root_reference in decisions.not_duplicate.get(
        row.message, empty
    ) or row.root_reference in decisions.not_duplicate.get(other.message, empty)


def _free_texts(row: Row) -> list[tuple[str, str]]:
    texts = []
    for record in row.records:
        texts += [(name, str(record[name])) for name in SCREENED_COLUMNS if record.get(name)]
        transport = record.get("transport", {})
        texts += [
            (f"transport.{name}", str(value))
            for name, value in transport.items()
            if value and name not in CODED_TRANSPORT
        ]
    return texts


def traces_of(row: Row) -> tuple[Trace, ...]:
    """Return what a row is compared by with others."""
    found = (_trace(f"{row.message}#{number}", record) for number, record in enumerate(row.records))
    return tuple(trace for trace in found if trace is not None)


def _trace(key: str, record: Mapping[str, Any]) -> Trace | None:
    try:
        day = date.fromisoformat(str(record.get("seized_on", "")))
        value = Decimal(str(record["quantity"])) if record.get("quantity") is not None else None
    except (ValueError, InvalidOperation):
        return None
    commodity, unit = str(record.get("commodity", "")), str(record.get("unit", ""))
    if value is not None and (normalised := normalise(value, unit, commodity)) is not None:
        value, unit = normalised.value, normalised.unit
    return Trace(key, str(record.get("country", "")), commodity, day, value, unit)
