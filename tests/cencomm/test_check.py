"""Unsafe starts are refused, each with what to do; safe ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from cencomm.checks import check_hosts, check_keys, check_metrics_token, check_redis, check_secret_key
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
    behind_proxy = {**site.environment(), "CENCOMM_PLAIN_HTTP": "0", "CENCOMM_HOSTS": "cencomm.example.org"}
    done = site.run("manage", "check", "--deploy", "--fail-level", "INFO", environment=behind_proxy)
    assert done.returncode == 0, done.stderr
