"""Every write of groups. An act takes the actor's Membership first, checks it again under the group's row lock,
changes rows, records the audit entry and announces the change, all in one transaction.

What must not live here: reads (queries.py), rights (access.py), rules of phases (phases.py).
"""

from groups.actions.countries import add_country, remove_country, set_contact_point
from groups.actions.creation import create_group
from groups.actions.lifecycle import archive, change_phase, change_settings
from groups.actions.members import add_member, change_role, invite_again, invite_member, leave_group, remove_member
from groups.keys import rotate_epoch

__all__ = [
    "add_country",
    "add_member",
    "archive",
    "change_phase",
    "change_role",
    "change_settings",
    "create_group",
    "invite_again",
    "invite_member",
    "leave_group",
    "remove_country",
    "remove_member",
    "rotate_epoch",
    "set_contact_point",
]
