"""A member who is removed while a page is being read for him: the page is not given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Officer
from groups.actions import change_role, remove_member
from groups.errors import NotAllowed, Stranger
from groups.models import ClosedUserGroup, Membership, Role
from messaging.actions import Posted
from messaging.delivery import reads
from messaging.queries import EventPage


@pytest.mark.django_db
@pytest.mark.parametrize("after", [None, 0])
@pytest.mark.parametrize(
    ("end", "refusal"),
    [
        (lambda by, of: remove_member(by, member_id=of.pk), Stranger),
        (lambda by, of: change_role(by, member_id=of.pk, role=Role.AUDITOR), NotAllowed),
    ],
    ids=["removed", "made auditor"],
)
def test_a_page_that_holds_what_was_said_after_the_removal_is_not_given(
    room: ClosedUserGroup,
    amina: Officer,
    fatou: Officer,
    member: Callable[[Officer], Membership],
    post: Callable[..., Posted],
    monkeypatch: pytest.MonkeyPatch,
    after: int | None,
    end: Callable[[Membership, Membership], Any],
    refusal: type[Exception],
) -> None:
    coordinator, reader = member(amina), member(fatou)

    def read_late(read: Callable[..., EventPage]) -> Callable[..., EventPage]:
        def late(*args: Any, **values: Any) -> EventPage:
            end(coordinator, reader)
            post(amina, body={"text": "now that she is gone"})
            return read(*args, **values)

        return late

    monkeypatch.setattr(reads, "latest_events", read_late(reads.latest_events))
    monkeypatch.setattr(reads, "events_after", read_late(reads.events_after))
    with pytest.raises(refusal):
        reads.batch_for_member(fatou, room.pk, after, room.stream_epoch)
