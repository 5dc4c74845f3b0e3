"""Passkeys: registered, signed in with, removed; who must have one; and whatever is no honest answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django_otp_webauthn.models import WebAuthnCredential

from accounts import actions, queries
from accounts.actions.sign_in import ADDRESS
from accounts.challenges import Challenge, Purpose
from accounts.errors import ChallengeExpired, LastFactor, NoSuchObject, PasskeyExists, WrongPasskey
from accounts.models import AuthenticatorDevice, Officer, OfficerSession, PasskeySeal
from audit.models import Entry
from groups.actions import change_role
from groups.models import ClosedUserGroup, Role
from tests.accounts.conftest import Clock, code_of, enrol, give_password
from tests.cast import PASSWORD, membership_of, passkey_of, sign_in
from tests.passkeys import ORIGIN, SoftPasskey

Audit = Callable[[str], list[Entry]]
ANYBODY = Challenge(Purpose.SIGN_IN)


@pytest.fixture
def required(settings: Any) -> None:
    """An installation as it is outside of the demo."""
    settings.CENCOMM_PASSKEYS = "required"


def registering(officer: Officer) -> Challenge:
    return Challenge(Purpose.REGISTER, officer.pk)


def prove(
    officer: Officer | None, passkey: SoftPasskey, *, origin: str = ORIGIN, **changed: Any
) -> WebAuthnCredential:
    """Prove a passkey the way a sign-in does; `changed` is what no honest browser would say."""
    challenge = Challenge(Purpose.SECOND_FACTOR, officer.pk) if officer else ANYBODY
    state, options = actions.offer_proof(officer, challenge=challenge, origin=origin)
    answer = passkey.get(options, **changed)
    return actions.prove_passkey(officer, state=state, answer=answer, challenge=challenge, origin=origin)


def sign_in_with(client: Client, passkey: SoftPasskey) -> Any:
    """Sign in on the page with a passkey alone."""
    told = client.post("/sign-in/passkey/challenge/").json()
    answer = json.dumps(passkey.get(told["options"]))
    return client.post("/sign-in/passkey/", {"state": told["state"], "answer": answer})


def show_after_password(client: Client, passkey: SoftPasskey) -> Any:
    """Answer the second step with a passkey."""
    page = client.get("/sign-in/code/")
    answer = json.dumps(passkey.get(page.context["options"]))
    return client.post("/sign-in/code/passkey/", {"state": page.context["state"], "answer": answer})


def register_first(client: Client, passkey: SoftPasskey) -> Any:
    page = client.get("/sign-in/first-passkey/")
    answer = json.dumps(passkey.create(page.context["options"]))
    told = {"name": "blue key", "state": page.context["state"], "answer": answer}
    return client.post("/sign-in/first-passkey/", told)


# Registering.


def test_a_registered_passkey_proves(amina: Officer, audited: Audit) -> None:
    passkey = passkey_of(amina)
    assert prove(amina, passkey).user == amina
    kept = WebAuthnCredential.objects.get()
    assert kept.last_used_at is not None
    assert kept.sign_count == 1
    assert [(e.actor, e.details["factor"]) for e in audited("account:factor:added")] == [(amina.pk, "passkey")]


def test_options_ask_for_user_verification_and_a_discoverable_passkey(amina: Officer) -> None:
    _state, creation = actions.offer_registration(amina, challenge=registering(amina), origin=ORIGIN)
    assert creation["authenticatorSelection"]["userVerification"] == "required"
    assert creation["authenticatorSelection"]["residentKey"] == "required"
    assert creation["user"]["displayName"] == amina.name
    passkey_of(amina)
    _state, request = actions.offer_proof(amina, challenge=ANYBODY, origin=ORIGIN)
    assert request["userVerification"] == "required"
    assert len(request["allowCredentials"]) == 1
    _state, anonymous = actions.offer_proof(None, challenge=ANYBODY, origin=ORIGIN)
    assert not anonymous.get("allowCredentials")


@pytest.mark.parametrize(
    "fault", ["verification", "origin", "challenge", "another officer", "no answer", "no cbor"]
)
def test_a_dishonest_registration_is_refused(amina: Officer, bruno: Officer, fault: str) -> None:
    challenge = registering(amina)
    passkey = SoftPasskey(verifies=fault != "verification", origin="http://evil" if fault == "origin" else ORIGIN)
    state, options = actions.offer_registration(amina, challenge=challenge, origin=ORIGIN)
    if fault == "challenge":
        _other, options = actions.offer_registration(amina, challenge=challenge, origin=ORIGIN)
    answer = {} if fault == "no answer" else passkey.create(options)
    if fault == "no cbor":
        answer["response"]["attestationObject"] = "AAAA"
    officer = bruno if fault == "another officer" else amina
    challenge = registering(officer)
    with pytest.raises((WrongPasskey, ChallengeExpired)):
        actions.register_passkey(
            officer, name="key", state=state, answer=answer, challenge=challenge, origin=ORIGIN
        )
    assert not WebAuthnCredential.objects.exists()


def test_a_registration_is_done_once(amina: Officer) -> None:
    challenge, passkey = registering(amina), SoftPasskey()
    state, options = actions.offer_registration(amina, challenge=challenge, origin=ORIGIN)
    told: dict[str, Any] = {"name": "key", "challenge": challenge, "origin": ORIGIN}
    answer = passkey.create(options)
    actions.register_passkey(amina, state=state, answer=answer, **told)
    with pytest.raises(ChallengeExpired):
        actions.register_passkey(amina, state=state, answer=answer, **told)
    state, options = actions.offer_registration(amina, challenge=challenge, origin=ORIGIN)
    with pytest.raises(PasskeyExists):
        actions.register_passkey(amina, state=state, answer=passkey.create(options), **told)
    assert WebAuthnCredential.objects.count() == 1


# Proving.


@pytest.mark.parametrize(
    "fault", ["verification", "origin", "challenge", "counter", "handle", "unknown", "signature"]
)
def test_a_dishonest_answer_proves_nothing(amina: Officer, audited: Audit, fault: str) -> None:
    passkey = passkey_of(amina)
    prove(amina, passkey)
    passkey.verifies = fault != "verification"
    passkey.origin = "http://evil" if fault == "origin" else ORIGIN
    passkey.counter -= 2 if fault == "counter" else 0  # a copy of the key that was used less often
    if fault == "unknown":
        passkey.credential_id = bytes(32)
    if fault == "signature":
        passkey.key = SoftPasskey().key
    changed: dict[str, Any] = {"challenge": "A" * 43} if fault == "challenge" else {}
    changed |= {"user_handle": bytes(64)} if fault == "handle" else {}
    with pytest.raises(WrongPasskey):
        prove(amina, passkey, **changed)
    assert [e.details["reason"] for e in audited("account:session:refused")] == ["passkey"]


def test_the_passkey_of_somebody_else_proves_nothing(amina: Officer, bruno: Officer) -> None:
    passkey_of(amina)
    with pytest.raises(WrongPasskey):
        prove(amina, passkey_of(bruno))


def test_an_answer_is_taken_once(amina: Officer) -> None:
    passkey = passkey_of(amina)
    challenge = Challenge(Purpose.SECOND_FACTOR, amina.pk)
    state, options = actions.offer_proof(amina, challenge=challenge, origin=ORIGIN)
    told: dict[str, Any] = {
        "state": state,
        "answer": passkey.get(options),
        "challenge": challenge,
        "origin": ORIGIN,
    }
    actions.prove_passkey(amina, **told)
    with pytest.raises(ChallengeExpired):
        actions.prove_passkey(amina, **told)


def test_an_answer_for_one_purpose_is_none_for_another(amina: Officer) -> None:
    passkey = passkey_of(amina)
    state, options = actions.offer_proof(amina, challenge=ANYBODY, origin=ORIGIN)
    with pytest.raises(ChallengeExpired):
        actions.prove_passkey(
            amina,
            state=state,
            answer=passkey.get(options),
            challenge=Challenge(Purpose.STEP_UP, amina.pk),
            origin=ORIGIN,
        )


def test_who_changes_the_table_gains_nothing(amina: Officer, bruno: Officer) -> None:
    """The owner of the database moves bruno's passkey to amina, or writes a key of his own into hers."""
    mine, theirs = passkey_of(amina), passkey_of(bruno)
    WebAuthnCredential.objects.filter(user=amina).update(public_key=SoftPasskey(key=theirs.key).public_key())
    mine.key = theirs.key
    with pytest.raises(WrongPasskey):
        prove(amina, mine)
    moved = WebAuthnCredential.objects.filter(user=bruno)
    moved.update(user=amina)
    with pytest.raises(WrongPasskey):
        prove(amina, theirs, user_handle=mine.user_handle)
    PasskeySeal.objects.all().delete()
    with pytest.raises(WrongPasskey):
        prove(amina, theirs, user_handle=mine.user_handle)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"rawId": 7}',
        '{"rawId": "é"}',
        '{"rawId": "AAAA", "id": "AAAA", "type": "public-key", "response": {}}',
        '{"rawId": "AAAA", "response": {"userHandle": {}}}',
        "[" * 60_000,
        '{"rawId": "' + "A" * 70_000 + '"}',
    ],
)
def test_what_is_no_answer_is_refused_calmly(client: Client, db: None, answer: str) -> None:
    told = client.post("/sign-in/passkey/challenge/").json()
    page = client.post("/sign-in/passkey/", {"state": told["state"], "answer": answer})
    assert page.status_code == 422
    assert "This passkey was not accepted." in page.content.decode()


