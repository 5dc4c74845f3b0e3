"""What each way in needs, in one entry each: the gate, whose objects it names, what a valid call sends.

A page or operation may have several entries, one for each right that it may need. What is expected of everybody
follows from the gate and the rights table (`groups.access`); nothing is expected here by name. What must not live
here: requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groups.access import RIGHTS, Right
from groups.models import Role


@dataclass(frozen=True)
class Member:
    """A member whose role has the right. A stranger is told what is told of what never was."""

    right: Right

    def admits(self, role: Role | None) -> bool:
        """Whether this role is let in."""
        return role is not None and self.right in RIGHTS[role]


@dataclass(frozen=True)
class Owner:
    """Who made the object (`world.OWNERS`). For everybody else, members of its group too, it never was."""


@dataclass(frozen=True)
class Verified:
    """Everybody who signed in with a second factor; what is listed are one's own things, or CEN's."""


@dataclass(frozen=True)
class Administrator:
    """Platform administrators. `refused`: what others are told."""

    refused: int = 403


@dataclass(frozen=True)
class Anybody:
    """No sign-in is needed."""


@dataclass(frozen=True)
class Feeder:
    """A token that may write into CEN: no session does."""


type Gate = Member | Owner | Verified | Administrator | Anybody | Feeder


@dataclass(frozen=True)
class Of:
    """A place in what is sent where the identifier of an object of this kind goes."""

    kind: str


@dataclass(frozen=True)
class Entry:
    """One way in.

    `objects`: part of the address → kind of object, or a value that is the same for all. `send`: the body, `query`:
    the question; `Of` stands for an identifier. `answers`: what whoever may is answered. `scope`: what a token
    needs. `names_groups`: the answer may name groups that its reader is no member of. `narrows`: what the question
    names only narrows the answer, so that an object of elsewhere finds nothing. `headers` go with the call.
    `step_up`: asks for a second factor of its own, which sessions show and tokens cannot.
    """

    gate: Gate
    objects: Mapping[str, Any] = field(default_factory=dict)
    send: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    answers: frozenset[int] = frozenset({200})
    scope: str = ""
    names_groups: bool = False
    narrows: bool = False
    step_up: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> set[str]:
        """The kinds of objects, beside the group, that a call names."""
        named = {kind.kind for kind in self.objects.values() if isinstance(kind, Of)}
        return (named | _kinds_in(self.send) | _kinds_in(self.query)) - {"group"}


def _kinds_in(value: Any) -> set[str]:
    if isinstance(value, Of):
        return {value.kind}
    if isinstance(value, Mapping):
        return set().union(*map(_kinds_in, value.values())) if value else set()
    if isinstance(value, (list, tuple)):
        return set().union(*map(_kinds_in, value)) if value else set()
    return set()


def filled(value: Any, pick: Any) -> Any:
    """Return a body or question with identifiers in the places of objects."""
    if isinstance(value, Of):
        return str(pick(value.kind))
    if isinstance(value, Mapping):
        return {name: filled(one, pick) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(one, pick) for one in value]
    return value() if callable(value) else value


def one_of(*statuses: int) -> frozenset[int]:
    """Return the answers that are right."""
    return frozenset(statuses)


def group(**more: Any) -> dict[str, Any]:
    """Return the objects of an address that begins with a group."""
    return {"group_id": Of("group"), **more}
