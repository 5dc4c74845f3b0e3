"""Acknowledging a message."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Officer
from audit.models import Entry
from groups.models import ClosedUserGroup, Membership
from messaging.actions import Posted
from messaging.models import Acknowledgement, Event
from messaging.queries import message_in

pytestmark = pytest.mark.django_db
Post = Callable[..., Posted]
Api = Callable[..., Client]


def acknowledge(client: Client, message_id: object) -> int:
    return client.put(f"/api/v1/messages/{message_id}/acknowledgement").status_code


def test_a_receipt_is_given_once(post: Post, api: Api, amina: Officer, fatou: Officer) -> None:
    message = post(amina, "bulletin").message
    client = api(fatou)
    assert [acknowledge(client, message.pk) for _ in range(3)] == [200, 200, 200]
    assert Acknowledgement.objects.count() == 1
    event = Event.objects.get(type="acknowledged")
    assert (event.seq, event.message_id, event.actor) == (2, message.pk, fatou.pk)
    assert Entry.objects.filter(action="message:message:acknowledged", actor=fatou.pk).count() == 1


def test_counts_say_per_country_of_whom_it_is_expected(
    post: Post, api: Api, member: Callable[[Officer], Membership], amina: Officer, fatou: Officer
) -> None:
    message = post(amina, "bulletin").message
    acknowledge(api(fatou), message.pk)
    receipts = message_in(member(amina), message.pk).receipts
    assert receipts is not None
    # Everybody who may acknowledge but the sender: chloe FR, bruno and fatou GH, dmitri BE.
    assert dict(receipts.expected) == {"FR": 1, "GH": 2, "BE": 1}
    assert dict(receipts.done) == {"GH": 1}
    assert receipts.officers == [fatou.pk]


def test_of_an_addressed_message_only_the_addressees_are_expected(
    post: Post, member: Callable[[Officer], Membership], amina: Officer
) -> None:
    message = post(amina, acknowledge=True, addressed_to={"countries": ["BE"], "roles": ["analyst"]}).message
    receipts = message_in(member(amina), message.pk).receipts
    assert receipts is not None
    assert dict(receipts.expected) == {"FR": 1, "BE": 1}


def test_nothing_is_expected_of_an_ordinary_note(
    post: Post, member: Callable[[Officer], Membership], amina: Officer
) -> None:
    assert message_in(member(amina), post(amina).message.pk).receipts is None


def test_strangers_and_removed_members_cannot_tell_the_message_exists(
    post: Post, api: Api, amina: Officer, eve: Officer, removed: Officer, other_group: ClosedUserGroup
) -> None:
    message = post(amina, "bulletin").message
    for officer in (eve, removed):
        client = api(officer)
        real = client.put(f"/api/v1/messages/{message.pk}/acknowledgement")
        none = client.put(f"/api/v1/messages/{uuid4()}/acknowledgement")
        assert real.status_code == none.status_code == 404
        assert real.json() == none.json()


def test_an_observer_acknowledges_nothing(post: Post, api: Api, amina: Officer, olga: Officer) -> None:
    assert acknowledge(api(olga), post(amina, "bulletin").message.pk) == 403


def test_a_closed_operation_takes_no_receipt_but_remembers_those_given(
    post: Post, api: Api, amina: Officer, fatou: Officer, dmitri: Officer, room: ClosedUserGroup
) -> None:
    message = post(amina, "bulletin").message
    acknowledge(api(fatou), message.pk)
    ClosedUserGroup.objects.filter(pk=room.pk).update(phase="closed")
    assert acknowledge(api(dmitri), message.pk) == 409
    assert acknowledge(api(fatou), message.pk) == 200
