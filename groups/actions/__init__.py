"""Every write of groups. An act takes the actor's Membership first, checks it again under the group's row lock,
changes rows, records the audit entry and announces the change, all in one transaction.

What must not live here: reads (queries.py), rights (access.py), rules of phases (phases.py).
"""

from groups.actions.countries import add_country, remove_country, set_contact_point
from groups.actions.creation import create_group
from groups.actions.lifecycle import archive, change_phase, change_settings, check_archive
from groups.actions.members import add_member, change_role, invite_again, invite_member, leave_group, remove_member
from groups.actions.nominal import set_nominal
from groups.actions.recovery import confirm_recovery, draw_recovery, open_recovery, withdraw_recovery
from groups.keys import rotate_epoch

__all__ = [
    "add_country",
    "add_member",
    "archive",
    "change_phase",
    "change_role",
    "change_settings",
    "check_archive",
    "confirm_recovery",
    "create_group",
    "draw_recovery",
    "invite_again",
    "invite_member",
    "leave_group",
    "open_recovery",
    "remove_country",
    "remove_member",
    "rotate_epoch",
    "set_contact_point",
    "set_nominal",
    "withdraw_recovery",
]
