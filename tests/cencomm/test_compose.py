"""The deployment files keep their promises; no container engine is needed to see it."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_compose_file_follows_the_specification() -> None:
    schema = json.loads((ROOT / "tests" / "cencomm" / "compose-spec.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_all_services_of_the_topology_are_there() -> None:
    assert set(SERVICES) == {"proxy", "prepare", "web", "worker", "postgres", "redis"}


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"prepare"}))
def test_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_only_the_proxy_can_be_reached() -> None:
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["proxy"]
    assert COMPOSE["networks"]["inner"]["internal"] is True
    assert SERVICES["proxy"]["networks"] == ["edge"]
    for name in ("postgres", "redis", "worker", "prepare"):
        assert SERVICES[name]["networks"] == ["inner"]


def test_secrets_come_as_files() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if variable == "CENCOMM_CANARY_URL":  # an address without a password
                continue
            if any(word in variable for word in ("PASSWORD", "SECRET", "URL", "CERTIFICATE", "TOKEN")):
                assert str(value).startswith("/run/secrets/"), variable
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


def test_only_preparation_knows_the_owners() -> None:
    for name in ("web", "worker"):
        assert not [secret for secret in SERVICES[name]["secrets"] if "owner" in secret]


def test_every_secret_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    maker = ROOT / "deploy" / "make-secrets"
    subprocess.run([maker, folder], check=True, capture_output=True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert len(made["secret-key"].strip()) > 50
    assert made["application-password"].strip() in made["database-url"]
    subprocess.run([maker, folder], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made  # a second run changes nothing


def test_every_mounted_file_is_in_the_repository() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file(), source


def test_image_is_pinned_by_hashes_and_not_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert any("--require-hashes" in line for line in lines)
    last_user = [line for line in lines if line.startswith("USER ")][-1]
    assert last_user == "USER 10001:10001"
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {"deploy/secrets", ".git", ".data"} <= set(ignored)
