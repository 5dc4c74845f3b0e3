"""The audit trail on pages: an auditor finds what was done in the group, proves it, and reads nothing of others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import audit
from accounts.models import Officer
from audit.actions import Action
from audit.checkpoints import read_proof
from audit.models import Entry
from audit.wording import ACTION_TEXT, SOURCE_TEXT
from cencomm import audit_trail
from groups.models import ClosedUserGroup
from vault import keystore, opened_note


def act(group: ClosedUserGroup | None, officer: Officer | None, action: Action, subject: str = "") -> Entry:
    audit.record_now(
        action,
        actor=officer.pk if officer else None,
        group=group.pk if group else None,
        subject=subject,
        kind="note",
    )
    return Entry.objects.order_by("-id")[0]


def page(client: Client, group: ClosedUserGroup, **filters: str) -> str:
    answer = client.get(reverse("groups:trail", args=[group.pk]), filters)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.django_db
def test_auditor_reads_who_did_what(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer, fatou: Officer
) -> None:
    entry = act(group, fatou, Action.MESSAGE_POSTED, "message:00000000-0000-4000-8000-0000000000aa")
    sign_in(client, audrey)
    text = page(client, group)
    assert fatou.name in text
    assert "Message sent" in text
    assert entry.subject in text


@pytest.mark.django_db
def test_details_of_every_shape_are_shown(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer
) -> None:
    audit.record_now(
        Action.GROUP_PHASE_CHANGED,
        actor=audrey.pk,
        group=group.pk,
        subject="phase:closed",
        phase="closed",
        count=0,
        whole=False,
        reason=None,
    )
    sign_in(client, audrey)
    text = page(client, group, subject="phase:closed")
    assert '<span class="mono">closed</span>' in text
    assert '<span class="mono">0</span>' in text
    assert '<span class="mono">false</span>' in text
    assert "<span>reason" not in text


@pytest.mark.django_db
def test_each_filter_finds_and_leaves_out(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer, fatou: Officer, chloe: Officer
) -> None:
    act(group, fatou, Action.MESSAGE_POSTED, "message:first")
    act(group, chloe, Action.GROUP_PHASE_CHANGED, "phase:second")
    sign_in(client, audrey)
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    yesterday = (timezone.now() - timedelta(days=1)).date().isoformat()
    for filters, first, second in [
        ({}, True, True),
        ({"source": "message"}, True, False),
        ({"action": "group:phase:changed"}, False, True),
        ({"actor": fatou.email.upper()}, True, False),
        ({"actor": "nobody@example.org"}, False, False),
        ({"subject": "second"}, False, True),
        ({"since": tomorrow}, False, False),
        ({"until": yesterday}, False, False),
        ({"since": yesterday, "until": tomorrow}, True, True),
    ]:
        text = page(client, group, **filters)
        assert ("message:first" in text, "phase:second" in text) == (first, second), filters


@pytest.mark.django_db
def test_filter_that_makes_no_sense_is_explained(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer
) -> None:
    sign_in(client, audrey)
    assert "field-errors" in page(client, group, since="31.02.2026")


@pytest.mark.django_db
def test_older_entries_are_a_link_away(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer, fatou: Officer
) -> None:
    for number in range(105):
        act(group, fatou, Action.MESSAGE_POSTED, f"message:number-{number}.")
    sign_in(client, audrey)
    text = page(client, group, source="message")
    assert "number-104." in text
    assert "number-4." not in text
    older = text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    answer = client.get(reverse("groups:trail", args=[group.pk]) + older).content.decode()
    assert "number-4." in answer
    assert "number-104." not in answer


@pytest.mark.django_db
def test_nothing_of_another_group_or_of_accounts_is_there(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer, fatou: Officer
) -> None:
    act(None, fatou, Action.OFFICER_SIGNED_IN, "session:of-accounts")
    audit.record_now(Action.MESSAGE_POSTED, actor=fatou.pk, group=uuid4(), subject="message:elsewhere")
    other = Entry.objects.order_by("-id")[0]
    sign_in(client, audrey)
    text = page(client, group)
    assert "of-accounts" not in text
    assert "elsewhere" not in text
    assert client.get(reverse("groups:trail_proof", args=[group.pk, other.pk])).status_code == 404


@pytest.mark.django_db
def test_reading_the_trail_is_an_entry(
    client: Client, sign_in: Any, group: ClosedUserGroup, audrey: Officer
) -> None:
    sign_in(client, audrey)
    page(client, group, source="message")
    entry = Entry.objects.get(action=Action.TRAIL_READ)
    assert (entry.actor, entry.group, entry.details) == (audrey.pk, group.pk, {"filters": "source"})


@pytest.mark.django_db(transaction=True)
def test_proof_of_an_entry(
    client: Client,
    sign_in: Any,
    group: ClosedUserGroup,
    audrey: Officer,
    fatou: Officer,
    tmp_path: Path,
    settings: Any,
) -> None:
    settings.CENCOMM_AUDIT_CHECKPOINTS = tmp_path / "checkpoints.jsonl"
    keystore().platform_sealer(make=True)
    entry = act(group, fatou, Action.MESSAGE_POSTED, "message:proven")
    sign_in(client, audrey)
    address = reverse("groups:trail_proof", args=[group.pk, entry.pk])
    assert client.get(address).status_code == 409
    audit_trail.seal_now()
    answer = client.get(address)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    proof = read_proof(answer.content.decode())
    assert b"message:proven" in proof.leaf
    assert opened_note(proof.note, audit_trail.signer(1).verifier_key)
    assert Entry.objects.filter(action=Action.TRAIL_PROVEN, actor=audrey.pk, subject=f"entry:{entry.pk}").exists()


@pytest.mark.django_db
def test_platform_administrator_reads_accounts_and_no_group(
    client: Client, sign_in: Any, group: ClosedUserGroup, padma: Officer, fatou: Officer
) -> None:
    act(None, fatou, Action.OFFICER_SIGNED_IN, "session:of-accounts")
    inside = act(group, fatou, Action.MESSAGE_POSTED, "message:inside")
    sign_in(client, padma)
    text = client.get(reverse("groups:accounts_trail")).content.decode()
    assert "of-accounts" in text
    assert "message:inside" not in text
    assert client.get(reverse("groups:accounts_trail_proof", args=[inside.pk])).status_code == 404


@pytest.mark.django_db
def test_others_are_refused_the_trail_of_accounts(client: Client, sign_in: Any, amina: Officer) -> None:
    sign_in(client, amina)
    assert client.get(reverse("groups:accounts_trail")).status_code == 403


def test_every_act_has_a_name_and_a_part() -> None:
    assert set(ACTION_TEXT) == {str(action) for action in Action}
    assert {str(action).partition(":")[0] for action in Action} == set(SOURCE_TEXT)
