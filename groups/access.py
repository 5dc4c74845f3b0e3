"""THE table: role -> rights. Nothing else decides what a member may do; tests read this same table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from groups.models import Role


class Right(StrEnum):
    """Something that a member may do in a group."""

    SEE_GROUP = "see_group"  # that it exists, its phase, its members
    READ = "read"  # messages, forms, situation
    POST = "post"  # every kind but those below
    POST_SEIZURE = "post_seizure"
    POST_COORDINATION = "post_coordination"  # sitrep, bulletin, administrative
    ACKNOWLEDGE = "acknowledge"
    VALIDATE_OWN_COUNTRY = "validate_own_country"
    VALIDATE_ALL = "validate_all"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_GROUP = "manage_group"  # phases, settings, countries
    EDIT_TEMPLATES = "edit_templates"
    SEE_TRANSFERS = "see_transfers"
    TRANSFER = "transfer"  # send seizures to CEN
    READ_AUDIT = "read_audit"
    RECOVER = "recover"  # let a member in anew who lost every second factor, together with the other side


_READER = frozenset({Right.SEE_GROUP, Right.READ})
_OFFICER = _READER | {Right.POST, Right.POST_SEIZURE, Right.ACKNOWLEDGE}
_CONTACT_POINT = _OFFICER | {Right.VALIDATE_OWN_COUNTRY, Right.SEE_TRANSFERS, Right.RECOVER}
_ANALYST = _OFFICER | {
    Right.POST_COORDINATION,
    Right.VALIDATE_ALL,
    Right.SEE_TRANSFERS,
}
_COORDINATOR = _ANALYST | {
    Right.MANAGE_MEMBERS,
    Right.MANAGE_GROUP,
    Right.EDIT_TEMPLATES,
    Right.TRANSFER,
    Right.READ_AUDIT,
    Right.RECOVER,
}

RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.COORDINATOR: _COORDINATOR,
        Role.ANALYST: _ANALYST,
        Role.CONTACT_POINT: _CONTACT_POINT,
        Role.OFFICER: _OFFICER,
        Role.OBSERVER: _READER,
        Role.AUDITOR: frozenset({Right.SEE_GROUP, Right.READ_AUDIT}),
    }
)
