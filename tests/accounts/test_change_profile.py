"""Language and time zone."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.models import Officer
from tests.cast import sign_in


def test_before_sign_in_the_browser_chooses(client: Client, db: None) -> None:
    answer = client.get("/sign-in/", headers={"Accept-Language": "fr-BE,fr;q=0.9"})
    assert answer.headers["Content-Language"] == "fr"
    assert 'lang="fr"' in answer.content.decode()


def test_the_account_chooses_afterwards(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    answer = client.get("/account/", headers={"Accept-Language": "en"})
    assert answer.headers["Content-Language"] == "fr"


def test_the_choice_is_kept_with_the_account(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    answer = client.post("/language/", {"language": "en", "next": "/account/"})
    assert answer.headers["Location"] == "/account/"
    fatou.refresh_from_db()
    assert fatou.language == "en"
    assert client.get("/account/").headers["Content-Language"] == "en"


def test_before_sign_in_the_choice_is_kept_by_the_browser(client: Client, db: None) -> None:
    client.post("/language/", {"language": "fr", "next": "/sign-in/"})
    assert client.get("/sign-in/").headers["Content-Language"] == "fr"


def test_an_unknown_language_and_another_site_are_not_followed(client: Client, fatou: Officer) -> None:
    sign_in(client, fatou)
    answer = client.post("/language/", {"language": "xx", "next": "https://evil.invalid/"})
    assert answer.headers["Location"] == "/"
    fatou.refresh_from_db()
    assert fatou.language == "fr"


def test_times_are_shown_in_the_officers_zone(client: Client, amina: Officer) -> None:
    sign_in(client, amina)
    client.get("/account/")
    assert timezone.get_current_timezone_name() == "Africa/Lagos"
    Client().get("/sign-in/")
    assert timezone.get_current_timezone_name() == "UTC"
    translation.activate("en")


def test_the_profile_is_saved(client: Client, amina: Officer) -> None:
    sign_in(client, amina)
    assert client.post("/account/", {"language": "fr", "time_zone": "Europe/Paris"}).status_code == 302
    amina.refresh_from_db()
    assert (amina.language, amina.time_zone) == ("fr", "Europe/Paris")
    assert client.post("/account/", {"language": "fr", "time_zone": "Mars/Base"}).status_code == 422


def test_a_zone_that_is_unknown_here_is_utc(client: Client, amina: Officer) -> None:
    Officer.objects.filter(pk=amina.pk).update(time_zone="../../etc/passwd")
    sign_in(client, amina)
    assert client.get("/account/").status_code == 200
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    "target", ["/account/\0", "//evil.invalid/", "https:evil.invalid", "/\\evil.invalid", "/a\nb"]
)
def test_the_choice_of_a_language_leads_to_no_odd_place(client: Client, target: str) -> None:
    answer = client.post("/language/", {"language": "fr", "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
