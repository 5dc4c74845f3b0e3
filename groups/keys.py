"""The keys of groups: made at creation, a new epoch when a member leaves, destroyed at archiving.

What lives here: writes about keys, inside the transaction of the act that needs them. What must not: any content.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

import audit
from groups.models import ClosedUserGroup, EpochKey, Phase
from vault import keystore

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
    the number of the new epoch.
    """
    group.key_epoch += 1
    EpochKey.objects.create(
        group=group,
        epoch=group.key_epoch,
        wrapped=keystore().new_epoch_key(group.pk, group.key_epoch),
        head=group.head,
    )
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


def destroy_key_on_commit(group: ClosedUserGroup, *, actor: UUID) -> None:
    """Destroy the group key once the act is committed: before, a rollback would leave a living group unreadable.

    A process that dies between the two leaves the key for `destroy_keys_of_archived`, which runs by itself.
    """
    audit.record(audit.Action.GROUP_KEY_DESTROYED, actor=actor, group=group.pk, subject=f"group:{group.pk}")
    group_id = group.pk
    transaction.on_commit(lambda: keystore().destroy_group_key(group_id))


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
    """Start a new epoch in every living group whose current one is old or has sealed much. Returns how many."""
    oldest = timezone.now() - EPOCH_LIFE
    count = 0
    for group_id in ClosedUserGroup.objects.exclude(phase__in=[Phase.CLOSED, Phase.ARCHIVED]).values_list(
        "pk", flat=True
    ):
        with transaction.atomic():
            group = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=group_id)
            epoch = EpochKey.objects.only("created_at", "head").get(group=group, epoch=group.key_epoch)
            if epoch.created_at < oldest or group.head - epoch.head >= EPOCH_STEPS:
                rotate_epoch(group, actor=None, reason="age" if epoch.created_at < oldest else "use")
                count += 1
    return count
