"""Before transfer every kind of finding blocks until it is decided on, and nominal fields never leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Officer
from audit.models import Entry
from exports import actions, queries
from exports.mapping import Envelope, mappable_fields, records_of, starting_rules
from exports.models import Resolution
from exports.review import CODED_TRANSPORT, SCREENED_COLUMNS
from groups.models import ClosedUserGroup, Membership
from messaging.actions import move_status, post_message
from messaging.drafts import Draft
from messaging.models import Message
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.screening import FindingKind
from tests.cast import membership_of
from tests.exports.conftest import seizure_body
from tests.messaging.uploads import picture, uploaded

pytestmark = pytest.mark.django_db(databases=["default", "cen"], transaction=True)
Report = Callable[..., Message]

TELLING = {
    FindingKind.PHONE: "call +233 24 555 0187",
    FindingKind.IBAN: "paid from DE89 3704 0044 0532 0130 00",
    FindingKind.PASSPORT: "carried by holder of passport A1234567",
    FindingKind.PLATE: "in the truck AB-123-CD",
    FindingKind.BIRTH: "owner born 12 March 1984",
    FindingKind.NAME: "for Mr. Kofi Mensah, Tema",
}


@pytest.mark.parametrize("kind", list(TELLING))
def test_each_kind_blocks_until_it_is_decided_on(
    report: Report, coordinator: Membership, kind: FindingKind
) -> None:
    text = TELLING[kind]
    message = report(description=text)
    [row] = queries.review_of(coordinator).blocked
    assert [(blocker.kind, blocker.code) for blocker in row.blockers] == [("nominal", kind.value)]
    assert row.blockers[0].passage in text
    actions.resolve(coordinator, message_id=message.pk, kind=Resolution.Kind.NOT_NOMINAL)
    assert len(queries.review_of(coordinator).ready) == 1
    entry = Entry.objects.get(action="transfer:row:resolved")
    assert (entry.subject, entry.details) == (f"message:{message.pk}", {"decision": "not_nominal"})
    assert row.blockers[0].passage not in Resolution.objects.get().about


def test_an_address_blocks_and_cannot_be_decided_away(report: Report, coordinator: Membership) -> None:
    """CEN itself refuses an e-mail address: the text must be corrected."""
    message = report(description="answers at k.mensah@example.org")
    [row] = queries.review_of(coordinator).blocked
    assert {(blocker.kind, blocker.code) for blocker in row.blockers} == {
        ("nominal", "email"),
        ("validation", "nominal_content"),
    }
    actions.resolve(coordinator, message_id=message.pk, kind=Resolution.Kind.NOT_NOMINAL)
    assert queries.review_of(coordinator).ready == []


def test_every_text_that_a_rule_can_fill_is_screened() -> None:
    texts = {
        field.cen_column
        for field in mappable_fields().values()
        if field.type in {"text", "long_text", "place"} and field.cen_column
    }
    screened = {*SCREENED_COLUMNS, "place_code"}
    assert texts, "there are texts"
    for column in texts:
        inner = column.removeprefix("transport.")
        assert column in screened or (column != inner and inner not in CODED_TRANSPORT), column


def test_nominal_fields_never_reach_a_record() -> None:
    nominal = {name: f"planted-{name}" for name, field in CATALOGUE.items() if field.nominal}
    assert nominal
    body: dict[str, Any] = nominal | {
        "date": "2026-11-20",
        "country": "GH",
        "commodity": "DRG.cocaine",
        "goods": [dict(nominal)],
    }
    envelope = Envelope("R-1", 1, "OPX", timezone.now(), timezone.now())
    assert "planted-" not in orjson.dumps(records_of(starting_rules(), body, envelope)).decode()


def test_names_and_captions_of_files_stay_in_the_group(
    group: ClosedUserGroup, fatou: Officer, coordinator: Membership, settings: Settings, tmp_path: Path
) -> None:
    """Nothing of a file leaves, so nothing of it blocks: it is asked about before sending, and on the message."""
    settings.CENCOMM_ATTACHMENTS = str(tmp_path)
    file = uploaded(membership_of(fatou, group), picture(), "kofi_mensah.jpg", caption="passport A1234567")
    draft = Draft(id=uuid4(), kind="seizure", body=seizure_body(), attachments=[file.pk])
    message = post_message(membership_of(fatou, group), draft=draft).message
    move_status(coordinator, message_id=message.pk, to="validated_ocu")
    [row] = queries.review_of(coordinator).ready
    told = orjson.dumps(row.records).decode().lower()
    assert "kofi_mensah" not in told
    assert "a1234567" not in told


def test_a_group_with_nominal_data_is_screened_before_transfer_all_the_same(
    report: Report, coordinator: Membership, group: ClosedUserGroup
) -> None:
    ClosedUserGroup.objects.filter(pk=group.pk).update(nominal_allowed=True)
    report(description=TELLING[FindingKind.NAME])
    [row] = queries.review_of(coordinator).blocked
    assert [blocker.kind for blocker in row.blockers] == ["nominal"]
