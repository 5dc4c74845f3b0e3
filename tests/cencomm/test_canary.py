"""The canary flies through real doors, says where it was lost, is seen by nobody, and leaves little behind."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from websockets.sync.client import ClientConnection

from accounts import canary as account
from accounts import queries as account_queries
from accounts.errors import NoSuchObject
from accounts.models import Officer, Token
from audit.actions import Action
from audit.models import Entry
from cencomm.canary import flight, place, record
from cencomm.canary.flight import Door, Lost, fly
from cencomm.canary.record import send_canary
from cencomm.models import Canary
from cencomm.tasks import canary as canary_task
from groups.models import ClosedUserGroup, Membership, Phase
from groups.queries import all_groups
from messaging.actions import post_message
from messaging.drafts import Draft
from messaging.models import Event, Message
from tests.cast import PASSWORD, join, membership_of
from tests.cencomm.ports import PATIENCE
from tests.environment import cluster
from tests.messaging.server import ROOT, Server, running_server

Outcome = Canary.Outcome


@pytest.fixture(autouse=True)
def no_token_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing but a wake-up brings it: it may take what it takes on a machine that is busy.
    monkeypatch.setattr(flight, "FLIGHT_SECONDS", PATIENCE)
    monkeypatch.setattr(flight, "ARRIVAL_SECONDS", PATIENCE)
    monkeypatch.setattr(place, "_pass", place.Pass())


@pytest.fixture
def server(tmp_path: Path, transactional_db: None, settings: Settings) -> Iterator[Server]:
    with running_server(tmp_path, CENCOMM_HEARTBEAT="3600") as running:
        settings.CENCOMM_CANARY_URL = running.http
        yield running


def door(server: Server) -> Door:
    return Door(url=server.http, token=place.token())


@pytest.mark.django_db(databases=["default", "cen"])
class TestPlace:
    """Where it lives, and who sees that."""

    def test_it_is_made_once(self) -> None:
        home = place.home()
        assert place.home().pk == home.pk
        [member] = Membership.objects.filter(group=home)
        assert member.officer_id == account.OFFICER
        assert not member.officer.has_usable_password()
        assert Entry.objects.filter(action=Action.GROUP_CREATED, group=home.pk).count() == 1

    def test_it_is_made_anew_where_it_ended(self) -> None:
        home = place.home()
        ClosedUserGroup.objects.filter(pk=home.pk).update(phase=Phase.ARCHIVED)
        assert place.home().pk != home.pk

    def test_no_list_shows_it(self, padma: Officer, group: ClosedUserGroup) -> None:
        home = place.home()
        assert [one.pk for one in all_groups(padma)] == [group.pk]
        assert account.OFFICER not in account_queries.officers().values_list("pk", flat=True)
        assert account_queries.officers(search="canary").count() == 0
        assert account.ADMINISTRATION not in account_queries.administrations().values_list("pk", flat=True)
        with pytest.raises(NoSuchObject):
            account_queries.officer(account.OFFICER)
        with pytest.raises(NoSuchObject):
            account_queries.administration(account.ADMINISTRATION)
        assert home.code not in {one.code for one in all_groups(padma)}

    def test_no_page_shows_it(self, client: Client, sign_in: Any, padma: Officer) -> None:
        home = place.home()
        sign_in(client, padma)
        for address in ("/administration/groups/", "/administration/officers/", "/administration/administrations/"):
            answer = client.get(address)
            assert answer.status_code == 200, address
            text = answer.content.decode()
            assert home.code not in text
            assert "Canary" not in text

    def test_nobody_signs_in_as_it(self, client: Client) -> None:
        place.home()
        address = Officer.objects.get(pk=account.OFFICER).email
        for password in (PASSWORD, "canary", "!"):
            answer = client.post(reverse("accounts:sign_in"), {"email": address, "password": password})
            assert answer.status_code == 422  # as for any wrong pair

    def test_old_messages_go_and_no_others(self, group: ClosedUserGroup, amina: Officer) -> None:
        home = place.home()
        canary = membership_of(Officer.objects.get(pk=account.OFFICER), home)
        kept = {
            post_message(membership, draft=note()).message.pk
            for membership in (canary, membership_of(amina, group))
        }
        old = [
            post_message(membership, draft=note()).message.pk
            for membership in (canary, membership_of(amina, group))
        ]
        Message.objects.filter(pk__in=old).update(sent_at=timezone.now() - timedelta(days=2))
        head = ClosedUserGroup.objects.get(pk=home.pk).head
        assert place.forget_old_messages(home) == 1
        assert set(Message.objects.values_list("pk", flat=True)) == kept | {old[1]}
        assert not Event.objects.filter(message_id=old[0]).exists()
        assert ClosedUserGroup.objects.get(pk=home.pk).head == head
        assert place.forget_old_messages(group) == 0

    def test_nothing_is_deleted_where_somebody_else_was(self, amina: Officer) -> None:
        home = place.home()
        message = post_message(membership_of(Officer.objects.get(pk=account.OFFICER), home), draft=note()).message
        Message.objects.filter(pk=message.pk).update(sent_at=timezone.now() - timedelta(days=2))
        join(home, amina, "officer", left_at=timezone.now())
        assert place.forget_old_messages(home) == 0

    def test_the_token_is_kept_and_then_replaced(self) -> None:
        first = place.token()
        assert place.token() == first
        assert place.token(afresh=True) != first
        Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        third = place.token(afresh=True)
        [left] = Token.objects.filter(officer_id=account.OFFICER)
        assert left.scopes == ["messages:read", "messages:write"]
        assert left.expires_at - timezone.now() < timedelta(hours=13)
        assert bytes(left.secret_hash) != third.encode()


def note() -> Draft:
    return Draft(id=uuid4(), kind="note", body={"text": "A note."})


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
class TestFlight:
    """One message on its way."""

    def test_it_arrives(self, server: Server) -> None:
        assert send_canary() == Outcome.ARRIVED
        assert send_canary() == Outcome.ARRIVED
        canary = Canary.objects.get()
        assert canary.counts == {"arrived": 2}
        assert 0 < canary.round_trip_seconds < flight.ARRIVAL_SECONDS
        assert canary.is_well(timezone.now())
        assert not canary.is_well(timezone.now() + timedelta(minutes=5))
        messages = Message.objects.filter(group_id=canary.group_id)
        assert messages.count() == 2
        assert all(b"canary" not in bytes(one.sealed) for one in messages)
        posted = Entry.objects.filter(action=Action.MESSAGE_POSTED, group=canary.group_id)
        assert posted.count() == 2

    def test_a_dead_web_process_is_told_once_and_healing_too(
        self, server: Server, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert send_canary() == Outcome.ARRIVED
        server.process.kill()
        server.process.wait(PATIENCE)
        with caplog.at_level(logging.WARNING, "cencomm.canary"):
            assert send_canary() == Outcome.NO_DOOR
            assert send_canary() == Outcome.NO_DOOR
            assert not Canary.objects.get().is_well(timezone.now())
            with running_server(tmp_path) as restarted:
                settings.CENCOMM_CANARY_URL = restarted.http
                assert send_canary() == Outcome.ARRIVED
        told = [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name == "cencomm.canary"  # other threads of this process may have something to say, too
        ]
        assert told == [
            ("ERROR", "the canary does not arrive: no_door"),
            ("WARNING", "the canary arrives again"),
        ]
        assert Canary.objects.get().counts == {"arrived": 2, "no_door": 2}

    def test_a_revoked_token_is_replaced(self, server: Server) -> None:
        assert send_canary() == Outcome.ARRIVED
        Token.objects.update(revoked_at=timezone.now())
        assert send_canary() == Outcome.ARRIVED
        assert Token.objects.filter(revoked_at=None).count() == 1

    def test_it_starts_afresh_where_the_history_was_renewed(self, server: Server) -> None:
        home = place.home()
        assert fly(door(server), group=home.pk, after=home.head, epoch=uuid4()) > 0

    def test_a_wrong_token_is_not_let_in(self, server: Server) -> None:
        home = place.home()
        with pytest.raises(Lost) as lost:
            fly(Door(url=server.http, token="cen_wrong"), group=home.pk, after=home.head, epoch=home.stream_epoch)
        assert lost.value.outcome == Outcome.NOT_LET_IN

    def test_a_closed_group_takes_nothing(self, server: Server) -> None:
        home = place.home()
        ClosedUserGroup.objects.filter(pk=home.pk).update(phase=Phase.CLOSED)
        with pytest.raises(Lost) as lost:
            fly(door(server), group=home.pk, after=home.head, epoch=home.stream_epoch)
        assert lost.value.outcome == Outcome.NOT_TAKEN

    def test_other_content_than_was_sent_is_noticed(self, server: Server) -> None:
        home = place.home()
        altering = AlteringDoor(url=server.http, token=place.token())
        with pytest.raises(Lost) as lost:
            fly(altering, group=home.pk, after=home.head, epoch=home.stream_epoch)
        assert lost.value.outcome == Outcome.NOT_WHOLE

    def test_a_wake_up_that_never_comes_is_noticed(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flight, "ARRIVAL_SECONDS", 3.0)
        home = place.home()
        # Two processes without Redis: each thinks that it is alone, and the heartbeat comes once an hour.
        with running_server(tmp_path, CENCOMM_HEARTBEAT="3600") as other, pytest.raises(Lost) as lost:
            split = SplitDoor(url=server.http, token=place.token(), socket_url=other.http)
            fly(split, group=home.pk, after=home.head, epoch=home.stream_epoch)
        assert lost.value.outcome == Outcome.NOT_HEARD

    def test_it_comes_back_when_the_process_of_its_socket_leaves(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with running_server(tmp_path, CENCOMM_HEARTBEAT="3600") as other:
            leaving = LeavingDoor(
                url=server.http, token=place.token(), socket_url=other.http, process=other.process
            )
            doors = [leaving, door(server)]
            monkeypatch.setattr(record, "_door", lambda **_said: doors.pop(0))
            assert send_canary() == Outcome.ARRIVED
        assert doors == []

    def test_keys_that_are_gone_break_it(self, server: Server, settings: Settings, tmp_path: Path) -> None:
        settings.CENCOMM_KEY_STORE = tmp_path / "nowhere" / "store"
        settings.CENCOMM_ROOT_KEY_FILE = tmp_path / "nowhere" / "root.key"
        (tmp_path / "nowhere").write_text("not a folder")
        assert send_canary() == Outcome.BROKEN
        assert Canary.objects.get().counts == {"broken": 1}

    def test_a_real_worker_sends_it(self, server: Server, tmp_path: Path) -> None:
        canary_task.defer(timestamp=0)
        names = {alias: django_settings.DATABASES[alias]["NAME"] for alias in ("default", "cen")}
        done = subprocess.run(
            [sys.executable, "-c", PATIENT_WORKER],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "cencomm.settings",
                "DATABASE_URL": cluster.addresses.url(names["default"], "cencomm_app"),
                "CEN_DATABASE_URL": cluster.addresses.url(names["cen"], "cen_app"),
                "CENCOMM_CANARY_URL": server.http,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert Canary.objects.get().outcome == Outcome.ARRIVED, done.stderr[-2000:]
        assert Canary.objects.get().counts["arrived"] >= 1


# As it is started, but its canary may take what it takes on a machine that is busy.
PATIENT_WORKER = f"""
import django
django.setup()
from cencomm.canary import flight
flight.FLIGHT_SECONDS = flight.ARRIVAL_SECONDS = {PATIENCE}
from django.core.management import call_command
call_command("procrastinate", "worker", "--one-shot")
"""


class AlteringDoor(Door):
    """Sends other words than it was given, as a broken seal would bring back others."""

    def ask(self, method: str, path: str, body: Any = None, *, seconds: float) -> tuple[int, Any]:
        altered = {**body, "body": {"text": "other words"}} if body else body
        return super().ask(method, path, altered, seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SplitDoor(Door):
    """The socket of one process, the API of another."""

    socket_url: str

    def socket(self, *, seconds: float) -> ClientConnection:
        return Door(url=self.socket_url, token=self.token).socket(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LeavingDoor(SplitDoor):
    """The process that holds the socket is told to stop while the message is sent."""

    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None, *, seconds: float) -> tuple[int, Any]:
        self.process.terminate()
        return Door.ask(self, method, path, body, seconds=seconds)
