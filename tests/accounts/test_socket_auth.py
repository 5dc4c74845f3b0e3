"""Many who open sockets at once: each is told by what he shows alone, and all are answered by a few statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions, queries
from accounts.models import Officer, OfficerSession, Token
from accounts.socket_auth import Credential, credential_of, identities_of
from tests.accounts.conftest import Clock
from tests.cast import sign_in

pytestmark = pytest.mark.django_db


def by_token(secret: str) -> Credential:
    return Credential(secret, None)


def by_session(officer: Officer) -> tuple[Credential, OfficerSession]:
    key = str(sign_in(Client(), officer).session.session_key)
    row = queries.session_of_key(key)
    assert row is not None
    return Credential(None, key), row


def test_of_many_who_come_at_once_each_is_judged_alone(
    clock: Clock, amina: Officer, bruno: Officer, fatou: Officer, dmitri: Officer, olga: Officer
) -> None:
    long = timezone.now() + actions.tokens.LONGEST_LIFE

    def token(officer: Officer, *scopes: str) -> tuple[Token, Credential]:
        made, secret = actions.create_token(officer=officer, name="x", scopes=scopes, expires_at=long)
        return made, by_token(secret)

    good, shows_good = token(fatou, "messages:read")
    other, shows_other = token(dmitri, "messages:write")
    revoked, shows_revoked = token(fatou, "messages:read")
    actions.revoke_token(revoked.pk, officer=fatou)
    expired, shows_expired = token(fatou, "messages:read")
    Token.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    _, system = actions.create_token(client_system="feed", name="x", scopes=["cen:write"])
    _, shows_shut_out = token(bruno, "messages:read")
    Officer.objects.filter(pk=bruno.pk).update(is_active=False)

    shows_session, session = by_session(amina)
    shows_half, half = by_session(amina)
    OfficerSession.objects.filter(pk=half.pk).update(verified=False)
    shows_ended, ended = by_session(amina)
    actions.end_session(ended)
    shows_old, _ = by_session(olga)
    olga.set_password("another lantern over the water")
    olga.save()
    shows_mixed, mixed = by_session(dmitri)
    OfficerSession.objects.filter(pk=mixed.pk).update(officer=fatou)

    shown = [
        shows_good, shows_revoked, shows_session, shows_expired, by_token(system), shows_half, shows_other,
        shows_ended, shows_old, shows_mixed, shows_shut_out, by_token("nonsense"), Credential(None, "nonsense"),
        Credential("", None), Credential(None, None), shows_good,
    ]  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        found = identities_of(shown)
    assert len(asked) == 3
    let_in = {number: one for number, one in enumerate(found) if one is not None}
    assert sorted(let_in) == [0, 2, 6, 15]
    assert (let_in[0].officer, let_in[0].token_id, let_in[0].session_id) == (fatou, good.pk, None)
    assert let_in[0] == let_in[15]
    assert not let_in[0].may("messages:write")
    assert (let_in[2].officer, let_in[2].session_id) == (amina, session.pk)
    assert (let_in[6].officer, let_in[6].token_id) == (dmitri, other.pk)


def test_a_session_that_lay_idle_opens_nothing(clock: Clock, fatou: Officer) -> None:
    shows, _ = by_session(fatou)
    assert identities_of([shows]) != [None]
    clock.move(minutes=31)
    assert identities_of([shows]) == [None]


def test_a_session_of_an_older_secret_key_still_opens(fatou: Officer, settings: Any) -> None:
    shows, _ = by_session(fatou)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "rotated " * 10
    assert [one and one.officer for one in identities_of([shows])] == [fatou]
    settings.SECRET_KEY_FALLBACKS = []
    assert identities_of([shows]) == [None]


def test_the_use_of_many_tokens_is_one_write_and_once_a_minute(clock: Clock, fatou: Officer) -> None:
    made = [actions.create_token(officer=fatou, name="x", scopes=["messages:read"]) for _ in range(3)]
    shown = [by_token(secret) for _, secret in made]
    assert [one and one.use_noted for one in identities_of(shown)] == [False] * 3
    with CaptureQueriesContext(connection) as asked:
        actions.use_tokens({token.pk for token, _ in made})
    assert len(asked) == 1
    assert {token.last_used_at for token in Token.objects.all()} == {clock.now}
    assert [one and one.use_noted for one in identities_of(shown)] == [True] * 3
    clock.move(seconds=60)
    assert [one and one.use_noted for one in identities_of(shown)] == [False] * 3


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"authorization": "Bearer cen_x", "cookie": "cencomm_session=y"}, Credential("cen_x", None)),
        ({"Authorization": "bearer  cen_x "}, Credential("cen_x", None)),
        ({"authorization": "Basic eDp5", "cookie": "cencomm_session=y"}, Credential("", None)),
        ({"cookie": "a=b; cencomm_session=y; c=d"}, Credential(None, "y")),
        ({"cookie": "cencomm_session="}, Credential(None, None)),
        ({"cookie": "a;b=;=c;\xe9=\xe8"}, Credential(None, None)),
        ({}, Credential(None, None)),
    ],
)
def test_what_a_socket_shows(headers: dict[str, str], shown: Credential) -> None:
    assert (
        credential_of({"headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]})
        == shown
    )


def test_what_is_shown_is_in_no_text_about_it(fatou: Officer, token_for: Callable[..., str]) -> None:
    secret = token_for(fatou)
    assert secret not in repr(by_token(secret))
    assert secret not in repr(identities_of([by_token(secret)]))
