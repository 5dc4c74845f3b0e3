"""The sums that CEN keeps beside its seizures: exact after every intake, correction, withdrawal and fold."""

from __future__ import annotations

import random
import threading
from datetime import date
from typing import Any

import pytest
from django.db import connections, transaction

from cen import actions, queries, statistics
from cen.actions import take_in
from cen.filters import Filters
from cen.models import Tally
from cen.sample import sample_records
from cen.statistics import BY, statistic
from cen.tally import fold_tally, recount_tally, tally
from tests.cen.records import TODAY

pytestmark = pytest.mark.django_db(databases=["default", "cen"])

# A filter that every seizure passes: the same question, answered by scanning.
EVERYTHING = Filters(seized_from=date(1970, 1, 1))


def assert_exact() -> None:
    """The sums that are kept are those of a scan, for every facet and statistic."""
    statistics._statistic.cache_clear()
    for cached in (queries._facet, queries._total):
        cached.cache_clear()
    assert queries.total(Filters()) == queries.total(EVERYTHING)
    assert queries.facets(Filters()) == queries.facets(EVERYTHING)
    for by in BY:
        kept, scanned = statistic(by, Filters()), statistic(by, EVERYTHING)
        assert {row.key: row.figures for row in kept.rows} == {row.key: row.figures for row in scanned.rows}, by
        assert kept.total == scanned.total


def changed(record: dict[str, Any], chance: random.Random, version: int) -> dict[str, Any]:
    """Return another version of a record: corrected or withdrawn."""
    if chance.random() < 0.3:
        return {"source_reference": record["source_reference"], "version": version, "withdrawn": True}
    other = next(iter(sample_records(rows=1, seed=chance.randrange(10**6), until=TODAY)))
    return {**other, "source_reference": record["source_reference"], "version": version}


def test_sums_stay_exact_through_corrections_and_withdrawals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "FOLD_EVERY", 3)
    chance = random.Random(4)
    records: list[dict[str, Any]] = [dict(one) for one in sample_records(rows=120, seed=9, until=TODAY)]
    for start in range(0, 120, 40):
        take_in(records[start : start + 40], source="cencomm")
    assert_exact()
    for version in range(2, 6):
        batch = [changed(record, chance, version) for record in chance.sample(records, 30)]
        outcomes = {receipt.outcome for receipt in take_in(batch, source="cencomm")}
        assert "updated" in outcomes
        assert outcomes <= {"updated", "unchanged"}  # to withdraw what is withdrawn changes nothing
        assert_exact()


def test_folding_changes_no_sum_and_leaves_a_row_per_key() -> None:
    for seed in range(4):
        take_in(list(sample_records(rows=30, seed=seed, until=TODAY)), source="cencomm")
    before, rows = {sums.key: sums for sums in tally("commodity")}, Tally.objects.count()
    with transaction.atomic(using="cen"):
        fold_tally()
    assert {sums.key: sums for sums in tally("commodity")} == before
    keys = list(Tally.objects.values_list("dimension", "key_0", "key_1", "unit"))
    assert len(keys) == len(set(keys)) < rows
    assert_exact()


def test_what_was_all_withdrawn_leaves_no_key() -> None:
    take_in(
        [{**next(iter(sample_records(rows=1, seed=1, until=TODAY))), "source_reference": "A"}], source="cencomm"
    )
    take_in([{"source_reference": "A", "version": 2, "withdrawn": True}], source="cencomm")
    assert list(tally("country")) == []
    assert queries.total(Filters()) == 0


def test_a_recount_mends_what_was_changed_by_hand() -> None:
    take_in(list(sample_records(rows=30, seed=1, until=TODAY)), source="cencomm")
    Tally.objects.filter(dimension="country").delete()
    with pytest.raises(AssertionError):
        assert_exact()
    with transaction.atomic(using="cen"):
        recount_tally()
    assert_exact()


@pytest.mark.django_db(databases=["default", "cen"], transaction=True)
def test_sums_stay_exact_when_many_deliver_and_fold_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "FOLD_EVERY", 2)
    failures: list[BaseException] = []

    def deliver(seed: int) -> None:
        records = list(sample_records(rows=60, seed=seed % 3, until=TODAY))
        try:
            for start in range(0, 60, 6):
                take_in(records[start : start + 6], source="cencomm")
        except BaseException as error:
            failures.append(error)
        for connection in connections.all():
            connection.close()

    threads = [threading.Thread(target=deliver, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert queries.total(Filters()) == 180
    assert_exact()
