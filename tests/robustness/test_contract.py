"""The OpenAPI document held against a running server: made-up requests find no fault and no undocumented answer.

schemathesis makes the requests from the document, as it says they are and as it says they are not (a field of
another type, a text too long, a parameter that is missing), and checks status, content type and shape of each
answer. Every second one is about what there is: messages, files on their way, files that were checked, a
transfer. In CI always the same ones; CENCOMM_EXAMPLES=20 makes twenty times as many, and others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain, cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.test import Client
from hypothesis import given
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import actions
from accounts.models import Officer
from cencomm.api import api
from cencomm.openapi_answers import ANSWERS
from exports.actions import start_transfer
from groups.models import ClosedUserGroup
from messaging.attachments.actions import Upload, begin_upload
from simplified_forms.actions import create_starting_templates
from tests.cast import membership_of, sign_in
from tests.examples import fuzzing
from tests.messaging.conftest import seizure_body, wire
from tests.messaging.server import Server, running_server
from tests.messaging.uploads import checked, picture

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@pytest.fixture
def server(group: ClosedUserGroup, tmp_path: Path, settings: Settings) -> Iterator[Server]:
    create_starting_templates(group)
    settings.CENCOMM_ATTACHMENTS = f"{tmp_path}/attachments"
    with running_server(tmp_path, CENCOMM_ATTACHMENTS=settings.CENCOMM_ATTACHMENTS) as one:
        yield one


type Known = dict[str, list[str]]


def ask_all(server: Server, headers: dict[str, str], known: Known) -> dict[str, set[int]]:
    """Send requests to every operation; return the statuses that each gave. Fails with every broken promise."""
    schema = schemathesis.openapi.from_url(f"{server.http}/api/v1/openapi.json")
    found, broken = {}, []
    for result in schema.get_all_operations():
        operation = result.ok()
        try:
            found[operation.label] = ask_one(operation, server, headers, known)
        except FailureGroup as failures:
            broken.append(f"{operation.label}: {failures}")
    assert not broken, "\n\n".join(broken)
    return found


def ask_one(operation: Any, server: Server, headers: dict[str, str], known: Known) -> set[int]:
    """Send made-up requests to one operation, right ones and, where there is anything to get wrong, wrong ones."""
    modes = GenerationMode if takes_something(operation) else (GenerationMode.POSITIVE,)
    return set().union(*(ask_as(operation, mode, server, headers, known) for mode in modes))


def ask_as(operation: Any, mode: GenerationMode, server: Server, headers: dict[str, str], known: Known) -> set[int]:
    """Send requests that are right, or wrong: in turn about nothing that is there, and about each thing that is."""
    statuses: set[int] = set()
    things = {name: cycle(chain.from_iterable((None, value) for value in values)) for name, values in known.items()}

    @fuzzing(EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        for name in set(case.path_parameters or ()) & set(things):
            if (thing := next(things[name])) is not None:
                case.path_parameters[name] = thing
        response = case.call(base_url=server.http, headers=headers)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    return statuses


def takes_something(operation: Any) -> bool:
    """Whether there is anything in a request that could be otherwise than the document says."""
    return bool(operation.body or operation.query or operation.headers or operation.path_parameters)


def faults_in(server: Server) -> list[str]:
    """Return the lines of a log that tell of a failed request."""
    marks = (" ERROR cencomm.api", " ERROR django", "Traceback")
    return [line for line in server.log.read_text().splitlines() if any(mark in line for mark in marks)]


def filled(server: Server, group: ClosedUserGroup, coordinator: Officer, writer: Officer, token: str) -> Known:
    """Put something into the operation; return identifiers of what is there."""
    path = f"/groups/{group.pk}/messages"
    for kind in ("note", "warning", "request"):
        assert server.request("POST", path, token, wire(kind))[0] == 201
    status, seizure = server.request("POST", path, token, wire("seizure", body=seizure_body()))
    assert status == 201
    assert server.request("POST", f"/messages/{seizure['id']}/status", token, {"status": "validated_ocu"})[0] == 200
    batch = start_transfer(membership_of(coordinator, group))  # a program cannot: it asks for a second factor
    member = membership_of(writer, group)
    half, _created = begin_upload(member, upload=Upload(id=uuid4(), name="half.jpg", size=200_000))
    files = [checked(member, picture()), half, checked(member, b"words", "a.txt"), checked(member, b"\x7fELF")]
    return {
        "group_id": [str(group.pk)],
        "message_id": [seizure["id"]],
        "batch_id": [str(batch.pk)],
        "attachment_id": [str(one.pk) for one in files],
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def session_of(officer: Officer) -> dict[str, str]:
    """Return what a signed-in browser sends."""
    key, forged = sign_in(Client(), officer).cookies[django_settings.SESSION_COOKIE_NAME].value, "c" * 32
    return {
        "Cookie": f"{django_settings.SESSION_COOKIE_NAME}={key}; {django_settings.CSRF_COOKIE_NAME}={forged}",
        "X-CSRFToken": forged,
    }


@pytest.mark.parametrize("name", ["amina", "fatou", "fatou's browser"])
def test_no_request_finds_a_fault_or_an_undocumented_answer(
    server: Server, group: ClosedUserGroup, amina: Officer, fatou: Officer, name: str,
    token_for: Callable[..., str],
) -> None:  # fmt: skip
    known = filled(server, group, amina, fatou, token_for(amina))
    officer = amina if name == "amina" else fatou
    found = ask_all(server, session_of(officer) if "browser" in name else bearer(token_for(officer)), known)
    assert faults_in(server) == []
    document = api.get_openapi_schema()
    assert len(found) == sum(len(item) for item in document["paths"].values())
    for operation in ("/groups", "/groups/{group_id}/events", "/groups/{group_id}/messages", "/cen/statistics"):
        assert found[f"GET /api/v1{operation}"] & {200}, operation
    assert any(statuses & {400, 422} for statuses in found.values())
    if officer == fatou:
        assert 403 in set().union(*found.values())
        for operation, status in (("GET", 200), ("HEAD", 200), ("PATCH", 409)):
            assert found[f"{operation} /api/v1/attachments/{{attachment_id}}"] & {status}, operation


def test_a_client_system_is_told_the_same_document(server: Server, group: ClosedUserGroup) -> None:
    """Its token belongs to no officer: wherever an officer is needed it gets a documented refusal."""
    _token, secret = actions.create_token(client_system="national", name="test", scopes=("cen:read", "cen:write"))
    found = ask_all(server, bearer(secret), {"group_id": [str(group.pk)]})
    assert found["POST /api/v1/cen/seizures"] & {200, 207}
    assert found["GET /api/v1/cen/seizures"] & {200}
    assert found["GET /api/v1/cen/statistics"] & {200}
    assert faults_in(server) == []


def test_nobody_is_told_anything(server: Server, group: ClosedUserGroup) -> None:
    """Without a sign-in one is asked for; 429 where a made-up token was tried often."""
    found = ask_all(server, {}, {"group_id": [str(group.pk)]})
    assert {status for statuses in found.values() for status in statuses} <= {400, 401, 404, 405, 429}
    assert all(401 in statuses for statuses in found.values())
    assert faults_in(server) == []


def test_every_operation_tells_what_it_answers() -> None:
    """No operation without the shape of its answer, and no shape of an operation that is gone."""
    document = api.get_openapi_schema()
    operations = {
        (method, path.removeprefix("/api/v1")): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    bare = []
    for (method, path), operation in operations.items():
        good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        if not good or any("content" not in good[status] for status in set(good) - {"204"} if method != "head"):
            bare.append((method, path))
        refused = {status for status in operation["responses"] if not status.startswith("2")}
        assert refused >= {"400", "401", "403", "429", "500", "503"}, path
        for status in refused:
            assert operation["responses"][status]["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
    assert not bare
    assert set(ANSWERS) <= set(operations)
    assert json.loads(json.dumps(document))["security"]


def test_the_check_would_find_an_undocumented_answer(server: Server, amina: Officer, token_for: Any) -> None:
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    del document["paths"]["/api/v1/me"]["get"]["responses"]["200"]
    schema = schemathesis.openapi.from_dict(document)
    case = schema["/api/v1/me"]["GET"].Case()
    response = case.call(base_url=server.http, headers={"Authorization": f"Bearer {token_for(amina)}"})
    with pytest.raises(FailureGroup):
        case.validate_response(response, checks=CHECKS)
