"""A second factor for one act: bound to that request, session and officer, for a minute, once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts import actions, step_up
from accounts.errors import StepUpImpossible
from accounts.models import Officer, OfficerSession, RecoveryCode
from accounts.step_up import Act
from audit.models import Entry
from exports.models import AutomaticTransfer
from groups.models import ClosedUserGroup, Membership, Role
from tests.accounts.conftest import Clock, code_of, enrol, prove_by_code, wrong_code
from tests.cast import make_group, membership_of, passkey_of, sign_in, step_up_of, token_for
from tests.passkeys import SoftPasskey, header

Audit = Callable[[str], list[Entry]]


@pytest.fixture
def required(settings: Any) -> None:
    settings.CENCOMM_PASSKEYS = "required"


@pytest.fixture
def asked(client: Client, amina: Officer, group: ClosedUserGroup) -> Asked:
    """Amina's browser, which was asked to prove that she sends the group's records to CEN each day."""
    passkey_of(amina)
    return Asked(sign_in(client, amina, answers=False), f"/groups/{group.pk}/transfer/automatic/", {"on": "yes"})


class Asked:
    """One act in one browser, and ways to answer what it asks."""

    def __init__(self, client: Client, path: str, data: Mapping[str, str]) -> None:
        self.client, self.path, self.data = client, path, dict(data)
        page = client.post(path, self.data)
        assert page.status_code == 403
        self.page = page
        self.told: dict[str, Any] = page.context["step_up"]

    def proof(self, passkey: SoftPasskey) -> dict[str, str]:
        """What the page sends beside the act."""
        answer = json.dumps(passkey.get(self.told["passkey"]))
        return {"step_up_state": self.told["state"], "step_up_passkey": answer}

    def send(self, proof: Mapping[str, str], **changed: str) -> Any:
        return self.client.post(self.path, {**self.data, **changed, **proof})


def is_on(group: ClosedUserGroup) -> bool:
    return AutomaticTransfer.objects.filter(group=group).exists()


def test_nothing_happens_before_the_second_factor(asked: Asked, group: ClosedUserGroup) -> None:
    assert not is_on(group)
    content = asked.page.content.decode()
    assert '<input type="hidden" name="on" value="yes">' in content
    assert asked.told["seconds"] == 60


def test_the_act_happens_with_it_and_both_are_audited(
    asked: Asked, amina: Officer, group: ClosedUserGroup, audited: Audit
) -> None:
    assert asked.send(asked.proof(passkey_of(amina))).status_code == 302
    assert is_on(group)
    [entry] = audited("account:step-up:proven")
    assert (entry.actor, entry.details) == (amina.pk, {"act": "transfer", "factor": "passkey"})
    assert entry.subject == f"session:{OfficerSession.objects.get().pk}"


def test_a_replay_is_refused(asked: Asked, amina: Officer, audited: Audit) -> None:
    proof = asked.proof(passkey_of(amina))
    assert asked.send(proof).status_code == 302
    replayed = asked.send(proof)
    assert replayed.status_code == 403
    assert replayed.context["refused"]
    assert [e.details["reason"] for e in audited("account:step-up:refused")] == ["challenge_expired"]


def test_a_changed_request_is_refused(asked: Asked, amina: Officer, group: ClosedUserGroup) -> None:
    proof = asked.proof(passkey_of(amina))
    assert asked.send(proof, more="1").status_code == 403
    assert not is_on(group)


def test_a_role_that_was_changed_after_the_proof_is_not_given(
    client: Client, amina: Officer, bruno: Officer, chloe: Officer, group: ClosedUserGroup
) -> None:
    """Amina proves that bruno becomes coordinator; somebody in between puts chloe in his place."""
    passkey_of(amina)
    sign_in(client, amina, answers=False)
    base = f"/groups/{group.pk}/members"
    his = Asked(client, f"{base}/{membership_of(bruno, group).pk}/", {"role": "coordinator"})
    proof = his.proof(passkey_of(amina))
    theirs = f"{base}/{membership_of(chloe, group).pk}/"
    assert client.post(theirs, {"role": "coordinator", **proof}).status_code == 403
    assert membership_of(chloe, group).role == Role.ANALYST
    again = Asked(client, his.path, his.data)
    assert again.send(again.proof(passkey_of(amina))).status_code == 302
    assert membership_of(bruno, group).role == Role.COORDINATOR


def test_a_proof_for_one_group_is_none_for_another(
    asked: Asked, amina: Officer, padma: Officer, group: ClosedUserGroup
) -> None:
    other = make_group("MISTRAL", "Operation Mistral", coordinator=amina, administrator=padma)
    proof = asked.proof(passkey_of(amina))
    path = f"/groups/{other.pk}/transfer/automatic/"
    assert asked.client.post(path, {**asked.data, **proof}).status_code == 403
    assert not is_on(other)


def test_a_proof_for_one_address_is_none_for_another_query(asked: Asked, amina: Officer) -> None:
    proof = asked.proof(passkey_of(amina))
    assert asked.client.post(f"{asked.path}?more=1", {**asked.data, **proof}).status_code == 403


def test_a_proof_of_another_session_is_refused(asked: Asked, amina: Officer, group: ClosedUserGroup) -> None:
    elsewhere = sign_in(Client(), amina, answers=False)
    proof = asked.proof(passkey_of(amina))
    assert elsewhere.post(asked.path, {**asked.data, **proof}).status_code == 403
    assert not is_on(group)


def test_a_proof_of_another_officer_is_refused(
    asked: Asked, chloe: Officer, amina: Officer, group: ClosedUserGroup
) -> None:
    Membership.objects.filter(officer=chloe, group=group).update(role=Role.COORDINATOR)
    passkey_of(chloe)
    theirs = Asked(sign_in(Client(), chloe, answers=False), asked.path, asked.data)
    stolen = theirs.proof(passkey_of(chloe))
    assert asked.send(stolen).status_code == 403
    foreign = json.dumps(passkey_of(chloe).get(asked.told["passkey"]))
    assert asked.send({"step_up_state": asked.told["state"], "step_up_passkey": foreign}).status_code == 403
    assert not is_on(group)


def test_it_lives_for_a_minute(asked: Asked, amina: Officer, group: ClosedUserGroup) -> None:
    proof, now = asked.proof(passkey_of(amina)), time.time()
    with mock.patch("django.core.signing.time.time", return_value=now + 62):
        assert asked.send(proof).status_code == 403
    assert not is_on(group)
    with mock.patch("django.core.signing.time.time", return_value=now + 40):
        assert asked.send(proof).status_code == 302


def test_without_user_verification_it_is_refused(asked: Asked, amina: Officer, group: ClosedUserGroup) -> None:
    passkey = passkey_of(amina)
    passkey.verifies = False
    assert asked.send(asked.proof(passkey)).status_code == 403
    assert not is_on(group)


def test_a_challenge_for_signing_in_is_none_for_an_act(asked: Asked, amina: Officer, client: Client) -> None:
    told = Client().post("/sign-in/passkey/challenge/").json()
    answer = json.dumps(passkey_of(amina).get(told["options"]))
    assert asked.send({"step_up_state": told["state"], "step_up_passkey": answer}).status_code == 403


@pytest.mark.parametrize("proof", [{}, {"step_up_passkey": "[]"}, {"step_up_passkey": "{", "step_up_code": "x"}])
def test_what_is_no_proof_is_refused(asked: Asked, group: ClosedUserGroup, proof: dict[str, str]) -> None:
    assert asked.send({"step_up_state": asked.told["state"], **proof}).status_code == 403
    assert not is_on(group)


@pytest.mark.parametrize(
    "value", ["", "é", "AAAA", "bnVsbA", header({"state": 7}), header({"state": "x"}), "A" * 20_000]
)
def test_a_header_that_is_no_proof_is_refused(asked: Asked, group: ClosedUserGroup, value: str) -> None:
    answer = asked.client.post(asked.path, asked.data, headers={"Step-Up": value})
    assert answer.status_code == 403
    assert not is_on(group)


def test_the_minute_begins_anew_when_the_button_is_pressed(
    asked: Asked, amina: Officer, group: ClosedUserGroup
) -> None:
    fresh = asked.client.post("/account/step-up/", {"state": asked.told["state"]}).json()
    assert fresh["state"] != asked.told["state"]
    asked.told |= {"state": fresh["state"], "passkey": fresh["options"]}
    assert asked.send(asked.proof(passkey_of(amina))).status_code == 302
    assert is_on(group)


def test_nobody_else_gets_a_fresh_challenge_for_it(asked: Asked, amina: Officer, bruno: Officer) -> None:
    told = {"state": asked.told["state"]}
    assert sign_in(Client(), bruno, answers=False).post("/account/step-up/", told).status_code == 403
    assert sign_in(Client(), amina, answers=False).post("/account/step-up/", told).status_code == 403
    sign_in_state = Client().post("/sign-in/passkey/challenge/").json()["state"]
    assert asked.client.post("/account/step-up/", {"state": sign_in_state}).status_code == 403


# Codes.


def test_a_question_is_answered_once_whatever_the_code(
    client: Client, amina: Officer, group: ClosedUserGroup, clock: Clock, audited: Audit
) -> None:
    enrol(amina)
    sign_in(client, amina, answers=False)
    path, data = f"/groups/{group.pk}/transfer/automatic/", {"on": "yes"}
    data["step_up_state"] = client.post(path, data).context["step_up"]["state"]
    clock.move(seconds=30)
    assert client.post(path, {**data, "step_up_code": code_of(amina, clock)}).status_code == 302
    clock.move(seconds=30)
    assert client.post(path, {**data, "step_up_code": code_of(amina, clock)}).status_code == 403
    assert [e.details["reason"] for e in audited("account:step-up:refused")] == ["challenge_expired"]


def test_a_code_proves_where_no_passkey_is_required(
    client: Client, amina: Officer, clock: Clock, group: ClosedUserGroup
) -> None:
    enrol(amina)
    sign_in(client, amina, answers=False)
    path = f"/groups/{group.pk}/transfer/automatic/"
    assert prove_by_code(client, path, {"on": "yes"}, wrong_code(amina, clock)).status_code == 403
    assert not is_on(group)
    clock.move(seconds=30)
    code = code_of(amina, clock)
    assert prove_by_code(client, path, {"on": "yes"}, code).status_code == 302
    assert is_on(group)
    assert prove_by_code(client, path, {"on": "yes"}, code).status_code == 403


@pytest.mark.usefixtures("required")
def test_a_code_proves_nothing_where_a_passkey_is_required(
    client: Client, amina: Officer, clock: Clock, group: ClosedUserGroup, audited: Audit
) -> None:
    enrol(amina)
    passkey_of(amina)
    sign_in(client, amina, answers=False)
    path = f"/groups/{group.pk}/transfer/automatic/"
    assert not Asked(client, path, {"on": "yes"}).told["code"]
    assert prove_by_code(client, path, {"on": "yes"}, code_of(amina, clock)).status_code == 403
    assert not is_on(group)
    assert audited("account:step-up:refused")[-1].details["reason"] == "passkey_needed"


def test_a_recovery_code_proves_no_act(
    client: Client, amina: Officer, clock: Clock, group: ClosedUserGroup
) -> None:
    enrol(amina)
    [code, *_rest] = actions.make_recovery_codes(amina)
    sign_in(client, amina, answers=False)
    path = f"/groups/{group.pk}/transfer/automatic/"
    assert prove_by_code(client, path, {"on": "yes"}, code).status_code == 403
    assert not is_on(group)


def test_a_code_changes_factors_with_the_password_only(
    client: Client, amina: Officer, clock: Clock, audited: Audit
) -> None:
    enrol(amina)
    sign_in(client, amina, answers=False)
    path, code = "/account/security/recovery-codes/", code_of(amina, clock)
    assert 'autocomplete="current-password"' in client.post(path).content.decode()
    for password in (None, "", "something else"):
        assert prove_by_code(client, path, {}, code, password).status_code == 403
    assert not RecoveryCode.objects.exists()
    assert [e.details["reason"] for e in audited("account:step-up:refused")] == ["wrong_sign_in"] * 3
    assert prove_by_code(client, path, {}, code).status_code == 200
    assert RecoveryCode.objects.count() == 10


def test_guessing_the_password_beside_a_code_is_throttled(client: Client, amina: Officer, clock: Clock) -> None:
    enrol(amina)
    sign_in(client, amina, answers=False)
    path, code = "/account/security/recovery-codes/", code_of(amina, clock)
    for _ in range(5):
        prove_by_code(client, path, {}, code, "something else")
    assert prove_by_code(client, path, {}, code).status_code == 403
    assert not RecoveryCode.objects.exists()


def test_a_session_is_ended_by_who_shows_a_factor(client: Client, amina: Officer) -> None:
    passkey_of(amina)
    lost = sign_in(Client(), amina)
    theirs = OfficerSession.objects.get()
    sign_in(client, amina, answers=False)
    path = f"/account/sessions/{theirs.pk}/revoke/"
    asked = Asked(client, path, {})
    assert asked.told["act"] == "end-sessions"
    assert lost.get("/account/").status_code == 200
    assert asked.send(asked.proof(passkey_of(amina))).status_code == 302
    assert lost.get("/account/").status_code == 302


# Which acts ask. One line for each; whoever adds an act adds a line.


def acts(group: ClosedUserGroup, bruno: Membership) -> dict[str, tuple[str, str, dict[str, str]]]:
    base = f"/groups/{group.pk}"
    return {
        "transfer": ("post", f"{base}/transfer/start/", {"confirmed": f"{group.pk}:{'0' * 64}"}),
        "transfer again": ("post", f"{base}/transfer/again/{group.pk}/", {}),
        "daily transfer": ("post", f"{base}/transfer/automatic/", {"on": "yes"}),
        "download csv": ("get", "/cen/download/csv", {}),
        "download xlsx": ("get", "/cen/download/xlsx", {}),
        "coordinator by role": ("post", f"{base}/members/{bruno.pk}/", {"role": "coordinator"}),
        "coordinator added": ("post", f"{base}/members/add/", {"email": "eve@demo.invalid", "role": "coordinator"}),
        "recovery": ("post", f"{base}/recovery/open/", {"member": str(bruno.pk), "confirm": "on"}),
        "recovery codes": ("post", "/account/security/recovery-codes/", {}),
        "authenticator": ("post", "/account/security/authenticator/", {}),
        "passkey": ("post", "/account/security/passkeys/new/", {"name": "x"}),
        "token": ("post", "/account/tokens/", {"name": "x", "scopes": "cen:read", "days": "30"}),
        "other sessions": ("post", "/account/sessions/others/revoke/", {}),
    }


@pytest.mark.django_db(databases=["default", "cen"])
@pytest.mark.parametrize("act", sorted(acts(ClosedUserGroup(), Membership())))
def test_each_of_these_acts_asks(
    client: Client, amina: Officer, bruno: Officer, eve: Officer, group: ClosedUserGroup, act: str
) -> None:
    passkey_of(amina)
    sign_in(client, amina, answers=False)
    method, path, data = acts(group, membership_of(bruno, group))[act]
    answer = getattr(client, method)(path, data)
    assert answer.status_code == 403
    assert step_up_of(answer) is not None


@pytest.mark.parametrize(
    ("act", "data"),
    [
        ("", {"role": "coordinator"}),  # whatever somebody else has made of the member meanwhile
        ("", {"role": "analyst"}),
        ("remove/", {"confirm": "on"}),
        ("invitation/", {}),
    ],
)
def test_what_changes_who_coordinates_asks(
    client: Client, amina: Officer, chloe: Officer, group: ClosedUserGroup, act: str, data: dict[str, str]
) -> None:
    """Whoever sits at a coordinator's open session throws no other coordinator out, and opens no account of one."""
    Membership.objects.filter(officer=chloe, group=group).update(role=Role.COORDINATOR)
    passkey_of(amina)
    sign_in(client, amina, answers=False)
    asked = Asked(client, f"/groups/{group.pk}/members/{membership_of(chloe, group).pk}/{act}", data)
    assert asked.told["act"] == "name-coordinator"
    assert membership_of(chloe, group).role == Role.COORDINATOR


