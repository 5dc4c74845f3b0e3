"""Seizures of a group, reported and validated through the ordinary actions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Officer
from groups.models import ClosedUserGroup, Membership
from messaging.actions import move_status, post_message
from messaging.drafts import Draft
from messaging.models import Message
from tests.cast import membership_of

pytestmark = pytest.mark.django_db(databases=["default", "cen"])


def seizure_body(**values: Any) -> dict[str, Any]:
    """Return the body of a simplified seizure in Ghana."""
    return {
        "date": timezone.now().date().isoformat(),
        "country": "GH",
        "place": "GHTEM",
        "location_type": "SPT",
        "direction": "IMP",
        "conveyance": "SEA",
        "commodity": "DRG.cocaine",
        "quantity": {"value": "31.2", "unit": "KGM"},
        "departure_country": "BR",
        "destination_country": "GH",
        "detection": ["XRY"],
        "description": "bricks behind the doors",
    } | values


@pytest.fixture
def report(group: ClosedUserGroup, fatou: Officer, amina: Officer) -> Callable[..., Message]:
    """Return a function that reports a seizure as fatou and has amina validate it."""

    def post(*, validated: bool = True, supersedes: Message | None = None, **values: Any) -> Message:
        draft = Draft(
            id=uuid.uuid4(),
            kind="seizure",
            body=seizure_body(**values),
            supersedes=supersedes.pk if supersedes else None,
        )
        message = post_message(membership_of(fatou, group), draft=draft).message
        if validated:
            message = move_status(membership_of(amina, group), message_id=message.pk, to="validated_ocu")
        return message

    return post


@pytest.fixture
def coordinator(group: ClosedUserGroup, amina: Officer) -> Membership:
    return membership_of(amina, group)
