"""What answers tell about names, links and tokens that exist: nothing, neither in words nor by the work they take.

Each way of asking is tried with what exists and with what does not: the same status, headers, cookies and page, and
the same hashing of passwords, counted where Argon2 itself is called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import argon2
import pytest
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.hashers import OfficerArgon2PasswordHasher
from accounts.models import Administration, Invitation, Officer, Token
from groups.models import ClosedUserGroup
from tests.accounts.conftest import Clock
from tests.cast import PASSWORD, membership_of, passkey_of, sign_in
from tests.passkeys import SoftPasskey

pytestmark = pytest.mark.django_db
RANDOM = (
    (r'nonce="[^"]+"', 'nonce="-"'),
    (r"'nonce-[^']+'", "'nonce-'"),
    (r'(name="csrfmiddlewaretoken" value=)"[^"]+"', r'\1"-"'),
    (r'"(state|challenge)":\s*"[^"]+"', r'"\1": "-"'),
)


@dataclass(frozen=True)
class Told:
    """All that a client learns from one answer, and what the answer has cost."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, dict[str, Any]]
    body: str
    hashed: tuple[str, ...]


def told(answer: Any, hashed: list[str], *, typed: str = "") -> Told:
    """Return what an answer tells, without what is drawn anew for each and what was typed."""
    body = answer.content.decode().replace(answer.request["PATH_INFO"], "PATH")  # a page names itself
    for pattern, instead in RANDOM:
        body = re.sub(pattern, instead, body)
    headers = dict(answer.headers)
    for pattern, instead in RANDOM:
        headers = {name: re.sub(pattern, instead, value) for name, value in headers.items()}
    headers.pop("Content-Length", None)  # longer by the name that was typed
    cookies = {
        name: {key: value for key, value in one.items() if key != "expires"} for name, one in answer.cookies.items()
    }
    if typed:
        assert typed in body
        body = body.replace(typed, "TYPED")
    return Told(answer.status_code, headers, cookies, body, tuple(hashed))


@pytest.fixture
def hashed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The product's own hasher, and the parameters of each run of Argon2 from now on."""
    settings.PASSWORD_HASHERS = ["accounts.hashers.OfficerArgon2PasswordHasher"]
    runs: list[str] = []
    makes, checks = argon2.low_level.hash_secret, argon2.PasswordHasher.verify

    def make(*args: Any, **values: Any) -> bytes:
        runs.append(f"t={values['time_cost']} m={values['memory_cost']} p={values['parallelism']}")
        return makes(*args, **values)

    def check(self: argon2.PasswordHasher, encoded: Any, password: Any) -> bool:
        found = argon2.extract_parameters(encoded)
        runs.append(f"t={found.time_cost} m={found.memory_cost} p={found.parallelism}")
        return checks(self, encoded, password)

    monkeypatch.setattr(argon2.low_level, "hash_secret", make)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", check)
    return runs


@pytest.fixture
def names(hashed: list[str], make_officer: Callable[..., Officer], padma: Officer) -> dict[str, str]:
    """A name of each kind, and whether its password would be right matters to none."""
    make_officer("known")
    shut = make_officer("shuts")
    actions.deactivate_officer(shut.pk, actor=padma)
    make_officer("fresh", password=None)  # invited, has chosen no password yet
    hashed.clear()
    return {
        "known": "wrong password",
        "shuts": PASSWORD,
        "fresh": PASSWORD,
        "nobod": PASSWORD,
        "KNOWN": "wrong",
    }


def test_sign_in_tells_no_name(names: dict[str, str], hashed: list[str]) -> None:
    answers = {}
    for number, (name, password) in enumerate(names.items()):
        hashed.clear()
        email = f"{name}@demo.invalid"
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        client.get("/sign-in/")
        answer = client.post("/sign-in/", {"email": email, "password": password})
        answers[name] = told(answer, hashed, typed=email)
        assert client.get("/account/").status_code == 302
    first = answers["nobod"]
    assert first.status == 422
    hasher = OfficerArgon2PasswordHasher
    assert first.hashed == (f"t={hasher.time_cost} m={hasher.memory_cost} p={hasher.parallelism}",)
    for name, one in answers.items():
        assert one == first, name


def test_waiting_tells_no_name(clock: Clock, names: dict[str, str], hashed: list[str]) -> None:
    answers = []
    for number, name in enumerate(("known", "shuts", "fresh", "nobod")):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        for _ in range(6):
            hashed.clear()
            answer = client.post("/sign-in/", {"email": f"{name}@demo.invalid", "password": "wrong"})
        answers.append(told(answer, hashed, typed=f"{name}@demo.invalid"))
    assert answers[0].status == 429
    assert answers[0].hashed == ()
    assert answers[1:] == answers[:1] * 3