def test_a_coordinator_is_lowered_and_removed_with_a_second_factor(
    client: Client, amina: Officer, chloe: Officer, bruno: Officer, group: ClosedUserGroup
) -> None:
    Membership.objects.filter(officer__in=[chloe, bruno], group=group).update(role=Role.COORDINATOR)
    sign_in(client, amina, answers=False)
    passkey = passkey_of(amina)
    lower = Asked(client, f"/groups/{group.pk}/members/{membership_of(bruno, group).pk}/", {"role": "officer"})
    assert lower.send(lower.proof(passkey)).status_code == 302
    assert membership_of(bruno, group).role == Role.OFFICER
    address = f"/groups/{group.pk}/members/{membership_of(chloe, group).pk}/remove/"
    remove = Asked(client, address, {"confirm": "on"})
    assert remove.send(remove.proof(passkey)).status_code == 302
    assert not Membership.objects.filter(officer=chloe, group=group, left_at=None).exists()


def test_other_members_are_changed_and_removed_without(
    client: Client, amina: Officer, chloe: Officer, group: ClosedUserGroup
) -> None:
    sign_in(client, amina, answers=False)
    address = f"/groups/{group.pk}/members/{membership_of(chloe, group).pk}/"
    assert client.post(address, {"role": "observer"}).status_code == 302
    assert client.post(f"{address}remove/", {"confirm": "on"}).status_code == 302