# Signing in.


def test_a_passkey_alone_signs_in(client: Client, amina: Officer, audited: Audit) -> None:
    passkey = passkey_of(amina)
    before = client.cookies.get("cencomm_session")
    assert sign_in_with(client, passkey).headers["Location"] == "/"
    assert before is None
    assert client.get("/account/").status_code == 200
    assert OfficerSession.objects.get().factor == "passkey"
    assert [e.details["factor"] for e in audited("account:session:started")] == ["passkey"]


def test_an_address_that_guesses_at_passkeys_has_to_wait(client: Client, amina: Officer, clock: Clock) -> None:
    told = client.post("/sign-in/passkey/challenge/").json()
    guess = {"state": told["state"], "answer": "{}"}
    answered = [client.post("/sign-in/passkey/", guess).status_code for _ in range(ADDRESS.free + 2)]
    assert 429 not in answered[: ADDRESS.free]
    assert answered[-1] == 429
    assert sign_in_with(client, passkey_of(amina)).status_code == 429


def test_asking_for_a_challenge_keeps_nothing(client: Client, amina: Officer) -> None:
    told = client.post("/sign-in/passkey/challenge/").json()
    assert not told["options"].get("allowCredentials")
    assert "cencomm_session" not in client.cookies


def test_a_shut_account_does_not_sign_in(client: Client, amina: Officer, padma: Officer) -> None:
    passkey = passkey_of(amina)
    actions.deactivate_officer(amina.pk, actor=padma)
    assert sign_in_with(client, passkey).status_code == 422


