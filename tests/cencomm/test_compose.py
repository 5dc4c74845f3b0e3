"""The deployment files keep their promises; no container engine is needed to see it."""

from __future__ import annotations

import json
import re
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
SETTINGS = (ROOT / "cencomm" / "settings.py").read_text()


def test_compose_file_follows_the_specification() -> None:
    schema = json.loads((ROOT / "tests" / "cencomm" / "compose-spec.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_all_services_of_the_topology_are_there() -> None:
    assert set(SERVICES) == {"proxy", "prepare", "web", "worker", "keys", "postgres", "redis"}


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
    assert SERVICES["proxy"]["networks"] == ["edge", "front"]
    assert SERVICES["web"]["networks"] == ["front", "inner"]
    for name in ("postgres", "redis", "worker", "prepare"):
        assert SERVICES[name]["networks"] == ["inner"]


def test_no_service_but_the_proxy_reaches_anything_outside() -> None:
    internal = {name for name, network in COMPOSE["networks"].items() if network and network.get("internal")}
    for name, service in SERVICES.items():
        if service.get("network_mode") != "none":
            assert name == "proxy" or set(service["networks"]) <= internal, name
    front = COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert SERVICES["web"]["environment"]["CENCOMM_PROXIES"] == front


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


def test_only_the_key_agent_has_the_keys() -> None:
    mounts = {name: [one.split(":")[0] for one in service.get("volumes", [])] for name, service in SERVICES.items()}
    assert [name for name, volumes in mounts.items() if "keys" in volumes] == ["keys"]
    assert {name for name, volumes in mounts.items() if "agent" in volumes} == {"keys", "web", "worker", "prepare"}
    agent = SERVICES["keys"]
    assert agent["network_mode"] == "none"
    assert "secrets" not in agent
    assert agent["user"].split(":")[0] != SERVICES["web"]["user"].split(":")[0]
    assert agent["user"].split(":")[1] == SERVICES["web"]["user"].split(":")[1]  # the socket is for this group
    assert agent["environment"]["CENCOMM_KEY_AGENT_ALLOW"] == SERVICES["web"]["user"].split(":")[0]
    for name in ("web", "worker"):
        assert "keys" in SERVICES[name]["depends_on"]


def test_worker_leaves_before_web_and_works_beside_one_that_is_sick() -> None:
    assert SERVICES["worker"]["depends_on"]["web"]["condition"] == "service_started"


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


def test_example_of_a_bucket_fits_the_topology() -> None:
    """What the manual tells to lay beside it: valid, by names that exist, and no other service gets a way out."""
    page = (ROOT / "docs" / "operations.md").read_text()
    [told] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "CENCOMM_S3_URL" in block]
    example: dict[str, Any] = yaml.safe_load(told)
    schema = json.loads((ROOT / "tests" / "cencomm" / "compose-spec.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(example)
    assert set(example["services"]) == {"web", "worker"}
    for name, service in example["services"].items():
        assert not set(service["networks"]) & set(COMPOSE["networks"])
        assert set(service["networks"]) == set(example["networks"])
        assert not set(service["secrets"]) & set(SERVICES[name]["secrets"])
        assert set(service["secrets"]) == set(example["secrets"])
        for variable, value in service["environment"].items():
            assert f'{variable} = env("{variable}"' in SETTINGS
            if variable != "CENCOMM_S3_URL":
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert not set(example["secrets"]) & set(COMPOSE["secrets"])


def test_image_is_pinned_by_hashes_and_not_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert any("--require-hashes" in line for line in lines)
    last_user = [line for line in lines if line.startswith("USER ")][-1]
    assert last_user == "USER 10001:10001"
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {"deploy/secrets", ".git", ".data"} <= set(ignored)
