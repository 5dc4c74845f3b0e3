"""Somebody signs in while the ways to sign in are being taken away: the session that is just made does not survive.

The other's act is done between the proof of the factor and the raising of the session: the real one, right then.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

from accounts import actions, totp
from accounts.authenticator_keys import open_key
from accounts.errors import AdministratorsOnly
from accounts.models import Officer, OfficerSession
from groups.actions import change_role
from groups.models import ClosedUserGroup, Role
from tests.accounts.conftest import Clock, code_of, enrol, give_password
from tests.cast import PASSWORD, membership_of, passkey_of, sign_in
from tests.messaging.conftest import wait_until_somebody_waits_for_a_lock


def replace_the_authenticator(officer: Officer, padma: Officer) -> None:
    device = actions.begin_authenticator(officer)
    actions.prove_new_authenticator(
        officer, device.pk, totp.code_at(open_key(device), totp.step_at(timezone.now()))
    )
    actions.confirm_authenticator(officer, device.pk)


def remove_the_authenticator(officer: Officer, padma: Officer) -> None:
    passkey_of(officer)
    actions.remove_authenticator(officer, keep=None)


def change_the_password(officer: Officer, padma: Officer) -> None:
    actions.change_password(
        Officer.objects.get(pk=officer.pk),
        present=PASSWORD,
        new="another lantern over the water",
        keep=None,
        address="192.0.2.1",
    )


def let_in_anew(officer: Officer, padma: Officer) -> None:
    recovery = actions.open_recovery(officer, group=None, actor=padma, side="administrator")
    second = Officer.objects.exclude(pk__in=[officer.pk, padma.pk]).get(email="bruno@demo.invalid")
    actions.confirm_recovery(recovery.pk, actor=second, side="coordinator")


ACTS: dict[str, Callable[[Officer, Officer], object]] = {
    "authenticator replaced": replace_the_authenticator,
    "authenticator removed": remove_the_authenticator,
    "recovery codes replaced": lambda officer, padma: actions.make_recovery_codes(officer),
    "password changed": change_the_password,
    "other sessions ended": lambda officer, padma: actions.revoke_other_sessions(
        officer, keep=None, reason="owner"
    ),
    "session ended": lambda officer, padma: actions.revoke_session(officer, OfficerSession.objects.get().pk),
    "account shut": lambda officer, padma: actions.deactivate_officer(officer.pk, actor=padma),
    "let in anew": let_in_anew,
}


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let something happen once a factor was proven, before its session is raised."""

    def arrange(name: str, act: Callable[[], object]) -> None:
        proves = getattr(actions, name)

        def prove(*args: Any, **values: Any) -> Any:
            proven = proves(*args, **values)
            act()
            return proven

        monkeypatch.setattr(actions, name, prove)

    return arrange


@pytest.mark.parametrize("act", ACTS)
def test_a_code_that_was_overtaken_signs_nobody_in(
    client: Client, enrolled: Officer, clock: Clock, padma: Officer, bruno: Officer, act: str, meanwhile: Any
) -> None:
    actions.make_recovery_codes(enrolled)
    assert give_password(client, enrolled).status_code == 302
    meanwhile("prove_factor", lambda: ACTS[act](enrolled, padma))
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.status_code == 422
    assert "Sign in again." in answer.content.decode()
    assert client.get("/account/").headers["Location"].startswith("/sign-in/")
    assert not OfficerSession.objects.filter(verified=True, revoked_at=None).exists()


def test_nothing_overtakes_a_code_by_itself(
    client: Client, enrolled: Officer, clock: Clock, meanwhile: Any
) -> None:
    give_password(client, enrolled)
    meanwhile("prove_factor", lambda: None)
    assert client.post("/sign-in/code/", {"code": code_of(enrolled, clock)}).status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_passkey_that_is_removed_while_it_signs_in_signs_nobody_in(
    client: Client, enrolled: Officer, meanwhile: Any
) -> None:
    passkey = passkey_of(enrolled)
    begun = client.post("/sign-in/passkey/challenge/").json()
    meanwhile(
        "check_passkey_sign_in",
        lambda: actions.remove_passkey(enrolled, WebAuthnCredential.objects.get().pk, keep=None),
    )
    given = {"state": begun["state"], "answer": json.dumps(passkey.get(begun["options"]))}
    assert client.post("/sign-in/passkey/", given).status_code == 422
    assert client.get("/account/").status_code == 302


@pytest.fixture
def thread() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    started: list[threading.Thread] = []

    def start(work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            finally:
                connection.close()

        started.append(threading.Thread(target=run))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.join(300)


@pytest.mark.django_db(transaction=True)
def test_a_code_waits_for_a_role_that_is_being_given(
    clock: Clock, group: ClosedUserGroup, fatou: Officer, amina: Officer, settings: Any, thread: Any
) -> None:
    """Fatou becomes coordinator while her code is looked at: her role asks for a passkey by then."""
    settings.CENCOMM_PASSKEYS = "required"
    enrol(fatou)
    client = Client()
    give_password(client, fatou)
    given, go_on, answers = threading.Event(), threading.Event(), []

    def give_role() -> None:
        with transaction.atomic():
            change_role(
                membership_of(amina, group), member_id=membership_of(fatou, group).pk, role=Role.COORDINATOR
            )
            given.set()
            go_on.wait(300)

    giving = thread(give_role)
    assert given.wait(300)
    signing = thread(lambda: answers.append(client.post("/sign-in/code/", {"code": code_of(fatou, clock)})))
    try:
        wait_until_somebody_waits_for_a_lock()
    finally:
        go_on.set()
    giving.join(300)
    signing.join(300)
    assert [answer.headers["Location"] for answer in answers] == ["/sign-in/first-passkey/"]
    assert not OfficerSession.objects.filter(officer=fatou, verified=True).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lowered", [False, True], ids=["shut", "lowered"])
def test_of_two_administrators_who_end_each_other_one_does(
    padma: Officer, bruno: Officer, thread: Any, lowered: bool
) -> None:
    Officer.objects.filter(pk=bruno.pk).update(is_platform_administrator=True)
    refused: list[bool] = []

    def end(officer: Officer, actor: Officer) -> None:
        if lowered:
            actions.change_officer(officer.pk, actor=actor, is_platform_administrator=False)
        else:
            actions.deactivate_officer(officer.pk, actor=actor)

    def end_padma() -> None:
        try:
            end(padma, bruno)
        except AdministratorsOnly:
            refused.append(True)

    with transaction.atomic():
        end(bruno, padma)
        other = thread(end_padma)
        wait_until_somebody_waits_for_a_lock()
    other.join(300)
    assert refused
    padma.refresh_from_db()
    assert padma.is_active
    assert padma.is_platform_administrator


def test_a_password_alone_changes_no_language(client: Client, enrolled: Officer) -> None:
    give_password(client, enrolled)
    assert client.post("/language/", {"language": "fr", "next": "/sign-in/code/"}).status_code == 302
    enrolled.refresh_from_db()
    assert enrolled.language == "en"
    assert 'lang="fr"' in client.get("/sign-in/code/").content.decode()  # this browser's, as before the password


def test_who_is_signed_in_changes_it(client: Client, enrolled: Officer) -> None:
    sign_in(client, enrolled).post("/language/", {"language": "fr"})
    enrolled.refresh_from_db()
    assert enrolled.language == "fr"
