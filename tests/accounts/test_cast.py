"""The cast itself: what every other test relies on."""

from __future__ import annotations

from accounts.models import Officer
from groups.models import ClosedUserGroup, Membership
from tests.cast import membership_of


def test_the_group_has_its_members_and_not_the_strangers(
    group: ClosedUserGroup, other_group: ClosedUserGroup, amina: Officer, eve: Officer, removed: Officer
) -> None:
    present = Membership.objects.filter(group=group, left_at__isnull=True)
    assert present.count() == 7
    assert membership_of(amina, group).role == "coordinator"
    assert not present.filter(officer__in=[eve, removed]).exists()
    assert membership_of(eve, other_group)
