"""The check that each file goes through in the worker before anybody may read it.

Claimed by a lock that ends with its holder: a worker that is killed leaves the file to the next sweep, and nothing
is lost, because the pieces stay until the outcome is committed. Who fails over and over is refused in the end.
What must not live here: what a file is (`recognising`), drawing (`pictures`), scanning (`clamd`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

import audit
from groups.models import ClosedUserGroup
from messaging.attachments import clamd
from messaging.attachments.errors import StorageUnavailable
from messaging.attachments.facts import file_key, opened_facts, reseal_facts
from messaging.attachments.names import fitted_name
from messaging.attachments.pictures import drawn_anew
from messaging.attachments.pieces import Pieces, stream_of
from messaging.attachments.recognising import Type, recognised
from messaging.attachments.refusing import Later, Reason, Refused, Undecided
from messaging.attachments.removal import remove_objects
from messaging.attachments.storage import storage
from messaging.events import NewEvent, append_events
from messaging.models import Attachment, AttachmentPiece, Event
from vault import KeyDestroyed, KeyStoreUnavailable, SealBroken

logger = logging.getLogger("cencomm.messaging")
ATTEMPTS = 3
CONTENT, PREVIEW = "content", "preview"
State = Attachment.State


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Outcome:
    """What became of a file: stored streams and what is known of it, or why it was refused."""

    reason: str = ""
    sha256: str = ""
    kind: str = ""
    media_type: str = ""
    size: int = 0
    width: int | None = None
    height: int | None = None
    preview_size: int = 0
    content: UUID | None = None
    preview: UUID | None = None


def check_attachment(attachment_id: UUID) -> None:
    """Check one file, unless somebody does so right now. What cannot be done now is left to the next sweep."""
    with _claimed(attachment_id) as attachment:
        if attachment is None:
            return
        try:
            if (outcome := _outcome(attachment)) is not None:
                _conclude(attachment, outcome)
        except (Later, StorageUnavailable, KeyStoreUnavailable) as failure:
            logger.warning("attachment %s cannot be checked now: %s", attachment_id, type(failure).__name__)
            Attachment.objects.filter(pk=attachment_id).update(attempts=F("attempts") - 1)
        except KeyDestroyed:
            return  # nobody reads it any more; `tending` takes its bytes away


def _outcome(attachment: Attachment) -> Outcome | None:
    """Return what a look at the file came to; None for neither yes nor no, which counts as an attempt."""
    try:
        return _examined(attachment.group, attachment)
    except Refused as refused:
        return Outcome(reason=refused.reason)
    except Undecided:
        logger.error("attachment %s: neither yes nor no came of its check", attachment.pk)
        return None
    except SealBroken:
        logger.error("attachment %s does not open: its pieces were changed", attachment.pk)
        return Outcome(reason=Reason.DAMAGED)


@contextmanager
def _claimed(attachment_id: UUID) -> Iterator[Attachment | None]:
    """Hold a file that waits to be checked; None for one that does not, or that another worker holds.

    The lock is the session's: it ends with this block or with the process, whichever comes first.
    """
    key = int.from_bytes(attachment_id.bytes[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            yield None
            return
    try:
        waiting = Attachment.objects.filter(pk=attachment_id, state=State.CHECKING)
        if waiting.filter(attempts__gte=ATTEMPTS).exists():
            _conclude(waiting.get(), Outcome(reason=Reason.CHECK_FAILED))
        waiting.update(attempts=F("attempts") + 1, touched_at=timezone.now())
        yield waiting.select_related("group").first()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _examined(group: ClosedUserGroup, attachment: Attachment) -> Outcome:
    """Look at the original; return what may be kept of it, stored. Raises Refused, Later, SealBroken."""
    pieces = Pieces(group, attachment)
    found = recognised(pieces)
    limit = settings.CENCOMM_LIMITS["picture_bytes"]
    if found.kind == "image" and attachment.size > limit:
        raise Refused(Reason.TOO_LARGE)
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for block in pieces.blocks():
            digest.update(block)
            yield block

    scanned = hashed()
    clamd.require_clean(scanned)
    for _block in scanned:
        pass  # without a scanner nobody has read them yet
    if found.kind == "image":
        return _redrawn(group, attachment, pieces, found, digest.hexdigest())
    content = uuid4()
    stream = stream_of(attachment, CONTENT)
    storage().write(content, file_key(group, attachment).seal(pieces.blocks(), stream))
    return Outcome(
        sha256=digest.hexdigest(),
        kind=found.kind,
        media_type=found.media_type,
        size=attachment.size,
        content=content,
    )


def _redrawn(group: ClosedUserGroup, attachment: Attachment, pieces: Pieces, found: Type, sha256: str) -> Outcome:
    drawn = drawn_anew(b"".join(pieces.blocks()), found.media_type)
    key, content, preview = file_key(group, attachment), uuid4(), uuid4()
    storage().write(content, key.seal([drawn.content], stream_of(attachment, CONTENT)))
    storage().write(preview, key.seal([drawn.preview], stream_of(attachment, PREVIEW)))
    return Outcome(
        sha256=sha256,
        kind=found.kind,
        media_type=drawn.media_type,
        size=len(drawn.content),
        width=drawn.width,
        height=drawn.height,
        preview_size=len(drawn.preview),
        content=content,
        preview=preview,
    )


def _conclude(attachment: Attachment, outcome: Outcome) -> None:
    """Commit what became of a file, tell those who follow its message, and let go of the original."""
    made = [one for one in (outcome.content, outcome.preview) if one is not None]
    try:
        _commit(attachment, outcome, made)
    except (KeyStoreUnavailable, KeyDestroyed):  # nothing was committed: they are made anew, or never
        remove_objects(made)
        raise


def _commit(attachment: Attachment, outcome: Outcome, made: list[UUID]) -> None:
    with transaction.atomic():
        # The group's row first, as a post does: whether the file is in a message by now is decided under its lock.
        group = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=attachment.group_id)
        row = (
            Attachment.objects.select_for_update(no_key=True).filter(pk=attachment.pk, state=State.CHECKING).first()
        )
        if row is None:  # removed meanwhile, or concluded by another
            transaction.on_commit(lambda: remove_objects(made), robust=True)
            return
        pieces = list(AttachmentPiece.objects.filter(attachment=row).values_list("pk", flat=True))
        _write(group, row, outcome)
        AttachmentPiece.objects.filter(attachment=row).delete()
        audit.record(
            audit.Action.ATTACHMENT_CHECKED,
            actor=None,
            group=group.pk,
            subject=f"attachment:{row.pk}",
            state=row.state,
            reason=row.reason,
        )
        if row.message_id is not None:
            append_events(
                group,
                [
                    NewEvent(
                        type=Event.Type.ATTACHMENT,
                        at=timezone.now(),
                        actor=None,
                        message_id=row.message_id,
                        data={"attachment": str(row.pk)},
                    )
                ],
            )
        transaction.on_commit(lambda: remove_objects(pieces), robust=True)


def _write(group: ClosedUserGroup, row: Attachment, outcome: Outcome) -> None:
    row.state = State.REFUSED if outcome.reason else State.READY
    row.reason, row.checked_at = outcome.reason, timezone.now()
    row.content, row.preview = outcome.content, outcome.preview
    try:
        if not outcome.reason:
            reseal_facts(
                group,
                row,
                name=fitted_name(opened_facts(group, row).name, outcome.media_type),
                kind=outcome.kind,
                media_type=outcome.media_type,
                size=outcome.size,
                width=outcome.width,
                height=outcome.height,
                preview_size=outcome.preview_size,
                sha256=outcome.sha256,
            )
    except SealBroken:
        row.state, row.reason, row.content, row.preview = State.REFUSED, Reason.DAMAGED, None, None
    row.save(update_fields=["state", "reason", "checked_at", "content", "preview", "sealed_facts"])