def test_a_passkey_after_the_password_rotates_the_session_key(client: Client, amina: Officer) -> None:
    passkey = passkey_of(amina)
    give_password(client, amina)
    before = client.session.session_key
    assert client.get("/account/").headers["Location"] == "/sign-in/code/"
    assert show_after_password(client, passkey).headers["Location"] == "/"
    assert client.session.session_key != before
    thief = Client()
    thief.cookies["cencomm_session"] = before or ""
    assert thief.get("/account/").status_code == 302


def test_an_answer_made_in_another_session_does_not_sign_in(client: Client, amina: Officer) -> None:
    passkey = passkey_of(amina)
    give_password(client, amina)
    other = Client()
    give_password(other, amina)
    page = client.get("/sign-in/code/")
    told = {"state": page.context["state"], "answer": json.dumps(passkey.get(page.context["options"]))}
    assert other.post("/sign-in/code/passkey/", told).status_code == 422
    assert other.get("/account/").status_code == 302


# A password alone.


@pytest.mark.parametrize(
    "path",
    [
        "/account/security/passkeys/new/",
        "/account/security/passkeys/add/",
        "/account/security/authenticator/",
        "/account/step-up/",
        "/sign-in/first-passkey/",
    ],
)
@pytest.mark.usefixtures("required")
def test_a_password_alone_registers_nothing(
    client: Client, amina: Officer, clock: Clock, group: ClosedUserGroup, path: str
) -> None:
    enrol(amina)
    give_password(client, amina)
    answer = client.post(path, {"name": "mine", "answer": "{}", "state": ""})
    assert answer.headers["Location"] == "/sign-in/code/"
    assert not WebAuthnCredential.objects.exists()


