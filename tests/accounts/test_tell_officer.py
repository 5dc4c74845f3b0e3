"""An officer is told, by mail and at the next sign-in, what was done to the ways to sign in. Without content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from accounts import actions
from accounts.letters import NOWHERE, News, send_letter, tell
from accounts.models import Officer, Recovery
from groups.models import ClosedUserGroup
from tests.accounts.conftest import Clock, code_of, give_password
from tests.cast import PASSWORD, passkey_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def post_office(settings: Any) -> None:
    """An installation that sends mail."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


def asked_for() -> list[dict[str, str]]:
    """Return what the worker has to send."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'accounts.send_letter' ORDER BY id")
        return [json.loads(row[0]) for row in cursor.fetchall()]


def news() -> list[str]:
    return [one["news"] for one in asked_for()]


@pytest.fixture
def real(fatou: Officer) -> Officer:
    """Fatou at an address that exists."""
    Officer.objects.filter(pk=fatou.pk).update(email="fatou@customs.example")
    fatou.refresh_from_db()
    return fatou


@pytest.mark.usefixtures("post_office")
def test_a_letter_says_what_and_when(real: Officer, group: ClosedUserGroup, padma: Officer) -> None:
    actions.open_reset(real.pk, actor=padma)
    [asked] = asked_for()
    assert set(asked) == {"officer", "news", "at"}
    send_letter(**asked)
    [letter] = mail.outbox
    assert letter.to == ["fatou@customs.example"]
    assert letter.subject == "CENcomm\u00a0: votre compte"  # in her language
    text = letter.subject + letter.body
    for word in ("Harmattan", "HARMATTAN", "Padma", "Fatou", "http", "customs.example"):
        assert word not in text
    assert asked["at"][:10] in text


@pytest.mark.usefixtures("post_office")
@pytest.mark.parametrize("news", list(News))
def test_every_letter_can_be_written(real: Officer, news: News) -> None:
    tell(real.pk, news)
    send_letter(**asked_for()[0])
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("post_office")
def test_every_change_of_a_factor_is_told(
    real: Officer, padma: Officer, make_officer: Callable[..., Officer]
) -> None:
    passkey_of(real)
    assert news() == ["factors-changed"]
    actions.make_recovery_codes(real)
    actions.change_password(real, present=PASSWORD, new="another lantern over the water", keep=None, address=None)
    assert news()[1:] == ["factors-changed", "password-changed"]
    second = make_officer("second", is_platform_administrator=True)
    actions.open_reset(real.pk, actor=padma)
    actions.confirm_reset(real.pk, actor=second)
    assert news()[3:] == ["recovery-opened", "recovery-confirmed"]


@pytest.mark.usefixtures("post_office")
def test_invented_people_get_no_mail(fatou: Officer) -> None:
    tell(fatou.pk, News.PASSWORD_CHANGED)
    send_letter(**asked_for()[0])
    assert mail.outbox == []


def test_without_a_post_office_nothing_waits(real: Officer, settings: Any) -> None:
    settings.MAILERS = {"default": {"BACKEND": NOWHERE}}
    tell(real.pk, News.PASSWORD_CHANGED)
    assert asked_for() == []


def test_the_next_sign_in_says_it(client: Client, enrolled: Officer, clock: Clock, padma: Officer) -> None:
    give_password(client, enrolled)
    client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert "lost your ways" not in client.get("/account/").content.decode()
    clock.move(minutes=5)
    actions.open_reset(enrolled.pk, actor=padma)
    Recovery.objects.update(opened_at=clock.now)
    clock.move(minutes=5)
    other = Client()
    for expected in (True, False):  # once
        give_password(other, enrolled)
        other.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
        page = other.get("/account/").content.decode()
        assert ("Padma said that you have lost your ways to sign in." in page) is expected
        clock.move(minutes=2)
        other.post("/sign-out/")
