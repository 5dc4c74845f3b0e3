"""Unsafe starts are refused, each with what to do; safe ones are not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from cencomm import checks
from cencomm.checks import (
    check_hosts,
    check_keys,
    check_metrics_token,
    check_passkeys,
    check_redis,
    check_secret_key,
)
from tests.cencomm.site import Site


@pytest.fixture
def safe(settings: Settings, tmp_path: Path) -> Settings:
    """Settings as behind a proxy with TLS."""
    settings.DEBUG = False
    settings.PLAIN_HTTP = False
    settings.CENCOMM_DEMO = False
    settings.ALLOWED_HOSTS = ["cencomm.example.org"]
    settings.DATA_DIR = tmp_path
    settings.CENCOMM_ROOT_KEY_FILE = tmp_path / "root.key"
    settings.CENCOMM_KEY_STORE = tmp_path / "store"
    return settings


def found() -> dict[str | None, CheckMessage]:
    messages = [*check_secret_key(None), *check_hosts(None), *check_keys(None)]
    assert all(message.hint for message in messages)
    return {message.id: message for message in messages}


def test_root_key_beside_the_key_agent_is_refused(safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "capabilities_of", lambda: 0)
    safe.CENCOMM_KEY_AGENT = "/run/keys.sock"
    assert found() == {}
    safe.CENCOMM_ROOT_KEY_FILE.touch(mode=0o600)
    assert set(found()) == {"cencomm.E015"}
    safe.CENCOMM_ROOT_KEY_FILE.unlink()
    safe.CENCOMM_KEY_STORE.mkdir(mode=0o700)
    assert set(found()) == {"cencomm.E015"}
    safe.CENCOMM_KEY_STORE.rmdir()
    safe.CENCOMM_ROOT_KEY_URI = "pkcs11:token=x?module-path=/x&pin-source=/y"
    assert set(found()) == {"cencomm.E014"}
    safe.ALLOWED_HOSTS = ["localhost"]  # one machine for one person: `doctor` says what it is worth
    assert found() == {}


def test_short_metrics_token_is_refused(safe: Settings) -> None:
    safe.CENCOMM_METRICS_TOKEN = "x" * 31
    [refused] = check_metrics_token(None)
    assert refused.id == "cencomm.E013"
    for fine in ("", "x" * 32):
        safe.CENCOMM_METRICS_TOKEN = fine
        assert check_metrics_token(None) == []


def test_safe_start_is_not_refused(safe: Settings) -> None:
    safe.CENCOMM_KEY_STORE.mkdir(mode=0o700)
    safe.CENCOMM_ROOT_KEY_FILE.touch(mode=0o600)
    assert found() == {}


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"SECRET_KEY": ""}, "cencomm.E001"),
        ({"SECRET_KEY": "short"}, "cencomm.E002"),
        ({"ALLOWED_HOSTS": ["*"]}, "cencomm.E003"),
        ({"DEBUG": True}, "cencomm.E004"),
        ({"PLAIN_HTTP": True}, "cencomm.E005"),
        ({"CENCOMM_DEMO": True}, "cencomm.E006"),
    ],
)
def test_unsafe_start_is_refused(safe: Settings, change: dict[str, Any], number: str) -> None:
    for name, value in change.items():
        setattr(safe, name, value)
    assert set(found()) == {number}


@pytest.fixture
def named(safe: Settings) -> Settings:
    """The same, as it names itself for passkeys."""
    safe.CENCOMM_PASSKEYS = "required"
    safe.OTP_WEBAUTHN_RP_ID = "cencomm.example.org"
    safe.CSRF_TRUSTED_ORIGINS = ["https://cencomm.example.org"]
    return safe


def test_passkeys_of_the_own_name_are_not_refused(named: Settings) -> None:
    assert check_passkeys(None) == []
    named.ALLOWED_HOSTS = ["cencomm.example.org", "cen.example.org", "localhost"]
    named.OTP_WEBAUTHN_RP_ID = "example.org"
    assert check_passkeys(None) == []


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"CENCOMM_PASSKEYS": "perhaps"}, "cencomm.E018"),
        ({"CENCOMM_PASSKEYS": "offered"}, "cencomm.E019"),
        ({"OTP_WEBAUTHN_RP_ID": "other.example.org"}, "cencomm.E020"),
        ({"OTP_WEBAUTHN_RP_ID": "ample.org"}, "cencomm.E020"),
        ({"OTP_WEBAUTHN_RP_ID": "org"}, "cencomm.E020"),
        ({"OTP_WEBAUTHN_RP_ID": "localhost"}, "cencomm.E020"),
        ({"CSRF_TRUSTED_ORIGINS": ["http://cencomm.example.org"]}, "cencomm.E021"),
    ],
)
def test_unsafe_passkeys_are_refused(named: Settings, change: dict[str, Any], number: str) -> None:
    for name, value in change.items():
        setattr(named, name, value)
    [refused] = check_passkeys(None)
    assert (refused.id, bool(refused.hint)) == (number, True)


def test_one_machine_may_offer_passkeys_only(safe: Settings) -> None:
    safe.ALLOWED_HOSTS, safe.CENCOMM_PASSKEYS = ["localhost", "127.0.0.1"], "offered"
    safe.OTP_WEBAUTHN_RP_ID, safe.CSRF_TRUSTED_ORIGINS = "localhost", []
    assert check_passkeys(None) == []


def test_an_address_of_redis_that_is_none_is_refused(settings: Settings) -> None:
    settings.REDIS_URL = "redis+sentinel://:secret@one"
    (refused,) = check_redis(None)
    assert refused.id == "cencomm.E012"
    assert "secret" not in refused.msg
    settings.REDIS_URL = "redis+sentinel://:secret@one/quay"
    assert check_redis(None) == []


@pytest.mark.parametrize("name", ["DEBUG", "PLAIN_HTTP", "CENCOMM_DEMO"])
def test_one_machine_may_do_what_a_network_may_not(safe: Settings, name: str) -> None:
    safe.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    setattr(safe, name, True)
    assert found() == {}


def test_keys_that_others_can_read_are_refused(safe: Settings, tmp_path: Path) -> None:
    safe.CENCOMM_ROOT_KEY_FILE.touch(mode=0o600)
    safe.CENCOMM_ROOT_KEY_FILE.chmod(0o640)
    safe.CENCOMM_KEY_STORE.mkdir()
    safe.CENCOMM_KEY_STORE.chmod(0o750)
    (tmp_path / "secret-key").touch(mode=0o600)
    (tmp_path / "secret-key").chmod(0o604)
    assert set(found()) == {"cencomm.E007", "cencomm.E008", "cencomm.E009"}


def test_deployment_checks_are_quiet(site: Site) -> None:
    done = site.run("manage", "check", "--deploy", "--fail-level", "INFO")
    assert done.returncode == 0, done.stderr
    behind_proxy = {
        **site.environment(),
        "CENCOMM_PLAIN_HTTP": "0",
        "CENCOMM_HOSTS": "cencomm.example.org",
        "CENCOMM_PASSKEYS": "",
    }
    done = site.run("manage", "check", "--deploy", "--fail-level", "INFO", environment=behind_proxy)
    assert done.returncode == 0, done.stderr


class Pooler:
    """Stands before the cluster as a pooler does: who comes in is told another process than the one that serves."""

    def __init__(self, folder: Path, cluster: Path) -> None:
        self._cluster = cluster
        self._place = folder / ".s.PGSQL.5432"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.start_unix_server(self._accept, self._place)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(300)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(300)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, on = await asyncio.open_unix_connection(self._cluster / ".s.PGSQL.5432")
        await asyncio.gather(self._carry(near, on, b""), self._carry(far, back, b"K\x00\x00\x00\x0c"))

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, key: bytes) -> None:
        while data := await source.read(65536):
            if key and (at := data.find(key)) >= 0:  # BackendKeyData: the process, and the secret to cancel with
                begun = at + len(key)
                data = data[:begun] + b"\x00\x0f\x42\x40" + data[begun + 4 :]
            target.write(data)
        target.close()


@pytest.fixture
def pooler(site: Site, tmp_path: Path) -> Iterator[Path]:
    """The folder of a pooler's socket."""
    made = Pooler(tmp_path, site.addresses.socket_folder)
    try:
        yield tmp_path
    finally:
        made.stop()


def test_a_pooler_before_a_database_is_refused(site: Site, pooler: Path) -> None:
    behind = site.environment()
    assert "pooler" not in site.run("manage", "check", "--database", "default", environment=behind).stderr
    behind["DATABASE_URL"] = behind["DATABASE_URL"].replace(str(site.addresses.socket_folder), str(pooler))
    done = site.run("manage", "check", "--database", "default", environment=behind)
    assert done.returncode != 0
    assert "cencomm.E024" in done.stderr
    done = site.run("serve", "--port", "1", environment=behind)
    assert (done.returncode, "a pooler lends connections out" in done.stderr) == (78, True)
