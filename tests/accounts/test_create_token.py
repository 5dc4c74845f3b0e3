"""Tokens: what they may be, what they open, how they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import actions, queries
from accounts.api_auth import require_scope, signed_in
from accounts.errors import BadToken, NoSuchObject, ScopeMissing
from accounts.models import Officer, Token
from accounts.socket_auth import Identity, credential_of, identities_of
from audit.models import Entry
from tests.accounts.conftest import Clock, code_of, prove_by_code, wrong_code
from tests.cast import sign_in, token_for

Audited = Callable[[str], list[Entry]]
ME = "/api/v1/me"


def _me(secret: str, **extra: Any) -> Any:
    return Client().get(ME, headers={"Authorization": f"Bearer {secret}"}, **extra)


def test_a_token_says_who_asks(fatou: Officer) -> None:
    answer = _me(token_for(fatou, "messages:read"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["officer"]["email"] == fatou.email
    assert body["administration"]["country"] == "GH"
    assert body["scopes"] == ["messages:read"]
    assert [one["code"] for one in body["languages"]] == ["en", "fr"]


def test_the_secret_has_its_form_and_only_its_hash_is_stored(fatou: Officer) -> None:
    token, secret = actions.create_token(officer=fatou, name="boat", scopes=["messages:read"])
    assert secret.startswith("cen_")
    assert len(secret) == 47
    assert secret.encode() not in bytes(token.secret_hash)
    assert len(bytes(token.secret_hash)) == 32


def test_without_an_end_it_lives_ninety_days(clock: Clock, fatou: Officer) -> None:
    secret = token_for(fatou, "messages:read")
    clock.move(days=89)
    assert _me(secret).status_code == 200
    clock.move(days=1)
    assert _me(secret).status_code == 401


@pytest.mark.parametrize("secret", ["", "cen_", "cen_" + "A" * 43, "nonsense", "\x00", "cen_" + "é" * 43])
def test_an_invented_token_opens_nothing(db: None, secret: str) -> None:
    answer = _me(secret)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_another_kind_of_authorization_opens_nothing(fatou: Officer) -> None:
    secret = token_for(fatou)
    answer = Client().get(ME, headers={"Authorization": f"Basic {secret}"})
    assert answer.status_code == 401


def test_a_bad_token_is_not_saved_by_a_session(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    assert client.get(ME, headers={"Authorization": "Bearer cen_x"}).status_code == 401


def test_a_revoked_token_opens_nothing(fatou: Officer, audited: Audited) -> None:
    token, secret = actions.create_token(officer=fatou, name="boat", scopes=["messages:read"])
    actions.revoke_token(token.pk, officer=fatou)
    assert _me(secret).status_code == 401
    assert [e.subject for e in audited("account:token:revoked")] == [f"token:{token.pk}"]
    with pytest.raises(NoSuchObject):
        actions.revoke_token(token.pk, officer=fatou)


def test_the_token_of_somebody_else_does_not_exist(fatou: Officer, eve: Officer, padma: Officer) -> None:
    token, secret = actions.create_token(officer=fatou, name="boat", scopes=["messages:read"])
    for stranger in (eve, padma):
        with pytest.raises(NoSuchObject):
            actions.revoke_token(token.pk, officer=stranger)
    assert _me(secret).status_code == 200


def test_a_token_ends_with_its_officers_account(fatou: Officer, padma: Officer) -> None:
    secret = token_for(fatou)
    actions.deactivate_officer(fatou.pk, actor=padma)
    assert _me(secret).status_code == 401
    actions.activate_officer(fatou.pk, actor=padma)
    assert _me(secret).status_code == 401


def test_a_shut_officers_token_opens_nothing_even_unrevoked(fatou: Officer) -> None:
    secret = token_for(fatou)
    Officer.objects.filter(pk=fatou.pk).update(is_active=False)
    assert _me(secret).status_code == 401


def test_last_use_is_written_once_a_minute(clock: Clock, fatou: Officer) -> None:
    secret = token_for(fatou)
    _me(secret)
    first = Token.objects.get().last_used_at
    assert first == clock.now
    clock.move(seconds=30)
    _me(secret)
    assert Token.objects.get().last_used_at == first
    clock.move(seconds=31)
    _me(secret)
    assert Token.objects.get().last_used_at == clock.now


def test_making_one_is_audited_without_its_secret(fatou: Officer, audited: Audited) -> None:
    token, secret = actions.create_token(officer=fatou, name="boat", scopes=["messages:read"])
    (entry,) = audited("account:token:created")
    assert entry.actor == fatou.pk
    assert entry.subject == f"token:{token.pk}"
    assert secret not in str(entry.details)


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"client_system": "ship"},
        {"officer": None},
        {"officer": None, "client_system": "ship", "scopes": ["messages:read"]},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"expires_at": timezone.now() + timedelta(days=4000)},
    ],
)
def test_what_makes_no_token(fatou: Officer, values: dict[str, Any]) -> None:
    good: dict[str, Any] = {"officer": fatou, "name": "boat", "scopes": ["messages:read"]}
    assert actions.create_token(**good)
    with pytest.raises(BadToken):
        actions.create_token(**(good | values))


def test_a_token_carries_its_scopes_only(fatou: Officer) -> None:
    request = RequestFactory().get(ME, headers={"Authorization": f"Bearer {token_for(fatou, 'cen:read')}"})
    assert signed_in(request)
    require_scope(request, "cen:read")
    with pytest.raises(ScopeMissing):
        require_scope(request, "messages:write")


def test_the_token_of_a_client_system_is_no_officer(db: None) -> None:
    _, secret = actions.create_token(client_system="asycuda", name="feed", scopes=["cen:write"])
    body = _me(secret).json()
    assert body["officer"] is None
    assert body["client_system"] == "asycuda"
    assert Client().get("/account/", headers={"Authorization": f"Bearer {secret}"}).status_code == 302


def test_a_token_opens_no_page(fatou: Officer) -> None:
    answer = Client().get("/account/", headers={"Authorization": f"Bearer {token_for(fatou)}"})
    assert answer.headers["Location"].startswith("/sign-in/")


# The session at the API.


def test_a_session_reaches_the_api(client: Client, fatou: Officer) -> None:
    assert client.get(ME).status_code == 401
    sign_in(client, fatou)
    body = client.get(ME).json()
    assert body["officer"]["id"] == str(fatou.pk)
    assert body["scopes"] is None


def test_an_unsafe_call_of_a_session_needs_the_csrf_token(fatou: Officer, group: Any) -> None:
    strict = sign_in(Client(enforce_csrf_checks=True), fatou)
    path = f"/api/v1/groups/{group.pk}/messages"
    assert strict.get(ME).status_code == 200
    refused = strict.post(path, {}, content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["code"] == "csrf"
    strict.get("/account/")
    token = strict.cookies["cencomm_csrf"].value
    passed = strict.post(path, {}, content_type="application/json", headers={"X-CSRFToken": token})
    assert passed.status_code != 403


def test_an_unsafe_call_of_a_token_needs_none(fatou: Officer, group: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(
        f"/api/v1/groups/{group.pk}/messages",
        {},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token_for(fatou)}"},
    )
    assert answer.status_code != 403


# The socket.


def _identity_of(scope: dict[str, Any]) -> Identity | None:
    [identity] = identities_of([credential_of(scope)])
    return identity


def _scope(**headers: str) -> dict[str, Any]:
    return {"headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]}


def test_a_socket_knows_a_session(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    cookie = f"a=b; cencomm_session={client.session.session_key}; c=d"
    identity = _identity_of(_scope(cookie=cookie))
    assert identity
    row = queries.session_of_key(client.session.session_key)
    assert identity.officer == fatou
    assert identity.session_id == (row and row.pk)
    assert identity.token_id is None
    assert identity.may("messages:write")


def test_a_socket_knows_a_token(fatou: Officer) -> None:
    token, secret = actions.create_token(officer=fatou, name="boat", scopes=["messages:read"])
    identity = _identity_of(_scope(authorization=f"Bearer {secret}"))
    assert identity
    assert (identity.officer, identity.session_id, identity.token_id) == (fatou, None, token.pk)
    assert identity.may("messages:read")
    assert not identity.may("messages:write")


def test_a_socket_refuses_what_a_page_refuses(clock: Clock, client: Client, enrolled: Officer) -> None:
    client.post("/sign-in/", {"email": enrolled.email, "password": "a lantern over quiet water"})
    scope = _scope(cookie=f"cencomm_session={client.session.session_key}")
    assert _identity_of(scope) is None
    client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    scope = _scope(cookie=f"cencomm_session={client.session.session_key}")
    assert _identity_of(scope)
    clock.move(minutes=31)
    assert _identity_of(scope) is None
    assert _identity_of(_scope()) is None
    assert _identity_of(_scope(cookie="cencomm_session=")) is None
    assert _identity_of(_scope(authorization="Bearer cen_x")) is None


def test_a_client_system_opens_no_socket(db: None) -> None:
    _, secret = actions.create_token(client_system="asycuda", name="feed", scopes=["cen:write"])
    assert _identity_of(_scope(authorization=f"Bearer {secret}")) is None


# The page.


def test_the_page_makes_a_token_after_a_fresh_code(client: Client, clock: Clock, enrolled: Officer) -> None:
    sign_in(client, enrolled, answers=False)
    wanted = {"name": "boat", "scopes": ["messages:read"], "days": "30"}
    assert prove_by_code(client, "/account/tokens/", wanted, wrong_code(enrolled, clock)).status_code == 403
    assert not Token.objects.exists()
    clock.move(seconds=3)
    answer = prove_by_code(client, "/account/tokens/", wanted, code_of(enrolled, clock))
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert _me(secret).status_code == 200
    assert secret not in client.get("/account/tokens/").content.decode()
    assert client.post(f"/account/tokens/{Token.objects.get().pk}/revoke/").status_code == 302
    assert _me(secret).status_code == 401
