"""The keys of groups: made at creation, a new epoch when a member leaves, destroyed at archiving.

What lives here: writes about keys, inside the transaction of the act that needs them. What must not: any content.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.utils import timezone

import audit
from groups.models import ClosedUserGroup, EpochKey, Membership, Phase
from problems import Refusal
from vault import KeyDestroyed, KeyStoreUnavailable, SealBroken, keystore

logger = logging.getLogger("cencomm.groups")
_NO_KEY = (KeyStoreUnavailable, KeyDestroyed, SealBroken)  # also of a group whose key file was lost or changed

EPOCH_LIFE = timedelta(days=30)
# An epoch's key seals 2^28 values at most (random nonces of 96 bits). A step of the stream seals four at most, and
# epochs are looked at once a day: half of what is allowed leaves a day's room at any rate that is let in.
EPOCH_STEPS = 2**28 // 4 // 2


def create_keys(group: ClosedUserGroup, *, actor: UUID) -> None:
    """Make the group key (outside this database) and its first epoch key. The caller destroys it on failure."""
    keystore().create_group_key(group.pk)
    EpochKey.objects.create(
        group=group, epoch=group.key_epoch, wrapped=keystore().new_epoch_key(group.pk, group.key_epoch)
    )
    audit.record(audit.Action.GROUP_KEY_CREATED, actor=actor, group=group.pk, subject=f"group:{group.pk}", epoch=1)


def rotate_epoch(group: ClosedUserGroup, *, actor: UUID | None, reason: str) -> int:
    """Start a new epoch: everything from now on is sealed with a key that nobody had before.

    The caller holds the group's row lock. Old epochs stay, so that what was sealed before still opens. Returns
    the number of the new epoch. Raises KeyStoreUnavailable before anything is changed.
    """
    wrapped = keystore().new_epoch_key(group.pk, group.key_epoch + 1)
    group.key_epoch += 1
    EpochKey.objects.create(group=group, epoch=group.key_epoch, wrapped=wrapped, head=group.head)
    group.save(update_fields=["key_epoch"])
    audit.record(
        audit.Action.GROUP_EPOCH_STARTED,
        actor=actor,
        group=group.pk,
        subject=f"group:{group.pk}",
        epoch=group.key_epoch,
        reason=reason,
    )
    return group.key_epoch


def rotate_epoch_or_leave(group: ClosedUserGroup, *, actor: UUID, reason: str) -> None:
    """Start a new epoch because somebody leaves; where no key can be made now, `rotate_old_epochs` does it later.

    Nobody stays a member because a key agent or a key service is away.
    """
    try:
        rotate_epoch(group, actor=actor, reason=reason)
    except _NO_KEY as refusal:
        _told_later(group.pk, refusal)


def _told_later(group_id: UUID, refusal: Refusal) -> None:
    logger.error("group %s begins its next epoch later: %s", group_id, refusal.code)


def destroy_key_on_commit(group: ClosedUserGroup, *, actor: UUID) -> None:
    """Destroy the group key once the act is committed: before, a rollback would leave a living group unreadable.

    A process that dies between the two, or a key agent that is away, leaves the key for `destroy_keys_of_archived`,
    which runs by itself: the group is archived, and nothing of it is opened meanwhile.
    """
    audit.record(audit.Action.GROUP_KEY_DESTROYED, actor=actor, group=group.pk, subject=f"group:{group.pk}")
    group_id = group.pk
    transaction.on_commit(lambda: _destroy_or_leave(group_id))


def _destroy_or_leave(group_id: UUID) -> None:
    try:
        keystore().destroy_group_key(group_id)
    except KeyStoreUnavailable as refusal:
        logger.error("the key of archived group %s is destroyed later: %s", group_id, refusal.code)


def destroy_keys_of_archived() -> int:
    """Destroy what a crash left behind: keys of groups that are archived. Returns how many were found."""
    found = [
        group_id
        for group_id in ClosedUserGroup.objects.filter(phase=Phase.ARCHIVED).values_list("pk", flat=True)
        if keystore().has_group_key(group_id)
    ]
    for group_id in found:
        keystore().destroy_group_key(group_id)
    return len(found)


def rotate_old_epochs() -> int:
    """Start a new epoch in every living group where it is due. Returns how many.

    It is where the current one is old or has sealed much, and where somebody left while no key could be made. A
    group where none can be made now keeps no other from it; its refusal is raised in the end.
    """
    oldest, count = timezone.now() - EPOCH_LIFE, 0
    failure: Refusal | None = None
    left = Membership.objects.filter(group=OuterRef("group"), left_at__gt=OuterRef("created_at"))
    reason = Case(
        When(created_at__lt=oldest, then=Value("age")),
        When(head__lte=F("group__head") - EPOCH_STEPS, then=Value("use")),
        When(Exists(left), then=Value("member_left")),
    )
    living = ClosedUserGroup.objects.exclude(phase__in=[Phase.CLOSED, Phase.ARCHIVED])
    current = EpochKey.objects.filter(epoch=F("group__key_epoch"), group__in=living).annotate(reason=reason)
    due = current.filter(reason__isnull=False)
    for group_id in due.values_list("group", flat=True):
        try:
            with transaction.atomic():
                group = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=group_id)
                if still := due.filter(group=group).values_list("reason", flat=True).first():
                    rotate_epoch(group, actor=None, reason=still)
                    count += 1
        except _NO_KEY as refusal:
            _told_later(group_id, refusal)
            failure = refusal
    if failure is not None:
        raise failure
    return count
