"""What groups tells the packages above it, which it must not import: explicit registries, no signals.

A package above registers once, in its AppConfig.ready():

    from groups import announcements
    announcements.on_change(append_event)                  # messaging: the event stream
    announcements.on_group_created(create_templates)       # simplified_forms: starting templates
    announcements.provide_card_facts(card_facts)           # messaging: unread and waiting, for "my groups"

Callbacks of changes run inside the action's transaction, with the group's row locked and given as that locked
instance: number order is commit order. They may write; a callback that raises undoes the whole act. They must not
save other fields of the group than their own (`save(update_fields=[...])`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict
from uuid import UUID

from groups.models import ClosedUserGroup, Membership

ChangeType = Literal["member", "phase", "country", "settings"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a group, as identifiers and words of fixed lists; never content.

    data by type:
    - member: {"change": "added" | "role" | "removed", "membership": uuid, "officer": uuid, "role", "country"}
    - phase: {"from": phase, "to": phase}
    - country: {"change": "added" | "removed" | "contact_point", "country": alpha-2, "membership": uuid or None}
    - settings: {"fields": [names of the settings that changed]}
    """

    type: ChangeType
    actor: UUID | None
    data: Mapping[str, object]


class CardFacts(TypedDict, total=False):
    """What a card of "my groups" shows beside the group itself; whoever knows nothing leaves a key out."""

    unread: int
    waiting: int  # warnings that wait for an answer of my country
    waiting_since: datetime | None  # the oldest of them
    overdue: int  # of those, past their due time
    last_event_at: datetime | None


OnChange = Callable[[ClosedUserGroup, Change], None]
OnGroupCreated = Callable[[ClosedUserGroup, UUID], None]
FactsProvider = Callable[[Sequence[Membership]], Mapping[UUID, CardFacts]]

_on_change: list[OnChange] = []
_on_group_created: list[OnGroupCreated] = []
_card_facts: list[FactsProvider] = []


def on_change(callback: OnChange) -> None:
    """Register `callback(group, change)`, called in the transaction of each change, the group's row locked."""
    if callback not in _on_change:
        _on_change.append(callback)


def on_group_created(callback: OnGroupCreated) -> None:
    """Register `callback(group, actor_id)`, called in the transaction that makes a group, after its keys."""
    if callback not in _on_group_created:
        _on_group_created.append(callback)


def provide_card_facts(provider: FactsProvider) -> None:
    """Register `provider(memberships) -> {group_id: CardFacts}`, asked once per page, not once per card."""
    if provider not in _card_facts:
        _card_facts.append(provider)


def announce(group: ClosedUserGroup, *, type: ChangeType, actor: UUID | None, data: Mapping[str, object]) -> None:
    """Tell every listener of a change, in the order of registration, inside the caller's transaction."""
    change = Change(type=type, actor=actor, data=data)
    for callback in _on_change:
        callback(group, change)


def announce_created(group: ClosedUserGroup, *, actor: UUID) -> None:
    """Tell every listener that a group was made, inside the caller's transaction."""
    for callback in _on_group_created:
        callback(group, actor)


def card_facts(memberships: Sequence[Membership]) -> dict[UUID, CardFacts]:
    """Return what all providers know, merged, by group."""
    merged: dict[UUID, CardFacts] = {membership.group_id: CardFacts() for membership in memberships}
    for provider in _card_facts:
        for group_id, facts in provider(memberships).items():
            if group_id in merged:
                merged[group_id].update(facts)
    return merged
