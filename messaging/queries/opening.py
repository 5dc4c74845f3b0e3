"""Opening messages, a page at a time: content, receipts, answers. Three statements, however many messages.

`opened` takes the membership as everything does. `open_for_delivery` does not: it is for the hub, which opens once
for a whole group and decides per socket, by membership, who receives.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from groups.access import Right
from groups.errors import NotAllowed
from groups.models import ClosedUserGroup, Membership
from groups.queries import sealer_for
from messaging.attachments.facts import states_of
from messaging.content import Content, message_place, read_content
from messaging.kinds import WANT_ANSWER
from messaging.models import Message
from messaging.queries.answers import answered_versions
from messaging.queries.receipts import standing_receipts
from vault import SealBroken, Sealer

logger = logging.getLogger("cencomm.messaging")
RELATED = ("sender", "administration", "template")


@dataclass(frozen=True, slots=True)
class Receipts:
    """Who has acknowledged a message, and of whom it is expected: counts per country, and the officers."""

    expected: Mapping[str, int]
    done: Mapping[str, int]
    officers: Sequence[UUID]


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A message with what it says. `receipts` only where an acknowledgement is wanted.

    `unreadable`: its seal is broken, so subject and body are empty. It stays in its place: one row that somebody
    changed in the database must not silence a whole group.
    """

    message: Message
    subject: str
    body: dict[str, Any]
    receipts: Receipts | None = None
    answered_by: Sequence[str] = field(default_factory=list)
    superseded_by: UUID | None = None
    unreadable: bool = False
    attachments: Sequence[Mapping[str, Any]] = ()
    confirmed: Sequence[Mapping[str, str]] = ()

    @property
    def answered(self) -> bool:
        """Whether no answer is missing: that of each country addressed by name, else anybody's."""
        named = self.message.addressed_to.get("countries", ())
        return bool(self.answered_by) and set(named) <= set(self.answered_by)


def messages_of(membership: Membership) -> QuerySet[Message]:
    """Return the messages of the member's group with what presentation needs. Raises NotAllowed."""
    if not membership.has(Right.READ):
        raise NotAllowed
    return Message.objects.filter(group_id=membership.group_id).select_related(*RELATED)


def opened(membership: Membership, messages: Iterable[Message]) -> list[Opened]:
    """Open messages of the member's group, in the order given. Raises NotAllowed, KeyDestroyed."""
    if not membership.has(Right.READ):
        raise NotAllowed
    return open_for_delivery([membership.group], messages)


def open_for_delivery(groups: Iterable[ClosedUserGroup], messages: Iterable[Message]) -> list[Opened]:
    """Open messages of these groups, no others; whoever calls this decides by membership who gets to see them."""
    by_id = {group.pk: group for group in groups}
    found = [message for message in messages if message.group_id in by_id]
    receipts = _receipts([message for message in found if message.acknowledge])
    answers = answered_versions(message.pk for message in found if message.kind in WANT_ANSWER)
    corrections = _corrections([message.pk for message in found if message.superseded_at is not None])
    result = []
    epochs = {(message.group_id, message.key_epoch) for message in found}
    sealers = {(pk, epoch): _sealer(by_id[pk], epoch) for pk, epoch in epochs}
    contents_found = [_content(sealers[message.group_id, message.key_epoch], message) for message in found]
    named: dict[UUID, list[str]] = defaultdict(list)
    for message, content in zip(found, contents_found, strict=True):
        if content is not None and content.attachments:
            named[message.group_id] += content.attachments
    files = {pk: states_of(by_id[pk], ids) for pk, ids in named.items()}
    for message, content in zip(found, contents_found, strict=True):
        here = files.get(message.group_id, {})
        result.append(
            Opened(
                message,
                content.subject if content else "",
                content.body if content else {},
                receipts.get(message.pk),
                answers[message.pk][message.pk] if message.pk in answers else [],
                corrections.get(message.pk),
                content is None,
                [here[one] for one in content.attachments if one in here] if content else (),
                content.confirmed if content else (),
            )
        )
    return result


def _sealer(group: ClosedUserGroup, epoch: int) -> Sealer | None:
    try:
        return sealer_for(group, epoch)
    except SealBroken:  # not the message's row but that of its key
        return None


def _content(sealer: Sealer | None, one: Message | Sealed) -> Content | None:
    try:
        if sealer is None:
            raise SealBroken
        return read_content(sealer.open(one.sealed, message_place(one.id, one.sender_id)))
    except SealBroken:
        told_broken(one.id)
        return None


def told_broken(message_id: UUID | str) -> None:
    """Tell the operator of a message whose seal is broken: somebody changed it outside of this program."""
    logger.error("message %s does not open: its row was changed", message_id)


class Sealed(NamedTuple):
    """The columns of a message that opening its content needs."""

    id: UUID
    sender_id: UUID
    key_epoch: int
    sealed: bytes


def contents(membership: Membership, found: Iterable[Sealed]) -> Iterator[Content | None]:
    """Yield what messages of the member's group say, in the order given, and nothing around it.

    For those who read thousands. None for a message whose seal is broken, as is that of another group's. Raises
    NotAllowed, KeyDestroyed.
    """
    if not membership.has(Right.READ):
        raise NotAllowed
    sealers: dict[int, Sealer | None] = {}
    for one in found:
        if one.key_epoch not in sealers:
            sealers[one.key_epoch] = _sealer(membership.group, one.key_epoch)
        yield _content(sealers[one.key_epoch], one)


def addresses(message: Message, *, officer_id: UUID, role: str, country: str) -> bool:
    """Whether a message asks for the attention of a member. It is no secrecy: every member reads everything."""
    to = message.addressed_to
    return (
        bool(to.get("all"))
        or country in to.get("countries", ())
        or role in to.get("roles", ())
        or str(officer_id) in to.get("officers", ())
    )


def expected_receipts(message: Message, members: Iterable[tuple[UUID, str, str]]) -> Mapping[str, int]:
    """Return of how many officers of each country a receipt is expected; `members` as `standing_receipts` tells."""
    return Counter(
        country
        for officer_id, role, country in members
        if officer_id != message.sender_id and addresses(message, officer_id=officer_id, role=role, country=country)
    )


def _receipts(messages: Sequence[Message]) -> dict[UUID, Receipts]:
    if not messages:
        return {}
    members, given = standing_receipts({message.group_id for message in messages}, [m.pk for m in messages])
    result = {}
    for message in messages:
        expected = expected_receipts(message, members.get(message.group_id, ()))
        done = Counter(country for _officer, country in given.get(message.pk, ()))
        result[message.pk] = Receipts(expected, done, [officer for officer, _country in given.get(message.pk, ())])
    return result


def _corrections(ids: Sequence[UUID]) -> dict[UUID, UUID]:
    if not ids:
        return {}
    rows = Message.objects.filter(supersedes_id__in=ids).values_list("supersedes_id", "pk")
    return {old: new for old, new in rows if old is not None}
