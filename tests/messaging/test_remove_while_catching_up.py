"""A member who is removed while a page is being read for him: the page is not given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Officer
from groups.actions import change_role, remove_member
from groups.models import ClosedUserGroup, Membership, Role
from messaging.actions import Posted
from messaging.delivery import reads
from messaging.delivery.hub import hub
from messaging.queries.events import EventPage
from tests.messaging.inside import Inside, aside


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [None, 0])
@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda by, of: remove_member(by, member_id=of.pk), 404),
        (lambda by, of: change_role(by, member_id=of.pk, role=Role.AUDITOR), 403),
        (lambda by, of: None, None),
    ],
    ids=["removed", "made auditor", "stays"],
)
async def test_a_page_that_holds_what_was_said_after_the_removal_is_not_given(
    room: ClosedUserGroup,
    amina: Officer,
    fatou: Officer,
    member: Callable[[Officer], Membership],
    post: Callable[..., Posted],
    token_for: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    after: int | None,
    end: Callable[[Membership, Membership], Any],
    status: int | None,
) -> None:
    coordinator, reader = await aside(lambda: (member(amina), member(fatou)))
    epoch, read = str(room.stream_epoch), reads.page_from

    def read_late(*args: Any, **values: Any) -> EventPage:
        monkeypatch.setattr(reads, "page_from", read)
        end(coordinator, reader)
        post(amina, body={"text": "now that she is gone"})
        return read(*args, **values)

    monkeypatch.setattr(reads, "page_from", read_late)
    one = Inside(await aside(token_for, fatou))
    await one.connect()
    await one.say(op="follow", groups={str(room.pk): {} if after is None else {"after": after, "epoch": epoch}})
    if status is None:
        await one.until("caught_up")
        assert [item["op"] for item in one.items].count("event") == 1  # the same page, for whoever stays
    else:
        told = await one.until("refused")
        assert (told["group"], told["problem"]["status"]) == (str(room.pk), status)
        assert [item["op"] for item in one.items] == ["hello"]
    await one.leave()
    await hub().stop()
