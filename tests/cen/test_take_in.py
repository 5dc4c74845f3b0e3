"""Records into CEN: taken once, corrected by version, withdrawn, refused with reasons, safe side by side."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction

from audit.models import Entry
from cen import actions, rows
from cen.actions import Receipt, take_in
from cen.errors import IntakeBusy, TooManyRecords, UnknownSourceName
from cen.filters import Filters
from cen.models import Intake, Seizure, SeizureVersion
from cen.queries import total
from tests.cen.records import a_record

pytestmark = pytest.mark.django_db(databases=["default", "cen"])


def take_one(record: dict[str, Any], source: str = "cencomm") -> Receipt:
    return take_in([record], source=source)[0]


def test_a_right_record_is_accepted_with_a_cen_reference() -> None:
    receipt = take_one(a_record())
    held = Seizure.objects.get()
    assert receipt.outcome == "accepted"
    assert receipt.cen_reference == held.cen_reference
    assert held.cen_reference.startswith("CEN-20")
    assert (held.commodity_group, held.quantity_normalised, held.unit_normalised) == ("DRG", Decimal("12.5"), "KGM")
    assert held.detection == ["PHY", "XRY"]
    assert held.transit_countries == ["CI"]
    assert held.transport == {"container": "MSCU4127794", "traffic": "CAR"}


def test_quantities_keep_every_digit() -> None:
    take_one(a_record(quantity="0.11699999999999999"))
    held = Seizure.objects.get()
    assert held.quantity == Decimal("0.11699999999999999")
    assert held.quantity_normalised == Decimal("0.11699999999999999")


def test_grams_are_normalised_to_kilograms() -> None:
    take_one(a_record(quantity="2500", unit="GRM"))
    assert Seizure.objects.get().quantity_normalised == Decimal("2.5")


def test_the_same_again_is_unchanged_and_gets_the_first_receipt() -> None:
    first = take_one(a_record())
    again = take_one(a_record(quantity="12.5", detection=["PHY", "XRY"], hs=""))
    assert again.outcome == "unchanged"
    assert (again.cen_reference, again.version) == (first.cen_reference, first.version)
    assert Seizure.objects.count() == 1


def test_another_source_may_use_the_same_reference() -> None:
    receipts = [take_one(a_record(), source=name) for name in ("cencomm", "client:NCEN-FR")]
    assert [receipt.outcome for receipt in receipts] == ["accepted", "accepted"]
    assert Seizure.objects.count() == 2


def test_same_version_with_other_content_is_refused() -> None:
    take_one(a_record())
    receipt = take_one(a_record(quantity="99"))
    assert (receipt.outcome, receipt.reason_code) == ("refused", "conflicting_version")
    assert Seizure.objects.get().quantity == Decimal("12.5")


def test_a_higher_version_replaces_and_keeps_the_one_before() -> None:
    first = take_one(a_record())
    receipt = take_one(a_record(version=2, quantity="14.0625", place_text="Tin Can, Lagos"))
    held = Seizure.objects.get()
    kept = SeizureVersion.objects.get()
    assert (receipt.outcome, receipt.version, receipt.cen_reference) == ("updated", 2, first.cen_reference)
    assert (held.quantity, held.quantity_normalised, held.place_text) == (
        Decimal("14.0625"),
        Decimal("14.0625"),
        "Tin Can, Lagos",
    )
    assert (kept.version, kept.content["quantity"], kept.content["place_text"]) == (1, "12.50", "Apapa, Lagos")
    assert "tin can" in held.search_text


def test_a_correction_may_empty_a_field() -> None:
    take_one(a_record())
    take_one(a_record(version=2, detection=None, departure_country=None, transport=None))
    held = Seizure.objects.get()
    assert (held.detection, held.departure_country, held.transport) == ([], "", {})


def test_a_late_replay_of_an_older_version_is_unchanged() -> None:
    take_one(a_record())
    take_one(a_record(version=2, quantity="14"))
    receipt = take_one(a_record())
    assert (receipt.outcome, receipt.version) == ("unchanged", 1)
    assert Seizure.objects.get().quantity == 14


def test_an_older_version_that_never_came_is_refused() -> None:
    take_one(a_record(version=3))
    receipt = take_one(a_record(version=2, quantity="14"))
    assert (receipt.outcome, receipt.reason_code) == ("refused", "older_version")


def test_other_content_under_a_replaced_version_is_refused() -> None:
    take_one(a_record())
    take_one(a_record(version=2, quantity="14"))
    receipt = take_one(a_record(quantity="15"))
    assert receipt.reason_code == "conflicting_version"


def test_a_withdrawn_seizure_leaves_searches_and_keeps_its_history() -> None:
    take_one(a_record())
    receipt = take_one({"source_reference": "HAR3-NG-SZR-00019", "version": 2, "withdrawn": True})
    assert receipt.outcome == "updated"
    assert total(Filters()) == 0
    assert Seizure.objects.get().withdrawn_at is not None
    assert SeizureVersion.objects.get().content["quantity"] == "12.50"


def test_a_withdrawal_again_is_unchanged() -> None:
    take_one(a_record())
    withdrawal = {"source_reference": "HAR3-NG-SZR-00019", "version": 2, "withdrawn": True}
    assert [take_one(withdrawal).outcome for _turn in range(2)] == ["updated", "unchanged"]


def test_a_withdrawn_seizure_comes_back_with_a_higher_version() -> None:
    take_one(a_record())
    take_one({"source_reference": "HAR3-NG-SZR-00019", "version": 2, "withdrawn": True})
    assert take_one(a_record(version=3)).outcome == "updated"
    assert total(Filters()) == 1


def test_what_cen_does_not_hold_cannot_be_withdrawn() -> None:
    receipt = take_one({"source_reference": "X-1", "withdrawn": True})
    assert (receipt.outcome, receipt.reason_code) == ("refused", "nothing_to_withdraw")
    assert not Seizure.objects.exists()


def test_a_wrong_record_hinders_no_other() -> None:
    receipts = take_in([a_record("A"), a_record("B", country="QQ"), a_record("C")], source="cencomm")
    assert [receipt.outcome for receipt in receipts] == ["accepted", "refused", "accepted"]
    assert [receipt.source_reference for receipt in receipts] == ["A", "B", "C"]
    assert "QQ" not in receipts[1].reason


def test_a_reference_twice_in_one_call_is_taken_in_order() -> None:
    receipts = take_in(
        [a_record("A"), a_record("A"), a_record("A", version=2, quantity="3"), a_record("A", quantity="4")],
        source="cencomm",
    )
    assert [(one.outcome, one.version) for one in receipts[:3]] == [
        ("accepted", 1),
        ("unchanged", 1),
        ("updated", 2),
    ]
    assert receipts[3].reason_code == "conflicting_version"
    assert Seizure.objects.get().quantity == 3


def test_texts_of_every_alphabet_survive() -> None:
    texts = ['tab\tand "quotes", \\backslash\\N', "Кокаин в бананах", "مخدرات", "línea\nnueva", "\\.", "{a,b}", "𝒳"]
    take_in([a_record(f"T{n}", description=text) for n, text in enumerate(texts)], source="cencomm")
    held = Seizure.objects.order_by("source_reference").values_list("description", flat=True)
    assert list(held) == texts


def test_each_call_is_logged_and_audited() -> None:
    take_in([a_record("A"), a_record("B", country="QQ")], source="cencomm", client="worker")
    intake = Intake.objects.get()
    entry = Entry.objects.get(action="cen:intake:taken")
    assert (intake.accepted, intake.refused, intake.client) == (1, 1, "worker")
    assert intake.refusals == [[1, "B", "unknown_code"]]
    assert entry.details["accepted"] == 1
    assert "Apapa" not in str(entry.details)


def test_a_failure_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions, "_log_intake", fail)
    with pytest.raises(RuntimeError):
        take_one(a_record())
    assert not Seizure.objects.exists()


def test_too_many_records_are_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MAX_RECORDS", 1)
    with pytest.raises(TooManyRecords):
        take_in([a_record("A"), a_record("B")], source="cencomm")
    assert not Seizure.objects.exists()


@pytest.mark.django_db(databases=["default", "cen"], transaction=True)
def test_who_waits_too_long_for_another_delivery_is_told_to_come_again() -> None:
    take_one(a_record())

    def deliver() -> None:
        with connections["cen"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(IntakeBusy):
            take_one(a_record(version=2, quantity="14"))
        told.append(True)
        connections.close_all()

    told: list[bool] = []
    with transaction.atomic(using="cen"):
        Seizure.objects.select_for_update().get()
        thread = threading.Thread(target=deliver)
        thread.start()
        thread.join()
    assert told
    assert take_one(a_record(version=2, quantity="14")).outcome == "updated"


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_source_needs_a_name(name: str) -> None:
    with pytest.raises(UnknownSourceName):
        take_in([a_record()], source=name)


@pytest.mark.django_db(databases=["default", "cen"], transaction=True)
def test_calls_side_by_side_take_each_record_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight calls with the same references, each in another order: one wins per record, nobody fails."""
    references = [f"R{number:03d}" for number in range(200)]
    outcomes: list[Counter[str]] = []
    references_given: list[dict[str, str]] = []
    barrier = threading.Barrier(8)
    looked: set[int] = set()
    standing = rows.standing

    def look_together(*args: Any, **kwargs: Any) -> Any:
        """All look before anyone writes: each believes that all records are new."""
        held = standing(*args, **kwargs)
        if threading.get_ident() not in looked:
            looked.add(threading.get_ident())
            assert held == {}
            barrier.wait(300)
        return held

    monkeypatch.setattr(rows, "standing", look_together)

    def deliver(turn: int) -> None:
        records = [a_record(reference) for reference in references[turn * 20 :] + references[: turn * 20]]
        receipts = take_in(records, source="cencomm")
        outcomes.append(Counter(receipt.outcome for receipt in receipts))
        references_given.append({one.source_reference: one.cen_reference for one in receipts})
        for connection in connections.all():
            connection.close()

    threads = [threading.Thread(target=deliver, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert sum(outcomes, Counter()) == Counter(accepted=200, unchanged=1400)
    assert Seizure.objects.count() == 200
    assert all(given == references_given[0] for given in references_given)


def test_records_are_written_in_the_order_of_their_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever order they come in: two deliveries that overlap then wait for each other and cannot deadlock."""
    written: list[str] = []
    copy_in = rows.copy_in

    def watched(source_id: int, records: list[Any], **kwargs: Any) -> Any:
        written.extend(record.source_reference for record in records)
        return copy_in(source_id, records, **kwargs)

    monkeypatch.setattr(rows, "copy_in", watched)
    receipts = take_in([a_record(name) for name in ("M", "Z", "A")], source="cencomm")
    assert written == ["A", "M", "Z"]
    assert [receipt.source_reference for receipt in receipts] == ["M", "Z", "A"]


@pytest.mark.django_db(databases=["default", "cen"], transaction=True)
def test_corrections_side_by_side_end_with_the_highest_version() -> None:
    references = [f"R{number:03d}" for number in range(50)]
    take_in([a_record(reference) for reference in references], source="cencomm")
    barrier = threading.Barrier(4)
    finished: list[int] = []

    def correct(version: int) -> None:
        records = [a_record(one, version=version, quantity=str(version)) for one in references[::-1]]
        barrier.wait()
        take_in(records, source="cencomm")
        finished.append(version)
        for connection in connections.all():
            connection.close()

    threads = [threading.Thread(target=correct, args=(version,)) for version in (2, 3, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(finished) == [2, 3, 4, 5]
    assert set(Seizure.objects.values_list("version", "quantity")) == {(5, Decimal(5))}
    kept = SeizureVersion.objects.values_list("seizure_id", "version")
    assert len(set(kept)) == len(kept)


@pytest.mark.parametrize("bad", ["a\x00b", "kofi.mensah@example.org", "q" * 121, {"a": 1}])
def test_a_reference_that_is_none_hinders_no_other_record_and_is_not_kept(bad: Any) -> None:
    receipts = take_in([a_record(bad), a_record("A-1")], source="ncen-gh")
    assert [(one.outcome, one.source_reference) for one in receipts] == [("refused", ""), ("accepted", "A-1")]
    assert [[index, reference] for index, reference, _code in Intake.objects.get().refusals] == [[0, ""]]
