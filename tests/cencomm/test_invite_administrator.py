"""The way in to an installation without the demo."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

import audit
from accounts.models import Administration, Officer
from audit.models import Entry

WHO = {
    "email": "ada@customs.example",
    "name": "Ada Obi",
    "country": "ng",
    "administration": "Nigeria Customs Service",
}


def invite(**changes: str) -> list[str]:
    output = io.StringIO()
    call_command("invite_administrator", stdout=output, **{**WHO, **changes})
    return output.getvalue().splitlines()


@pytest.mark.django_db
def test_link_lets_the_first_administrator_in(client: Client) -> None:
    link = invite(site="http://testserver/")[1]
    assert Officer.objects.get(email=WHO["email"]).is_platform_administrator
    assert Entry.objects.filter(action=audit.Action.OFFICER_INVITED).exists()
    assert client.get(link.removeprefix("http://testserver")).status_code in {200, 302}


@pytest.mark.django_db
def test_administration_that_exists_is_taken() -> None:
    invite()
    invite(email="bayo@customs.example")
    assert Administration.objects.filter(name=WHO["administration"]).count() == 1


@pytest.mark.django_db
def test_account_that_exists_is_not_invited_again() -> None:
    invite()
    with pytest.raises(CommandError, match="has an account already"):
        invite()
