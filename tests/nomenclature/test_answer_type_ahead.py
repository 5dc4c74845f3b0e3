"""GET /nomenclature/search: for signed-in officers, bounded, in the reader's language, kept only by the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Officer

SignIn = Callable[[Client, Officer], Client]
JSON = {"Accept": "application/json"}


@pytest.fixture
def page(client: Client, sign_in: SignIn, fatou: Officer) -> Client:
    return sign_in(client, fatou)


def test_address_is_the_one_that_pages_use() -> None:
    assert reverse("nomenclature:search") == "/nomenclature/search"


def test_officer_gets_codes_in_her_language(page: Client) -> None:
    answer = page.get("/nomenclature/search", {"list": "place", "q": "apapa"}, headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["results"][0] == {
        "code": "NGAPP",
        "label": "Apapa",
        "detail": "Port · Nigeria",
        "country": "NG",
    }
    assert page.get("/nomenclature/search", {"list": "country", "q": "allem"}).json()["results"][0]["code"] == "DE"


def test_language_limit_and_country_can_be_asked_for(page: Client) -> None:
    query = {"list": "place", "q": "san", "country": "PH", "limit": "3", "language": "en"}
    results = page.get("/nomenclature/search", query).json()["results"]
    assert len(results) == 3
    assert all(result["country"] == "PH" and "Philippines" in result["detail"] for result in results)


def test_answer_is_kept_by_the_browser_only(page: Client) -> None:
    answer = page.get("/nomenclature/search", {"list": "country", "q": "fr"})
    assert "private" in answer.headers["Cache-Control"]
    assert "public" not in answer.headers["Cache-Control"]
    assert "Cookie" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"list": "officers", "q": "a"}, 404, "unknown_list"),
        ({"q": "a"}, 404, "unknown_list"),
        ({"list": "place", "q": "x" * 101}, 400, "bad_query"),
        ({"list": "place", "q": "a", "limit": "51"}, 400, "bad_query"),
        ({"list": "place", "q": "a", "limit": "0"}, 400, "bad_query"),
        ({"list": "place", "q": "a", "limit": "-1"}, 400, "bad_query"),
        ({"list": "place", "q": "a", "limit": "9" * 9999}, 400, "bad_query"),
        ({"list": "place", "q": "a", "limit": "٣"}, 400, "bad_query"),
    ],
)
def test_bad_question_is_refused(page: Client, query: dict[str, str], status: int, code: str) -> None:
    answer = page.get("/nomenclature/search", query, headers=JSON)
    assert answer.status_code == status
    assert answer.json()["code"] == code


def test_empty_question_has_no_answer(page: Client) -> None:
    assert page.get("/nomenclature/search", {"list": "place"}).json() == {"results": []}


def test_only_reading_is_allowed(page: Client) -> None:
    assert page.post("/nomenclature/search", {"list": "place", "q": "a"}).status_code == 405


def test_stranger_is_sent_to_sign_in(client: Client, db: None) -> None:
    answer = client.get("/nomenclature/search", {"list": "place", "q": "apapa"})
    assert answer.status_code in {302, 401, 403}
    assert b"NGAPP" not in answer.content


def test_password_alone_does_not_suffice(client: Client, fatou: Officer) -> None:
    client.force_login(fatou)
    answer = client.get("/nomenclature/search", {"list": "place", "q": "apapa"})
    assert answer.status_code in {302, 401, 403}
    assert b"NGAPP" not in answer.content
