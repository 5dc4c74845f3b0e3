"""Changing the password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from accounts import queries
from accounts.models import Officer
from audit.models import Entry
from tests.accounts.conftest import Clock
from tests.cast import PASSWORD, sign_in

NEW = "twelve herons at the lock"


def _change(client: Client, present: str = PASSWORD, new: str = NEW, again: str = "") -> Any:
    return client.post("/account/password/", {"present": present, "password": new, "again": again or new})


def test_the_new_password_counts_and_other_sessions_end(
    client: Client, fatou: Officer, audited: Callable[[str], list[Entry]]
) -> None:
    other = sign_in(Client(), fatou)
    sign_in(client, fatou)
    before = client.session.session_key
    assert _change(client).status_code == 302
    fatou.refresh_from_db()
    assert fatou.check_password(NEW)
    assert client.get("/account/").status_code == 200
    assert client.session.session_key != before
    key = str(other.session.session_key)
    assert not queries.live_sessions_of([key])  # sockets ask this; they load no page
    assert other.get("/account/").status_code == 302
    assert [e.actor for e in audited("account:password:changed")] == [fatou.pk]


def test_the_present_password_is_asked_for(
    client: Client, fatou: Officer, audited: Callable[[str], list[Entry]]
) -> None:
    sign_in(client, fatou)
    assert _change(client, present="something else").status_code == 422
    fatou.refresh_from_db()
    assert fatou.check_password(PASSWORD)
    assert len(audited("account:session:refused")) == 1


def test_guessing_the_present_password_is_throttled(client: Client, fatou: Officer, clock: Clock) -> None:
    sign_in(client, fatou)
    statuses = [_change(client, present="something else").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_a_weak_password_is_refused(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    assert _change(client, new="password1234").status_code == 422
    fatou.refresh_from_db()
    assert fatou.check_password(PASSWORD)


def test_two_that_differ_are_refused(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    assert _change(client, again=NEW + "s").status_code == 422


def test_nobody_changes_it_without_a_session(client: Client, db: None) -> None:
    assert _change(client).headers["Location"].startswith("/sign-in/")