def test_a_coordinator_who_leaves_is_asked(client: Client, amina: Officer, group: ClosedUserGroup) -> None:
    passkey_of(amina)
    sign_in(client, amina, answers=False)
    leaving = Asked(client, reverse("groups:leave", args=[group.pk]), {"confirm": "on"})
    assert leaving.told["act"] == "name-coordinator"
    assert membership_of(amina, group)


def test_an_archive_asks(client: Client, amina: Officer, group: ClosedUserGroup) -> None:
    ClosedUserGroup.objects.filter(pk=group.pk).update(
        phase="closed", closed_at=timezone.now() - timedelta(days=4000)
    )
    passkey_of(amina)
    sign_in(client, amina, answers=False)
    path, data = f"/groups/{group.pk}/phases/move/", {"to": "archived", "confirm": group.code}
    archive = Asked(client, path, data)
    assert archive.told["act"] == "destroy-key"
    group.refresh_from_db()
    assert group.phase == "closed"
    assert archive.send(archive.proof(passkey_of(amina))).status_code == 302
    group.refresh_from_db()
    assert group.phase == "archived"


@pytest.mark.parametrize("path", ["groups/new/", "officers/new/"])
def test_administrators_are_asked_before_they_name_somebody(
    client: Client, padma: Officer, amina: Officer, path: str
) -> None:
    passkey_of(padma)
    sign_in(client, padma, answers=False)
    data = {
        "code": "BORA", "name": "Operation Bora", "kind": "operation", "starts_on": "2030-01-01",
        "ends_on": "2030-01-09", "form_mode": "simplified", "first_coordinator": amina.email,
        "email": "new@demo.invalid", "administration": str(padma.administration_id), "language": "en",
        "time_zone": "UTC", "is_platform_administrator": "on",
    }  # fmt: skip
    answer = client.post(f"/administration/{path}", data)
    assert answer.status_code == 403
    assert step_up_of(answer) is not None


