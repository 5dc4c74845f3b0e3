"""Done again and again: files whose check was lost, files that nobody sent, bytes that no row names."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import batched
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from groups.models import Phase
from messaging.attachments.actions import discard
from messaging.attachments.removal import remove_objects
from messaging.attachments.storage import storage
from messaging.connections import give_back
from messaging.models import Attachment, AttachmentPiece

UNSENT_KEPT = timedelta(days=1)
ORPHAN_SECONDS = 24 * 60 * 60.0  # older than any upload or check that could still name them
TOGETHER = 500


def waiting_attachments() -> list[UUID]:
    """Return the files that wait to be checked, the longest waiting first, but those of archived groups."""
    waiting = Attachment.objects.filter(state=Attachment.State.CHECKING).exclude(group__phase=Phase.ARCHIVED)
    return list(waiting.order_by("touched_at").values_list("pk", flat=True)[:TOGETHER])


def remove_unsent() -> int:
    """Remove files that were begun more than a day ago and are part of no message. Returns how many."""
    before = timezone.now() - UNSENT_KEPT
    old = Attachment.objects.filter(message__isnull=True, created_at__lt=before)
    count = 0
    for attachment_id in list(old.values_list("pk", flat=True)[:TOGETHER]):
        with transaction.atomic():
            row = old.select_for_update(no_key=True, skip_locked=True).filter(pk=attachment_id).first()
            if row is not None:
                discard(row, actor=None, why="unsent")
                count += 1
    return count


def remove_orphans(*, older_than: float | None = None) -> int:
    """Remove stored streams that no row of a living group names, once they are a day old. Returns how many.

    Those of archived groups are noise already, for their keys are gone; here they stop taking room.
    """
    moment = time.time() - ORPHAN_SECONDS if older_than is None else older_than
    count = 0
    for names in batched(storage().older_than(moment), TOGETHER):
        orphans = set(names) - _named(set(names))
        give_back()  # the store is asked again and again now
        remove_objects(orphans)
        count += len(orphans)
    return count


def _named(names: set[UUID]) -> set[UUID]:
    living = ~Q(group__phase=Phase.ARCHIVED)
    rows = Attachment.objects.filter(living, Q(content__in=names) | Q(preview__in=names))
    found = {one for pair in rows.values_list("content", "preview") for one in pair if one is not None}
    pieces = AttachmentPiece.objects.filter(pk__in=names).exclude(attachment__group__phase=Phase.ARCHIVED)
    return found | set(pieces.values_list("pk", flat=True))
