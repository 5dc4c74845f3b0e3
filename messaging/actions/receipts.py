"""Receipts written in one round trip: locks, who may, what was given before, rows, audit, commit.

The database decides under the lock of each one's group, by the same conditions for one as for many; each receipt
has its own answer. What must not live here: queues (`acknowledging`), the way to the group (`queries.receipts`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from uuid import UUID

import orjson
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

import audit
from groups.access import RIGHTS, Right
from groups.errors import NotAllowed, OperationClosed, PhaseForbids, Stranger
from groups.phases import PERMITTED, READ_ONLY, PhaseAct
from messaging.errors import MessageUnknown
from messaging.fresh import FreshItem, serialised
from messaging.models import Event
from messaging.presentation import event_item
from messaging.relay import relay
from messaging.roundtrip import HELD, Statement, run_under_lock
from messaging.rows import as_written
from messaging.wakeups import GroupMoved, Resync, wake_ups
from problems import Refusal

_ROLES = [role.value for role, rights in RIGHTS.items() if Right.ACKNOWLEDGE in rights]
_PHASES = [phase.value for phase, acts in PERMITTED.items() if PhaseAct.ACKNOWLEDGE in acts]
_ROLES_SENT, _PHASES_SENT = f"{{{','.join(_ROLES)}}}", f"{{{','.join(_PHASES)}}}"  # words of fixed lists

_ENTRY = f"""SELECT '{audit.Action.MESSAGE_ACKNOWLEDGED.value}', officer, group_id, 'message:' || message,
         json_build_object('seq', seq)::jsonb FROM numbered"""  # noqa: S608 - a word of a fixed list

# The condition on members is that of `groups.gates.hold_group`. OFFSET 0: each row by its key.
_GIVE = """
WITH held AS MATERIALIZED (
  SELECT g.id, g.head, g.phase, g.stream_epoch FROM {held}
   CROSS JOIN LATERAL (SELECT * FROM groups_closedusergroup g WHERE g.id = of_held.id OFFSET 0) g
), asked AS MATERIALIZED (
  SELECT w.*, held.id AS group_id, held.phase, p.role, p.country, x.id IS NOT NULL AS known,
         r.seq AS given_seq, r.country AS given_country, r.at AS given_at
    FROM held JOIN json_to_recordset($1::json) AS w (place integer, officer uuid, message uuid, of_group uuid)
      ON w.of_group = held.id
    LEFT JOIN LATERAL (SELECT m.role, m.country FROM groups_membership m
                         JOIN accounts_officer o ON o.id = m.officer_id
                        WHERE m.group_id = held.id AND m.officer_id = w.officer AND m.left_at IS NULL
                          AND o.is_active AND NOT o.is_platform_administrator OFFSET 0) p ON true
    LEFT JOIN LATERAL (SELECT * FROM messaging_message m WHERE m.id = w.message OFFSET 0) x
           ON x.group_id = held.id
    LEFT JOIN LATERAL (SELECT * FROM messaging_acknowledgement a
                        WHERE a.message_id = w.message AND a.officer_id = w.officer OFFSET 0) r ON true
), first AS MATERIALIZED (
  SELECT DISTINCT ON (officer, message) * FROM asked
   WHERE known AND given_seq IS NULL AND role = ANY($2::text[]) AND phase = ANY($3::text[])
   ORDER BY officer, message, place
), numbered AS MATERIALIZED (
  SELECT f.officer, f.message, f.group_id, f.country,
         held.head + row_number() OVER (PARTITION BY f.group_id ORDER BY f.place) AS seq
    FROM first f JOIN held ON held.id = f.group_id
), receipt AS (
  INSERT INTO messaging_acknowledgement (group_id, message_id, officer_id, country, seq, at)
  SELECT group_id, message, officer, country, seq, $4::timestamptz FROM numbered
), event AS (
  INSERT INTO messaging_event (group_id, seq, type, at, actor, message_id, data)
  SELECT group_id, seq, 'acknowledged', $4::timestamptz, officer, message,
         json_build_object('country', country)::jsonb FROM numbered
), entry AS (
  {audit}
), moved AS (
  UPDATE groups_closedusergroup g SET head = (SELECT max(n.seq) FROM numbered n WHERE n.group_id = g.id)
   WHERE g.id = ANY (ARRAY(SELECT n.group_id FROM numbered n))
)
SELECT a.place, a.role, a.phase, a.known, coalesce(a.given_country, a.country), coalesce(a.given_seq, n.seq),
       coalesce(a.given_at, $4::timestamptz), a.given_seq IS NULL, held.stream_epoch
  FROM asked a JOIN held ON held.id = a.group_id
  LEFT JOIN numbered n ON n.officer = a.officer AND n.message = a.message AND n.group_id = a.group_id
 ORDER BY a.place
