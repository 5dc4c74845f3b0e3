"""One message as the console's record: its fields in words, its thread, receipts, history, and what one may do.

What must not live here: who may do what (`amending`, `actions.status`), and the stream (`events`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from groups import phases
from groups.access import Right
from groups.models import Membership
from messaging.actions.status import moves_open_to
from messaging.amending import may_amend
from messaging.errors import MessageUnknown
from messaging.kinds import Status
from messaging.queries.messages import Filters, message_in, messages_page
from messaging.queries.opening import Opened, addresses
from messaging.queries.screening import Told, findings_in
from messaging.queries.threads import Detail, detail_of
from simplified_forms import presentation
from simplified_forms.fields import Kind


@dataclass(frozen=True, slots=True)
class CountryReceipt:
    """How a country stands that was asked to acknowledge: who did, of how many, and since when."""

    country: str
    officers: Sequence[str]
    expected: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the history, in the order in which it happened."""

    at: datetime
    what: str
    officer: str
    country: str
    reason: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that the record of one message shows.

    `text`: of a note, which has no fields. `moves`: to which status this member can move it now.
    """

    opened: Opened
    text: str
    rows: Sequence[presentation.Row]
    thread: Sequence[Opened]
    receipts: Sequence[CountryReceipt]
    history: Sequence[Happening]
    findings: Sequence[Told]
    moves: Sequence[str]
    can_acknowledge: bool
    can_answer: bool
    can_correct: bool
    can_report: bool

    @property
    def screening_open(self) -> bool:
        """Whether something was found that nobody confirmed."""
        return any(not told.reason for told in self.findings)

    @property
    def wanted(self) -> int:
        """How many countries were asked to acknowledge."""
        return sum(receipt.expected > 0 for receipt in self.receipts)

    @property
    def received(self) -> int:
        """How many of those have."""
        return sum(receipt.expected > 0 and receipt.at is not None for receipt in self.receipts)


def record_of(membership: Membership, message_id: UUID, *, language: str) -> Record:
    """Return the record of a message of the member's group. Raises MessageUnknown, NotAllowed, KeyDestroyed."""
    detail = detail_of(membership, message_id)
    message, body = detail.message.message, detail.message.body
    note = message.kind == Kind.NOTE
    return Record(
        opened=detail.message,
        text=str(body.get("text", "")) if note else "",
        rows=[] if note else presentation.rows(message.template.spec, body, language),
        thread=detail.thread if len(detail.thread) > 1 else [],
        receipts=_receipts(detail),
        history=[_happening(entry) for entry in detail.history[1:]],
        findings=findings_in(membership, detail.message),
        **_permissions(membership, detail),
    )


def _permissions(membership: Membership, detail: Detail) -> dict[str, Any]:
    """Return what this member can do now. It shows or hides buttons; the acts ask again."""
    message, group, act = detail.message.message, membership.group, phases.PhaseAct
    stands = message.superseded_at is None and message.status != Status.WITHDRAWN
    posts = stands and membership.has(Right.POST) and phases.allows(group, act.POST)
    moves = moves_open_to(membership, message) if phases.allows(group, act.VALIDATE) else []
    if Status.VALIDATED_OCU in moves:  # who may do the last step need not do the one before
        moves = [to for to in moves if to != Status.VALIDATED_NCP]
    receipts = detail.message.receipts
    return {
        "moves": [to.value for to in moves],
        "can_acknowledge": receipts is not None
        and membership.officer_id not in receipts.officers
        and message.sender_id != membership.officer_id
        and addresses(message, officer_id=membership.officer_id, role=membership.role, country=membership.country)
        and membership.has(Right.ACKNOWLEDGE)
        and phases.allows(group, act.ACKNOWLEDGE),
        "can_answer": posts,
        "can_correct": posts and may_amend(membership, message),
        "can_report": posts and message.kind == Kind.WARNING and membership.has(Right.POST_SEIZURE),
    }


def _receipts(detail: Detail) -> list[CountryReceipt]:
    wanted = detail.message.receipts
    if wanted is None:
        return []
    countries = sorted({*wanted.expected, *wanted.done})
    given: dict[str, list[Mapping[str, Any]]] = {code: [] for code in countries}
    for receipt in detail.acknowledgements:
        given.setdefault(receipt["country"], []).append(receipt)
    return [
        CountryReceipt(
            code,
            [receipt["officer"]["name"] for receipt in given[code]],
            wanted.expected.get(code, 0),
            datetime.fromisoformat(given[code][0]["at"]) if given[code] else None,
        )
        for code in countries
    ]


def _happening(entry: Mapping[str, Any]) -> Happening:
    what = str(Status(entry["to"]).label) if entry["what"] == "status" else str(Status.CORRECTED.label)
    officer = entry["officer"]["name"] if entry.get("officer") else ""
    at = datetime.fromisoformat(entry["at"])
    reference = entry.get("reference", "")
    return Happening(at, what, officer, entry.get("country", ""), entry.get("reason", ""), reference)


def message_of_kind(membership: Membership, message_id: UUID, *, kind: str) -> Opened:
    """Return a message of a kind, for a form that starts from it. Raises MessageUnknown."""
    opened = message_in(membership, message_id)
    if opened.message.kind != kind:
        raise MessageUnknown
    return opened


def standing_warnings(membership: Membership, *, limit: int) -> Sequence[Opened]:
    """Return the newest warnings that stand, for the choice of the one that led to a seizure."""
    filters = Filters(kinds=[Kind.WARNING.value], superseded=False)
    found = messages_page(membership, filters=filters, limit=limit).messages
    return [one for one in found if one.message.status != Status.WITHDRAWN]