# Those who watch over others.


@pytest.mark.usefixtures("required")
def test_a_coordinator_with_an_authenticator_is_led_to_a_passkey(
    client: Client, clock: Clock, enrolled: Officer, group: ClosedUserGroup
) -> None:
    give_password(client, enrolled)
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.headers["Location"] == "/sign-in/first-passkey/"
    for path in ("/account/", "/groups/", f"/groups/{group.pk}/"):
        assert client.get(path).headers["Location"] == "/sign-in/code/"
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/first-passkey/"
    passkey = SoftPasskey()
    assert register_first(client, passkey).headers["Location"] == "/"
    assert client.get("/account/").status_code == 200
    assert queries.passkeys_of(enrolled).get().name == "blue key"
    client.post("/sign-out/")
    assert sign_in_with(client, passkey).headers["Location"] == "/"


@pytest.mark.usefixtures("required")
def test_a_coordinator_who_has_a_passkey_shows_that(
    client: Client, clock: Clock, enrolled: Officer, group: ClosedUserGroup
) -> None:
    passkey = passkey_of(enrolled)
    give_password(client, enrolled)
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.status_code == 403
    assert client.get("/sign-in/first-passkey/").headers["Location"] == "/sign-in/code/"
    assert client.get("/account/").status_code == 302
    assert show_after_password(client, passkey).headers["Location"] == "/"


@pytest.mark.usefixtures("required")
def test_a_recovery_code_stands_for_a_lost_passkey(
    client: Client, amina: Officer, clock: Clock, group: ClosedUserGroup
) -> None:
    passkey_of(amina)
    [code, *_rest] = actions.make_recovery_codes(amina)
    give_password(client, amina)
    assert client.post("/sign-in/code/", {"code": code}).headers["Location"] == "/sign-in/first-passkey/"
    assert client.get("/account/").status_code == 302
    register_first(client, SoftPasskey())
    assert client.get("/account/").status_code == 200


@pytest.mark.usefixtures("required")
def test_an_officer_does_with_an_authenticator(client: Client, clock: Clock, bruno: Officer) -> None:
    enrol(bruno)
    give_password(client, bruno)
    assert client.post("/sign-in/code/", {"code": code_of(bruno, clock)}).headers["Location"] == "/"
    assert client.get("/account/").status_code == 200


@pytest.mark.usefixtures("required")
def test_who_becomes_coordinator_shows_a_passkey_first(
    client: Client, amina: Officer, chloe: Officer, group: ClosedUserGroup, audited: Audit
) -> None:
    theirs = sign_in(Client(), chloe)
    assert theirs.get("/account/").status_code == 200
    change_role(membership_of(amina, group), member_id=membership_of(chloe, group).pk, role=Role.COORDINATOR.value)
    assert theirs.get("/account/").headers["Location"] == "/sign-in/code/"
    assert theirs.get(f"/api/v1/groups/{group.pk}").status_code == 401
    assert len(audited("account:session:lowered")) == 1


