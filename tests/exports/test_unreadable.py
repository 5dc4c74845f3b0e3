"""One seizure whose seal is broken: shown, left out, and in nobody else's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import Officer
from cen.models import Seizure
from exports import actions, queries
from exports.delivery import deliver_batch
from exports.models import Transfer
from groups.keys import rotate_epoch
from groups.models import ClosedUserGroup, EpochKey, Membership
from groups.queries import _wrapped_key
from messaging.models import Message
from vault import keystore

pytestmark = pytest.mark.django_db(databases=["default", "cen"], transaction=True)
Report = Callable[..., Message]


def break_seal(message: Message) -> None:
    """Change the message's row, as somebody with the database's owner's rights does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_message SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE id = %s",
            [message.pk],
        )


def test_it_is_blocked_with_what_to_do_and_the_others_go(
    report: Report, coordinator: Membership, client: Client, sign_in: Any, amina: Officer
) -> None:
    broken, good = report(quantity={"value": "7.5", "unit": "KGM"}), report(commodity="DRG.heroin")
    break_seal(broken)
    review = queries.review_of(coordinator)
    assert [row.message for row in review.ready] == [good.pk]
    [row] = review.blocked
    assert (row.message, row.unreadable, row.records) == (broken.pk, True, [])
    [blocker] = row.blockers
    assert (blocker.kind, blocker.code) == ("unreadable", "seal_broken")
    assert "correction" in blocker.text
    batch = actions.start_transfer(coordinator)
    deliver_batch(batch.pk)
    assert list(Transfer.objects.values_list("message", "state")) == [(good.pk, "accepted")]
    assert Seizure.objects.count() == 1
    sign_in(client, amina)
    page = client.get(f"/groups/{coordinator.group_id}/transfer/?show=blocked").content.decode()
    assert "Cannot be opened" in page
    assert broken.reference in page


def test_one_that_breaks_while_it_waits_is_not_sent(report: Report, coordinator: Membership) -> None:
    broken, good = report(quantity={"value": "7.5", "unit": "KGM"}), report(commodity="DRG.heroin")
    batch = actions.start_transfer(coordinator)
    break_seal(broken)
    deliver_batch(batch.pk)
    states = dict(Transfer.objects.values_list("message", "state"))
    assert (states[broken.pk], states[good.pk]) == ("refused", "accepted")
    assert Transfer.objects.get(message=broken.pk).reason_code == "changed_meanwhile"


def test_a_broken_correction_takes_nothing_out_of_cen(report: Report, coordinator: Membership) -> None:
    first = report(quantity={"value": "7.5", "unit": "KGM"})
    deliver_batch(actions.start_transfer(coordinator).pk)
    break_seal(report(quantity={"value": "7.5", "unit": "KGM"}, supersedes=first))
    good = report(commodity="DRG.heroin")
    deliver_batch(actions.start_transfer(coordinator).pk)
    assert Transfer.objects.filter(message=good.pk, state="accepted").exists()
    assert not Seizure.objects.filter(withdrawn_at__isnull=False).exists()


def test_a_broken_epoch_leaves_what_was_sealed_under_others(
    report: Report, coordinator: Membership, group: ClosedUserGroup
) -> None:
    old = report(quantity={"value": "7.5", "unit": "KGM"})
    group.refresh_from_db()
    with transaction.atomic():
        rotate_epoch(group, actor=None, reason="age")
    new = report(commodity="DRG.heroin")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE groups_epochkey SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) "
            "WHERE group_id = %s AND epoch = 2",
            [group.pk],
        )
    assert EpochKey.objects.filter(group=group).count() == 2
    _wrapped_key.cache_clear()
    keystore()._forget(group.pk)
    review = queries.review_of(coordinator)
    assert [row.message for row in review.ready] == [old.pk]
    assert [row.message for row in review.blocked] == [new.pk]
