"""The life of a group: which phase follows which, and what each phase permits.

What lives here: the two tables (moves, acts) and the questions asked of them; no database. What must not: who may
move a phase (access.py), or the move itself (actions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from groups.access import Right
from groups.errors import BadMove, OperationClosed, PhaseForbids
from groups.models import ClosedUserGroup, Membership, Phase


class PhaseAct(StrEnum):
    """Something that depends on the group's phase, whoever does it."""

    POST = "post"  # any message: a test in preoperational, a late report in postoperational
    POST_LIVE = "post_live"  # what makes sense only during the watch: new warnings, movements
    ACKNOWLEDGE = "acknowledge"
    VALIDATE = "validate"  # status moves: return, validate, withdraw
    TRANSFER = "transfer"  # to CEN
    EDIT_TEMPLATES = "edit_templates"
    MANAGE = "manage"  # invite, change roles, countries and settings; a member can be removed in every phase


_WATCH = frozenset({PhaseAct.POST, PhaseAct.POST_LIVE, PhaseAct.ACKNOWLEDGE, PhaseAct.VALIDATE})
_PREPARE = frozenset({PhaseAct.EDIT_TEMPLATES, PhaseAct.MANAGE})

PERMITTED: Mapping[Phase, frozenset[PhaseAct]] = MappingProxyType(
    {
        Phase.PLANNING: _PREPARE,
        Phase.PREOPERATIONAL: _PREPARE | _WATCH,
        Phase.OPERATIONAL: _PREPARE | _WATCH | {PhaseAct.TRANSFER},
        Phase.POSTOPERATIONAL: (_PREPARE | _WATCH | {PhaseAct.TRANSFER}) - {PhaseAct.POST_LIVE},
        Phase.CLOSED: frozenset(),
        Phase.ARCHIVED: frozenset(),
    }
)

_MOVES_OF_OPERATION: Mapping[Phase, tuple[Phase, ...]] = MappingProxyType(
    {
        Phase.PLANNING: (Phase.PREOPERATIONAL,),
        Phase.PREOPERATIONAL: (Phase.OPERATIONAL,),
        Phase.OPERATIONAL: (Phase.POSTOPERATIONAL,),
        Phase.POSTOPERATIONAL: (Phase.CLOSED, Phase.OPERATIONAL),
        Phase.CLOSED: (Phase.ARCHIVED, Phase.POSTOPERATIONAL),
        Phase.ARCHIVED: (),
    }
)
_MOVES_OF_STANDING: Mapping[Phase, tuple[Phase, ...]] = MappingProxyType(
    {
        Phase.OPERATIONAL: (Phase.CLOSED,),
        Phase.CLOSED: (Phase.ARCHIVED, Phase.OPERATIONAL),
        Phase.ARCHIVED: (),
    }
)
READ_ONLY = frozenset({Phase.CLOSED, Phase.ARCHIVED})


def permits(group: ClosedUserGroup, act: PhaseAct) -> None:
    """Return when the group's phase allows `act`.

    Ask with the group's row locked and freshly read: a phase may have moved since a page was opened. Raises
    OperationClosed (409, `operation_closed`) in a read-only phase, PhaseForbids (409, `phase_forbids`) otherwise.
    """
    phase = Phase(group.phase)
    if act in PERMITTED[phase]:
        return
    raise OperationClosed if phase in READ_ONLY else PhaseForbids


def allows(group: ClosedUserGroup, act: PhaseAct) -> bool:
    """Whether the group's phase allows `act`: for pages that show or hide a control."""
    return act in PERMITTED[Phase(group.phase)]


def can_be_read(membership: Membership) -> bool:
    """Whether this member can read messages: the role does, and the group's key is not destroyed."""
    return membership.has(Right.READ) and membership.group.phase != Phase.ARCHIVED


def reports_due(group: ClosedUserGroup) -> bool:
    """Whether a silent country is overdue: a report is expected of each day while an operation runs.

    A standing group has no days to report on.
    """
    return group.kind != ClosedUserGroup.Kind.STANDING and group.phase == Phase.OPERATIONAL


def is_exercise(group: ClosedUserGroup) -> bool:
    """Whether what is sent now is a test: marked EXERCISE, never transferred."""
    return group.phase == Phase.PREOPERATIONAL


def first_phase(kind: str) -> Phase:
    """Return the phase in which a new group of this kind starts."""
    return Phase.OPERATIONAL if kind == ClosedUserGroup.Kind.STANDING else Phase.PLANNING


def course(group: ClosedUserGroup) -> tuple[Phase, ...]:
    """Return the phases of the group's whole life, in order."""
    standing = group.kind == ClosedUserGroup.Kind.STANDING
    return (Phase.OPERATIONAL, Phase.CLOSED, Phase.ARCHIVED) if standing else tuple(Phase)


def moves_from(group: ClosedUserGroup) -> tuple[Phase, ...]:
    """Return the phases that may follow now, the ordinary next one first."""
    standing = group.kind == ClosedUserGroup.Kind.STANDING
    return (_MOVES_OF_STANDING if standing else _MOVES_OF_OPERATION).get(Phase(group.phase), ())


def check_move(group: ClosedUserGroup, to: Phase) -> None:
    """Return when the group may go from its phase to `to`; raises BadMove (409) otherwise."""
    if to not in moves_from(group):
        raise BadMove


def day_of(group: ClosedUserGroup, today: date) -> tuple[int, int] | None:
    """Return (day n, of m days) of an operation on `today`; None outside its days, once closed, or standing."""
    if (
        group.phase in READ_ONLY
        or group.starts_on is None
        or group.ends_on is None
        or not group.starts_on <= today <= group.ends_on
    ):
        return None
    return (today - group.starts_on).days + 1, (group.ends_on - group.starts_on).days + 1
