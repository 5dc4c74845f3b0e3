"""The codes of invented people, and of nobody else."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import actions, queries
from accounts.errors import DemoOnly, NoSuchObject, WrongCode
from accounts.models import Administration, AuthenticatorDevice, Officer
from tests.accounts.conftest import Clock, give_password


@pytest.fixture
def demo(settings: object, clock: Clock, amina: Officer) -> Officer:
    settings.CENCOMM_DEMO = True  # type: ignore[attr-defined]
    actions.enrol_demo_officer(amina)
    return amina


def test_the_told_code_signs_in(client: Client, demo: Officer) -> None:
    give_password(client, demo)
    code = queries.current_demo_code("Amina@demo.invalid")
    assert client.post("/sign-in/code/", {"code": str(code)}).headers["Location"] == "/"


def test_within_a_step_the_same_code_is_told_until_it_is_used(demo: Officer, clock: Clock) -> None:
    first = queries.current_demo_code(demo.email)
    clock.move(seconds=10)
    second = queries.current_demo_code(demo.email)
    assert first.code == second.code
    assert (first.seconds_left, second.seconds_left) == (25, 15)
    assert not second.used


def test_after_its_use_the_next_one_is_told_then_one_waits(demo: Officer, clock: Clock) -> None:
    first = queries.current_demo_code(demo.email)
    actions.prove_factor(demo, first.code)
    second = queries.current_demo_code(demo.email)
    assert second.code != first.code
    assert not second.used
    actions.prove_factor(demo, second.code)
    third = queries.current_demo_code(demo.email)
    assert third.used
    with pytest.raises(WrongCode):
        actions.prove_factor(demo, third.code)
    clock.move(seconds=third.seconds_left)
    assert actions.prove_factor(demo, queries.current_demo_code(demo.email).code)


def test_without_the_demo_nothing_is_told(settings: object, demo: Officer) -> None:
    settings.CENCOMM_DEMO = False  # type: ignore[attr-defined]
    with pytest.raises(DemoOnly):
        queries.current_demo_code(demo.email)
    with pytest.raises(DemoOnly):
        actions.enrol_demo_officer(demo)


def test_the_codes_of_real_officers_are_never_told(
    settings: object, demo: Officer, administrations: dict[str, Administration]
) -> None:
    real = actions.create_officer(email="real@customs.example", name="Real", administration=administrations["NG"])
    with pytest.raises(DemoOnly):
        actions.enrol_demo_officer(real)
    AuthenticatorDevice.objects.update(user=real)
    with pytest.raises(DemoOnly):
        queries.current_demo_code(real.email)


def test_an_unknown_person_has_no_code(demo: Officer) -> None:
    with pytest.raises(NoSuchObject):
        queries.current_demo_code("nobody@demo.invalid")


def test_enrolling_twice_changes_nothing(demo: Officer) -> None:
    before = AuthenticatorDevice.objects.get().key_id
    actions.enrol_demo_officer(demo)
    assert AuthenticatorDevice.objects.get().key_id == before
