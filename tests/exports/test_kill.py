"""Killing the deliverer at any moment loses and doubles nothing: real processes, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from cen.models import Seizure
from exports import actions
from exports.delivery import deliver_waiting
from exports.models import Transfer
from groups.models import Membership
from messaging.models import Message
from tests.cencomm.ports import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(databases=["default", "cen"], transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
DELIVER = """
import os, signal, sys
import django
django.setup()
from exports import delivery
moment, turn = sys.argv[1], int(sys.argv[2])
delivery.TURN = 2
calls = {"n": 0}

def die_at(name, function):
    def wrapped(*args, **kwargs):
        if name == moment and name.startswith("before"):
            calls["n"] += 1
            if calls["n"] == turn:
                os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if name == moment and name.startswith("after"):
            calls["n"] += 1
            if calls["n"] == turn:
                os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

delivery.take_in = die_at("before_cen", die_at("after_cen", delivery.take_in))
delivery.mark_transferred = die_at("before_mark", die_at("after_mark", delivery.mark_transferred))
delivery.deliver_waiting()
"""
APPLICATION = "deliverer of the tests"
MOMENTS = ["before_cen", "after_cen", "before_mark", "after_mark"]


def environment() -> dict[str, str]:
    """Return this process's environment with the test databases in place of the real ones."""
    values = dict(os.environ)
    for alias, name in (("default", "DATABASE_URL"), ("cen", "CEN_DATABASE_URL")):
        found = connections[alias].settings_dict
        values[name] = f"postgresql:///{found['NAME']}?host={found['HOST']}&user={found['USER']}"
    values |= {"DJANGO_SETTINGS_MODULE": "cencomm.settings", "PYTHONPATH": str(ROOT)}
    return values | {"PGAPPNAME": APPLICATION}


def connections_left() -> int:
    """Return how many connections the databases still hold for deliverers: who was killed took no leave."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [APPLICATION])
        return int(cursor.fetchone()[0])


def run_deliverer(moment: str, turn: int = 1) -> int:
    done = subprocess.run(
        [sys.executable, "-c", DELIVER, moment, str(turn)],
        env=environment(),
        cwd=settings.BASE_DIR,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    wait_until(lambda: not connections_left(), what="databases that know that it is gone")
    return done.returncode


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_deliverer_loses_and_doubles_nothing(
    report: Callable[..., Message], coordinator: Membership, moment: str, turn: int
) -> None:
    messages = [report(quantity={"value": str(10 * n), "unit": "KGM"}) for n in range(1, 6)]
    actions.start_transfer(coordinator)
    assert run_deliverer(moment, turn) == -signal.SIGKILL
    assert Transfer.objects.filter(state="queued").exists()
    assert run_deliverer("never") == 0
    assert set(Transfer.objects.values_list("state", flat=True)) == {"accepted"}
    assert sorted(Seizure.objects.values_list("source_reference", flat=True)) == sorted(
        m.reference for m in messages
    )
    assert set(Seizure.objects.values_list("version", flat=True)) == {1}
    receipts = dict(Transfer.objects.values_list("source_reference", "cen_reference"))
    assert receipts == dict(Seizure.objects.values_list("source_reference", "cen_reference"))
    assert set(Message.objects.values_list("status", flat=True)) == {"transferred"}


def test_two_deliverers_at_once_share_the_work(report: Callable[..., Message], coordinator: Membership) -> None:
    for n in range(1, 9):
        report(quantity={"value": str(10 * n), "unit": "KGM"})
    actions.start_transfer(coordinator)
    command = [sys.executable, "-c", DELIVER, "never", "0"]
    racing = [subprocess.Popen(command, env=environment(), cwd=settings.BASE_DIR) for _ in range(3)]
    assert [process.wait(timeout=PATIENCE) for process in racing] == [0, 0, 0]
    assert Seizure.objects.count() == 8
    assert set(Transfer.objects.values_list("state", "attempts")) == {("accepted", 1)}


def test_database_cut_while_delivering_is_made_up_for(
    report: Callable[..., Message], coordinator: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to the database is ended by the server after CEN has the records: a restart, a fail-over."""
    from django.db import OperationalError, close_old_connections, connection

    from exports import delivery

    report()
    batch = actions.start_transfer(coordinator)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    real = delivery.mark_transferred

    def cut(*args: object, **kwargs: object) -> int:
        with connections["cen"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(delivery, "mark_transferred", cut)
    with pytest.raises(OperationalError):
        delivery.deliver_batch(batch.pk)
    monkeypatch.setattr(delivery, "mark_transferred", real)
    connection.close()
    close_old_connections()
    assert (Seizure.objects.count(), Transfer.objects.get().state) == (1, "queued")
    assert deliver_waiting() == 1
    assert (Seizure.objects.count(), Transfer.objects.get().state) == (1, "accepted")
