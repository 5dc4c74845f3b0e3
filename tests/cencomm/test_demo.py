"""The invented operation shows a newcomer what interface.md promises, whatever the hour at which it is loaded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Officer
from cen.models import Seizure
from cencomm.demo import loading
from cencomm.demo.script import SCRIPT
from exports import queries
from groups.models import Membership
from messaging.models import Message
from messaging.queries import console_counts

pytestmark = pytest.mark.django_db(databases=["default", "cen"], transaction=True)


@pytest.mark.parametrize("hour", [0, 5, 13])
def test_newcomer_finds_an_operation_on_its_third_day(
    settings: Any, monkeypatch: pytest.MonkeyPatch, hour: int
) -> None:
    settings.CENCOMM_DEMO = True
    monkeypatch.setattr(loading, "CEN_ROWS", 50)
    now = datetime.now(UTC).replace(hour=hour, minute=5)
    with loading.at(now):
        call_command("load_demo")
    assert Message.objects.filter(group__code="HAR3").count() == len(SCRIPT)
    amina = Membership.objects.select_related("group", "officer__administration").get(
        officer__email="amina@demo.invalid"
    )
    with loading.at(now):
        review, counts = queries.review_of(amina), console_counts(amina)
    assert len(review.ready) >= 3
    assert {blocker.kind for row in review.blocked for blocker in row.blockers} == {"nominal", "duplicate"}
    assert review.sent["accepted"] >= 1
    assert counts["overdue"] >= 1
    assert Seizure.objects.count() > 50
    assert Message.objects.filter(sent_at__gt=now).count() == 0
    assert len(set(Message.objects.values_list("language", flat=True))) >= 5
    eve = Officer.objects.get(email="eve@demo.invalid")
    assert [member.group.code for member in Membership.objects.filter(officer=eve)] == ["CULT"]


def test_demo_is_refused_where_people_are(settings: Any, amina: Officer) -> None:
    settings.CENCOMM_DEMO = True
    with pytest.raises(CommandError, match="empty installation"):
        call_command("load_demo")


def test_demo_is_refused_where_it_is_not_asked_for(settings: Any) -> None:
    settings.CENCOMM_DEMO = False
    with pytest.raises(CommandError, match="not switched on"):
        call_command("load_demo")
