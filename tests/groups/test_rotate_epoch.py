"""A new epoch of keys starts when a member leaves (test_remove_member) and every 30 days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit import Action
from groups.keys import EPOCH_LIFE, EPOCH_STEPS, rotate_epoch, rotate_old_epochs
from groups.models import ClosedUserGroup, EpochKey, Phase
from groups.queries import current_sealer, sealer_for
from tests.groups.conftest import entries, put
from vault import KeyDestroyed, Place, SealBroken, keystore


def age(group: ClosedUserGroup, by: timedelta) -> None:
    EpochKey.objects.filter(group=group).update(created_at=timezone.now() - by)


def test_after_thirty_days(group: ClosedUserGroup, other_group: ClosedUserGroup) -> None:
    age(group, EPOCH_LIFE + timedelta(minutes=1))
    assert rotate_old_epochs() == 1
    group.refresh_from_db()
    other_group.refresh_from_db()
    assert (group.key_epoch, other_group.key_epoch) == (2, 1)
    [entry] = entries(group, Action.GROUP_EPOCH_STARTED)
    assert (entry.actor, entry.details) == (None, {"epoch": 2, "reason": "age"})
    assert rotate_old_epochs() == 0


@pytest.mark.parametrize("lost", [0, 1])
def test_a_group_whose_key_is_lost_keeps_no_other_from_it(
    group: ClosedUserGroup, other_group: ClosedUserGroup, lost: int
) -> None:
    groups = [group, other_group]
    for one in groups:
        age(one, EPOCH_LIFE + timedelta(minutes=1))
    keystore().destroy_group_key(groups[lost].pk)
    with pytest.raises(KeyDestroyed):
        rotate_old_epochs()
    for one in groups:
        one.refresh_from_db()
    assert [one.key_epoch for one in groups] == [1 if at == lost else 2 for at in range(2)]


def test_long_before_its_key_has_sealed_too_much(group: ClosedUserGroup) -> None:
    put(group, head=EPOCH_STEPS - 1)
    assert rotate_old_epochs() == 0
    put(group, head=EPOCH_STEPS)
    assert rotate_old_epochs() == 1
    [entry] = entries(group, Action.GROUP_EPOCH_STARTED)
    assert entry.details == {"epoch": 2, "reason": "use"}
    put(group, head=2 * EPOCH_STEPS - 1)  # counted from where the epoch began
    assert rotate_old_epochs() == 0
    assert EPOCH_STEPS * 4 < 2**28


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.ARCHIVED])
def test_not_where_nothing_is_sealed_any_more(group: ClosedUserGroup, phase: str) -> None:
    age(group, EPOCH_LIFE + timedelta(minutes=1))
    put(group, phase=phase)
    assert rotate_old_epochs() == 0


def test_what_was_sealed_before_still_opens(group: ClosedUserGroup) -> None:
    place = Place("message", "body", "1")
    sealed = [current_sealer(group).seal(b"berth", place)]
    for _ in range(3):
        with transaction.atomic():
            rotate_epoch(group, actor=None, reason="age")
        sealed.append(current_sealer(group).seal(b"berth", place))
    for epoch, value in enumerate(sealed, start=1):
        assert sealer_for(group, epoch).open(value, place) == b"berth"
        with pytest.raises(SealBroken):
            sealer_for(group, epoch % 4 + 1).open(value, place)


def test_an_epoch_that_never_was(group: ClosedUserGroup) -> None:
    with pytest.raises(SealBroken):
        sealer_for(group, 9)
