"""A page of the review opens what it shows, and sorts the rest by what was seen once: with the same result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Officer
from exports import actions, queries, remembered, sources
from exports.delivery import deliver_batch
from exports.models import Resolution
from groups.models import ClosedUserGroup, Membership
from messaging.actions import move_status
from messaging.models import Message
from messaging.queries import Sealed
from tests.cast import sign_in
from vault import keystore

pytestmark = pytest.mark.django_db(databases=["default", "cen"], transaction=True)
Report = Callable[..., Message]


class Openings:
    """Counts the messages that are opened."""

    def __init__(self) -> None:
        self.count = 0

    def during(self, work: Callable[[], Any]) -> int:
        before = self.count
        work()
        return self.count - before


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Openings]:
    counted, real = Openings(), sources.contents

    def contents(membership: Membership, found: Iterable[Sealed]) -> Any:
        for content in real(membership, found):
            counted.count += 1
            yield content

    monkeypatch.setattr(sources, "contents", contents)
    remembered._kept.clear()
    yield counted
    remembered._kept.clear()


@pytest.fixture
def seizures(report: Report, coordinator: Membership) -> list[Message]:
    """One of every fate: ready, twice reported, named, not validated, set aside, sent, withdrawn."""
    made = [report(quantity={"value": str(number), "unit": "KGM"}) for number in (100, 200, 300, 300, 400, 400)]
    actions.resolve(coordinator, message_id=made[5].pk, kind=Resolution.Kind.DUPLICATE)
    made.append(report(description="for Mr. Kofi Mensah, Tema", quantity={"value": "500", "unit": "KGM"}))
    made.append(report(quantity={"value": "600", "unit": "KGM"}, validated=False))
    batch = actions.start_transfer(coordinator, confirmed={made[0].pk: ""})
    deliver_batch(batch.pk)
    made.append(report(quantity={"value": "100", "unit": "KGM"}))  # of what CEN holds: perhaps the same
    corrected = report(supersedes=made[1], quantity={"value": "210", "unit": "KGM"})
    gone = report(quantity={"value": "700", "unit": "KGM"})
    move_status(coordinator, message_id=gone.pk, to="withdrawn", reason="typed twice")
    return [*made, corrected, gone]


def sorted_by_opening(membership: Membership) -> dict[str, list[Any]]:
    """Return where each seizure stands by what it says and nothing that is remembered."""
    review = queries.review_of(membership)
    names = ("ready", "blocked", "not_validated", "set_aside")
    return {name: [row.message for row in getattr(review, name)] for name in names}


def outlined(membership: Membership) -> dict[str, list[Any]]:
    outline = queries.outline_of(membership)
    return {name: getattr(outline, name) for name in ("ready", "blocked", "not_validated", "set_aside")}


@pytest.mark.usefixtures("seizures")
def test_what_is_remembered_sorts_as_what_is_opened(coordinator: Membership, openings: Openings) -> None:
    wanted = sorted_by_opening(coordinator)
    assert all(wanted.values()), "every fate is there"
    remembered._kept.clear()
    assert outlined(coordinator) == wanted
    assert openings.during(lambda: queries.outline_of(coordinator)) == 0
    assert outlined(coordinator) == wanted
    [first, *_others] = wanted["blocked"]
    for one in (wanted["ready"][0], first):
        parts = queries.review_of(coordinator, only=[one])
        whole = queries.review_of(coordinator)
        rows = {row.message: row for row in [*whole.candidates, *whole.set_aside]}
        [row] = [*parts.candidates, *parts.set_aside]
        assert (row.records, row.blockers, row.digest) == (rows[one].records, rows[one].blockers, rows[one].digest)


@pytest.mark.usefixtures("seizures")
def test_decisions_and_new_seizures_count_at_once(
    coordinator: Membership, report: Report, openings: Openings
) -> None:
    queries.outline_of(coordinator)
    report(quantity={"value": "900", "unit": "KGM"})
    assert openings.during(lambda: queries.outline_of(coordinator)) == 1
    assert outlined(coordinator) == sorted_by_opening(coordinator)
    for message in outlined(coordinator)["blocked"]:
        for kind in Resolution.Kind:
            try:
                actions.resolve(coordinator, message_id=message, kind=kind)
            except actions.NothingToResolve:
                continue
            assert outlined(coordinator) == sorted_by_opening(coordinator)


def test_a_page_opens_what_it_shows_by_as_many_statements_however_many_there_are(
    coordinator: Membership, report: Report, openings: Openings, amina: Officer, group: ClosedUserGroup,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("exports.views.review.PAGE", 3)
    # That a session is in use is noted once a minute: a statement more, whichever page comes then.
    monkeypatch.setattr("accounts.actions.sessions.SEEN_EVERY", timedelta(days=1))
    browser, address = sign_in(Client(), amina), reverse("exports:transfer", args=[group.pk])
    counts = []
    for powers in (range(6), range(6, 12)):
        for power in powers:
            report(quantity={"value": str(2**power), "unit": "KGM"})
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert openings.during(lambda: browser.get(address, {"page": 2})) == 3
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("seizures")
def test_what_is_remembered_says_nothing_and_goes_with_the_key(
    coordinator: Membership, openings: Openings, group: ClosedUserGroup
) -> None:
    queries.outline_of(coordinator)
    kept = remembered.remembered(group.pk)
    assert kept
    assert "Mensah" not in repr([(one.judgement and one.judgement.nominal, one.traces) for one in kept.values()])
    keystore().destroy_group_key(group.pk)
    assert remembered.remembered(group.pk) == {}
