"""Sending drafts together: one transaction, one answer each. The quick way of every post.

Memberships and forms come from memory and are compared, under their group's lock, with what holds now. Plain drafts
of several groups go together where nobody else holds the locks (`send_shared`); what is left goes with those of its
group. A draft with anything in doubt (changed membership, group or form, an id that is taken, any refusal) leaves
that batch and is done alone (`posting.send_alone`), which reads everything afresh and has the last word.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone, translation

from groups.access import RIGHTS, Right
from groups.gates import member_of
from groups.models import ClosedUserGroup, Membership, Role
from groups.queries import has_sealer_at_hand
from messaging.actions.inserting import insert_prepared
from messaging.actions.plainly import is_plain, same_facts, write_plain
from messaging.actions.posting import Parcel, Posted, send_alone
from messaging.actions.preparing import Preparation, Prepared
from messaging.actions.standing import Member, Standing, hold_and_ask
from messaging.fresh import FreshItem, serialised
from messaging.kinds import ANSWERS
from messaging.models import Event, Message
from messaging.presentation import event_item
from messaging.queries.opening import Opened, Receipts, expected_receipts
from messaging.queries.receipts import Members
from messaging.relay import relay
from messaging.rows import as_written
from messaging.wakeups import GroupMoved, Resync, wake_ups
from problems import Refusal
from simplified_forms.models import FormTemplate
from simplified_forms.queries import template_in_force

type Answer = Posted | Exception  # an exception that is no Refusal is a failure of this draft alone


class Remembered[K, V]:
    """The newest so many values, from any thread. What is in here may be out of date: it is only ever a guess."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return what was kept."""
        with self._lock:
            return self._values.get(key)

    def keep(self, key: K, value: V) -> None:
        """Keep a value; the oldest goes."""
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget a value that proved wrong."""
        with self._lock:
            self._values.pop(key, None)


_members: Remembered[tuple[UUID, UUID], Membership] = Remembered(20_000)
_forms: Remembered[tuple[UUID, str, str], FormTemplate] = Remembered(4_000)


def send_together(parcels: Sequence[Parcel]) -> list[Answer]:
    """Send drafts of one group in their order; return what came of each. Never half: each is in, or refused.

    A draft on which the product itself fails takes no other with it. Raises OperationalError or InterfaceError when
    the database does not answer; then nothing is known of any of them.
    """
    answers: dict[int, Answer] = {}
    prepared = _prepare(parcels)
    if prepared:
        try:
            messages = _insert(parcels[0].group_id, list(prepared.values()))
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # noqa: BLE001
            messages = [None] * len(prepared)  # one of them is at fault: each alone shows which
            # Perhaps they are in all the same, and nobody was told.
            transaction.on_commit(lambda: wake_ups().publish(Resync()), robust=True)
        for at, message in zip(prepared, messages, strict=True):
            if message is not None:
                answers[at] = Posted(message, created=True)
    for at, parcel in enumerate(parcels):
        if at not in answers:
            answers[at] = _again(parcel)
    return [answers[at] for at in range(len(parcels))]


def send_shared(parcels: Sequence[Parcel]) -> list[Answer | None]:
    """Send drafts of several groups in one transaction that waits for no group's lock; return what came of each.

    None for each that is to be sent with those of its group (`send_together`): it is not plain, or stands beside
    one that is not, anything about it is in doubt, its group's lock is taken, or its key is not at hand. Raises
    OperationalError or InterfaceError as `send_together` does, and whatever one of them is at fault for; then none
    is sent.
    """
    prepared = _prepare(parcels)
    related = {one.membership.group_id for one in prepared.values() if not is_plain(one)}
    plain = {at: one for at, one in prepared.items() if one.membership.group_id not in related}
    answers: list[Answer | None] = [None for _ in parcels]
    if plain:
        written = _insert_plain(list(plain.values()), wait=False)
        for at, message in zip(plain, written, strict=True):
            if message is not None:
                answers[at] = Posted(message, created=True)
    return answers


def key_at_hand(parcel: Parcel) -> bool:
    """Whether it is known that a draft can be sealed without asking anybody for its group's key."""
    membership = parcel.membership or _members.get((parcel.officer.pk, parcel.group_id))
    return membership is not None and has_sealer_at_hand(membership.group)


def _prepare(parcels: Sequence[Parcel]) -> dict[int, Prepared]:
    """Prepare drafts. Who is missing is asked again alone: refused, perhaps by what was remembered, or failed."""
    prepared: dict[int, Prepared] = {}
    for at, parcel in enumerate(parcels):
        with translation.override(parcel.language):
            try:
                prepared[at] = _prepared(parcel)
            except (OperationalError, InterfaceError):
                raise
            except Exception:  # noqa: BLE001, S110
                pass
    return prepared


def _again(parcel: Parcel) -> Answer:
    _members.drop((parcel.officer.pk, parcel.group_id))
    with translation.override(parcel.language):
        try:
            return send_alone(parcel)
        except (OperationalError, InterfaceError):
            raise
        except Exception as failure:  # noqa: BLE001
            return failure


def _prepared(parcel: Parcel) -> Prepared:
    membership = parcel.membership
    key = (parcel.officer.pk, parcel.group_id)
    if membership is None:
        membership = _members.get(key)
    if membership is None:
        membership = member_of(parcel.officer, parcel.group_id, Right.SEE_GROUP)
        _members.keep(key, membership)
    return Preparation(membership, now=timezone.now(), form=_form).prepare(parcel.draft, parcel.said)


def _form(group: ClosedUserGroup, kind: str) -> FormTemplate:
    """Return the form that was last seen in force; a published version never changes."""
    key = (group.pk, kind, group.form_mode)
    form = _forms.get(key)
    if form is None:
        form = template_in_force(group, kind)
        _forms.keep(key, form)
    return form