@pytest.mark.usefixtures("required")
def test_an_invited_administrator_registers_a_passkey(client: Client, padma: Officer, clock: Clock) -> None:
    Officer.objects.filter(pk=padma.pk).update(password="!")
    _invitation, secret = actions.renew_invitation(padma, actor=None)
    client.get(f"/invitation/{secret}/")
    client.post("/welcome/password/", {"password": "eleven herons at dusk", "again": "eleven herons at dusk"})
    page = client.get("/welcome/authenticator/")
    assert page.context["needs_passkey"]
    assert "otpauth" not in page.content.decode()
    refused = client.post("/welcome/authenticator/", {"code": "123456"})
    assert refused.status_code == 403
    passkey = SoftPasskey()
    answer = json.dumps(passkey.create(page.context["options"]))
    told = {"name": "key", "state": page.context["state"], "answer": answer}
    codes = client.post("/welcome/passkey/", told).context["codes"]
    assert len(codes) == 10
    assert client.get("/administration/officers/").status_code == 200
    assert not AuthenticatorDevice.objects.filter(confirmed=True).exists()
    assert Client().post("/welcome/passkey/", told).status_code == 410


# The page of one's own factors.


def test_a_passkey_is_added_after_a_second_factor(client: Client, bruno: Officer, clock: Clock) -> None:
    enrol(bruno)
    sign_in(client, bruno, answers=False)
    asked = client.post("/account/security/passkeys/new/", {"name": "ring"})
    assert asked.status_code == 403
    state, code = asked.context["step_up"]["state"], code_of(bruno, clock)
    told = {"name": "ring", "step_up_state": state, "step_up_code": code, "step_up_password": PASSWORD}
    page = client.post("/account/security/passkeys/new/", told)
    answer = json.dumps(SoftPasskey().create(page.context["options"]))
    told = {"name": "ring", "state": page.context["state"], "answer": answer}
    assert client.post("/account/security/passkeys/add/", told).status_code == 302
    assert "ring" in client.get("/account/security/").content.decode()


def test_a_passkey_is_not_added_without(client: Client, bruno: Officer) -> None:
    sign_in(client, bruno, answers=False)
    state, options = actions.offer_registration(bruno, challenge=registering(bruno), origin=ORIGIN)
    told = {"name": "ring", "state": state, "answer": json.dumps(SoftPasskey().create(options))}
    assert client.post("/account/security/passkeys/add/", told).status_code == 403
    assert not WebAuthnCredential.objects.exists()


def test_a_removed_passkey_and_its_sessions_open_nothing(client: Client, bruno: Officer, audited: Audit) -> None:
    passkey = passkey_of(bruno)
    thief = Client()
    sign_in_with(thief, passkey)
    sign_in(client, bruno)
    answer = client.post(f"/account/security/passkeys/{WebAuthnCredential.objects.get().pk}/remove/")
    assert answer.status_code == 302
    assert thief.get("/account/").status_code == 302
    assert client.get("/account/").status_code == 200
    assert sign_in_with(Client(), passkey).status_code == 422
    assert [e.details["factor"] for e in audited("account:factor:removed")] == ["passkey"]


def test_the_last_factor_stays(bruno: Officer, amina: Officer) -> None:
    passkey_of(bruno)
    only = WebAuthnCredential.objects.get()
    with pytest.raises(LastFactor):
        actions.remove_passkey(bruno, only.pk, keep=None)
    with pytest.raises(NoSuchObject):
        actions.remove_passkey(amina, only.pk, keep=None)
    enrol(bruno)
    actions.remove_passkey(bruno, only.pk, keep=None)
    with pytest.raises(LastFactor):
        actions.remove_authenticator(bruno, keep=None)


@pytest.mark.usefixtures("required")
def test_a_coordinator_keeps_a_passkey(amina: Officer, group: ClosedUserGroup) -> None:
    passkey_of(amina)
    enrol(amina)
    with pytest.raises(LastFactor):
        actions.remove_passkey(amina, WebAuthnCredential.objects.get().pk, keep=None)
    actions.remove_authenticator(amina, keep=None)
    assert not AuthenticatorDevice.objects.exists()


def test_a_reset_takes_passkeys_too(bruno: Officer) -> None:
    passkey = passkey_of(bruno)
    actions.reset_from_the_machine(bruno.pk)
    assert not WebAuthnCredential.objects.exists()
    with pytest.raises(WrongPasskey):
        prove(None, passkey)
