"""Addresses that no page has, and failures that nobody foresaw: an answer of ours, never a trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import Officer
from groups import queries
from groups.models import ClosedUserGroup

Token = Callable[..., str]


@pytest.mark.parametrize("path", ["/static/", "/static/messaging/", "/static/messaging"])
def test_a_folder_of_static_files_is_not_found(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/static/%00", "/sign-in/%00/", "/sign-in/?next=%00", "/api/v1/me?x=%00"])
def test_an_address_with_a_nul_byte_is_refused(path: str) -> None:
    assert Client().get(path).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["kind=%00", "kind=%01", "country=N%20G", f"status={'a' * 65}"])
def test_a_filter_that_is_no_code_is_refused(
    query: str, group: ClosedUserGroup, fatou: Officer, token_for: Token
) -> None:
    client = Client(headers={"Authorization": f"Bearer {token_for(fatou)}"})
    assert client.get(f"/api/v1/groups/{group.pk}/messages?{query}").status_code in {400, 422}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(RuntimeError("the lantern"), 500, "unexpected"), (OperationalError("the lantern"), 503, "unavailable")],
)
def test_a_failure_is_a_problem_document_that_quotes_nothing(
    failure: Exception, status: int, code: str, fatou: Officer, token_for: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_args: object) -> None:
        raise failure

    monkeypatch.setattr(queries, "groups_of", failing)
    answer = Client(headers={"Authorization": f"Bearer {token_for(fatou)}"}).get("/api/v1/groups")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)
    assert "lantern" not in answer.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("get", "/api/v1/nowhere", 404, "not_found"), ("delete", "/api/v1/me", 405, "method_not_allowed")],
)
def test_api_answers_wrong_addresses_with_problems(
    method: str, path: str, status: int, code: str, fatou: Officer, token_for: Token
) -> None:
    client = Client(headers={"Authorization": f"Bearer {token_for(fatou)}"})
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code


@pytest.mark.django_db
def test_reference_shows_every_operation_to_who_is_signed_in(fatou: Officer) -> None:
    from cencomm.api import api
    from tests.cast import sign_in

    assert Client().get("/api/v1/docs").status_code == 302
    page = sign_in(Client(), fatou).get("/api/v1/docs").content.decode()
    for path, methods in api.get_openapi_schema()["paths"].items():
        assert f'<span class="mono">{path}</span>' in page
        assert all(one["summary"] in page for one in methods.values() if "&" not in one["summary"])