def test_the_link_of_an_account_that_nobody_opened_is_asked_for(client: Client, padma: Officer) -> None:
    new = actions.invite_officer(
        actor=padma,
        email="new@demo.invalid",
        name="New",
        administration=padma.administration,
    )[0].officer
    passkey_of(padma)
    sign_in(client, padma, answers=False)
    renewal = Asked(client, reverse("accounts:renew_invitation", args=[new.pk]), {})
    assert renewal.told["act"] == "recover"
    answer = renewal.send(renewal.proof(passkey_of(padma)))
    assert answer.status_code == 200
    assert "/invitation/" in answer.content.decode()


@pytest.mark.parametrize("open_now", [True, False])
def test_an_account_is_shut_and_opened_again_by_who_shows_a_factor(
    client: Client, padma: Officer, fatou: Officer, *, open_now: bool
) -> None:
    """Who took over an administrator's session neither shuts anybody out nor lets anybody back in."""
    Officer.objects.filter(pk=fatou.pk).update(is_active=open_now)
    passkey_of(padma)
    sign_in(client, padma, answers=False)
    route = "deactivate_officer" if open_now else "activate_officer"
    asked = Asked(client, reverse(f"accounts:{route}", args=[fatou.pk]), {})
    assert asked.told["act"] == "shut-account"
    assert Officer.objects.get(pk=fatou.pk).is_active is open_now
    assert asked.send(asked.proof(passkey_of(padma))).status_code == 302
    assert Officer.objects.get(pk=fatou.pk).is_active is not open_now


