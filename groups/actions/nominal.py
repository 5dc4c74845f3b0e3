"""Whether a group takes data about persons and companies. Off until its coordinator switches it on."""

from __future__ import annotations

from django.db import transaction

import audit
from groups import phases
from groups.access import Right
from groups.announcements import announce
from groups.gates import hold_group
from groups.models import ClosedUserGroup, Membership
from groups.phases import PhaseAct


@transaction.atomic
def set_nominal(membership: Membership, *, allowed: bool) -> ClosedUserGroup:
    """Let the group take nominal data from now on, or no more. The same again changes nothing. Returns the group.

    What was sent stays as it is: nominal fields of earlier messages can be read, and none ever goes to CEN. Every
    member is told by an event and sees it on every page of the group. Raises Stranger, NotAllowed, OperationClosed.
    """
    group = hold_group(membership, Right.MANAGE_GROUP)
    phases.permits(group, PhaseAct.MANAGE)
    if group.nominal_allowed == allowed:
        return group
    group.nominal_allowed = allowed
    group.save(update_fields=["nominal_allowed"])
    audit.record(
        audit.Action.GROUP_NOMINAL_SET,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"group:{group.pk}",
        allowed=allowed,
    )
    announce(group, type="settings", actor=membership.officer_id, data={"fields": ["nominal_allowed"]})
    return group