def test_a_challenge_of_a_passkey_tells_no_name(names: dict[str, str], hashed: list[str], amina: Officer) -> None:
    passkey_of(amina)
    answers = []
    for email in (amina.email, "known@demo.invalid", "nobod@demo.invalid"):
        hashed.clear()
        answer = Client().post("/sign-in/passkey/challenge/", {"email": email})
        assert answer.json()["options"].get("allowCredentials", []) == []
        answers.append(told(answer, hashed))
    assert answers[0].status == 200
    assert answers[1:] == answers[:1] * 2


def test_a_refused_passkey_tells_no_name(hashed: list[str], amina: Officer, bruno: Officer, padma: Officer) -> None:
    wrong, shut, unknown = passkey_of(amina), passkey_of(bruno), SoftPasskey()
    actions.deactivate_officer(bruno.pk, actor=padma)
    wrong.key = SoftPasskey().key  # another's signature under a known name
    answers = []
    for number, passkey in enumerate((wrong, shut, unknown)):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        begun = client.post("/sign-in/passkey/challenge/").json()
        hashed.clear()
        given = {"state": begun["state"], "answer": json.dumps(passkey.get(begun["options"]))}
        answers.append(told(client.post("/sign-in/passkey/", given), hashed))
    assert (answers[0].status, answers[0].hashed) == (422, ())
    assert answers[1:] == answers[:1] * 2


def test_a_link_tells_nothing(
    hashed: list[str], administrations: dict[str, Administration], padma: Officer
) -> None:
    def invited(name: str) -> tuple[Invitation, str]:
        return actions.invite_officer(
            email=f"{name}@demo.invalid", name=name, administration=administrations["NG"], actor=padma
        )

    (used, used_link), (late, late_link), (gone, gone_link), (shut, shut_link) = map(
        invited, ("used", "late", "gone", "shut")
    )
    now = timezone.now()
    Invitation.objects.filter(pk=used.pk).update(accepted_at=now)
    Invitation.objects.filter(pk=late.pk).update(expires_at=now - timedelta(seconds=1))
    actions.withdraw_invitation(gone.pk, actor=padma)
    actions.deactivate_officer(shut.officer_id, actor=padma)
    answers = []
    for secret in (used_link, late_link, gone_link, shut_link, "x" * len(used_link), "nonsense"):
        hashed.clear()
        answers.append(told(Client().get(f"/invitation/{secret}/"), hashed))
    assert (answers[0].status, answers[0].hashed) == (410, ())
    assert answers[1:] == answers[:1] * 5


def test_a_recovery_tells_nobody_who_is_no_member(
    hashed: list[str], group: ClosedUserGroup, other_group: ClosedUserGroup, amina: Officer, eve: Officer
) -> None:
    client, path = sign_in(Client(), amina), f"/groups/{group.pk}/recovery/"
    answers = []
    for member in (membership_of(eve, other_group).pk, uuid4()):
        hashed.clear()
        answer = client.post(f"{path}open/", {"member": str(member), "confirm": "on"})
        body = told(answer, hashed)
        answers.append(Told(body.status, body.headers, body.cookies, body.body.replace(str(member), "-"), ()))
    assert answers[0].status == 422
    assert answers[1] == answers[0]


@pytest.mark.parametrize("act", ["", "reset/", "reset/confirm/", "reset/draw/", "reset/withdraw/", "invitation/"])
def test_a_reset_tells_no_officer(hashed: list[str], amina: Officer, bruno: Officer, act: str) -> None:
    client = sign_in(Client(), amina)
    answers = []
    for officer in (bruno.pk, uuid4()):
        hashed.clear()
        answers.append(told(client.post(f"/administration/officers/{officer}/{act}"), hashed))
    assert (answers[0].status, answers[0].hashed) == (403, ())
    assert answers[1] == answers[0]


def test_a_token_tells_nothing(hashed: list[str], amina: Officer, bruno: Officer, padma: Officer) -> None:
    def made(officer: Officer) -> tuple[Token, str]:
        return actions.create_token(officer=officer, name="t", scopes=["messages:read"])

    (late, late_secret), (ended, ended_secret), (_shut, shut_secret) = made(amina), made(amina), made(bruno)
    Token.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    actions.revoke_token(ended.pk, officer=amina)
    actions.deactivate_officer(bruno.pk, actor=padma)
    answers = []
    for secret in (late_secret, ended_secret, shut_secret, "cen_" + "x" * 43, "nonsense"):
        hashed.clear()
        answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
        answers.append(told(answer, hashed))
    assert (answers[0].status, answers[0].hashed) == (401, ())
    assert answers[1:] == answers[:1] * 4
