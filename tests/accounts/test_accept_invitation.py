"""The way in: a link, a password, an authenticator, recovery codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client

from accounts import actions, totp
from accounts.authenticator_keys import open_key
from accounts.errors import HasFactor, InvitationInvalid, NoSuchObject
from accounts.models import Administration, AuthenticatorDevice, Invitation, Officer, RecoveryCode
from audit.models import Entry
from problems import Refusal
from tests.accounts.conftest import Clock, code_of, enrol, prove_by_code
from tests.cast import sign_in

NEW_PASSWORD = "twelve herons at the lock"
Invited = tuple[Invitation, str]


@pytest.fixture
def invited(clock: Clock, administrations: dict[str, Administration], padma: Officer) -> Invited:
    return actions.invite_officer(
        email="ngozi@demo.invalid", name="Ngozi", administration=administrations["NG"], actor=padma
    )


def _choose_password(client: Client, secret: str, password: str = NEW_PASSWORD) -> Any:
    client.get(f"/invitation/{secret}/")
    return client.post("/welcome/password/", {"password": password, "again": password})


def _new_code(clock: Clock, *, steps: int = 0) -> str:
    device = AuthenticatorDevice.objects.get(confirmed=False)
    return totp.code_at(open_key(device), totp.step_at(clock.now) + steps)


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 200), ("same-site", 200), ("none", 302), ("same-origin", 302)]
)
def test_a_link_on_another_site_goes_on_by_a_page(client: Client, invited: Invited, site: str, status: int) -> None:
    answer = client.get(f"/invitation/{invited[1]}/", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status
    assert status == 302 or 'content="0; url=/welcome/password/"' in answer.content.decode()
    assert client.get("/welcome/password/").status_code == 200


def test_the_whole_way_in(
    client: Client, clock: Clock, invited: Invited, audited: Callable[[str], list[Entry]]
) -> None:
    officer = invited[0].officer
    assert _choose_password(client, invited[1]).headers["Location"] == "/welcome/authenticator/"
    page = client.get("/welcome/authenticator/").content.decode()
    key = open_key(AuthenticatorDevice.objects.get())
    assert totp.secret_text(key) in page
    assert '<svg class="qr"' in page
    answer = client.post("/welcome/authenticator/", {"code": _new_code(clock)})
    codes = re.findall(r"<li>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){6})</li>", answer.content.decode())
    assert len(codes) == 10
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/account/").status_code == 200
    officer.refresh_from_db()
    assert officer.check_password(NEW_PASSWORD)
    assert len(audited("account:invitation:made")) == 1
    for action in ("invitation:accepted", "factor:added", "recovery-codes:made", "session:started"):
        assert [e.actor for e in audited(f"account:{action}")] == [officer.pk], action
    # The next sign-in works with what was chosen, and with a recovery code from the page.
    other = Client()
    other.post("/sign-in/", {"email": officer.email, "password": NEW_PASSWORD})
    assert other.post("/sign-in/code/", {"code": codes[3]}).headers["Location"] == "/"


def test_the_code_that_registered_does_not_sign_in_again(client: Client, clock: Clock, invited: Invited) -> None:
    _choose_password(client, invited[1])
    code = _new_code(clock)
    client.post("/welcome/authenticator/", {"code": code})
    other = Client()
    other.post("/sign-in/", {"email": "ngozi@demo.invalid", "password": NEW_PASSWORD})
    assert other.post("/sign-in/code/", {"code": code}).status_code == 422


def test_the_secret_leaves_the_address_at_once(client: Client, invited: Invited) -> None:
    assert client.get(f"/invitation/{invited[1]}/").headers["Location"] == "/welcome/password/"


def test_only_a_hash_of_the_secret_is_stored(invited: Invited) -> None:
    assert invited[1].encode() not in bytes(invited[0].secret_hash)
    assert len(invited[1]) >= 43


def test_a_mere_look_uses_nothing_up(client: Client, invited: Invited) -> None:
    for _ in range(3):
        assert Client().get(f"/invitation/{invited[1]}/").status_code == 302
    assert _choose_password(client, invited[1]).status_code == 302


def test_nothing_changes_before_the_last_step(client: Client, invited: Invited) -> None:
    _choose_password(client, invited[1])
    officer = Officer.objects.get(email="ngozi@demo.invalid")
    assert not officer.has_usable_password()
    assert not AuthenticatorDevice.objects.filter(confirmed=True).exists()
    assert client.get("/account/").status_code == 302


def test_a_link_works_once(client: Client, clock: Clock, invited: Invited) -> None:
    _choose_password(client, invited[1])
    client.post("/welcome/authenticator/", {"code": _new_code(clock)})
    again = Client().get(f"/invitation/{invited[1]}/")
    assert again.status_code == 410


def test_a_link_ends_after_a_week(client: Client, clock: Clock, invited: Invited) -> None:
    clock.move(days=7, seconds=1)
    assert client.get(f"/invitation/{invited[1]}/").status_code == 410


def test_a_link_that_ends_on_the_way_ends_the_way(client: Client, clock: Clock, invited: Invited) -> None:
    clock.move(days=6, hours=23)
    _choose_password(client, invited[1])
    clock.move(hours=2)
    assert client.post("/welcome/authenticator/", {"code": _new_code(clock)}).status_code == 410
    assert not Officer.objects.get(email="ngozi@demo.invalid").has_usable_password()


def test_a_withdrawn_link_opens_nothing(client: Client, invited: Invited, padma: Officer) -> None:
    actions.withdraw_invitation(invited[0].pk, actor=padma)
    assert client.get(f"/invitation/{invited[1]}/").status_code == 410
    with pytest.raises(NoSuchObject):
        actions.withdraw_invitation(invited[0].pk, actor=padma)


def test_a_new_link_ends_the_former_one(client: Client, invited: Invited, padma: Officer) -> None:
    _, secret = actions.renew_invitation(invited[0].officer, actor=padma)
    assert client.get(f"/invitation/{invited[1]}/").status_code == 410
    assert client.get(f"/invitation/{secret}/").status_code == 302


def test_an_invented_link_looks_like_a_used_one(client: Client, invited: Invited) -> None:
    assert client.get("/invitation/" + "A" * 43 + "/").status_code == 410


def test_without_a_link_there_is_no_welcome(client: Client, db: None) -> None:
    assert client.get("/welcome/password/").status_code == 410
    assert client.post("/welcome/authenticator/", {"code": "123456"}).status_code == 410


def test_a_weak_password_goes_no_further(client: Client, invited: Invited) -> None:
    answer = _choose_password(client, invited[1], "password1234")
    assert answer.status_code == 422
    assert not AuthenticatorDevice.objects.exists()
    assert client.get("/welcome/authenticator/").headers["Location"] == "/welcome/password/"


def test_two_passwords_that_differ_go_no_further(client: Client, invited: Invited) -> None:
    client.get(f"/invitation/{invited[1]}/")
    answer = client.post("/welcome/password/", {"password": NEW_PASSWORD, "again": NEW_PASSWORD + "s"})
    assert answer.status_code == 422


def test_a_wrong_code_registers_nothing(client: Client, clock: Clock, invited: Invited) -> None:
    _choose_password(client, invited[1])
    right = _new_code(clock)
    accepted = {_new_code(clock, steps=step) for step in (-1, 0, 1)}
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in accepted)
    assert client.post("/welcome/authenticator/", {"code": wrong}).status_code == 422
    assert not AuthenticatorDevice.objects.filter(confirmed=True).exists()
    assert client.post("/welcome/authenticator/", {"code": right}).status_code == 429
    clock.move(seconds=3)
    assert client.post("/welcome/authenticator/", {"code": _new_code(clock)}).status_code == 200


def test_the_link_signs_the_present_officer_out(client: Client, invited: Invited, eve: Officer) -> None:
    sign_in(client, eve)
    client.get(f"/invitation/{invited[1]}/")
    assert client.get("/account/").status_code == 302


def test_who_can_sign_in_is_not_invited_again(enrolled: Officer, padma: Officer) -> None:
    with pytest.raises(HasFactor):
        actions.renew_invitation(enrolled, actor=padma)


def test_a_shut_account_is_not_invited(invited: Invited, padma: Officer, client: Client) -> None:
    actions.deactivate_officer(invited[0].officer_id, actor=padma)
    assert client.get(f"/invitation/{invited[1]}/").status_code == 410
    with pytest.raises(NoSuchObject):
        actions.renew_invitation(invited[0].officer, actor=padma)


def test_a_reset_takes_everything_and_invites_anew(
    client: Client,
    clock: Clock,
    enrolled: Officer,
    audited: Callable[[str], list[Entry]],
) -> None:
    actions.make_recovery_codes(enrolled)
    thief = sign_in(Client(), enrolled)
    token, _ = actions.create_token(officer=enrolled, name="t", scopes=["messages:read"])
    _, secret = actions.reset_from_the_machine(enrolled.pk)
    assert thief.get("/account/").status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert not RecoveryCode.objects.exists()
    assert (
        Client().post("/sign-in/", {"email": enrolled.email, "password": "a lantern over quiet water"}).status_code
        == 422
    )
    assert [e.actor for e in audited("account:factor:reset")] == [None]
    _choose_password(client, secret)
    assert client.post("/welcome/authenticator/", {"code": _new_code(clock)}).status_code == 200


def test_a_reset_is_not_for_oneself(padma: Officer) -> None:
    enrol(padma)
    with pytest.raises(Refusal):
        actions.open_reset(padma.pk, actor=padma)
    assert AuthenticatorDevice.objects.filter(user=padma, confirmed=True).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_finish_at_once_one_wins(clock: Clock, invited: Invited) -> None:
    invitation = invited[0]
    device = actions.begin_authenticator(invitation.officer)
    step = totp.step_at(clock.now)
    codes = [totp.code_at(open_key(device), step + drift) for drift in (0, 1)]
    barrier = Barrier(2)

    def finish(code: str) -> bool:
        barrier.wait()
        try:
            actions.accept_invitation(
                invitation.pk, password_hash=make_password(NEW_PASSWORD), device_id=device.pk, code=code
            )
        except Refusal:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(finish, codes)) == 1
    assert RecoveryCode.objects.count() == 10
    with pytest.raises(InvitationInvalid):
        actions.accept_invitation(invitation.pk, password_hash="", device_id=device.pk, code="")


def test_the_replacement_of_an_authenticator(
    client: Client, clock: Clock, enrolled: Officer, audited: Callable[[str], list[Entry]]
) -> None:
    sign_in(client, enrolled, answers=False)
    other = sign_in(Client(), enrolled)
    old = code_of(enrolled, clock, steps=1)
    answer = prove_by_code(client, "/account/security/authenticator/", {}, code_of(enrolled, clock))
    assert answer.headers["Location"] == "/account/security/authenticator/new/"
    assert "<svg" in client.get("/account/security/authenticator/new/").content.decode()
    answer = client.post("/account/security/authenticator/new/", {"code": _new_code(clock)})
    assert answer.headers["Location"] == "/account/security/"
    assert AuthenticatorDevice.objects.filter(user=enrolled).count() == 1
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").headers["Location"] == "/sign-in/?next=/account/"
    assert [entry.details["reason"] for entry in audited("account:session:revoked")] == ["factor"]
    with pytest.raises(Refusal):
        actions.prove_factor(enrolled, old)
    assert len(audited("account:factor:removed")) == len(audited("account:factor:added")) == 1


def test_an_authenticator_is_not_replaced_without_a_fresh_code(
    client: Client, clock: Clock, enrolled: Officer
) -> None:
    sign_in(client, enrolled, answers=False)
    used = code_of(enrolled, clock)
    actions.prove_factor(enrolled, used)
    answer = prove_by_code(client, "/account/security/authenticator/", {}, used)
    assert answer.status_code == 403
    answer = client.post("/account/security/authenticator/new/", {"code": "123456"})
    assert answer.headers["Location"] == "/account/security/"
    assert AuthenticatorDevice.objects.filter(user=enrolled).count() == 1


def test_the_key_of_a_registered_authenticator_is_told_no_more(
    client: Client, clock: Clock, enrolled: Officer
) -> None:
    sign_in(client, enrolled)
    session = client.session
    session["accounts_new_device"] = AuthenticatorDevice.objects.get().pk
    session.save()
    answer = client.get("/account/security/authenticator/new/")
    assert answer.headers["Location"] == "/account/security/"


def test_new_recovery_codes_need_a_fresh_code(
    client: Client, clock: Clock, enrolled: Officer, audited: Callable[[str], list[Entry]]
) -> None:
    sign_in(client, enrolled, answers=False)
    path = "/account/security/recovery-codes/"
    assert prove_by_code(client, path, {}, "no code").status_code == 403
    assert RecoveryCode.objects.count() == 0
    clock.move(seconds=3)
    answer = prove_by_code(client, path, {}, code_of(enrolled, clock))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert RecoveryCode.objects.count() == 10
    assert len(audited("account:recovery-codes:made")) == 1
    assert prove_by_code(client, path, {}, code_of(enrolled, clock)).status_code == 403
