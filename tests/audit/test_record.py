"""The trail keeps what is recorded and refuses every change."""

import uuid

import pytest
from django.db import DatabaseError, connection, transaction

import audit
from audit.log import OutsideTransactionError
from audit.models import Entry


@pytest.mark.django_db
def test_entry_is_kept_with_its_transaction() -> None:
    actor = uuid.uuid4()
    audit.record(audit.Action.OFFICER_SIGNED_IN, actor=actor, subject="session:1", factor="totp")
    entry = Entry.objects.get()
    assert (entry.actor, entry.action, entry.details) == (
        actor,
        "account:session:started",
        {"factor": "totp"},
    )
    assert entry.at is not None


@pytest.mark.django_db(transaction=True)
def test_entry_outside_a_transaction_is_refused() -> None:
    with pytest.raises(OutsideTransactionError):
        audit.record(audit.Action.OFFICER_SIGNED_IN, actor=None)


@pytest.mark.django_db(transaction=True)
def test_entry_goes_with_a_rolled_back_act() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record(audit.Action.OFFICER_SIGNED_IN, actor=None)
        raise RuntimeError
    assert not Entry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = NULL", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_change_is_refused_even_to_the_owner(statement: str) -> None:
    audit.record(audit.Action.OFFICER_SIGNED_IN, actor=uuid.uuid4())
    with pytest.raises(DatabaseError, match="insert-only"), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_long_text_is_refused_as_content() -> None:
    with pytest.raises(ValueError, match="identifiers"):
        audit.record(audit.Action.OFFICER_SIGNED_IN, actor=None, note="x" * 500)
