"""Many entries of one act: one for each subject, kept or lost together with the act."""

from __future__ import annotations

import uuid

import pytest
from django.db import transaction

import audit
from audit.log import OutsideTransactionError
from audit.models import Entry


@pytest.mark.django_db
def test_each_subject_has_its_entry() -> None:
    actor = uuid.uuid4()
    subjects = [f"message:{number}" for number in range(3)]
    audit.record_many(audit.Action.TRANSFER_ROW_RESOLVED, actor=actor, subjects=subjects, decision="duplicate")
    entries = Entry.objects.order_by("pk")
    assert [entry.subject for entry in entries] == subjects
    assert {(entry.actor, entry.action) for entry in entries} == {(actor, "transfer:row:resolved")}
    assert all(entry.details == {"decision": "duplicate"} and entry.at for entry in entries)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_recorded() -> None:
    with pytest.raises(OutsideTransactionError):
        audit.record_many(audit.Action.TRANSFER_ROW_RESOLVED, actor=None, subjects=["message:1"])
    assert Entry.objects.count() == 0


@pytest.mark.django_db
def test_content_is_no_detail() -> None:
    with transaction.atomic(), pytest.raises(ValueError, match="not content"):
        audit.record_many(audit.Action.TRANSFER_ROW_RESOLVED, actor=None, subjects=["message:1"], text="x" * 300)
