"""Reading files: who may, and the stream of the content. Every read leaves an audit entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import audit
from accounts.models import Officer
from groups.access import Right
from groups.errors import NotAllowed, Stranger
from groups.gates import member_of
from groups.models import Membership
from messaging.attachments.checking import CONTENT, PREVIEW
from messaging.attachments.errors import AttachmentNotReady, AttachmentRefused, AttachmentUnknown
from messaging.attachments.facts import Facts, file_key, opened_facts
from messaging.attachments.pieces import stream_of
from messaging.attachments.storage import storage
from messaging.connections import give_back
from messaging.models import Attachment

State = Attachment.State
type Part = Literal["content", "preview"]


@dataclass(frozen=True, slots=True, repr=False)
class Readable:
    """A part of a file, ready to be sent: its first block was opened, so that what fails at once fails before.

    `still` asks again who may read it, and raises what `membership_for` and `read_attachment` raise.
    """

    name: str
    media_type: str
    size: int
    blocks: Iterator[bytes]
    still: Callable[[], object]


def membership_for(officer: Officer, attachment_id: UUID, right: Right) -> tuple[Membership, Attachment]:
    """Return a file and the membership by which the officer reaches it.

    A file that is part of no message exists for its uploader alone. Raises AttachmentUnknown (404) for everybody
    whom it is hidden from, NotAllowed (403) for a member without the right.
    """
    attachment = Attachment.objects.filter(pk=attachment_id).first()
    if attachment is None:
        raise AttachmentUnknown
    try:
        membership = member_of(officer, attachment.group_id, Right.SEE_GROUP)
    except Stranger:
        raise AttachmentUnknown from None
    if attachment.message_id is None and attachment.uploader_id != officer.pk:
        raise AttachmentUnknown
    if not membership.has(right):
        raise NotAllowed
    return membership, attachment


def read_attachment(membership: Membership, attachment: Attachment, *, part: Part) -> Readable:
    """Return a part of a file that passed its check, and note who reads it.

    Raises AttachmentNotReady, AttachmentRefused, AttachmentUnknown (no preview), KeyDestroyed, SealBroken,
    StorageUnavailable.
    """
    facts = opened_facts(membership.group, attachment)
    if attachment.state == State.REFUSED:
        raise AttachmentRefused
    stored = attachment.content if part == CONTENT else attachment.preview
    if attachment.state != State.READY:
        raise AttachmentNotReady
    if stored is None:
        raise AttachmentUnknown
    key, stream = file_key(membership.group, attachment), stream_of(attachment, part)
    give_back()  # there are few: whoever waits for a slow store holds none
    blocks = key.open(storage().read(stored), stream)
    first = next(blocks, b"")
    audit.record_now(
        audit.Action.ATTACHMENT_READ,
        actor=membership.officer_id,
        group=membership.group_id,
        subject=f"attachment:{attachment.pk}",
        part=part,
    )
    officer, name = membership.officer, attachment.pk
    return _readable(facts, part, _with(first, blocks), still=lambda: _ask_again(officer, name))


def _ask_again(officer: Officer, attachment_id: UUID) -> None:
    membership, attachment = membership_for(officer, attachment_id, Right.READ)
    file_key(membership.group, attachment)  # an archived group has none


def _readable(facts: Facts, part: Part, blocks: Iterator[bytes], *, still: Callable[[], object]) -> Readable:
    if part == PREVIEW:
        name = facts.name.rpartition(".")[0] + ".webp"
        return Readable(name, "image/webp", facts.preview_size, blocks, still)
    return Readable(facts.name, facts.media_type, facts.size, blocks, still)


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
