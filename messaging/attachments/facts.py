"""What is known of a file, sealed in its row under the group's epoch key: name, caption, type, size, hash.

Content all of it: file names tell stories. What must not live here: the bytes of the file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from groups.models import ClosedUserGroup
from groups.queries import sealer_for
from messaging.models import Attachment
from vault import FileKey, Place, SealBroken, Sealer, opened_file_key

logger = logging.getLogger("cencomm.messaging")
TABLE = "messaging_attachment"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Facts:
    """What the row's seal holds. What the check finds out is empty until then; `sha256`: the original's, hex."""

    name: str
    declared_type: str
    caption: str = ""
    kind: str = ""
    media_type: str = ""
    size: int = 0
    width: int | None = None
    height: int | None = None
    preview_size: int = 0
    sha256: str = ""


def facts_place(attachment: Attachment) -> Place:
    """Return where a file's facts are sealed."""
    return Place(TABLE, "facts", str(attachment.pk), str(attachment.uploader_id))


def key_place(attachment: Attachment) -> Place:
    """Return where a file's key is sealed."""
    return Place(TABLE, "key", str(attachment.pk), str(attachment.uploader_id))


def sealed_facts(sealer: Sealer, attachment: Attachment, facts: Facts) -> bytes:
    """Return the facts of a file as they are stored."""
    return sealer.seal(orjson.dumps(asdict(facts)), facts_place(attachment))


def opened_facts(group: ClosedUserGroup, attachment: Attachment) -> Facts:
    """Return the facts of a file of this group. Raises SealBroken, KeyDestroyed, KeyStoreUnavailable."""
    if attachment.group_id != group.pk:
        raise SealBroken
    plain = sealer_for(group, attachment.key_epoch).open(attachment.sealed_facts, facts_place(attachment))
    try:
        return Facts(**orjson.loads(plain))
    except (orjson.JSONDecodeError, TypeError):
        raise SealBroken from None


def reseal_facts(group: ClosedUserGroup, attachment: Attachment, **changed: Any) -> None:
    """Put changed facts into the object of a row that the caller holds locked; it is for the caller to save."""
    facts = replace(opened_facts(group, attachment), **changed)
    attachment.sealed_facts = sealed_facts(sealer_for(group, attachment.key_epoch), attachment, facts)


def file_key(group: ClosedUserGroup, attachment: Attachment) -> FileKey:
    """Return the key of a file of this group. Raises SealBroken, KeyDestroyed, KeyStoreUnavailable."""
    if attachment.group_id != group.pk:
        raise SealBroken
    return opened_file_key(sealer_for(group, attachment.key_epoch), attachment.sealed_key, key_place(attachment))


def state_json(group: ClosedUserGroup, attachment: Attachment) -> dict[str, Any]:
    """Return a file as every client gets it, the same for all readers. `reason` is a code of `refusing.Reason`.

    `unreadable` is true where the row's seal is broken, and missing elsewhere.
    """
    try:
        facts, broken = opened_facts(group, attachment), {}
    except SealBroken:
        logger.error("attachment %s does not open: its row was changed", attachment.pk)
        facts, broken = Facts(name="", declared_type=""), {"unreadable": True}
    ready = attachment.state == Attachment.State.READY
    return {
        **broken,
        "id": str(attachment.pk),
        "name": facts.name,
        "caption": facts.caption,
        "kind": facts.kind or None,
        "media_type": facts.media_type or None,
        "size": facts.size if ready else attachment.size,
        "state": attachment.state,
        "reason": attachment.reason or None,
        "width": facts.width,
        "height": facts.height,
        "preview": bool(facts.preview_size),
        "sha256": facts.sha256 or None,
    }


def states_of(group: ClosedUserGroup, ids: Iterable[UUID | str]) -> dict[str, dict[str, Any]]:
    """Return files of a group as clients get them, by id in text; who gets to see them decides whoever calls."""
    wanted = set(map(str, ids))
    if not wanted:
        return {}
    rows = Attachment.objects.filter(group_id=group.pk, pk__in=wanted)
    return {str(one.pk): state_json(group, one) for one in rows}