"""


@dataclass(frozen=True, slots=True)
class Slip:
    """A receipt on its way: by whom, of which message, in which group."""

    officer_id: UUID
    group_id: UUID
    message_id: UUID


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that is in the stream: the first one of this officer for this message."""

    message_id: UUID
    officer_id: UUID
    country: str
    seq: int
    at: datetime


type ReceiptAnswer = Receipt | Exception  # an exception that is no Refusal is a failure of this receipt alone


def give_together(slips: Sequence[Slip]) -> list[ReceiptAnswer]:
    """Give receipts of one group, numbered in their order; return what came of each.

    A receipt on which the product itself fails takes no other with it. Raises OperationalError or InterfaceError
    when the database does not answer; then nothing is known of any of them.
    """
    try:
        return [answer or MessageUnknown() for answer in _give(slips, wait=True)]
    except (OperationalError, InterfaceError):
        raise
    except Exception as failure:  # noqa: BLE001
        # Perhaps they are in all the same, and nobody was told.
        transaction.on_commit(lambda: wake_ups().publish(Resync()), robust=True)
        if len(slips) == 1:
            return [failure]
    return [answer for slip in slips for answer in give_together([slip])]


def give_shared(slips: Sequence[Slip]) -> list[ReceiptAnswer | None]:
    """Give receipts of several groups in one transaction that waits for no group's lock; return what came of each.

    None where the lock of its group is taken: it is to be given with those of its group. Raises whatever one of
    them is at fault for; then none is given.
    """
    return _give(slips, wait=False)


def _give(slips: Sequence[Slip], *, wait: bool) -> list[ReceiptAnswer | None]:
    now = timezone.now()
    wanted = [
        {"place": place, "officer": slip.officer_id, "message": slip.message_id, "of_group": slip.group_id}
        for place, slip in enumerate(slips)
    ]
    values = (orjson.dumps(wanted).decode(), _ROLES_SENT, _PHASES_SENT, now.isoformat())
    rows = run_under_lock(_statement(), {slip.group_id for slip in slips}, values, wait=wait)
    answers: list[ReceiptAnswer | None] = [None for _ in slips]
    written: dict[UUID, dict[int, Receipt]] = {}
    epochs: dict[UUID, UUID] = {}
    for place, role, phase, known, country, seq, at, is_new, stream_epoch in rows:
        slip = slips[place]
        if refusal := _refusal(role, phase, known=known, given=not is_new):
            answers[place] = refusal
            continue
        answers[place] = receipt = Receipt(slip.message_id, slip.officer_id, country, seq, at)
        if is_new:
            written.setdefault(slip.group_id, {})[seq] = receipt
            epochs[slip.group_id] = stream_epoch
    for group_id, receipts in written.items():
        transaction.on_commit(partial(_tell, group_id, epochs[group_id], receipts), robust=True)
    return answers


def _refusal(role: str | None, phase: str, *, known: bool, given: bool) -> Refusal | None:
    if role is None:
        return Stranger()
    if role not in _ROLES:
        return NotAllowed()
    if not known:
        return MessageUnknown()
    if given or phase in _PHASES:
        return None
    return OperationClosed() if phase in READ_ONLY else PhaseForbids()


def _tell(group_id: UUID, epoch: UUID, written: dict[int, Receipt]) -> None:
    try:
        if relay.is_wanted(group_id):
            items = [FreshItem(seq, serialised(event_item(_event(group_id, one)))) for seq, one in written.items()]
            relay.hand_on(group_id, epoch, items)
    finally:
        wake_ups().publish(GroupMoved(group_id, max(written), time.time()))


def _event(group_id: UUID, one: Receipt) -> Event:
    row = {
        "group_id": group_id, "seq": one.seq, "type": Event.Type.ACKNOWLEDGED.value, "at": one.at,
        "actor": one.officer_id, "message_id": one.message_id, "data": {"country": one.country},
    }  # fmt: skip
    return as_written(Event, row)


@cache
def _statement() -> Statement:
    return Statement(b"cencomm_receipts", _GIVE.format(held=HELD, audit=audit.entries_from(_ENTRY)).encode())
