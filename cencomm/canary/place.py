"""Where the canary lives: a standing group with one member, and a token that lives in the worker's memory alone.

The group is made like any other (keys, forms, stream) but for the administrator who asks for it. Its messages of
more than a day ago are deleted: they say nothing, and half a million a year would. Nothing else of the product
deletes a message; see docs/decisions. What must not live here: the sending.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

import audit
from accounts.actions import create_token
from accounts.canary import COUNTRY, OFFICER, canary_officer
from accounts.models import Officer, Token
from cencomm.models import Canary
from groups import announcements, keys
from groups.actions.members import join
from groups.models import ClosedUserGroup, GroupCountry, Membership, Phase, Role
from messaging.models import Event, Message
from vault import keystore

KEPT = timedelta(days=1)
TOKEN_LIFE = timedelta(hours=12)
SCOPES = ("messages:read", "messages:write")


@dataclass(slots=True, repr=False)
class Pass:
    """A token that this process made for the canary, and until when it uses it."""

    secret: str = ""
    good_until: datetime | None = None


_pass = Pass()


def token(*, afresh: bool = False) -> str:
    """Return the secret of a token of the canary: made by this process, kept in memory, replaced twice a day."""
    now = timezone.now()
    if afresh or _pass.good_until is None or now >= _pass.good_until:
        officer = canary_officer()
        Token.objects.filter(officer=officer, expires_at__lt=now).delete()
        _token, secret = create_token(officer=officer, name="canary", scopes=SCOPES, expires_at=now + TOKEN_LIFE)
        _pass.secret, _pass.good_until = secret, now + TOKEN_LIFE / 2
    return _pass.secret


def home() -> ClosedUserGroup:
    """Return the canary's group as it stands; made anew where there is none, or where somebody ended it."""
    canary, _made = Canary.objects.select_related("group").get_or_create(pk=1)
    if canary.group is not None and canary.group.phase == Phase.OPERATIONAL:
        return canary.group
    return _make_home()


@transaction.atomic
def _make_home() -> ClosedUserGroup:
    canary = Canary.objects.select_for_update().get(pk=1)
    known = canary.group
    if known is not None and known.phase == Phase.OPERATIONAL:  # another worker was first
        return known
    officer = canary_officer()
    group = ClosedUserGroup(
        code=f"CNRY{secrets.token_hex(4).upper()}",
        name="Canary",
        kind=ClosedUserGroup.Kind.STANDING,
        phase=Phase.OPERATIONAL,
    )
    try:
        _fill(group, officer)
        canary.group = group
        canary.save(update_fields=["group"])
    except BaseException:
        # The key lies outside the database: a rollback does not take it away.
        if keystore().has_group_key(group.pk):
            keystore().destroy_group_key(group.pk)
        raise
    return group


def _fill(group: ClosedUserGroup, officer: Officer) -> None:
    group.save(force_insert=True)
    keys.create_keys(group, actor=officer.pk)
    GroupCountry.objects.create(group=group, country=COUNTRY)
    audit.record(
        audit.Action.GROUP_CREATED, actor=officer.pk, group=group.pk, subject=f"group:{group.pk}", kind=group.kind
    )
    announcements.announce_created(group, actor=officer.pk)
    join(group, officer=officer, role=Role.OFFICER, actor=officer.pk)


@transaction.atomic
def forget_old_messages(group: ClosedUserGroup) -> int:
    """Delete what the canary sent more than a day ago; return how many messages. Touches no other group.

    The stream keeps its numbers: who follows it stands at its end, and nobody but the canary does.
    """
    held = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    strangers = Membership.objects.filter(group=held).exclude(officer_id=OFFICER)
    if strangers.exists() or not Canary.objects.filter(group=held).exists():
        return 0
    old = Message.objects.filter(group=held, sent_at__lt=timezone.now() - KEPT)
    gone = set(old.values_list("pk", flat=True)[:500])
    Event.objects.filter(group=held, message_id__in=gone).delete()
    return Message.objects.filter(pk__in=gone).delete()[0]