def test_who_is_administrator_is_decided_by_who_shows_a_factor(
    client: Client, padma: Officer, fatou: Officer
) -> None:
    """Who took over one administrator's session does not become the only one."""
    Officer.objects.filter(pk=fatou.pk).update(is_platform_administrator=True)
    passkey_of(padma)
    sign_in(client, padma, answers=False)
    said = {
        "name": fatou.name, "administration": str(fatou.administration_id), "language": "en", "time_zone": "UTC",
    }  # fmt: skip
    asked = Asked(client, reverse("accounts:officer", args=[fatou.pk]), said)
    assert asked.told["act"] == "name-administrator"
    assert Officer.objects.get(pk=fatou.pk).is_platform_administrator
    assert asked.send(asked.proof(passkey_of(padma))).status_code == 302
    assert not Officer.objects.get(pk=fatou.pk).is_platform_administrator


def test_nobody_is_asked_before_it_is_refused_that_he_shuts_his_own_account(client: Client, padma: Officer) -> None:
    passkey_of(padma)
    sign_in(client, padma, answers=False)
    answer = client.post(reverse("accounts:deactivate_officer", args=[padma.pk]))
    assert answer.status_code == 409
    assert Officer.objects.get(pk=padma.pk).is_active


def test_a_stranger_is_told_nothing_by_the_question(client: Client, eve: Officer, group: ClosedUserGroup) -> None:
    passkey_of(eve)
    sign_in(client, eve, answers=False)
    for path in ("transfer/automatic/", "recovery/open/", "phases/move/"):
        assert client.post(f"/groups/{group.pk}/{path}", {"on": "yes"}).status_code == 404


