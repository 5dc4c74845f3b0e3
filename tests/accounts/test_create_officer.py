"""Making officers."""

from __future__ import annotations

import pytest

from accounts import actions
from accounts.errors import BadPassword, OfficerExists
from accounts.models import Administration, Officer
from audit.models import Entry


def test_an_officer_has_one_address_whatever_its_case(
    amina: Officer, administrations: dict[str, Administration]
) -> None:
    with pytest.raises(OfficerExists):
        actions.create_officer(email="AMINA@Demo.invalid", name="Another", administration=administrations["NG"])


def test_making_an_officer_is_audited(amina: Officer) -> None:
    entry = Entry.objects.get(action="account:officer:created")
    assert entry.subject == f"officer:{amina.pk}"
    assert "amina" not in str(entry.details)


def test_without_a_password_nobody_signs_in(administrations: dict[str, Administration]) -> None:
    officer = actions.create_officer(email="a@demo.invalid", name="A", administration=administrations["NG"])
    assert not officer.has_usable_password()


@pytest.mark.parametrize(
    "password", ["short", "password1234", "123456789012", "amina@demo.invalid", "qwertyuiop123"]
)
def test_short_common_and_name_like_passwords_are_refused(
    administrations: dict[str, Administration], password: str
) -> None:
    with pytest.raises(BadPassword):
        actions.create_officer(
            email="amina@demo.invalid",
            name="Amina",
            administration=administrations["NG"],
            password=password,
        )


def test_no_composition_is_asked_for(administrations: dict[str, Administration]) -> None:
    officer = actions.create_officer(
        email="a@demo.invalid",
        name="A",
        administration=administrations["NG"],
        password="all in small letters",
    )
    assert officer.check_password("all in small letters")
