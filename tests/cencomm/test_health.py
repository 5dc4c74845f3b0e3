"""Health answers without a sign-in, names what is missing, and tells nothing else."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cencomm import degraded as degraded_module
from cencomm import health
from cencomm.models import Canary
from tests.cencomm.ports import free_port

pytestmark = pytest.mark.django_db(databases=["default", "cen"])


@pytest.fixture(autouse=True)
def own_keys(settings: Settings, tmp_path: Path) -> Path:
    settings.CENCOMM_ROOT_KEY_FILE = tmp_path / "keys" / "root.key"
    settings.CENCOMM_KEY_STORE = tmp_path / "keys" / "store"
    return tmp_path / "keys"


def test_live_needs_no_sign_in(client: Client) -> None:
    response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


def degraded(client: Client) -> set[str]:
    """Return what "ready" says is not well, looked for now."""
    degraded_module.known.forget()
    response = client.get("/health/ready")
    answer = response.json()
    assert (response.status_code, answer["status"]) == (200, "ready")
    assert set(answer) <= {"status", "degraded"}
    return set(answer.get("degraded", []))


def worker_beats(ago: str = "0 seconds") -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s::interval)", [ago])


def test_ready_when_nothing_is_missing(client: Client) -> None:
    worker_beats()
    degraded_module.known.forget()
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert response.headers["Cache-Control"] == "no-store"


def test_silent_redis_degrades_and_takes_nothing_out_of_service(client: Client, settings: Settings) -> None:
    worker_beats()
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert degraded(client) == {"redis"}


def test_idle_worker_degrades(client: Client) -> None:
    assert degraded(client) == {"worker"}
    worker_beats("2 minutes")
    assert degraded(client) == {"worker"}


def test_worker_that_is_behind_degrades(client: Client) -> None:
    worker_beats()
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, scheduled_at) "
            "VALUES ('invented', 'default', now() + interval '1 hour') RETURNING id"
        )
        job = cursor.fetchone()[0]
        assert degraded(client) == set()  # it is not due yet
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 minute' WHERE id = %s", [job]
        )
        assert degraded(client) == set()
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() - interval '5 minutes' WHERE id = %s", [job]
        )
        assert degraded(client) == {"worker-behind"}
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = %s", [job])
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '5 minutes' WHERE job_id = %s", [job])
        assert degraded(client) == {"worker-behind"}


def test_an_answer_is_given_again_for_a_while(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(degraded_module, "KEPT_SECONDS", 600.0)
    worker_beats()
    assert degraded(client) == set()
    looks = []
    monkeypatch.setattr(degraded_module, "degraded", lambda: looks.append(1) or ["clock"])
    assert client.get("/health/ready").json() == {"status": "ready"}
    assert looks == []
    monkeypatch.setattr(degraded_module.known, "_until", 0.0)
    for _ in range(2):
        assert client.get("/health/ready").json() == {"status": "ready", "degraded": ["clock"]}
    assert looks == [1]
    degraded_module.known.forget()


def test_who_asks_while_somebody_looks_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    known, looking, done = degraded_module.Known(), threading.Event(), threading.Event()
    monkeypatch.setattr(degraded_module, "degraded", lambda: ["redis"])
    assert known.lately() == ["redis"]

    def slowly() -> list[str]:
        looking.set()
        assert done.wait(300)
        return []

    monkeypatch.setattr(degraded_module, "degraded", slowly)
    monkeypatch.setattr(known, "_until", 0.0)
    thread = threading.Thread(target=known.lately)
    thread.start()
    assert looking.wait(300)
    assert known.lately() == ["redis"]
    done.set()
    thread.join(300)
    assert known.lately() == []


def test_full_disk_degrades(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    worker_beats()
    monkeypatch.setattr(degraded_module, "DISK_LEFT_BYTES", 2**62)
    monkeypatch.setattr(degraded_module, "DISK_LEFT_SHARE", 1.0)
    assert degraded(client) == {"disk"}


def test_clock_that_disagrees_degrades(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    worker_beats()
    true = time.time
    monkeypatch.setattr(degraded_module.time, "time", lambda: true() + 60)
    assert degraded(client) == {"clock"}


def test_failing_or_silent_canary_degrades(client: Client, settings: Settings) -> None:
    worker_beats()
    settings.CENCOMM_CANARY_URL = "http://127.0.0.1:1"
    assert degraded(client) == set()  # the first one is on its way
    canary = Canary.objects.create(last_run_at=timezone.now())
    assert degraded(client) == set()
    Canary.objects.update(last_run_at=timezone.now() - timedelta(minutes=10))
    assert degraded(client) == {"canary"}
    Canary.objects.update(last_run_at=timezone.now(), outcome=Canary.Outcome.NOT_HEARD)
    assert degraded(client) == {"canary"}
    settings.CENCOMM_CANARY_URL = ""
    assert degraded(client) == set()
    assert canary.pk == 1


def test_lost_root_key_is_named(client: Client, own_keys: Path) -> None:
    (own_keys / "store").mkdir(parents=True)
    (own_keys / "store" / f"{'0' * 32}.key").write_bytes(b"sealed under a root key that is gone")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["missing"]) == (503, ["keys"])


def test_missing_migration_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'exports'")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["missing"]) == (503, ["migrations"])


def test_unfinished_database_of_cen_degrades(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    worker_beats()
    monkeypatch.setattr(health, "_migrated", set())
    with connections["cen"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'cen'")
    assert degraded(client) == {"cen-database"}


def test_missing_worker_is_told_apart(client: Client) -> None:
    assert client.get("/health/worker").status_code == 503
    with connections["default"].cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert client.get("/health/worker").json() == {"status": "alive"}
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 minutes'")
    assert client.get("/health/worker").status_code == 503


def test_health_takes_no_posts(client: Client) -> None:
    assert client.post("/health/ready").status_code == 405