# The API.


def post_transfer(client: Client, group: ClosedUserGroup, **headers: str) -> Any:
    path = f"/api/v1/groups/{group.pk}/transfers"
    return client.post(path, {"all": True}, content_type="application/json", headers=headers)


def test_the_api_tells_what_to_sign_and_takes_it_once(
    client: Client, amina: Officer, group: ClosedUserGroup
) -> None:
    passkey = passkey_of(amina)
    sign_in(client, amina, answers=False)
    refused = post_transfer(client, group)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    told = refused.json()["step_up"]
    proof = header({"state": told["state"], "passkey": passkey.get(told["passkey"])})
    assert post_transfer(client, group, **{"Step-Up": proof}).json()["code"] == "nothing_to_transfer"
    assert post_transfer(client, group, **{"Step-Up": proof}).json()["code"] == "step_up_refused"


def test_another_body_is_another_request(client: Client, amina: Officer, group: ClosedUserGroup) -> None:
    passkey = passkey_of(amina)
    sign_in(client, amina, answers=False)
    told = post_transfer(client, group).json()["step_up"]
    proof = header({"state": told["state"], "passkey": passkey.get(told["passkey"])})
    path = f"/api/v1/groups/{group.pk}/transfers"
    changed = client.post(path, {"all": False}, content_type="application/json", headers={"Step-Up": proof})
    assert changed.json()["code"] == "step_up_refused"


