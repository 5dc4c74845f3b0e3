"""Run as a program on a prepared product: fill an operation, archive it, or try to open it by every way there is.

`fill` prints the group's id; `archive GROUP` ends it; `open GROUP` prints what opens and what refuses, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cencomm.settings")
    import django

    import vault.service

    django.setup()
    vault.service.ANSWER_SECONDS = 120.0  # a key service that answers late on a busy machine is not away

from django.db import connection, transaction
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Officer
from audit.models import Entry
from groups.actions import archive, create_group
from groups.keys import rotate_epoch
from groups.models import ClosedUserGroup, EpochKey, Membership, Phase
from messaging.actions import move_status, post_message
from messaging.attachments.actions import Upload, add_piece, begin_upload
from messaging.attachments.facts import file_key, opened_facts
from messaging.attachments.pieces import Pieces
from messaging.drafts import Draft
from messaging.history import stop_watching, watch
from messaging.models import Attachment, Message, StatusMove
from messaging.queries.events import reason_of
from messaging.queries.opening import open_for_delivery
from problems import Refusal
from simplified_forms.actions import create_starting_templates
from vault import keystore

PLANTED = "heliotrope-quayside-4711"  # in everything that is sealed
BODY = {
    "country": "GH", "place": "GHTEM", "location_type": "SPT", "direction": "IMP", "conveyance": "SEA",
    "commodity": "DRG.cocaine", "quantity": {"value": "31.2", "unit": "KGM"}, "departure_country": "BR",
    "destination_country": "GH", "detection": ["XRY"],
}  # fmt: skip


def fill() -> str:
    """Make an operation with messages, a form, a reason and a file, in two epochs of keys; return its id."""
    mark = uuid4().hex[:6]
    home = accounts.create_administration(country="GH", name=f"Customs {mark}")
    padma, amina = (
        accounts.create_officer(
            email=f"{name}-{mark}@demo.invalid",
            name=name,
            administration=home,
            password="a lantern over quiet water",
            is_platform_administrator=name == "padma",
        )
        for name in ("padma", "amina")
    )
    today = timezone.now().date()
    group = create_group(
        padma,
        code=mark.upper(),
        name="Operation",
        first_coordinator=amina,
        starts_on=today,
        ends_on=today + timedelta(days=3),
    )
    ClosedUserGroup.objects.filter(pk=group.pk).update(phase=Phase.OPERATIONAL)
    if not group.form_templates.exists():
        create_starting_templates(group)
    member = member_of(group.pk)
    post_message(member, draft=Draft(id=uuid4(), kind="note", subject=PLANTED, body={"text": PLANTED}))
    with transaction.atomic():
        rotate_epoch(ClosedUserGroup.objects.select_for_update().get(pk=group.pk), actor=None, reason="age")
    member = member_of(group.pk)
    body = {**BODY, "date": today.isoformat(), "description": PLANTED}
    seizure = post_message(member, draft=Draft(id=uuid4(), kind="seizure", body=body)).message
    move_status(member, message_id=seizure.pk, to="returned", reason=PLANTED)
    content = PLANTED.encode()
    upload = Upload(id=uuid4(), name=f"{PLANTED}.txt", size=len(content), media_type="text/plain", caption=PLANTED)
    begin_upload(member, upload=upload)
    add_piece(member, attachment_id=upload.id, offset=0, piece=content)
    return str(group.pk)


def member_of(group_id: UUID) -> Membership:
    """The coordinator of the operation."""
    return Membership.objects.select_related("group", "officer__administration").get(group_id=group_id)


def end(group_id: UUID) -> None:
    """Close the operation long ago, and archive it."""
    long_ago = timezone.now() - timedelta(days=5000)
    ClosedUserGroup.objects.filter(pk=group_id).update(phase=Phase.CLOSED, closed_at=long_ago)
    archive(member_of(group_id))


def try_everything(group_id: UUID) -> dict[str, Any]:
    """Open all that the operation has by the product's own ways, and every sealed byte with every key there is."""
    group = ClosedUserGroup.objects.get(pk=group_id)
    found: Counter[str] = Counter()

    def attempt(what: str, read: Callable[[], Any]) -> None:
        try:
            opened = PLANTED in str(read())
        except Refusal as refusal:
            found[f"{what}:{refusal.code}"] += 1
        else:
            found[f"{what}:{'opened' if opened else 'nothing'}"] += 1

    for message in Message.objects.filter(group=group).select_related("sender", "administration", "template"):
        attempt(
            "message", lambda message=message: [(o.subject, o.body) for o in open_for_delivery([group], [message])]
        )
    for move in StatusMove.objects.filter(group=group, sealed_reason__isnull=False):
        attempt("reason", lambda move=move: reason_of(group, move))
    for file in Attachment.objects.filter(group=group):
        attempt("file name", lambda file=file: opened_facts(group, file).name)
        attempt("file key", lambda file=file: f"{PLANTED}{file_key(group, file)}")
        attempt("file", lambda file=file: Pieces(group, file).read())
    details = json.dumps([entry.details for entry in Entry.objects.filter(group=group_id)])
    return {
        "phase": group.phase,
        "found": found,
        "epochs": unwrapped_epochs(group_id),
        "audit": PLANTED in details,
        "officers": Officer.objects.count(),
        "clear": in_clear(),
    }


def unwrapped_epochs(group_id: UUID) -> int:
    """Return how many epoch keys of the group open with any group key that the key store still has."""
    store, count = keystore(), 0
    for epoch, wrapped in EpochKey.objects.filter(group_id=group_id).values_list("epoch", "wrapped"):
        for candidate in [*ClosedUserGroup.objects.values_list("pk", flat=True), UUID(int=0)]:
            try:
                store.group_sealer(candidate, epoch, wrapped)
            except Refusal:
                continue
            count += 1
    return count


def in_clear() -> int:
    """Return in how many columns of text or JSON of the database the planted word lies."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'jsonb', 'json')"
        )
        columns, count = cursor.fetchall(), 0
        for table, column in columns:
            asked = f'SELECT count(*) FROM "{table}" WHERE "{column}"::text LIKE %s'  # noqa: S608
            cursor.execute(asked, [f"%{PLANTED}%"])
            count += cursor.fetchone()[0]
    return count


if __name__ == "__main__":
    watch()
    what, *rest = sys.argv[1:]
    if what == "fill":
        sys.stdout.write(fill())
    elif what == "archive":
        end(UUID(rest[0]))
    else:
        sys.stdout.write(json.dumps(try_everything(UUID(rest[0]))))
    stop_watching()
