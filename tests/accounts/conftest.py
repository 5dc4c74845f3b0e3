"""A clock to be moved, and people who can really sign in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client

from accounts import totp
from accounts.authenticator_keys import open_key, seal_key
from accounts.models import AuthenticatorDevice, Officer
from audit.models import Entry
from tests.cast import PASSWORD


class Clock:
    """The time that Django tells, moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 4, 0, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with mock.patch("django.utils.timezone.now", clock):
        yield clock


@pytest.fixture
def enrolled(clock: Clock, amina: Officer) -> Officer:
    """Amina with an authenticator whose key is really sealed."""
    enrol(amina)
    return amina


def enrol(officer: Officer) -> AuthenticatorDevice:
    key_id = uuid.uuid4()
    device: AuthenticatorDevice = AuthenticatorDevice.objects.create(
        user=officer,
        name="authenticator",
        key_id=key_id,
        sealed_key=seal_key(totp.new_key(), key_id=key_id, officer_id=officer.pk),
    )
    return device


def code_of(officer: Officer, clock: Clock, *, steps: int = 0) -> str:
    """Return the code that the officer's authenticator shows, `steps` away from now."""
    device = AuthenticatorDevice.objects.get(user=officer, confirmed=True)
    return totp.code_at(open_key(device), totp.step_at(clock.now) + steps)


def wrong_code(officer: Officer, clock: Clock) -> str:
    """Return six digits that are none of those accepted now."""
    right = {code_of(officer, clock, steps=step) for step in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def give_password(client: Client, officer: Officer, **headers: Any) -> Any:
    """Post the right name and password."""
    return client.post("/sign-in/", {"email": officer.email, "password": PASSWORD}, **headers)


def prove_by_code(
    client: Client, path: str, data: Mapping[str, Any], code: str, password: str | None = PASSWORD
) -> Any:
    """Post to an act that asks for a second factor of its own, and answer its page with a code.

    With the password, where the page asks for that as well.
    """
    asked = client.post(path, data)
    assert asked.status_code == 403
    proof = {"step_up_state": asked.context["step_up"]["state"], "step_up_code": code}
    if asked.context["with_password"] and password is not None:
        proof["step_up_password"] = password
    return client.post(path, {**data, **proof})


@pytest.fixture
def audited() -> Callable[[str], list[Entry]]:
    def find(action: str) -> list[Entry]:
        return list(Entry.objects.filter(action=action).order_by("pk"))

    return find
