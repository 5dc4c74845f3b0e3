"""Server-side sessions: how they end, who may end them, who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client

from accounts import actions, queries, revocations
from accounts.errors import NoSuchObject
from accounts.models import Officer, OfficerSession
from audit.models import Entry
from groups.models import ClosedUserGroup
from tests.accounts.conftest import Clock
from tests.cast import make_group, sign_in

Audited = Callable[[str], list[Entry]]
Told = list[tuple[UUID | None, UUID | None, UUID | None]]


@pytest.fixture
def told() -> Iterator[Told]:
    heard: Told = []

    def listen(officer: UUID | None, session: UUID | None, token: UUID | None) -> None:
        heard.append((officer, session, token))

    revocations.on_revoked(listen)
    yield heard
    revocations._callbacks.remove(listen)


def _is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_an_officer_may_lie_idle_for_thirty_minutes(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    clock.move(minutes=29)
    assert _is_in(client)
    clock.move(minutes=29)
    assert _is_in(client)
    clock.move(minutes=31)
    assert not _is_in(client)


def test_what_a_page_asks_by_itself_keeps_no_session_alive(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    clock.move(minutes=29)
    assert client.get("/account/", headers={"X-Unattended": "yes"}).status_code == 200
    clock.move(minutes=2)
    assert not _is_in(client)


def test_a_platform_administrator_only_fifteen(clock: Clock, client: Client, padma: Officer) -> None:
    sign_in(client, padma)
    clock.move(minutes=14)
    assert _is_in(client)
    clock.move(minutes=16)
    assert not _is_in(client)


def test_a_coordinator_only_fifteen(clock: Clock, client: Client, amina: Officer, group: ClosedUserGroup) -> None:
    sign_in(client, amina)
    clock.move(minutes=16)
    assert not _is_in(client)


def test_who_becomes_a_coordinator_idles_out_sooner_at_once(
    clock: Clock, client: Client, fatou: Officer, padma: Officer
) -> None:
    sign_in(client, fatou)
    make_group("ZEPHYR", "Operation Zephyr", coordinator=fatou, administrator=padma)
    clock.move(minutes=16)
    assert not _is_in(client)


def test_no_session_lives_longer_than_twelve_hours(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    for _ in range(35):
        clock.move(minutes=20)
        assert _is_in(client)
    clock.move(minutes=20)
    assert not _is_in(client)


def test_an_expired_session_is_not_woken_by_the_next_request(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    key = str(client.session.session_key)
    clock.move(minutes=31)
    assert not queries.live_sessions_of([key])
    client.get("/account/")
    client.cookies["cencomm_session"] = key
    assert not _is_in(client)


def test_last_use_is_written_once_a_minute(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    first = OfficerSession.objects.get().last_seen_at
    clock.move(seconds=50)
    client.get("/account/")
    assert OfficerSession.objects.get().last_seen_at == first
    clock.move(seconds=15)
    client.get("/account/")
    assert OfficerSession.objects.get().last_seen_at == clock.now


def test_the_session_key_is_stored_as_a_hash(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    key = str(client.session.session_key)
    assert key.encode() not in bytes(OfficerSession.objects.get().key_hash)
    assert len(bytes(OfficerSession.objects.get().key_hash)) == 32


def test_a_session_without_its_row_opens_nothing(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    OfficerSession.objects.all().delete()
    assert not _is_in(client)


def test_ones_own_session_ends_at_once(
    client: Client, fatou: Officer, audited: Audited, told: Told, django_capture_on_commit_callbacks: object
) -> None:
    phone = sign_in(Client(), fatou)
    sign_in(client, fatou)
    lost = OfficerSession.objects.exclude(pk=_row(client).pk).get()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert client.post(f"/account/sessions/{lost.pk}/revoke/").status_code == 302
    assert not _is_in(phone)
    assert _is_in(client)
    assert told == [(fatou.pk, lost.pk, None)]
    assert [e.subject for e in audited("account:session:revoked")] == [f"session:{lost.pk}"]


def test_the_session_of_somebody_else_does_not_exist(client: Client, fatou: Officer, eve: Officer) -> None:
    sign_in(client, fatou)
    other = sign_in(Client(), eve)
    assert other.post(f"/account/sessions/{_row(client).pk}/revoke/").status_code == 404
    assert other.post(f"/account/sessions/{uuid4()}/revoke/").status_code == 404
    assert _is_in(client)


def test_a_session_ends_once(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    row = _row(client)
    actions.revoke_session(fatou, row.pk)
    with pytest.raises(NoSuchObject):
        actions.revoke_session(fatou, row.pk)


def test_all_other_sessions_end_together(client: Client, fatou: Officer, eve: Officer) -> None:
    others = [sign_in(Client(), fatou) for _ in range(3)]
    stranger = sign_in(Client(), eve)
    sign_in(client, fatou)
    client.post("/account/sessions/others/revoke/")
    assert [_is_in(other) for other in others] == [False] * 3
    assert _is_in(client)
    assert _is_in(stranger)


def test_the_page_lists_live_sessions_only(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(Client(), fatou)
    clock.move(minutes=31)
    sign_in(client, fatou)
    assert client.get("/account/security/").context["sessions"] == [_row(client)]


def test_a_rolled_back_revocation_is_not_told(told: Told, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    row = _row(client)
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.revoke_session(fatou, row.pk)
        raise RuntimeError
    assert told == []
    assert _is_in(client)


def test_one_deaf_listener_hides_nothing_from_the_next(
    told: Told, client: Client, fatou: Officer, django_capture_on_commit_callbacks: object
) -> None:
    def deaf(*_args: object) -> None:
        raise RuntimeError

    revocations._callbacks.insert(0, deaf)
    try:
        sign_in(client, fatou)
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            actions.revoke_session(fatou, _row(client).pk)
    finally:
        revocations._callbacks.remove(deaf)
    assert len(told) == 1


def test_which_sessions_and_tokens_have_ended(clock: Clock, fatou: Officer, padma: Officer) -> None:
    live, ended = sign_in(Client(), fatou), sign_in(Client(), fatou)
    rows = [_row(live).pk, _row(ended).pk]
    token, _ = actions.create_token(officer=fatou, name="t", scopes=["messages:read"])
    actions.revoke_session(fatou, rows[1])
    assert queries.ended_among(sessions=rows, tokens=[token.pk]) == {rows[1]}
    actions.deactivate_officer(fatou.pk, actor=padma)
    assert queries.ended_among(sessions=rows, tokens=[token.pk]) == {*rows, token.pk}
    assert queries.ended_among() == set()


def test_rows_of_sessions_that_ended_long_ago_are_forgotten(clock: Clock, client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    clock.move(days=20)
    actions.prune_sessions()
    assert OfficerSession.objects.count() == 1
    clock.move(days=20)
    actions.prune_sessions()
    assert OfficerSession.objects.count() == 0


def _row(client: Client) -> OfficerSession:
    row = queries.session_of_key(client.session.session_key)
    assert row
    return row


def test_a_copied_database_takes_over_no_session(client: Client, fatou: Officer) -> None:
    """Nothing that stands in the table of sessions opens one."""
    sign_in(client, fatou)
    key = str(client.session.session_key)
    assert client.get("/account/").status_code == 200
    [stored] = Session.objects.values_list("session_key", flat=True)
    assert key not in stored
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = stored
    assert thief.get("/account/").status_code == 302
    client.session.delete()
    assert not Session.objects.exists()
