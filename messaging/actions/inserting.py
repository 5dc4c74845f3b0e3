"""What is done to prepared drafts under the group's lock: relations, numbers, seal, rows, events, audit.

One draft or many of one group: the same statements. What must not live here: reads of the form, rights of a role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

import audit
from groups.models import ClosedUserGroup
from groups.phases import is_exercise, permits
from groups.queries import current_sealer
from messaging.actions.preparing import Prepared
from messaging.actions.settling import questions_touched, settle_questions
from messaging.amending import may_amend
from messaging.attachments.claiming import Claims
from messaging.content import seal_content
from messaging.drafts import Draft
from messaging.errors import InvalidMessage, NotYours
from messaging.events import NewEvent, append_events
from messaging.kinds import ANSWERS, Status, reference
from messaging.models import Event, Message
from messaging.rows import MANY, MoveRow, insert_messages, insert_moves, one_round_trip
from problems import FieldProblem, Refusal


def insert_prepared(
    group: ClosedUserGroup,
    prepared: Sequence[Prepared],
    *,
    now: datetime,
    imported: bool = False,
    numbers: Mapping[str, int] | None = None,
) -> list[Message | Refusal]:
    """Send prepared drafts of a group whose row the caller holds locked; return each message, or its refusal.

    A refused draft leaves no trace and takes no number. `numbers`: the last number of each kind, where the caller
    has read them under the lock. Raises IntegrityError when an id is taken: the caller's
    transaction is lost then.
    """
    batch = _Batch(group, now, numbers or {}, Claims(group, [item.draft for item in prepared]))
    related = _related(group, [item.draft for item in prepared])
    results: list[Message | Refusal] = []
    for item in prepared:
        try:
            results.append(batch.add(item, related))
        except Refusal as refusal:
            results.append(refusal)
    batch.write(imported=imported)
    return results


def _related(group: ClosedUserGroup, drafts: Iterable[Draft]) -> dict[UUID, Message]:
    """Return the messages that drafts answer or correct, as far as they are of this group."""
    ids = {pk for draft in drafts for pk in (draft.in_reply_to, draft.supersedes) if pk is not None}
    if not ids:
        return {}
    return {m.pk: m for m in Message.objects.filter(group_id=group.pk, pk__in=ids).defer("sealed", "digest")}


class _Batch:
    """Messages on their way into one group's stream. Nothing is written before `write`."""

    def __init__(self, group: ClosedUserGroup, now: datetime, numbers: Mapping[str, int], claims: Claims) -> None:
        self._group = group
        self._claims = claims
        self._now = now
        self._sealer = current_sealer(group)
        self._numbers: dict[str, int] = dict(numbers)
        self._seq = group.head
        self._events: list[NewEvent] = []
        self._moves: list[MoveRow] = []
        self._superseded: list[Message] = []
        self._questions: set[UUID] = set()
        self.messages: list[Message] = []

    def add(self, item: Prepared, related: dict[UUID, Message]) -> Message:
        """Number and seal one draft. Raises what speaks against it now that the lock is held."""
        draft, membership = item.draft, item.membership
        permits(self._group, item.rule.act)
        old = self._corrected(item, related)
        parent = self._answered(item, related, old)
        words = self._claims.claim(draft, membership, old)
        message = Message(
            id=draft.id,
            group_id=self._group.pk,
            seq=self._seq + 1,
            kind=draft.kind,
            number=self._next_number(draft.kind),
            template=item.template,
            sender=membership.officer,
            administration=membership.officer.administration,
            country=membership.country,
            language=draft.language,
            priority=draft.priority,
            handling=draft.handling,
            grading_source=(draft.grading or {}).get("source", ""),
            grading_information=(draft.grading or {}).get("information", ""),
            addressed_to=draft.addressed_to,
            acknowledge=bool(draft.acknowledge),
            exercise=is_exercise(self._group),
            status=item.rule.first_status,
            in_reply_to=parent,
            thread=old.thread if old else parent.thread if parent else draft.id,
            supersedes=old,
            due_at=draft.due_at,
            unanswered=item.rule.answered_by is not None,
            sent_at=self._now,
            key_epoch=self._group.key_epoch,
            digest=self._sealer.digest(item.said),
        )
        message.reference = reference(self._group.code, message.country, message.kind, message.number)
        message.sealed = seal_content(
            self._sealer, item.content, message_id=message.pk, sender_id=message.sender_id, words=words
        )
        self._seq += 1
        self.messages.append(message)
        related[message.pk] = message  # later drafts of the same batch may answer it
        self._events.append(
            NewEvent(type=Event.Type.MESSAGE, at=self._now, actor=message.sender_id, message_id=message.pk)
        )
        if old is not None:
            self._supersede(old, message)
            self._questions |= questions_touched(old)
        if message.kind in ANSWERS:
            self._questions |= questions_touched(message)
        return message

    def write(self, *, imported: bool) -> None:
        """Write rows, events and audit entries: a few statements, however many messages."""
        if not self.messages:
            return
        for old in self._superseded:
            Message.objects.filter(pk=old.pk).update(superseded_at=old.superseded_at, status=old.status)
        few = len(self._events) < MANY
        with one_round_trip() if few else nullcontext():
            insert_messages(self.messages)
            append_events(self._group, self._events)
            self._audit(imported=imported)
        self._claims.write()
        if self._moves:
            insert_moves(self._moves)
        settle_questions(self._questions)

    def _audit(self, *, imported: bool) -> None:
        if imported:
            first, last = self.messages[0], self.messages[-1]
            audit.record(
                audit.Action.MESSAGES_IMPORTED,
                actor=first.sender_id,
                group=self._group.pk,
                subject=f"group:{self._group.pk}",
                count=len(self.messages),
                first=first.seq,
                last=last.seq,
            )
            return
        audit.record_each(
            audit.Action.MESSAGE_POSTED,
            group=self._group.pk,
            leaves=[
                (one.sender_id, f"message:{one.pk}", {"kind": str(one.kind), "seq": one.seq})
                for one in self.messages
            ],
        )

    def _next_number(self, kind: str) -> int:
        if kind not in self._numbers:
            newest = Message.objects.filter(group_id=self._group.pk, kind=kind).order_by("-number")
            self._numbers[kind] = newest.values_list("number", flat=True).first() or 0
        self._numbers[kind] += 1
        return self._numbers[kind]

    def _corrected(self, item: Prepared, related: dict[UUID, Message]) -> Message | None:
        """Return the message that this one corrects. Raises InvalidMessage, NotYours."""
        if item.draft.supersedes is None:
            return None
        old = related.get(item.draft.supersedes)
        if old is None:
            raise _invalid("supersedes", "not_found", _("The message that this corrects is not in this group."))
        if old.kind != item.draft.kind:
            raise _invalid("supersedes", "other_kind", _("A correction is of the same kind as what it corrects."))
        if not may_amend(item.membership, old):
            raise NotYours
        if old.superseded_at is not None:
            raise _invalid("supersedes", "superseded", _("This was corrected already: correct the newest version."))
        if old.status == Status.WITHDRAWN:
            raise _invalid("supersedes", "withdrawn", _("This was withdrawn: send a new message."))
        return old

    def _answered(self, item: Prepared, related: dict[UUID, Message], old: Message | None) -> Message | None:
        """Return the message that this one answers; a correction answers what its original did."""
        wanted = item.draft.in_reply_to
        if wanted is None:
            return old.in_reply_to if old else None
        parent = related.get(wanted)
        if parent is None:
            raise _invalid("in_reply_to", "not_found", _("The message that this answers is not in this group."))
        if item.rule.answers is not None and parent.kind != item.rule.answers:
            raise _invalid("in_reply_to", "other_kind", _("This kind of message cannot answer that one."))
        return parent

    def _supersede(self, old: Message, correction: Message) -> None:
        old.superseded_at = self._now
        self._superseded.append(old)
        if old.status != Status.TRANSFERRED:
            return
        # CEN holds the old record: the correction goes there as its next version.
        self._seq += 1
        self._moves.append(
            MoveRow(
                id=uuid4(),
                group_id=self._group.pk,
                message_id=old.pk,
                from_status=old.status,
                to_status=Status.CORRECTED.value,
                officer_id=correction.sender_id,
                country=correction.country,
                seq=self._seq,
                at=self._now,
            )
        )
        self._events.append(
            NewEvent(
                type=Event.Type.STATUS,
                at=self._now,
                actor=correction.sender_id,
                message_id=old.pk,
                data={"from": old.status, "to": Status.CORRECTED.value},
            )
        )
        old.status = Status.CORRECTED


def _invalid(field: str, code: str, message: str) -> InvalidMessage:
    return InvalidMessage(errors=[FieldProblem(field, code, message)])
