"""One world for each module, in a transaction that is undone; everybody who asks, signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import OfficerSession
from accounts.tries import wrong_tokens
from audit.models import Entry
from messaging import limits
from tests.cast import SCOPES, passkey_of, sign_in, token_for
from tests.isolation.asking import Asker
from tests.isolation.world import ROLES, STRANGERS, World, build

EVERYBODY = (*ROLES, *STRANGERS)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Two groups and everything in them. Nothing of it is committed; what a test does is undone after it."""
    with django_db_blocker.unblock():
        connection.close()  # what statements were prepared for another world goes with it
        yield from _undone_world()


def _undone_world() -> Iterator[World]:
    with transaction.atomic(), transaction.atomic(using="cen"):
        found = build()
        vera = found.people["vera"]
        sign_in(Client(), vera)
        token, _secret = accounts.create_token(officer=vera, name="hers", scopes=["cen:read"])
        entry = Entry.objects.filter(group=None).order_by("id").first()
        assert entry is not None
        assert found.administration is not None
        for code, objects in found.objects.items():
            objects |= {
                "code": code,
                "epoch": found.groups[code].stream_epoch,
                "confirmed": f"{objects['seizure']}:",
                "administration": found.administration.pk,
                "officer": found.people["nadia"].pk,
                "accounts_entry": entry.pk,
                "session": OfficerSession.objects.get(officer=vera).pk,
                "token": token.pk,
            }
        yield found
        transaction.set_rollback(True)
        transaction.set_rollback(True, using="cen")


@pytest.fixture(autouse=True)
def _fresh_pace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(wrong_tokens, "_most", 100_000)  # one address tries every way in with tokens that are wrong
    limits._pace.cache_clear()
    yield
    limits._pace.cache_clear()


@pytest.fixture(scope="module")
def by_session(world: World) -> Callable[[str], Asker]:
    """Return somebody who asks as a browser does; `half`: one who has not shown the second factor."""
    clients = {name: sign_in(Client(), world.people[name]) for name in EVERYBODY}
    for name in EVERYBODY:
        passkey_of(world.people[name])
    clients["half"] = half = Client()
    half.force_login(world.people["amina"])
    key = str(half.session.session_key)
    accounts.open_session(world.people["amina"], session_key=key, verified=False)
    # What a test does is undone, and with it that a session was used: none ends while the module runs.
    OfficerSession.objects.update(idle_seconds=24 * 3600, ends_at=timezone.now() + timedelta(days=1))
    clients["anonymous"] = Client()
    askers = {
        name: Asker(
            name,
            {cookie: one.value for cookie, one in client.cookies.items()},
            officer=world.people.get(name),
        )
        for name, client in clients.items()
    }
    return askers.__getitem__


@pytest.fixture(scope="module")
def by_token(world: World) -> Callable[..., Asker]:
    """Return somebody who asks as a programme does, with all scopes, or the coordinator with one."""
    askers = {(name,): Asker(name, token=token_for(world.people[name])) for name in EVERYBODY}
    askers |= {("amina", scope): Asker("amina", token=token_for(world.people["amina"], scope)) for scope in SCOPES}
    return lambda *wanted: askers[wanted]
