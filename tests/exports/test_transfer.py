"""From a validated seizure to a record in CEN: ready, blocked, confirmed, received, corrected, refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from django.utils import timezone

from accounts.models import Officer
from audit.models import Entry
from cen.models import Seizure, SeizureVersion
from exports import actions, delivery, queries
from exports.delivery import deliver_batch, deliver_waiting
from exports.errors import NothingToResolve, NothingToTransfer, RecordChanged
from exports.models import Batch, Resolution, Transfer
from groups.errors import NotAllowed, OperationClosed, PhaseForbids, Stranger
from groups.models import ClosedUserGroup, Membership, Phase, Role
from messaging.actions import move_status
from messaging.errors import NotYours
from messaging.models import Message
from simplified_forms.actions import choose_form_mode
from tests.cast import membership_of

pytestmark = pytest.mark.django_db(databases=["default", "cen"], transaction=True)
Report = Callable[..., Message]


def send(coordinator: Membership) -> Batch:
    batch = actions.start_transfer(coordinator)
    deliver_batch(batch.pk)
    batch.refresh_from_db()
    return batch


def test_validated_seizure_reaches_cen_with_its_receipt(report: Report, coordinator: Membership) -> None:
    message = report()
    batch = send(coordinator)
    transfer = Transfer.objects.get(batch=batch)
    record = Seizure.objects.get()
    assert (transfer.state, transfer.cen_reference) == ("accepted", record.cen_reference)
    assert (record.source_reference, str(record.quantity), record.unit) == (message.reference, "31.2", "KGM")
    assert record.description == "bricks behind the doors"
    message.refresh_from_db()
    assert message.status == "transferred"
    assert batch.finished_at is not None


def test_start_and_end_are_in_the_audit_trail(report: Report, coordinator: Membership) -> None:
    report()
    batch = send(coordinator)
    entries = Entry.objects.filter(subject=f"batch:{batch.pk}").order_by("id")
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("transfer:batch:started", coordinator.officer_id),
        ("transfer:batch:finished", None),
    ]
    assert entries[1].details == {"accepted": 1, "refused": 0}


def test_what_is_not_validated_stays(report: Report, coordinator: Membership) -> None:
    report(validated=False)
    review = queries.review_of(coordinator)
    assert (len(review.ready), len(review.not_validated)) == (0, 1)
    with pytest.raises(NothingToTransfer):
        actions.start_transfer(coordinator)


def test_running_again_sends_nothing_twice(report: Report, coordinator: Membership) -> None:
    report()
    batch = send(coordinator)
    assert deliver_batch(batch.pk) == 0
    assert deliver_waiting() == 0
    with pytest.raises(NothingToTransfer):
        actions.start_transfer(coordinator)
    assert (Seizure.objects.count(), Transfer.objects.count()) == (1, 1)


def test_exercise_is_never_transferred(report: Report, coordinator: Membership, group: ClosedUserGroup) -> None:
    message = report()
    Message.objects.filter(pk=message.pk).update(exercise=True)
    review = queries.review_of(coordinator)
    assert review.candidates == []


def test_text_that_may_name_somebody_blocks_until_decided(report: Report, coordinator: Membership) -> None:
    message = report(description="for Mr. Kofi Mensah, Tema")
    review = queries.review_of(coordinator)
    assert review.ready == []
    assert [(b.kind, b.passage) for b in review.blocked[0].blockers] == [("nominal", "Kofi Mensah")]
    actions.resolve(coordinator, message_id=message.pk, kind=Resolution.Kind.NOT_NOMINAL)
    assert len(queries.review_of(coordinator).ready) == 1
    stored = Resolution.objects.get()
    assert "Mensah" not in stored.about
    entry = Entry.objects.get(action="transfer:row:resolved")
    assert (entry.subject, entry.details) == (f"message:{message.pk}", {"decision": "not_nominal"})


def test_a_changed_text_must_be_looked_at_again(report: Report, coordinator: Membership) -> None:
    first = report(description="for Mr. Kofi Mensah, Tema")
    actions.resolve(coordinator, message_id=first.pk, kind=Resolution.Kind.NOT_NOMINAL)
    report(supersedes=first, description="for Mr. Kofi Mensah, Accra")
    assert queries.review_of(coordinator).ready == []


def test_possible_duplicate_blocks_both_until_decided(report: Report, coordinator: Membership) -> None:
    one, other = report(), report()
    review = queries.review_of(coordinator)
    assert {row.message for row in review.blocked} == {one.pk, other.pk}
    actions.resolve(coordinator, message_id=one.pk, kind=Resolution.Kind.NOT_DUPLICATE)
    assert len(queries.review_of(coordinator).ready) == 2


def test_duplicate_is_set_aside_and_the_other_goes(report: Report, coordinator: Membership) -> None:
    one, other = report(), report()
    actions.resolve(coordinator, message_id=other.pk, kind=Resolution.Kind.DUPLICATE)
    review = queries.review_of(coordinator)
    assert [row.message for row in review.ready] == [one.pk]
    assert [row.message for row in review.set_aside] == [other.pk]


def test_decision_about_nothing_is_refused(report: Report, coordinator: Membership) -> None:
    message = report()
    with pytest.raises(NothingToResolve):
        actions.resolve(coordinator, message_id=message.pk, kind=Resolution.Kind.DUPLICATE)


def test_confirmation_is_bound_to_what_was_shown(report: Report, coordinator: Membership) -> None:
    message = report()
    with pytest.raises(RecordChanged):
        actions.start_transfer(coordinator, confirmed={message.pk: "0" * 64})
    [row] = queries.review_of(coordinator).ready
    actions.start_transfer(coordinator, confirmed={message.pk: row.digest})
    assert Transfer.objects.count() == 1


def test_what_is_stored_of_a_record_confirms_no_guess(report: Report, coordinator: Membership) -> None:
    report()
    [row] = queries.review_of(coordinator).ready
    actions.start_transfer(coordinator)
    guess = sha256(orjson.dumps(row.records, option=orjson.OPT_SORT_KEYS)).digest()
    stored = bytes(Transfer.objects.get().confirmed_digest)
    assert stored == bytes.fromhex(row.digest)
    assert stored != guess


def test_correction_becomes_a_version_of_the_same_record(report: Report, coordinator: Membership) -> None:
    first = report()
    send(coordinator)
    report(supersedes=first, quantity={"value": "33", "unit": "KGM"})
    send(coordinator)
    record = Seizure.objects.get()
    assert (record.source_reference, record.version, str(record.quantity)) == (first.reference, 2, "33")
    assert SeizureVersion.objects.count() == 1


def test_seizure_withdrawn_after_confirmation_is_not_sent(
    report: Report, coordinator: Membership, chloe: Officer, group: ClosedUserGroup
) -> None:
    message = report()
    batch = actions.start_transfer(coordinator)
    move_status(membership_of(chloe, group), message_id=message.pk, to="withdrawn", reason="entered twice")
    deliver_batch(batch.pk)
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.reason_code) == ("refused", "withdrawn_meanwhile")
    assert not Seizure.objects.exists()


def test_seizure_returned_after_confirmation_is_not_sent(
    report: Report, coordinator: Membership, chloe: Officer, group: ClosedUserGroup
) -> None:
    message = report()
    batch = actions.start_transfer(coordinator)
    move_status(membership_of(chloe, group), message_id=message.pk, to="returned", reason="unit?")
    deliver_batch(batch.pk)
    assert Transfer.objects.get().reason_code == "withdrawn_meanwhile"
    assert not Seizure.objects.exists()


def test_right_is_checked_again_when_it_runs(report: Report, coordinator: Membership) -> None:
    report()
    batch = actions.start_transfer(coordinator)
    Membership.objects.filter(pk=coordinator.pk).update(role=Role.ANALYST)
    deliver_batch(batch.pk)
    assert Transfer.objects.get().reason_code == "right_withdrawn"
    assert not Seizure.objects.exists()


def test_closed_operation_is_checked_again_when_it_runs(
    report: Report, coordinator: Membership, group: ClosedUserGroup
) -> None:
    report()
    batch = actions.start_transfer(coordinator)
    ClosedUserGroup.objects.filter(pk=group.pk).update(phase=Phase.CLOSED)
    deliver_batch(batch.pk)
    assert Transfer.objects.get().reason_code == "phase_forbids"


def test_refused_record_can_be_sent_again(report: Report, coordinator: Membership) -> None:
    report()
    batch = actions.start_transfer(coordinator)
    Membership.objects.filter(pk=coordinator.pk).update(role=Role.ANALYST)
    deliver_batch(batch.pk)
    Membership.objects.filter(pk=coordinator.pk).update(role=Role.COORDINATOR)
    Transfer.objects.update(outcome="refused", cen_reference="CEN-2026-0000001", cen_version=1)
    again = actions.retry_refused(coordinator, transfer_id=Transfer.objects.get().pk)
    waiting = Transfer.objects.get()
    assert (waiting.state, waiting.outcome, waiting.cen_reference, waiting.cen_version) == ("queued", "", "", None)
    deliver_batch(again.pk)
    assert Transfer.objects.get().state == "accepted"
    assert Transfer.objects.get().attempts == 2
    assert Seizure.objects.count() == 1


def test_refused_record_that_is_blocked_by_now_is_not_sent_again(report: Report, coordinator: Membership) -> None:
    first = report()
    batch = actions.start_transfer(coordinator)
    Membership.objects.filter(pk=coordinator.pk).update(role=Role.ANALYST)
    deliver_batch(batch.pk)
    Membership.objects.filter(pk=coordinator.pk).update(role=Role.COORDINATOR)
    second = report()  # the same seizure, reported twice
    transfer = Transfer.objects.get()
    with pytest.raises(NothingToTransfer):
        actions.retry_refused(coordinator, transfer_id=transfer.pk)
    actions.resolve(coordinator, message_id=second.pk, kind=Resolution.Kind.NOT_DUPLICATE)
    actions.retry_refused(coordinator, transfer_id=transfer.pk)
    assert Transfer.objects.get(message=first.pk).state == "queued"


def test_coordinator_who_was_removed_meanwhile_sends_nothing(report: Report, coordinator: Membership) -> None:
    report()
    review = queries.review_of(coordinator)
    Membership.objects.filter(pk=coordinator.pk).update(left_at=timezone.now())
    with pytest.raises(Stranger):
        actions.start_transfer(coordinator, review=review)
    with pytest.raises(Stranger):
        actions.set_automatic(coordinator, on=True)
    assert not Batch.objects.exists()


def test_what_cen_refuses_is_kept_with_its_reason(
    report: Report, coordinator: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cen import actions as cen_actions
    from exports import delivery

    def refusing(records: list[dict[str, Any]], **values: Any) -> list[cen_actions.Receipt]:
        return cen_actions.take_in([{**record, "country": "??"} for record in records], **values)

    report()
    batch = actions.start_transfer(coordinator)
    monkeypatch.setattr(delivery, "take_in", refusing)
    deliver_batch(batch.pk)
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.reason_code) == ("refused", "unknown_code")
    assert transfer.reason_fields == [["country", "unknown_code"]]
    assert Message.objects.get(pk=transfer.message).status == "validated_ocu"


@pytest.mark.parametrize("name", ["chloe", "bruno", "fatou", "olga", "audrey"])
def test_wrong_role_may_not_transfer(
    report: Report, group: ClosedUserGroup, name: str, request: pytest.FixtureRequest
) -> None:
    report()
    with pytest.raises(NotAllowed):
        actions.start_transfer(membership_of(request.getfixturevalue(name), group))
    assert not Transfer.objects.exists()


@pytest.mark.parametrize(
    ("phase", "refusal"),
    [(Phase.PREOPERATIONAL, PhaseForbids), (Phase.CLOSED, OperationClosed), (Phase.ARCHIVED, OperationClosed)],
)
def test_phase_that_forbids_transfers(
    report: Report, coordinator: Membership, phase: str, refusal: type[Exception]
) -> None:
    report()
    ClosedUserGroup.objects.filter(pk=coordinator.group_id).update(phase=phase)
    with pytest.raises(refusal):
        actions.start_transfer(coordinator)


def test_daily_transfer_runs_once_a_day_after_the_cut_off(report: Report, coordinator: Membership) -> None:
    from exports.daily import start_due_transfers

    report()
    actions.set_automatic(coordinator, on=True)
    hour = coordinator.group.cut_off_hour
    morning = timezone.now().replace(hour=hour, minute=5)
    assert start_due_transfers(now=morning - timedelta(hours=1)) == 0
    assert start_due_transfers(now=morning) == 1
    assert start_due_transfers(now=morning + timedelta(hours=1)) == 0
    assert Batch.objects.get().automatic


def test_daily_transfer_stops_with_the_coordinator_who_switched_it_on(
    report: Report, coordinator: Membership
) -> None:
    from exports.daily import start_due_transfers

    report()
    actions.set_automatic(coordinator, on=True)
    Membership.objects.filter(pk=coordinator.pk).update(left_at=timezone.now())
    assert start_due_transfers(now=timezone.now().replace(hour=23)) == 0
    assert not Batch.objects.exists()


def test_reconciliation_names_what_differs(report: Report, coordinator: Membership) -> None:
    message = report()
    send(coordinator)
    assert queries.reconciliation_of(coordinator).equal
    Seizure.objects.all().delete()
    assert queries.reconciliation_of(coordinator).missing == [message.reference]


def withdraw(membership: Membership, message: Message) -> None:
    move_status(membership, message_id=message.pk, to="withdrawn", reason="laboratory: no drug")


def test_withdrawn_after_transfer_is_withdrawn_from_cen(report: Report, coordinator: Membership) -> None:
    message = report()
    send(coordinator)
    message.refresh_from_db()
    withdraw(coordinator, message)
    [row] = queries.review_of(coordinator).ready
    assert row.records == [{"source_reference": message.reference, "version": 2, "withdrawn": True}]
    send(coordinator)
    record = Seizure.objects.get()
    assert (record.version, record.withdrawn_at is not None) == (2, True)
    assert queries.review_of(coordinator).candidates == []
    assert queries.reconciliation_of(coordinator).equal
    message.refresh_from_db()
    assert message.status == "withdrawn"


def test_withdrawn_before_any_transfer_concerns_cen_not(report: Report, coordinator: Membership) -> None:
    withdraw(coordinator, report())
    assert queries.review_of(coordinator).candidates == []


def test_correction_withdrawn_before_its_transfer_withdraws_the_record(
    report: Report, coordinator: Membership
) -> None:
    first = report()
    send(coordinator)
    withdraw(coordinator, report(supersedes=first, quantity={"value": "33", "unit": "KGM"}))
    send(coordinator)
    record = Seizure.objects.get()
    assert (record.source_reference, record.withdrawn_at is not None) == (first.reference, True)


def test_analyst_may_withdraw_what_was_transferred_but_its_officer_may_not(
    report: Report, coordinator: Membership, fatou: Officer, chloe: Officer, group: ClosedUserGroup
) -> None:
    message = report()
    send(coordinator)
    with pytest.raises(NotYours):
        withdraw(membership_of(fatou, group), message)
    withdraw(membership_of(chloe, group), message)
    message.refresh_from_db()
    assert message.status == "withdrawn"


LINE = {"commodity": "CUR.banknotes", "quantity": {"value": "100", "unit": "H87"}}


@pytest.fixture
def full_form(coordinator: Membership) -> None:
    choose_form_mode(coordinator, mode="full")


def test_goods_line_that_a_correction_drops_is_withdrawn(
    report: Report, coordinator: Membership, full_form: None
) -> None:
    first = report(goods=[LINE])
    send(coordinator)
    reference = first.reference
    assert dict(Seizure.objects.values_list("source_reference", "cases")) == {reference: 1, f"{reference}/2": 0}
    report(supersedes=first)
    send(coordinator)
    held = dict(Seizure.objects.values_list("source_reference", "version"))
    assert held == {reference: 2, f"{reference}/2": 2}
    assert Seizure.objects.get(source_reference=f"{reference}/2").withdrawn_at is not None
    assert Seizure.objects.get(source_reference=reference).withdrawn_at is None


def test_seizure_with_many_records_is_never_parted(
    report: Report, coordinator: Membership, full_form: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CEN is told to withdraw three goods lines in one turn: parted, the second is not what was confirmed."""
    monkeypatch.setattr(delivery, "TURN", 2)
    first = report(goods=[LINE, LINE, LINE])
    send(coordinator)
    report(supersedes=first)
    send(coordinator)
    assert set(Transfer.objects.values_list("state", flat=True)) == {"accepted"}
    assert Seizure.objects.filter(withdrawn_at__isnull=False).count() == 3
