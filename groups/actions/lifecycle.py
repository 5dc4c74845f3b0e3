"""The group itself: its settings, its phases, its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

import audit
from groups import keys, phases
from groups.access import Right
from groups.announcements import announce
from groups.errors import RetentionRuns
from groups.gates import hold_group
from groups.models import ClosedUserGroup, Membership, Phase
from groups.phases import PhaseAct
from groups.settings import GroupSettings


@transaction.atomic
def change_settings(membership: Membership, *, settings: GroupSettings) -> ClosedUserGroup:
    """Set what differs from now. Returns the group.

    Raises Stranger, NotAllowed, OperationClosed, InvalidSettings (422).
    """
    group = hold_group(membership, Right.MANAGE_GROUP)
    phases.permits(group, PhaseAct.MANAGE)
    settings.check(group.kind)
    now = GroupSettings.of(group).as_fields()
    changed = [name for name, value in settings.as_fields().items() if value != now[name]]
    if not changed:
        return group
    for name in changed:
        setattr(group, name, settings.as_fields()[name])
    group.save(update_fields=changed)
    audit.record(
        audit.Action.GROUP_CHANGED,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"group:{group.pk}",
        fields=",".join(changed),
    )
    announce(group, type="settings", actor=membership.officer_id, data={"fields": changed})
    return group


@transaction.atomic
def change_phase(membership: Membership, *, to: str) -> ClosedUserGroup:
    """Move the group to another phase. Archiving has its own rules: see `archive`. Returns the group.

    Raises Stranger, NotAllowed, BadMove, RetentionRuns.
    """
    if to == Phase.ARCHIVED:
        return archive(membership)
    group = hold_group(membership, Right.MANAGE_GROUP)
    phase = Phase(to)
    phases.check_move(group, phase)
    group.closed_at = timezone.now() if phase == Phase.CLOSED else None
    _move(group, membership, phase)
    return group


@transaction.atomic
def archive(membership: Membership) -> ClosedUserGroup:
    """End a closed group for good when its retention has passed: the group key is destroyed at commit.

    Nothing that was sealed in the group can be read after it, by anybody, also from backups of the database.
    Raises Stranger, NotAllowed, BadMove, RetentionRuns.
    """
    group = hold_group(membership, Right.MANAGE_GROUP)
    phases.check_move(group, Phase.ARCHIVED)
    if timezone.now() < retention_ends_at(group):
        raise RetentionRuns
    _move(group, membership, Phase.ARCHIVED)
    keys.destroy_key_on_commit(group, actor=membership.officer_id)
    return group


def check_archive(membership: Membership) -> None:
    """Refuse what `archive` would refuse anyway, before somebody is asked for a second factor.

    Raises BadMove, RetentionRuns. Nothing is decided by it: `archive` looks again under the group's lock.
    """
    phases.check_move(membership.group, Phase.ARCHIVED)
    if timezone.now() < retention_ends_at(membership.group):
        raise RetentionRuns


def retention_ends_at(group: ClosedUserGroup) -> datetime:
    """Return from when on a closed group may be archived."""
    return (group.closed_at or timezone.now()) + timedelta(days=group.retention_days)


def _move(group: ClosedUserGroup, membership: Membership, to: Phase) -> None:
    before = group.phase
    group.phase = to
    group.save(update_fields=["phase", "closed_at"])
    audit.record(
        audit.Action.GROUP_PHASE_CHANGED,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"group:{group.pk}",
        before=before,
        after=to,
    )
    announce(group, type="phase", actor=membership.officer_id, data={"from": before, "to": to})
