"""The seizures of a group as transfers need them: opened, with their first reference and version.

A correction is a message that supersedes another; to CEN it is a higher version of the same record. What must not
live here: mapping, judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from accounts.models import Officer
from exports.review import Seizure
from groups.models import Membership
from groups.queries import sealer_for
from messaging.kinds import Status
from messaging.models import Message
from messaging.queries import opened
from simplified_forms.fields import Kind

TURN = 2000
STANDING = (Status.SUBMITTED, Status.RETURNED, Status.VALIDATED_NCP, Status.VALIDATED_OCU, Status.TRANSFERRED)


def standing_seizures(membership: Membership, *, only: Iterable[UUID] | None = None) -> Iterator[Seizure]:
    """Yield the group's seizures that stand (not superseded, withdrawn or of an exercise), in order, opened."""
    found = Message.objects.filter(
        group=membership.group,
        kind=Kind.SEIZURE,
        exercise=False,
        superseded_at__isnull=True,
        status__in=STANDING,
    )
    if only is not None:
        found = found.filter(pk__in=set(only))
    messages = list(found.order_by("seq"))
    chains = _Chains(membership)
    senders = Officer.objects.in_bulk({message.sender_id for message in messages})
    answered = _warnings(membership, {message.in_reply_to_id for message in messages if message.in_reply_to_id})
    for start in range(0, len(messages), TURN):
        for one in opened(membership, messages[start : start + TURN]):
            message = one.message
            root, version = chains.root_of(message)
            yield Seizure(
                message=message.pk,
                reference=message.reference,
                root_reference=root.reference,
                version=version,
                operation_code=membership.group.code,
                country=message.country,
                sender=senders[message.sender_id].name,
                sent_at=message.sent_at,
                first_sent_at=root.sent_at,
                status=message.status,
                subject=one.subject,
                body=one.body,
                warning_reference=answered.get(message.in_reply_to_id, ""),
            )


def _warnings(membership: Membership, ids: set[UUID]) -> dict[UUID | None, str]:
    """Return the references of those messages that are warnings."""
    if not ids:
        return {}
    found = Message.objects.filter(group=membership.group, kind=Kind.WARNING, pk__in=ids)
    return {message.pk: message.reference for message in found.only("pk", "reference")}


class _Chains:
    """Finds the first message of a chain of corrections; loads superseded seizures once, when first needed."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._superseded: dict[UUID, Message] | None = None

    def root_of(self, message: Message) -> tuple[Message, int]:
        """Return the first message of the chain and the version that this one is (from 1)."""
        version = 1
        while message.supersedes_id is not None:
            if self._superseded is None:
                self._superseded = {
                    one.pk: one
                    for one in Message.objects.filter(
                        group=self._membership.group, kind=Kind.SEIZURE, superseded_at__isnull=False
                    ).defer("sealed", "digest")
                }
            message = self._superseded[message.supersedes_id]
            version += 1
        return message, version


def text_digest(membership: Membership) -> Callable[[str], str]:
    """Return a function that names a text without telling it: a keyed digest, the same through key epochs."""
    sealer = sealer_for(membership.group, 1)
    return lambda text: sealer.digest(text.encode()).hex()
