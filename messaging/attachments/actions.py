"""Writes of an uploader: begin, add a piece, say a caption, remove. Each piece is sealed before anything is stored.

A piece counts once its row is committed, after its bytes are safely stored: a process that dies in between leaves
bytes that no row names, which `tending` removes. What must not live here: checking, and which message gets a file
(`claiming`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

import audit
from groups.access import Right
from groups.gates import hold_group
from groups.models import ClosedUserGroup, Membership
from groups.phases import PhaseAct, permits
from groups.queries import current_sealer
from messaging.attachments.errors import (
    AttachmentSent,
    AttachmentsFull,
    AttachmentTooLarge,
    AttachmentUnknown,
    BadUpload,
    OffsetConflict,
    PieceTooSmall,
    UploadComplete,
    UploadConflict,
)
from messaging.attachments.facts import Facts, file_key, key_place, opened_facts, reseal_facts, sealed_facts
from messaging.attachments.names import MAX_CAPTION, clean_line, clean_name
from messaging.attachments.pieces import piece_name, stream_of
from messaging.attachments.removal import remove_objects
from messaging.attachments.storage import storage
from messaging.connections import give_back
from messaging.errors import TooFast
from messaging.models import Attachment, AttachmentPiece
from problems import FieldProblem
from vault import new_file_key

State = Attachment.State


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Upload:
    """What a client says of a file before it sends it. `id` is minted by the client."""

    id: UUID
    name: str
    size: int
    media_type: str = ""
    caption: str = ""


def begin_upload(membership: Membership, *, upload: Upload) -> tuple[Attachment, bool]:
    """Make room for a file; return its row, and whether it is new. The same again returns what is there.

    Raises Stranger, NotAllowed, OperationClosed, PhaseForbids, BadUpload, AttachmentTooLarge, UploadConflict,
    AttachmentsFull, TooFast, KeyDestroyed.
    """
    facts = _checked(upload)
    with transaction.atomic():
        group = hold_group(membership, Right.POST)
        permits(group, PhaseAct.POST)
        earlier = Attachment.objects.filter(pk=upload.id).first()
        if earlier is not None:
            _require_same(group, membership, earlier, upload, facts)
            return earlier, False
        _require_room(membership, upload.size)
        now = timezone.now()
        attachment = Attachment(
            id=upload.id,
            group=group,
            uploader_id=membership.officer_id,
            size=upload.size,
            created_at=now,
            touched_at=now,
            key_epoch=group.key_epoch,
        )
        sealer = current_sealer(group)
        _key, attachment.sealed_key = new_file_key(sealer, key_place(attachment))
        attachment.sealed_facts = sealed_facts(sealer, attachment, facts)
        try:
            with transaction.atomic():
                attachment.save(force_insert=True)
        except IntegrityError:  # begun in another group at this moment, whose lock is another
            raise UploadConflict from None
    return attachment, True


def add_piece(membership: Membership, *, attachment_id: UUID, offset: int, piece: bytes) -> Attachment:
    """Seal and store what comes next of a file; the last piece sends it to be checked. Returns its row.

    Raises AttachmentUnknown, UploadComplete, OffsetConflict (which tells where to go on), AttachmentTooLarge,
    PieceTooSmall, OperationClosed, PhaseForbids, KeyDestroyed, StorageUnavailable.
    """
    group = membership.group
    permits(group, PhaseAct.POST)
    attachment = own_attachment(membership, attachment_id)
    _require_next(attachment, offset, len(piece))
    name = uuid4()
    sealed = file_key(group, attachment).seal([piece], stream_of(attachment, piece_name(offset)))
    give_back()  # there are few: whoever waits for a slow store holds none
    storage().write(name, sealed)
    try:
        return _keep_piece(membership, attachment, AttachmentPiece(id=name, offset=offset, size=len(piece)))
    except OffsetConflict:
        _take_away([name])  # after any other failure nobody knows whether the row was committed
        raise


def write_caption(membership: Membership, *, attachment_id: UUID, caption: str) -> Attachment:
    """Say what a file shows; until it is sent. Raises AttachmentUnknown, AttachmentSent, BadUpload."""
    text = clean_line(caption)
    if len(text) > MAX_CAPTION:
        raise BadUpload(errors=[_too_long_caption()])
    with transaction.atomic():
        attachment = _held(membership, attachment_id)
        reseal_facts(membership.group, attachment, caption=text)
        attachment.save(update_fields=["sealed_facts"])
    return attachment


def remove_upload(membership: Membership, *, attachment_id: UUID) -> None:
    """Remove a file that is part of no message. Raises AttachmentUnknown, AttachmentSent."""
    with transaction.atomic():
        attachment = _held(membership, attachment_id)
        discard(attachment, actor=membership.officer_id, why="uploader")


def discard(attachment: Attachment, *, actor: UUID | None, why: str) -> None:
    """Delete a row that the caller holds locked; its stored streams go once that is committed."""
    objects = [one for one in (attachment.content, attachment.preview) if one is not None]
    objects += AttachmentPiece.objects.filter(attachment=attachment).values_list("pk", flat=True)
    audit.record(
        audit.Action.ATTACHMENT_REMOVED,
        actor=actor,
        group=attachment.group_id,
        subject=f"attachment:{attachment.pk}",
        why=why,
    )
    attachment.delete()
    transaction.on_commit(lambda: _take_away(objects), robust=True)


def own_attachment(membership: Membership, attachment_id: UUID) -> Attachment:
    """Return a file that this member uploads into this group. Raises AttachmentUnknown."""
    found = Attachment.objects.filter(
        pk=attachment_id, group_id=membership.group_id, uploader_id=membership.officer_id
    ).first()
    if found is None:
        raise AttachmentUnknown
    return found


def _held(membership: Membership, attachment_id: UUID) -> Attachment:
    attachment = (
        Attachment.objects.select_for_update(no_key=True)
        .filter(pk=attachment_id, group_id=membership.group_id, uploader_id=membership.officer_id)
        .first()
    )
    if attachment is None:
        raise AttachmentUnknown
    if attachment.message_id is not None:
        raise AttachmentSent
    return attachment


def _take_away(objects: list[UUID]) -> None:
    give_back()  # as for writing: a store may be slow to remove as well
    remove_objects(objects)


def _keep_piece(membership: Membership, attachment: Attachment, piece: AttachmentPiece) -> Attachment:
    from messaging.tasks import check_soon

    end = piece.offset + piece.size
    whole = end == attachment.size
    with transaction.atomic():
        moved = Attachment.objects.filter(pk=attachment.pk, state=State.UPLOADING, offset=piece.offset).update(
            offset=end, touched_at=timezone.now(), state=State.CHECKING if whole else State.UPLOADING
        )
        if not moved:  # somebody was faster, most likely the same client over another connection
            raise OffsetConflict(own_attachment(membership, attachment.pk).offset)
        piece.attachment = attachment
        piece.save(force_insert=True)
        if whole:
            audit.record(
                audit.Action.ATTACHMENT_UPLOADED,
                actor=membership.officer_id,
                group=attachment.group_id,
                subject=f"attachment:{attachment.pk}",
                size=attachment.size,
            )
            check_soon(attachment.pk)
    attachment.offset = end
    attachment.state = State.CHECKING if whole else State.UPLOADING
    return attachment


def _checked(upload: Upload) -> Facts:
    """Return what is sealed of an upload. Raises BadUpload, AttachmentTooLarge."""
    errors = []
    name, caption = clean_name(upload.name), clean_line(upload.caption)
    if not name:
        errors.append(FieldProblem("name", "required", _("A file needs a name.")))
    if len(caption) > MAX_CAPTION:
        errors.append(_too_long_caption())
    if upload.size < 1:
        errors.append(FieldProblem("size", "empty", _("This file is empty.")))
    if errors:
        raise BadUpload(errors=errors)
    if upload.size > settings.CENCOMM_LIMITS["attachment_bytes"]:
        raise AttachmentTooLarge
    return Facts(name=name, declared_type=clean_line(upload.media_type)[:100], caption=caption)


def _too_long_caption() -> FieldProblem:
    return FieldProblem("caption", "too_long", _("At most 500 characters."))


def _require_same(
    group: ClosedUserGroup, membership: Membership, earlier: Attachment, upload: Upload, facts: Facts
) -> None:
    own = earlier.group_id == group.pk and earlier.uploader_id == membership.officer_id
    if not own or earlier.size != upload.size:
        raise UploadConflict
    known = opened_facts(group, earlier)
    # Once it was checked its name may have got another ending.
    if known.declared_type != facts.declared_type or (not known.media_type and known.name != facts.name):
        raise UploadConflict


def _require_room(membership: Membership, size: int) -> None:
    """Raise TooFast, or AttachmentsFull for this officer's unsent files or this group's files altogether."""
    limits = settings.CENCOMM_LIMITS
    mine = Attachment.objects.filter(uploader_id=membership.officer_id)
    newest = mine.filter(created_at__gt=timezone.now() - timedelta(minutes=1)).count()
    if newest >= limits["attachments_per_minute"]:
        raise TooFast(60)
    unsent = mine.filter(message__isnull=True).aggregate(total=Sum("size"))["total"] or 0
    if unsent + size > limits["unsent_bytes_per_officer"]:
        raise AttachmentsFull
    held = Attachment.objects.filter(group_id=membership.group_id).aggregate(total=Sum("size"))["total"] or 0
    if held + size > limits["attachment_bytes_per_group"]:
        raise AttachmentsFull


def _require_next(attachment: Attachment, offset: int, size: int) -> None:
    limits = settings.CENCOMM_LIMITS
    if attachment.state != State.UPLOADING:
        raise UploadComplete
    if offset != attachment.offset:
        raise OffsetConflict(attachment.offset)
    if size > limits["piece_bytes"] or offset + size > attachment.size:
        raise AttachmentTooLarge
    if size == 0 or (size < limits["piece_bytes_least"] and offset + size < attachment.size):
        raise PieceTooSmall
