"""The first step: name and password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from accounts import actions
from accounts.models import Officer, OfficerSession, SignInThrottle
from audit.models import Entry
from tests.accounts.conftest import Clock, code_of, give_password, wrong_code

Audited = Callable[[str], list[Entry]]


def _try(client: Client, email: str, **extra: str) -> Any:
    return client.post("/sign-in/", {"email": email, "password": "not the password at all"}, **extra)


def test_name_password_and_code_sign_in(client: Client, enrolled: Officer, clock: Clock, audited: Audited) -> None:
    assert give_password(client, enrolled).headers["Location"] == "/sign-in/code/"
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.status_code == 302
    assert client.get("/account/").status_code == 200
    assert [e.actor for e in audited("account:session:started")] == [enrolled.pk]


def test_the_name_is_read_without_regard_to_case(client: Client, enrolled: Officer) -> None:
    answer = client.post("/sign-in/", {"email": "AMINA@demo.INVALID", "password": "a lantern over quiet water"})
    assert answer.headers["Location"] == "/sign-in/code/"


def test_a_password_alone_reaches_nothing(client: Client, enrolled: Officer) -> None:
    give_password(client, enrolled)
    for path in ("/account/", "/account/security/", "/groups/", "/administration/", "/"):
        assert client.get(path).headers["Location"] == "/sign-in/code/", path
    assert client.get("/api/v1/me").status_code == 401


def test_the_second_step_shows_no_way_further(client: Client, enrolled: Officer) -> None:
    give_password(client, enrolled)
    page = client.get("/sign-in/code/").content.decode()
    assert 'href="/account/"' not in page
    assert 'href="/groups/"' not in page


def test_a_password_alone_is_worth_ten_minutes(client: Client, enrolled: Officer, clock: Clock) -> None:
    give_password(client, enrolled)
    clock.move(minutes=11)
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.headers["Location"] == "/sign-in/"


def test_the_session_key_is_rotated_after_the_second_factor(
    client: Client, enrolled: Officer, clock: Clock
) -> None:
    give_password(client, enrolled)
    before = str(client.session.session_key)
    client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    after = str(client.session.session_key)
    assert before != after
    client.cookies["cencomm_session"] = before
    assert client.get("/account/").headers["Location"].startswith("/sign-in/")


def test_a_session_that_was_fixed_before_is_not_taken_over(client: Client, enrolled: Officer) -> None:
    client.get("/sign-in/")
    session = client.session
    session["planted"] = "by an attacker"
    session.save()
    planted = session.session_key
    give_password(client, enrolled)
    assert client.session.session_key != planted
    assert "planted" not in client.session


@pytest.mark.parametrize("known", [True, False])
def test_every_failure_looks_alike(client: Client, enrolled: Officer, known: bool) -> None:
    answer = _try(client, enrolled.email if known else "nobody@demo.invalid")
    assert answer.status_code == 422
    assert "The e-mail address or the password is wrong." in answer.content.decode()


def test_known_and_unknown_names_get_the_same_page(client: Client, enrolled: Officer) -> None:
    pages = []
    for email in (enrolled.email, "amina@xxxx.invalid"):
        page = _try(client, email).content.decode().replace(email, "NAME")
        pages.append([line for line in page.splitlines() if "csrf" not in line and "nonce" not in line])
    assert pages[0] == pages[1]


def test_an_unknown_name_costs_the_same_hash(client: Client, enrolled: Officer) -> None:
    counts = []
    for email in (enrolled.email, "nobody@demo.invalid"):
        with mock.patch.object(
            MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode
        ) as encode:
            _try(client, email)
        counts.append(encode.call_count)
    assert counts == [1, 1]


def test_a_shut_account_looks_like_a_wrong_password(client: Client, enrolled: Officer, padma: Officer) -> None:
    actions.deactivate_officer(enrolled.pk, actor=padma)
    answer = give_password(client, enrolled)
    assert answer.status_code == 422
    assert "The e-mail address or the password is wrong." in answer.content.decode()


def test_failures_are_audited_without_the_name(client: Client, enrolled: Officer, audited: Audited) -> None:
    _try(client, enrolled.email)
    _try(client, "nobody@demo.invalid")
    known, unknown = audited("account:session:refused")
    assert known.actor == enrolled.pk
    assert unknown.actor is None
    assert "nobody" not in str(unknown.details) + unknown.subject


@pytest.mark.parametrize("email", ["amina@demo.invalid", "nobody@demo.invalid"])
def test_after_five_failures_one_waits_whoever_one_is(client: Client, enrolled: Officer, email: str) -> None:
    statuses = [_try(client, email).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_a_throttled_name_is_told_when_to_come_back(client: Client, enrolled: Officer, clock: Clock) -> None:
    for _ in range(5):
        _try(client, enrolled.email)
    answer = give_password(client, enrolled)
    assert answer.status_code == 429
    wait = int(answer.headers["Retry-After"])
    assert 0 < wait <= 60
    clock.move(seconds=wait)
    assert give_password(client, enrolled).status_code == 302


def test_nobody_is_locked_out_for_longer_than_a_minute(client: Client, enrolled: Officer, clock: Clock) -> None:
    for _ in range(60):
        _try(client, enrolled.email)
        clock.move(seconds=10)
    clock.move(seconds=60)
    assert give_password(client, enrolled).status_code == 302


def test_a_stranger_elsewhere_does_not_slow_the_owner_down(client: Client, enrolled: Officer) -> None:
    for _ in range(8):
        _try(client, enrolled.email, REMOTE_ADDR="198.51.100.7")
    assert give_password(client, enrolled, REMOTE_ADDR="192.0.2.1").status_code == 302


def test_one_address_cannot_try_many_names(client: Client, enrolled: Officer) -> None:
    statuses = [_try(client, f"n{i}@demo.invalid", REMOTE_ADDR="198.51.100.7").status_code for i in range(45)]
    assert statuses[0] == 422
    assert statuses[-1] == 429


def test_tries_from_everywhere_do_not_keep_the_owner_out_of_a_known_place(
    client: Client, enrolled: Officer, clock: Clock
) -> None:
    give_password(client, enrolled, REMOTE_ADDR="192.0.2.1")
    client.post("/sign-in/code/", {"code": code_of(enrolled, clock)}, REMOTE_ADDR="192.0.2.1")
    for i in range(30):
        _try(Client(), enrolled.email, REMOTE_ADDR=f"198.51.100.{i}")
    assert give_password(Client(), enrolled, REMOTE_ADDR="192.0.2.2").status_code == 429
    assert give_password(Client(), enrolled, REMOTE_ADDR="192.0.2.1").status_code == 302
    statuses = [_try(Client(), enrolled.email, REMOTE_ADDR="192.0.2.1").status_code for _ in range(8)]
    assert 429 in statuses  # the pair of name and place is held all the same


@pytest.mark.parametrize(
    ("here", "later", "elsewhere"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:a:b:c:d", "2001:db8:0:2::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"),
    ],
)
def test_a_known_place_is_a_network_as_tries_are_counted(
    client: Client, enrolled: Officer, clock: Clock, here: str, later: str, elsewhere: str
) -> None:
    """An IPv6 address is a new one each day (RFC 8981); the network stays."""
    give_password(client, enrolled, REMOTE_ADDR=here)
    client.post("/sign-in/code/", {"code": code_of(enrolled, clock)}, REMOTE_ADDR=here)
    for i in range(30):
        _try(Client(), enrolled.email, REMOTE_ADDR=f"198.51.100.{i}")
    assert give_password(Client(), enrolled, REMOTE_ADDR=elsewhere).status_code == 429
    assert give_password(Client(), enrolled, REMOTE_ADDR=later).status_code == 302


def test_the_addresses_of_one_ipv6_network_are_one(client: Client, enrolled: Officer) -> None:
    statuses = [
        _try(client, f"n{i}@demo.invalid", REMOTE_ADDR=f"2001:db8:0:1:{i:x}::1").status_code for i in range(45)
    ]
    assert 429 in statuses
    assert give_password(client, enrolled, REMOTE_ADDR="2001:db8:0:2::1").status_code == 302


def test_ipv4_addresses_that_come_as_ipv6_are_single_ones(client: Client, enrolled: Officer) -> None:
    """A socket that takes both kinds calls them `::ffff:a.b.c.d`: all of IPv4 would be one network of IPv6."""
    statuses = [
        _try(client, f"n{i}@demo.invalid", REMOTE_ADDR="::ffff:198.51.100.7").status_code for i in range(45)
    ]
    assert 429 in statuses
    assert give_password(client, enrolled, REMOTE_ADDR="::ffff:198.51.100.8").status_code == 302


@pytest.mark.parametrize("word", ["unknown", "192.0.2.1:4711", "", "%eth0"])
def test_an_address_that_is_none_stops_nobody(client: Client, enrolled: Officer, word: str) -> None:
    assert give_password(client, enrolled, REMOTE_ADDR=word).status_code == 302
    assert OfficerSession.objects.get().address is None


def test_many_addresses_cannot_try_one_name(client: Client, enrolled: Officer) -> None:
    for i in range(25):
        assert _try(client, enrolled.email, REMOTE_ADDR=f"198.51.100.{i}").status_code == 422
    assert _try(client, enrolled.email, REMOTE_ADDR="198.51.100.99").status_code == 429


def test_a_right_password_forgives_the_failures_before(client: Client, enrolled: Officer) -> None:
    for _ in range(4):
        _try(client, enrolled.email)
    give_password(client, enrolled)
    assert [_try(client, enrolled.email).status_code for _ in range(5)] == [422] * 5


def test_the_throttle_names_nobody(client: Client, enrolled: Officer) -> None:
    _try(client, enrolled.email, REMOTE_ADDR="198.51.100.7")
    stored = b"".join(bytes(row.key_hash) for row in SignInThrottle.objects.all())
    assert b"amina" not in stored
    assert b"198.51" not in stored
    assert SignInThrottle.objects.count() == 3


def test_a_wrong_code_does_not_sign_in(client: Client, enrolled: Officer, clock: Clock, audited: Audited) -> None:
    give_password(client, enrolled)
    answer = client.post("/sign-in/code/", {"code": wrong_code(enrolled, clock)})
    assert answer.status_code == 422
    assert client.get("/account/").status_code == 302
    assert [e.details["reason"] for e in audited("account:session:refused")] == ["code"]


def test_sign_in_never_leads_to_another_site(client: Client, enrolled: Officer, clock: Clock) -> None:
    client.post(
        "/sign-in/",
        {"email": enrolled.email, "password": "a lantern over quiet water", "next": "https://evil.invalid/"},
    )
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.headers["Location"] == "/"


def test_sign_in_leads_back_to_where_one_wanted(client: Client, enrolled: Officer, clock: Clock) -> None:
    wanted = client.get("/account/security/").headers["Location"]
    assert wanted == "/sign-in/?next=/account/security/"
    client.post(
        "/sign-in/",
        {"email": enrolled.email, "password": "a lantern over quiet water", "next": "/account/security/"},
    )
    answer = client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    assert answer.headers["Location"] == "/account/security/"


def test_without_a_password_there_is_no_second_step(client: Client, db: None) -> None:
    assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/"


def test_signing_in_needs_the_csrf_token(enrolled: Officer) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert give_password(strict, enrolled).status_code == 403
    assert not OfficerSession.objects.exists()


def test_an_officer_without_a_factor_can_register_none(client: Client, amina: Officer) -> None:
    give_password(client, amina)
    answer = client.get("/sign-in/code/")
    assert answer.status_code == 403
    assert "invitation" in answer.content.decode()
    assert client.get("/welcome/password/").status_code == 410
    assert client.get("/welcome/authenticator/").status_code == 410
    for path in ("/account/security/authenticator/", "/account/security/recovery-codes/"):
        assert client.post(path, {"device-code": "123456"}).headers["Location"] == "/sign-in/code/"


def test_sign_out_ends_the_session(client: Client, enrolled: Officer, clock: Clock, audited: Audited) -> None:
    give_password(client, enrolled)
    client.post("/sign-in/code/", {"code": code_of(enrolled, clock)})
    key = str(client.session.session_key)
    assert client.post("/sign-out/").status_code == 302
    client.cookies["cencomm_session"] = key
    assert client.get("/account/").status_code == 302
    assert OfficerSession.objects.get().revoked_at is not None
    assert len(audited("account:session:ended")) == 1


def test_sign_out_is_no_link(client: Client, db: None) -> None:
    assert client.get("/sign-out/").status_code == 405
