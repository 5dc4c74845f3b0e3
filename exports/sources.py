"""The seizures of a group as transfers need them: opened, with their first reference and version.

A correction is a message that supersedes another; to CEN it is a higher version of the same record. What must not
live here: mapping, judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.models import Officer
from exports.review import Seizure
from groups.models import Membership
from groups.queries import sealer_for
from messaging.conditions import OneOf
from messaging.content import Content
from messaging.kinds import Status
from messaging.models import Message
from messaging.queries import Sealed, contents
from simplified_forms.fields import Kind

type Needed = Callable[[UUID, int, bool], bool]  # message, version, whether it was withdrawn
STANDING = (Status.SUBMITTED, Status.RETURNED, Status.VALIDATED_NCP, Status.VALIDATED_OCU, Status.TRANSFERRED)


def standing_seizures(
    membership: Membership, *, only: Iterable[UUID] | None = None, needed: Needed | None = None
) -> Iterator[Seizure]:
    """Yield the group's seizures that stand (not superseded, withdrawn or of an exercise), in order.

    Opened are those that are `needed`, without it all; of the others subject and body are missing.
    """
    yield from _seizures(membership, STANDING, only, needed)


def withdrawn_seizures(
    membership: Membership, *, only: Iterable[UUID] | None = None, needed: Needed | None = None
) -> Iterator[Seizure]:
    """Yield the group's withdrawn seizures, each as one version more than what was sent of it."""
    for seizure in _seizures(membership, (Status.WITHDRAWN,), only, needed):
        yield replace(seizure, version=seizure.version + 1)


def _seizures(
    membership: Membership, statuses: Collection[Status], only: Iterable[UUID] | None, needed: Needed | None
) -> Iterator[Seizure]:
    found = Message.objects.filter(
        group=membership.group,
        kind=Kind.SEIZURE,
        exercise=False,
        superseded_at__isnull=True,
        status__in=statuses,
    )
    if only is not None:
        found = found.filter(OneOf("pk", set(only)))
    rows = [_Row(*values) for values in found.order_by("seq").values_list(*_Row._fields)]
    chains = _Chains(membership)
    senders = {
        officer.pk: officer.name for officer in Officer.objects.filter(pk__in={row.sender_id for row in rows})
    }
    answered = _warnings(membership, {row.in_reply_to_id for row in rows if row.in_reply_to_id})
    roots = [chains.root_of(row) for row in rows]
    gone = Status.WITHDRAWN in statuses
    chosen = [
        row.id
        for row, (_root, version) in zip(rows, roots, strict=True)
        if needed is None or needed(row.id, version + gone, gone)
    ]
    opened = _opened(membership, chosen)
    for row, (root, version) in zip(rows, roots, strict=True):
        content = opened.get(row.id)
        yield Seizure(
            message=row.id,
            reference=row.reference,
            root_reference=root.reference,
            version=version,
            operation_code=membership.group.code,
            country=row.country,
            sender=senders[row.sender_id],
            sent_at=row.sent_at,
            first_sent_at=root.sent_at,
            status=row.status,
            subject=content.subject if content else "",
            body=content.body if content else {},
            unreadable=row.id in opened and content is None,
            is_open=row.id in opened,
            warning_reference=answered.get(row.in_reply_to_id, ""),
        )


def _opened(membership: Membership, ids: Collection[UUID]) -> dict[UUID, Content | None]:
    """Return what these messages say; None for one whose seal is broken. Raises NotAllowed, KeyDestroyed."""
    if not ids:
        return {}
    found = Message.objects.filter(OneOf("pk", set(ids)), group=membership.group).order_by()
    rows = [Sealed(*values) for values in found.values_list(*Sealed._fields)]
    return {row.id: content for row, content in zip(rows, contents(membership, rows), strict=True)}


class _Link(NamedTuple):
    """One message of a chain of corrections."""

    id: UUID
    reference: str
    sent_at: datetime
    supersedes_id: UUID | None


class _Row(NamedTuple):
    """The columns of a seizure that a transfer needs: thousands are read, so no objects are made of them."""

    id: UUID
    reference: str
    sent_at: datetime
    supersedes_id: UUID | None
    sender_id: UUID
    country: str
    status: str
    in_reply_to_id: UUID | None


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
        self._superseded: dict[UUID, _Link] | None = None

    def root_of(self, row: _Row) -> tuple[_Row | _Link, int]:
        """Return the first message of the chain and the version that this one is (from 1)."""
        link: _Row | _Link = row
        version = 1
        while link.supersedes_id is not None:
            if self._superseded is None:
                found = Message.objects.filter(
                    group=self._membership.group, kind=Kind.SEIZURE, superseded_at__isnull=False
                )
                self._superseded = {values[0]: _Link(*values) for values in found.values_list(*_Link._fields)}
            link = self._superseded[link.supersedes_id]
            version += 1
        return link, version


def text_digest(membership: Membership) -> Callable[[str], str]:
    """Return a function that names a text without telling it: a keyed digest, the same through key epochs."""
    sealer = sealer_for(membership.group, 1)
    return lambda text: sealer.digest(text.encode()).hex()
