"""The gates turn officer and group into a membership, or stop; under the lock they ask once more."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Officer
from groups.access import RIGHTS, Right
from groups.errors import NotAllowed, Stranger
from groups.gates import hold_group, member_of, members_among
from groups.models import ClosedUserGroup, Membership, Role
from tests.cast import membership_of


def test_a_member_with_the_right(group: ClosedUserGroup, fatou: Officer) -> None:
    membership = member_of(fatou, group.pk, Right.POST)
    assert (membership.group, membership.officer, membership.role) == (group, fatou, Role.OFFICER)


def test_a_group_that_never_was(fatou: Officer) -> None:
    with pytest.raises(Stranger):
        member_of(fatou, uuid4(), Right.SEE_GROUP)


@pytest.mark.parametrize("values", [{"is_active": False}, {"is_platform_administrator": True}])
def test_a_shut_account_and_a_new_administrator_are_strangers(
    group: ClosedUserGroup, amina: Officer, values: dict[str, bool]
) -> None:
    membership = membership_of(amina, group)
    Officer.objects.filter(pk=amina.pk).update(**values)
    with pytest.raises(Stranger):
        member_of(amina, group.pk, Right.SEE_GROUP)
    with pytest.raises(Stranger), transaction.atomic():
        hold_group(membership, Right.SEE_GROUP)


def test_who_left_is_a_stranger_also_since_the_gate(group: ClosedUserGroup, fatou: Officer) -> None:
    membership = member_of(fatou, group.pk, Right.SEE_GROUP)
    assert members_among([(fatou.pk, group.pk)])
    Membership.objects.filter(pk=membership.pk).update(left_at=timezone.now())
    with pytest.raises(Stranger):
        member_of(fatou, group.pk, Right.SEE_GROUP)
    with pytest.raises(Stranger), transaction.atomic():
        hold_group(membership, Right.SEE_GROUP)
    assert members_among([(fatou.pk, group.pk)]) == {}


def test_a_member_without_the_right(group: ClosedUserGroup, fatou: Officer) -> None:
    with pytest.raises(NotAllowed):
        member_of(fatou, group.pk, Right.MANAGE_MEMBERS)


def test_a_role_that_was_taken_since_the_gate(group: ClosedUserGroup, amina: Officer) -> None:
    membership = member_of(amina, group.pk, Right.MANAGE_MEMBERS)
    Membership.objects.filter(pk=membership.pk).update(role=Role.ANALYST)
    with pytest.raises(NotAllowed), transaction.atomic():
        hold_group(membership, Right.MANAGE_MEMBERS)


def test_the_group_is_read_as_it_is_under_the_lock(group: ClosedUserGroup, amina: Officer) -> None:
    membership = member_of(amina, group.pk, Right.SEE_GROUP)
    ClosedUserGroup.objects.filter(pk=group.pk).update(phase="closed")
    with transaction.atomic():
        assert hold_group(membership, Right.SEE_GROUP).phase == "closed"


def test_every_role_sees_the_group_and_an_auditor_reads_no_message() -> None:
    assert all(Right.SEE_GROUP in rights for rights in RIGHTS.values())
    assert set(RIGHTS) == set(Role)
    assert RIGHTS[Role.AUDITOR] == {Right.SEE_GROUP, Right.READ_AUDIT}
    writing = {right for right in Right if right not in {Right.SEE_GROUP, Right.READ}}
    assert not RIGHTS[Role.OBSERVER] & writing
