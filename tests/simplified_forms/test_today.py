"""The day that a seizure may carry is the officer's own, not only UTC's."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from accounts.models import Officer
from groups.models import ClosedUserGroup
from simplified_forms.queries import validation_context
from tests.cast import membership_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("zone", "last_day"),
    [
        ("Pacific/Auckland", date(2026, 11, 22)),
        ("Africa/Accra", date(2026, 11, 21)),
        ("America/Lima", date(2026, 11, 21)),
    ],
)
def test_last_day_is_the_later_of_utc_and_local(
    group: ClosedUserGroup, fatou: Officer, zone: str, last_day: date
) -> None:
    fatou.time_zone = zone
    fatou.save()
    now = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
    context = validation_context(membership_of(fatou, group), kind="seizure", now=now, language="en")
    assert context.today == last_day
