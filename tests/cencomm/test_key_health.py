"""A key agent that is away takes no process out of service that has worked with it, and is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from cencomm import degraded, health
from tests.cencomm.ports import wait_until
from tests.vault.agents import Agent, agent_within
from tests.vault.bao import Bao, program
from vault import keystore
from vault.agent.limits import Rate, Rates

pytestmark = pytest.mark.django_db(databases=["default", "cen"])


@pytest.fixture
def agent(tmp_path: Path, settings: Settings) -> Iterator[Agent]:
    """An agent that these settings name, not started yet."""
    made = Agent(tmp_path / "data")
    settings.CENCOMM_KEY_AGENT = str(made.socket)
    yield made
    made.stop()


def ready(client: Client) -> tuple[int, set[str]]:
    degraded.known.forget()
    answer = client.get("/health/ready")
    told = answer.json()
    return answer.status_code, set(told.get("missing", [])) | set(told.get("degraded", []))


def test_a_process_that_never_met_its_agent_is_not_ready(client: Client, agent: Agent) -> None:
    status, told = ready(client)
    assert (status, told) == (503, {"keys"})
    agent.start()
    wait_until(lambda: ready(client)[0] == 200)
    assert "key-agent" not in ready(client)[1]


def test_one_that_did_stays_ready_and_says_what_it_misses(client: Client, agent: Agent) -> None:
    agent.start()
    assert ready(client)[0] == 200
    agent.stop()
    status, told = ready(client)
    assert status == 200
    assert "key-agent" in told
    agent.start()
    wait_until(lambda: "key-agent" not in ready(client)[1])


def test_a_root_key_that_the_agent_cannot_read_is_missing(client: Client, agent: Agent) -> None:
    agent.start()
    keystore().platform_sealer(make=True)
    agent.root_file.rename(agent.root_file.with_name("away"))
    assert ready(client)[0] == 503
    agent.root_file.with_name("away").rename(agent.root_file)
    assert ready(client)[0] == 200


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Bao]:
    if program() is None:
        pytest.skip("OpenBao is not installed")
    server = Bao(tmp_path / "bao")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("with_agent", [True, False])
def test_a_key_service_that_is_sealed_is_told_and_takes_nobody_out_who_holds_keys(
    client: Client, service: Bao, tmp_path: Path, settings: Settings, with_agent: bool
) -> None:
    uri = service.uri("cencomm", tmp_path)
    made = Agent(tmp_path / "data", CENCOMM_ROOT_KEY_URI=uri)
    if with_agent:
        settings.CENCOMM_KEY_AGENT = str(made.socket)
        made.start()
    else:
        settings.CENCOMM_ROOT_KEY_URI, settings.CENCOMM_KEY_STORE = uri, tmp_path / "store"
        settings.CENCOMM_ROOT_KEY_FILE = tmp_path / "none"
    try:
        wait_until(lambda: ready(client)[0] == 200 and "key-service" not in ready(client)[1])
        service.seal()
        wait_until(lambda: ready(client)[0] == 503)
        assert "keys" in ready(client)[1]  # nothing is open here
        service.unseal()
        wait_until(lambda: ready(client)[0] == 200)
        wait_until(lambda: keystore().platform_sealer(make=True))
        service.seal()
        wait_until(lambda: "key-service" in ready(client)[1])
        status, told = ready(client)
        assert status == 200
        assert not told & {"keys", "key-agent"}
        service.unseal()
        wait_until(lambda: "key-service" not in ready(client)[1])
    finally:
        made.stop()


def test_too_many_openings_are_told(tmp_path: Path, settings: Settings) -> None:
    settings.CENCOMM_KEY_AGENT = str(tmp_path / "keys.sock")
    with agent_within(tmp_path, rates=Rates(open_each=Rate(1, 0.001))):
        keystore().platform_sealer(make=True)
        assert health.key_agent_keeps_up()
        keystore()._forget(UUID(int=0))
        with pytest.raises(Exception, match="too_many_openings"):
            keystore().platform_sealer()
        assert not health.key_agent_keeps_up()
        assert health.key_agent_answers()