def _insert(group_id: UUID, prepared: Sequence[Prepared]) -> list[Message | None]:
    """Insert what is clean; None for each draft that is to be done alone."""
    if all(map(is_plain, prepared)):
        return _insert_plain(prepared, wait=True)
    return _insert_related(group_id, prepared)


def _insert_plain(prepared: Sequence[Prepared], *, wait: bool) -> list[Message | None]:
    groups: dict[UUID, ClosedUserGroup] = {}
    batch: dict[UUID, Prepared] = {}
    for one in prepared:
        group = one.membership.group
        if same_facts(group, groups.setdefault(group.pk, group)):
            batch.setdefault(one.draft.id, one)
    items: dict[UUID, list[FreshItem]] = {}

    def serialise(written: Mapping[UUID, Message], members: Members) -> None:
        for group_id, messages in _by_group(written).items():
            if relay.is_wanted(group_id):
                with contextlib.suppress(Exception):  # then the hub reads it back
                    items[group_id] = _items([(batch[one.pk], one) for one in messages], members.get(group_id))

    written = write_plain(groups, list(batch.values()), now=timezone.now(), wait=wait, meanwhile=serialise)
    for group_id, messages in _by_group(written).items():
        told = partial(_tell, groups[group_id], items.get(group_id, ()), max(one.seq for one in messages))
        transaction.on_commit(told, robust=True)
    if wait:
        for pk, one in batch.items():
            if pk not in written:
                group = one.membership.group
                _forms.drop((group.pk, one.draft.kind, group.form_mode))
    return [written.get(one.draft.id) if batch.get(one.draft.id) is one else None for one in prepared]


def _by_group(written: Mapping[UUID, Message]) -> dict[UUID, list[Message]]:
    groups: dict[UUID, list[Message]] = {}
    for message in written.values():
        groups.setdefault(message.group_id, []).append(message)
    return groups


def _tell(group: ClosedUserGroup, items: Sequence[FreshItem], head: int) -> None:
    try:
        _keep(group, items)
    finally:
        wake_ups().publish(GroupMoved(group.pk, head, time.time()))


@transaction.atomic
def _insert_related(group_id: UUID, prepared: Sequence[Prepared]) -> list[Message | None]:
    group, now = hold_and_ask(
        group_id,
        members={one.membership.pk for one in prepared},
        kinds={one.draft.kind for one in prepared},
        ids=[one.draft.id for one in prepared],
        named=set().union(*map(_named, prepared)),
    )
    seen: set[UUID] = set()
    clean = []
    for one in prepared:
        if one.draft.id not in seen and _is_clean(one, group, now):
            clean.append(one)
        seen.add(one.draft.id)
    found: list[Message | Refusal] = []
    if relay.is_wanted(group.pk):
        # Before the wake-up, which goes out on the same commit.
        transaction.on_commit(
            lambda: _keep(
                group, _items([(a, b) for a, b in zip(clean, found, strict=True) if isinstance(b, Message)])
            ),
            robust=True,
        )
    found += insert_prepared(group, clean, now=timezone.now(), numbers=now.numbers)
    messages = {id(one): message for one, message in zip(clean, found, strict=True)}
    return [_sent(messages.get(id(one))) for one in prepared]


def _sent(result: Message | Refusal | None) -> Message | None:
    return result if isinstance(result, Message) else None


def _is_clean(one: Prepared, group: ClosedUserGroup, now: Standing) -> bool:
    """Whether everything that the draft was prepared with still holds."""
    membership, draft = one.membership, one.draft
    member = now.members.get(str(membership.pk))
    if member is None or str(draft.id) in now.taken or one.rule.right not in RIGHTS[Role(member.role)]:
        return False
    if now.absent & _named(one):
        return False
    if now.forms.get(draft.kind) != str(one.template.pk):
        _forms.drop((group.pk, draft.kind, membership.group.form_mode))
        return False
    return Member.of(membership) == member and same_facts(membership.group, group)


def _named(one: Prepared) -> set[str]:
    """Return the countries and officers to whom a draft is addressed by name."""
    to = one.draft.addressed_to
    return {*to.get("countries", ()), *to.get("officers", ())}


def _keep(group: ClosedUserGroup, items: Sequence[FreshItem]) -> None:
    """Keep new messages for the hubs of this machine."""
    if items:
        relay.hand_on(group.pk, group.stream_epoch, items)


def _items(
    written: Sequence[tuple[Prepared, Message]], members: Sequence[tuple[UUID, str, str]] | None = None
) -> list[FreshItem]:
    """Return new messages as a reader of the database would find them; `members`: of whom receipts are expected.

    Those whose presentation depends on other rows (a correction, an answer to a question, files, confirmations,
    receipts of nobody knows whom) are left to the reader.
    """
    return [
        FreshItem(message.seq, serialised(event_item(_event(message), opened=_opened(one, message, members or ()))))
        for one, message in written
        if not (message.acknowledge and members is None)
        and not one.content.confirmed
        and message.supersedes_id is None
        and message.kind not in ANSWERS
        and not one.content.attachments
    ]


def _opened(one: Prepared, message: Message, members: Sequence[tuple[UUID, str, str]]) -> Opened:
    receipts = Receipts(expected_receipts(message, members), {}, ()) if message.acknowledge else None
    return Opened(message, one.content.subject, one.content.body, receipts)


def _event(message: Message) -> Event:
    row = {
        "group_id": message.group_id, "seq": message.seq, "type": Event.Type.MESSAGE.value, "at": message.sent_at,
        "actor": message.sender_id, "message_id": message.pk, "data": {},
    }  # fmt: skip
    return as_written(Event, row)
