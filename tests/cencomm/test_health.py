"""Health answers without a sign-in, names what is missing, and tells nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from cencomm import health
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


def test_ready_when_nothing_is_missing(client: Client) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert response.headers["Cache-Control"] == "no-store"


def test_silent_redis_is_named(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"status": "not ready", "missing": ["redis"]})


def test_lost_root_key_is_named(client: Client, own_keys: Path) -> None:
    (own_keys / "store").mkdir(parents=True)
    (own_keys / "store" / f"{'0' * 32}.key").write_bytes(b"sealed under a root key that is gone")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["missing"]) == (503, ["keys"])


def test_missing_migration_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    with connections["cen"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'cen'")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["missing"]) == (503, ["migrations"])


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