def test_a_body_is_bound_whole_whatever_it_is_called(
    client: Client, amina: Officer, group: ClosedUserGroup
) -> None:
    """A program's body that calls itself a form: no part of it looks like a field that does not count."""
    passkey = passkey_of(amina)
    sign_in(client, amina, answers=False)
    path, form = f"/api/v1/groups/{group.pk}/transfers", "application/x-www-form-urlencoded"

    def send(everything: str, **headers: str) -> Any:
        body = f'{{"x": "&csrfmiddlewaretoken=", "all": {everything}}}'
        headers["Accept"] = "application/json"
        return client.post(path, body, content_type=form, headers=headers)

    told = send("false").json()["step_up"]
    proof = header({"state": told["state"], "passkey": passkey.get(told["passkey"])})
    assert send("true", **{"Step-Up": proof}).json()["code"] == "step_up_refused"


def test_a_token_cannot(client: Client, amina: Officer, group: ClosedUserGroup, audited: Audit) -> None:
    secret = token_for(amina)
    answer = post_transfer(client, group, Authorization=f"Bearer {secret}")
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_impossible")
    assert audited("account:step-up:refused")[-1].details == {"act": "transfer", "reason": "token"}


# The digest.


def test_every_part_of_a_request_counts() -> None:
    make = RequestFactory()
    told = [
        step_up.request_digest(make.post("/a/", {"x": "1"}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", {"x": "1"}), Act.EXPORT),
        step_up.request_digest(make.put("/a/", "x=1", "application/x-www-form-urlencoded"), Act.TRANSFER),
        step_up.request_digest(make.post("/b/", {"x": "1"}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/?x=1", {"x": "1"}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", {"x": "2"}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", {"x": ["1", "2"]}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", {"x": ["2", "1"]}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", {"y": "1"}), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", '{"x":1}', "application/json"), Act.TRANSFER),
        step_up.request_digest(make.post("/a/", '{"x":2}', "application/json"), Act.TRANSFER),
        step_up.request_digest(make.put("/a/", '{"x":1}', "application/json"), Act.TRANSFER),
    ]
    assert len(set(told)) == len(told)


def test_a_form_with_a_file_cannot_be_proven() -> None:
    form = {"x": "1", "file": SimpleUploadedFile("a.txt", b"not bound by anything")}
    with pytest.raises(StepUpImpossible):
        step_up.request_digest(RequestFactory().post("/a/", form), Act.TRANSFER)


def test_the_proof_itself_and_the_order_of_names_do_not_count() -> None:
    make = RequestFactory()
    one = make.post("/a/", {"x": "1", "y": "2"})
    other = make.post("/a/", {"y": "2", "x": "1", "step_up_state": "s", "csrfmiddlewaretoken": "t"})
    assert step_up.request_digest(one, Act.TRANSFER) == step_up.request_digest(other, Act.TRANSFER)
    asked, sent = make.get("/a/?x=1"), make.post("/a/?x=1")
    assert step_up.request_digest(asked, Act.EXPORT) == step_up.request_digest(sent, Act.EXPORT)
