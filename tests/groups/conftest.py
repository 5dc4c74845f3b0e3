"""What the tests of groups share: the cast by role, and phases set by row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Officer
from audit.models import Entry
from groups import announcements
from groups.announcements import Change
from groups.models import ClosedUserGroup, Membership, Role
from tests.cast import membership_of

STRANGERS = ("eve", "removed", "padma")
BY_ROLE = {
    Role.COORDINATOR: "amina",
    Role.ANALYST: "chloe",
    Role.CONTACT_POINT: "bruno",
    Role.OFFICER: "fatou",
    Role.OBSERVER: "olga",
    Role.AUDITOR: "audrey",
}


@pytest.fixture
def person(request: pytest.FixtureRequest) -> Callable[[str], Officer]:
    """Return an officer of the cast by name or by role."""

    def named(name: str) -> Officer:
        officer: Officer = request.getfixturevalue(BY_ROLE.get(name, name))  # type: ignore[call-overload]
        return officer

    return named


@pytest.fixture
def coordinator(group: ClosedUserGroup, amina: Officer) -> Membership:
    return membership_of(amina, group)


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """The changes that are announced in this test; whoever else listens does not hear them."""
    heard: list[Change] = []
    monkeypatch.setattr(announcements, "_on_change", [lambda group, change: heard.append(change)])
    return heard


def put(group: ClosedUserGroup, **values: object) -> None:
    """Set fields by row, past every rule."""
    ClosedUserGroup.objects.filter(pk=group.pk).update(**values)
    group.refresh_from_db()


def entries(group: ClosedUserGroup, action: str) -> list[Entry]:
    """Return the audit entries of one act in a group, oldest first."""
    return list(Entry.objects.filter(group=group.pk, action=action).order_by("id"))
