"""Moving a message's status: validation by contact point and coordination unit, return, withdrawal, transfer.

THE table of moves is here. A seizure goes submitted → validated_ncp → validated_ocu → transferred; it may be
returned to its officer, who corrects it by a new message or submits it again. What must not live here: corrections
(a correction is a message, `inserting`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from types import MappingProxyType
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

import audit
from groups.access import Right
from groups.gates import hold_group
from groups.models import ClosedUserGroup, Membership
from groups.phases import PhaseAct, permits
from groups.queries import current_sealer
from messaging.actions.settling import questions_touched, settle_questions
from messaging.amending import may_amend, validates
from messaging.conditions import OneOf
from messaging.content import reason_place
from messaging.errors import BadStatusMove, MessageUnknown, NotYours, ReasonMissing, ReasonTooLong
from messaging.events import NewEvent, append_events
from messaging.kinds import Status
from messaging.models import Event, Message, StatusMove
from messaging.rows import MoveRow, insert_moves
from problems import Refusal

MAX_REASON = 2000
TOGETHER = 1000
Who = Callable[[Membership, Message], bool]


def _unit(membership: Membership, _message: Message) -> bool:
    return membership.has(Right.VALIDATE_ALL)


MOVES: Mapping[tuple[Status, Status], Who] = MappingProxyType(
    {
        (Status.SUBMITTED, Status.VALIDATED_NCP): validates,
        (Status.SUBMITTED, Status.VALIDATED_OCU): _unit,
        (Status.SUBMITTED, Status.RETURNED): validates,
        (Status.VALIDATED_NCP, Status.VALIDATED_OCU): _unit,
        (Status.VALIDATED_NCP, Status.RETURNED): validates,
        (Status.VALIDATED_OCU, Status.RETURNED): _unit,
        (Status.RETURNED, Status.SUBMITTED): may_amend,
        (Status.SENT, Status.WITHDRAWN): may_amend,
        (Status.SUBMITTED, Status.WITHDRAWN): may_amend,
        (Status.RETURNED, Status.WITHDRAWN): may_amend,
        (Status.VALIDATED_NCP, Status.WITHDRAWN): may_amend,
        (Status.VALIDATED_OCU, Status.WITHDRAWN): _unit,
        (Status.TRANSFERRED, Status.WITHDRAWN): _unit,  # CEN is told by the next transfer
    }
)
NEEDS_REASON = frozenset({Status.RETURNED, Status.WITHDRAWN})


def moves_open_to(membership: Membership, message: Message) -> list[Status]:
    """Return where this member may move the message now: for pages that show or hide a control."""
    if message.superseded_at is not None:
        return []
    return [to for (origin, to), who in MOVES.items() if origin == message.status and who(membership, message)]


@transaction.atomic
def move_status(membership: Membership, *, message_id: UUID, to: str, reason: str = "") -> Message:
    """Move a message to status `to`; one that is there already stays, and that is no error. The reason is sealed.

    Raises MessageUnknown, Stranger, NotAllowed, NotYours, BadStatusMove (also when somebody was faster),
    ReasonMissing, ReasonTooLong, OperationClosed, PhaseForbids.
    """
    group = hold_group(membership, Right.POST)
    message = Message.objects.filter(group_id=group.pk, pk=message_id).defer("sealed", "digest").first()
    if message is None:
        raise MessageUnknown
    if message.status == to and may_amend(membership, message):
        return message
    permits(group, PhaseAct.VALIDATE)
    origin = message.status
    who = MOVES.get((Status(origin), Status(to))) if to in Status.values else None
    if who is None or message.superseded_at is not None:
        raise BadStatusMove
    if not who(membership, message):
        raise NotYours
    text = _checked_reason(to, reason)
    _move(group, message, Status(to), membership=membership, reason=text)
    audit.record(
        audit.Action.MESSAGE_STATUS_MOVED,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"message:{message_id}",
        origin=origin,
        to=to,
    )
    return message


@dataclass(frozen=True, slots=True)
class Moves:
    """What came of moving many: the messages that moved, and why each of the others did not."""

    moved: list[UUID]
    refused: dict[UUID, Refusal]


def move_status_many(membership: Membership, *, message_ids: Sequence[UUID], to: str) -> Moves:
    """Move many messages to one status, a transaction and one wake-up per thousand; each is judged by itself.

    For moves that need no reason. What is at `to` already stays, and is neither moved nor refused. Raises
    Stranger, NotAllowed, OperationClosed, PhaseForbids, BadStatusMove, ReasonMissing for the whole call.
    """
    if to not in Status.values:
        raise BadStatusMove
    if to in NEEDS_REASON:
        raise ReasonMissing
    moves = Moves([], {})
    for chunk in batched(dict.fromkeys(message_ids), TOGETHER):
        _move_chunk(membership, chunk, Status(to), moves)
    return moves


@transaction.atomic
def _move_chunk(membership: Membership, message_ids: Sequence[UUID], to: Status, moves: Moves) -> None:
    group = hold_group(membership, Right.POST)
    permits(group, PhaseAct.VALIDATE)
    found = (
        Message.objects.filter(OneOf("pk", message_ids), group_id=group.pk)
        .order_by("seq")
        .defer("sealed", "digest")
    )
    moving: list[tuple[UUID, str]] = []
    unknown = set(message_ids)
    for message in found:
        unknown.discard(message.pk)
        who = MOVES.get((Status(message.status), to))
        if message.status == to and may_amend(membership, message):
            continue
        if who is None or message.superseded_at is not None:
            moves.refused[message.pk] = BadStatusMove()
        elif not who(membership, message):
            moves.refused[message.pk] = NotYours()
        else:
            moving.append((message.pk, message.status))
    moves.refused.update({message_id: MessageUnknown() for message_id in unknown})
    _move_together(group, moving, to, actor=membership.officer_id, country=membership.country)
    moves.moved.extend(message_id for message_id, _status in moving)


def mark_transferred(group_id: UUID, message_ids: Iterable[UUID], *, actor: UUID | None = None) -> int:
    """Mark validated seizures as transferred to CEN: for `exports`, once CEN gave its receipt.

    Returns how many moved. Idempotent: what is transferred, or corrected meanwhile, stays as it is. The right was
    checked by the transfer.
    """
    with transaction.atomic():
        group = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=group_id)
        validated = Message.objects.filter(
            OneOf("pk", message_ids), group_id=group_id, status=Status.VALIDATED_OCU
        ).order_by("seq")
        moving = list(validated.values_list("pk", "status"))
        _move_together(group, moving, Status.TRANSFERRED, actor=actor)
        return len(moving)


def _move_together(
    group: ClosedUserGroup,
    moving: Sequence[tuple[UUID, str]],
    to: Status,
    *,
    actor: UUID | None,
    country: str = "",
) -> None:
    """Move messages (id, present status) that may move, under the group's lock: one statement a table, one audit
    entry for all.
    """
    if not moving:
        return
    now = timezone.now()
    where = {"country": country} if country else {}
    entries = [
        NewEvent(
            type=Event.Type.STATUS,
            at=now,
            actor=actor,
            message_id=message_id,
            data={"from": status, "to": to.value, **where},
        )
        for message_id, status in moving
    ]
    seqs = append_events(group, entries)
    insert_moves(
        [
            MoveRow(uuid4(), group.pk, message_id, status, to.value, actor, country, seq, now)
            for (message_id, status), seq in zip(moving, seqs, strict=True)
        ]
    )
    Message.objects.filter(OneOf("pk", (message_id for message_id, _status in moving))).update(status=to)
    audit.record(
        audit.Action.MESSAGE_STATUS_MOVED,
        actor=actor,
        group=group.pk,
        subject=f"group:{group.pk}",
        to=to.value,
        count=len(moving),
        first=seqs[0],
        last=seqs[-1],
    )


def _checked_reason(to: str, reason: str) -> str:
    text = reason.strip()
    if not text and to in NEEDS_REASON:
        raise ReasonMissing
    if len(text) > MAX_REASON:
        raise ReasonTooLong
    return text


def _move(group: ClosedUserGroup, message: Message, to: Status, *, membership: Membership, reason: str) -> None:
    now = timezone.now()
    origin = message.status
    moved = Message.objects.filter(pk=message.pk, status=origin).update(status=to)
    if moved != 1:
        raise BadStatusMove
    message.status = to
    move = StatusMove(
        id=uuid4(),
        group_id=group.pk,
        message=message,
        from_status=origin,
        to_status=to,
        officer_id=membership.officer_id,
        country=membership.country,
        at=now,
    )
    if reason:
        move.key_epoch = group.key_epoch
        move.sealed_reason = current_sealer(group).seal(
            reason.encode(), reason_place(move.pk, membership.officer_id)
        )
    entry = NewEvent(
        type=Event.Type.STATUS,
        at=now,
        actor=membership.officer_id,
        message_id=message.pk,
        data={"from": origin, "to": to.value, "country": membership.country, "move": str(move.pk)},
    )
    [move.seq] = append_events(group, [entry])
    move.save(force_insert=True)
    if to == Status.WITHDRAWN:
        settle_questions(questions_touched(message))
