"""Sending many messages of one member at once: an imported file, the rows of another system.

Every row passes the same checks as a single message; rows that do not pass are told back one by one and stop no
other. What must not live here: reading files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from django.db import IntegrityError, transaction
from django.utils import timezone

from groups.access import Right
from groups.errors import NotAllowed
from groups.gates import hold_group
from groups.models import Membership
from messaging.actions.inserting import insert_prepared
from messaging.actions.posting import same_content
from messaging.actions.preparing import Preparation, Prepared, said_by
from messaging.conditions import OneOf
from messaging.drafts import Draft
from messaging.errors import ConflictingReplay
from messaging.models import Message
from messaging.queries.opening import RELATED
from problems import Refusal

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one draft: the message (`created` or there before), or the refusal with its reasons."""

    draft: Draft
    message: Message | None = None
    created: bool = False
    refusal: Refusal | None = None


def post_messages(membership: Membership, drafts: Iterable[Draft]) -> Iterator[Outcome]:
    """Send drafts in their order, a transaction and one wake-up per thousand; yield one outcome for each.

    Run again with the same drafts it sends what is missing and answers the rest as replays. The generator must be
    exhausted: what was not asked for was not sent. Raises NotAllowed, Stranger.
    """
    if not membership.has(Right.POST):
        raise NotAllowed
    for chunk in batched(drafts, CHUNK):
        yield from _post_chunk(membership, chunk)


def _post_chunk(membership: Membership, drafts: Sequence[Draft]) -> list[Outcome]:
    outcomes: list[Outcome | None] = [None] * len(drafts)
    preparation = Preparation(membership, now=timezone.now())
    earlier = _earlier(drafts)
    waiting: dict[int, Prepared] = {}
    seen: set[object] = set()
    for at, draft in enumerate(drafts):
        try:
            said = said_by(draft)
            if draft.id in seen:
                raise ConflictingReplay
            seen.add(draft.id)
            known = earlier.get(draft.id)
            if known is None:
                waiting[at] = preparation.prepare(draft, said)
            else:
                outcomes[at] = _replayed(membership, draft, known, said)
        except Refusal as refusal:
            outcomes[at] = Outcome(draft, refusal=refusal)
    for at, result in zip(waiting, _insert(membership, list(waiting.values())), strict=True):
        if isinstance(result, Refusal):
            outcomes[at] = Outcome(drafts[at], refusal=result)
        else:
            outcomes[at] = Outcome(drafts[at], message=result, created=True)
    return [outcome for outcome in outcomes if outcome is not None]


def _earlier(drafts: Sequence[Draft]) -> dict[object, Message]:
    found = Message.objects.select_related(*RELATED).filter(OneOf("pk", (draft.id for draft in drafts)))
    return {message.pk: message for message in found}


def _replayed(membership: Membership, draft: Draft, message: Message, said: bytes) -> Outcome:
    own = message.sender_id == membership.officer_id and message.group_id == membership.group_id
    if not own or not same_content(membership, message, said):
        raise ConflictingReplay
    return Outcome(draft, message=message)


def _insert(membership: Membership, prepared: list[Prepared]) -> list[Message | Refusal]:
    """Insert a chunk in one transaction; if an id turns out to be taken, one by one, to find which."""
    if not prepared:
        return []
    try:
        return _insert_together(membership, prepared)
    except IntegrityError:
        results: list[Message | Refusal] = []
        for item in prepared:
            try:
                results += _insert_together(membership, [item])
            except IntegrityError:
                results.append(ConflictingReplay())
        return results


@transaction.atomic
def _insert_together(membership: Membership, prepared: list[Prepared]) -> list[Message | Refusal]:
    group = hold_group(membership, Right.POST)
    return insert_prepared(group, prepared, now=timezone.now(), imported=True)
