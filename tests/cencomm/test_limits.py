"""Everything is bounded: each row of the table in docs/protocol.md has a test that goes past it.

Those that need no more than a client are here; the others are where the bound is. What must not live here: bounds.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connections
from django.test import Client
from django.urls import URLResolver, get_resolver

from accounts import tries
from accounts.models import Officer
from cencomm import rates
from cencomm.metrics.door import TRIES
from cencomm.web_protocols import MAX_HEAD
from groups.models import ClosedUserGroup
from messaging import limits
from messaging.delivery.errors import BadFrame
from messaging.delivery.frames_in import MAX_ITEMS, items_of
from simplified_forms.actions import create_starting_templates
from simplified_forms.errors import BadTemplate
from simplified_forms.specification import MAX_FIELDS, checked_spec
from tests.cast import sign_in
from tests.cencomm.ports import PATIENCE
from tests.messaging.conftest import wire
from tests.messaging.server import ROOT, Server, Talker, running_server

PROTOCOL = ROOT / "docs" / "protocol.md"
HERE = "cencomm/test_limits.py"
# The row of the table, and the test that goes past it.
BOUNDS = {
    "address and headers of a request": f"{HERE}::test_a_head_without_an_end_ends_the_connection",
    "body of a request, announced or sent": "cencomm/test_edges.py::test_every_refusal_carries_every_header",
    "body that an endpoint reads": f"{HERE}::test_a_body_is_bounded_by_its_endpoint",
    "fields of a form": "cencomm/test_edges.py::test_every_refusal_carries_every_header",
    "calls of the API": f"{HERE}::test_calls_of_the_api_are_counted_for_each_token_and_officer",
    "searches, charts, downloads, reviews": f"{HERE}::test_questions_are_counted_on_pages_and_api_alike",
    "type-ahead": f"{HERE}::test_type_ahead_is_counted_and_short",
    "invitations": f"{HERE}::test_invitations_are_counted_and_forms_are_not",
    "sign-in": "accounts/test_sign_in.py::test_many_addresses_cannot_try_one_name",
    "wrong tokens of one address, at the API and at sockets": (
        f"{HERE}::test_wrong_tokens_of_an_address_are_counted"
    ),
    "passwords hashed at once": "accounts/test_hash_password.py::test_never_more_than_eight_at_once",
    "a code of the second factor": "accounts/test_prove_factor.py",
    "tries at `/metrics`": "cencomm/test_metrics.py",
    "a message as sent": "messaging/test_post.py",
    "screenings of one officer": "messaging/test_screening.py",
    "messages of one officer": "messaging/test_post_api.py::test_too_fast_is_429_with_the_time_to_wait",
    "posts that wait for their answer, and receipts": (
        "messaging/test_office.py::test_past_its_bound_posts_are_refused_at_once"
    ),
    "socket frame from a client": f"{HERE}::test_a_frame_is_bounded_in_bytes_and_items",
    "items over one socket": "messaging/test_live.py::test_a_flood_closes_the_socket",
    "sockets of one officer": "messaging/test_live.py::test_an_officer_opens_so_many_sockets_and_no_more",
    "groups followed on one socket": f"{HERE}::test_a_frame_is_bounded_in_bytes_and_items",
    "what waits for one socket": "messaging/test_live.py::test_a_slow_reader_is_closed_and_slows_nobody",
    "page of events, messages, CEN rows, review": f"{HERE}::test_no_page_is_larger_than_the_largest",
    "filters": f"{HERE}::test_filters_are_bounded",
    "a form": f"{HERE}::test_a_form_has_so_many_fields",
    "a body": "simplified_forms/test_validate.py::test_a_body_is_bounded",
    "records in one CEN delivery": "cen/test_use_api.py::test_too_many_records_are_refused",
    "one question to CEN": "cen/test_search.py",
    "rows of one download": "cen/test_download.py::test_too_many_rows_are_refused",
    "one statement of the database": f"{HERE}::test_no_statement_runs_without_an_end",
    "a file": "messaging/test_attachment_upload.py::test_files_officers_and_groups_have_their_limits",
    "files of a message": f"{HERE}::test_a_message_takes_so_many_files",
    "files that an officer begins": (
        "messaging/test_attachment_upload.py::test_files_officers_and_groups_have_their_limits"
    ),
    "files of a group": "messaging/test_attachment_upload.py::test_files_officers_and_groups_have_their_limits",
    "rows and size of an imported file": (
        "robustness/test_importers.py::test_a_bomb_is_read_piece_by_piece_and_ended"
    ),
    "a mapping file": "robustness/test_importers.py::test_a_mapping_file_is_one_or_refused",
}
Token = Callable[..., str]


def test_every_bound_of_the_protocol_has_a_test_that_goes_past_it() -> None:
    table = PROTOCOL.read_text().partition("## Limits")[2]
    rows = [row.strip() for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)][1:]
    assert rows == list(BOUNDS)
    missing = []
    for place in BOUNDS.values():
        file, _, name = place.partition("::")
        path = ROOT / "tests" / file
        if not path.is_file() or f"def {name}" not in path.read_text():
            missing.append(place)
    assert missing == []


@pytest.fixture(autouse=True)
def _fresh_rates(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    rates._pace.cache_clear()
    with monkeypatch.context() as patch:
        for module in (limits, tries):  # no time passes: nothing comes back
            patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 1000.0))
        yield
    rates._pace.cache_clear()


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lower a limit for this test."""

    def lower(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setitem(django_settings.CENCOMM_LIMITS, name, value)

    return lower


def with_token(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_every_address_that_is_counted_is_there() -> None:
    names = set(view_names())
    assert names >= rates.QUESTIONS | rates.INVITATIONS | rates._MESSAGES | rates._SEIZURES


def view_names(resolver: URLResolver | None = None, above: str = "") -> Iterator[str]:
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from view_names(one, f"{above}{one.namespace}:" if one.namespace else above)
        else:
            yield f"{above}{one.name}"


@pytest.mark.django_db
def test_calls_of_the_api_are_counted_for_each_token_and_officer(
    fatou: Officer, bruno: Officer, token_for: Token, only: Callable[..., None]
) -> None:
    only(api_calls_per_minute=3)
    one, other = with_token(token_for(fatou)), with_token(token_for(bruno))
    session = sign_in(Client(), fatou)
    for client in (one, other, session):
        assert [client.get("/api/v1/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = one.get("/api/v1/groups")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_often")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


@pytest.mark.django_db
def test_wrong_tokens_of_an_address_are_counted(
    fatou: Officer, token_for: Token, django_assert_num_queries: Any
) -> None:
    def ask(secret: str, address: str = "198.51.100.7") -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        return Client().get("/api/v1/me", headers=headers, REMOTE_ADDR=address)

    known, new = token_for(fatou), token_for(fatou)
    assert ask(known).status_code == 200
    assert {ask(f"cen_{number}").status_code for number in range(60)} == {401}
    with django_assert_num_queries(0):
        refused = ask("cen_x")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tries")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert ask(new).status_code == 429  # nobody can say what it is without asking
    assert ask(known).status_code == 200  # an expired token of a neighbour holds nobody up
    assert ask("cen_x", "198.51.100.8").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("2001:db8:0:1::{}", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::1"),
        ("fe80::{}%eth0", "fe80::1", "fe80:0:0:1::1"),
        ("::ffff:198.51.100.7", "198.51.100.7", "::ffff:198.51.100.8"),  # IPv4 over a socket that takes both kinds
    ],
    ids=["network", "zone", "mapped"],
)
@pytest.mark.parametrize("path", ["/api/v1/me", "/metrics"])
def test_the_addresses_of_one_ipv6_network_count_together(
    settings: Any, path: str, address: str, same: str, other: str
) -> None:
    """Whoever has one IPv6 address has 2^64, and would have a fresh count with each."""
    settings.CENCOMM_METRICS_TOKEN = "a token of nobody"
    client = Client(headers={"Authorization": "Bearer cen_x"})

    def ask(one: str) -> int:
        return client.get(path, REMOTE_ADDR=one).status_code

    most = TRIES if path == "/metrics" else 60
    assert {ask(address.format(f"{number:x}")) for number in range(1, most + 1)} == {401}
    assert (ask(same), ask(other)) == (429, 401)


@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_wrong_tokens_of_an_address_open_no_socket(tmp_path: Path, fatou: Officer, token_for: Token) -> None:
    one_window = "from accounts import tries; tries.WINDOW_SECONDS = 3600.0"  # however long the machine takes
    with running_server(tmp_path, before=one_window) as server:
        codes = []
        for number in range(61):
            talker = Talker(server.ws, token=f"cen_{number}")
            codes.append(talker.closed())
        assert codes == [4401] * 60 + [1013]


@pytest.mark.django_db(databases=["default", "cen"])
def test_questions_are_counted_on_pages_and_api_alike(
    group: ClosedUserGroup, fatou: Officer, only: Callable[..., None]
) -> None:
    only(questions_per_minute=4)
    client = sign_in(Client(), fatou)
    room = f"/api/v1/groups/{group.pk}"
    asked = ["/cen/", "/cen/charts/data?by=month", "/api/v1/cen/seizures"]
    assert 429 not in [client.get(address).status_code for address in asked]
    assert client.post(f"{room}/search", {"text": "x"}, "application/json").status_code == 200
    refused = client.get("/cen/")
    assert (refused.status_code, "text/html" in refused.headers["Content-Type"]) == (429, True)
    assert int(refused.headers["Retry-After"]) >= 1
    for address in ("/cen/download/csv", "/cen/facets"):
        assert client.get(address).status_code == 429, address
    assert client.post(f"{room}/search", {"commodity": ["DRG"]}, "application/json").status_code == 429
    assert client.get(f"{room}/messages").status_code == 200  # nothing is opened and scanned for it


@pytest.mark.django_db(databases=["default", "cen"])
def test_a_header_that_pages_do_not_read_buys_no_more_questions(fatou: Officer, only: Callable[..., None]) -> None:
    only(questions_per_minute=2)
    client = sign_in(Client(), fatou)
    asked = [client.get("/cen/", headers={"Authorization": f"Bearer {number}"}) for number in range(3)]
    assert [one.status_code for one in asked] == [200, 200, 429]


@pytest.mark.django_db
def test_type_ahead_is_counted_and_short(fatou: Officer, only: Callable[..., None]) -> None:
    only(type_ahead_per_minute=2)
    client = sign_in(Client(), fatou)
    statuses = [client.get("/nomenclature/search?list=country&q=fr").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    only(type_ahead_per_minute=1000)
    for query in (f"list=country&q={'a' * 101}", "list=country&q=a&limit=51"):
        assert client.get(f"/nomenclature/search?{query}").status_code == 400


@pytest.mark.django_db
def test_invitations_are_counted_and_forms_are_not(
    group: ClosedUserGroup, amina: Officer, padma: Officer, only: Callable[..., None]
) -> None:
    only(invitations_per_hour=2)
    coordinator, administrator = sign_in(Client(), amina), sign_in(Client(), padma)
    for client, address in (
        (coordinator, f"/groups/{group.pk}/members/add/"),
        (administrator, "/administration/officers/new/"),
    ):
        assert [client.get(address).status_code for _ in range(5)] == [200] * 5
        assert [client.post(address, {}).status_code for _ in range(3)][-1] == 429
        assert client.post(address, {}).headers["Retry-After"]
    assert administrator.post(f"/administration/officers/{amina.pk}/reset/").status_code == 429


@pytest.mark.django_db
def test_a_body_is_bounded_by_its_endpoint(group: ClosedUserGroup, fatou: Officer, token_for: Token) -> None:
    client, limit = with_token(token_for(fatou)), django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    for body, status in ((b" " * limit, 400), (b" " * (limit + 1), 413)):
        answer = client.post(f"/api/v1/groups/{group.pk}/messages", body, content_type="application/json")
        assert answer.status_code == status


@pytest.mark.django_db(databases=["default", "cen"])
def test_no_page_is_larger_than_the_largest(
    group: ClosedUserGroup, amina: Officer, token_for: Token, cen_rows: int
) -> None:
    client = with_token(token_for(amina))
    for address in ("events", "messages", "transfers/review"):
        for limit, status in ((500, 200), (501, 422), (0, 422), (-1, 422), (10**30, 422)):
            answer = client.get(f"/api/v1/groups/{group.pk}/{address}?limit={limit}")
            assert answer.status_code == status, (address, limit, answer.content)
    answer = client.get(f"/api/v1/cen/seizures?limit={10**9}")
    assert len(answer.json()["seizures"]) == 500 < cen_rows


@pytest.fixture
def cen_rows(administrations: Any) -> int:
    from cen.actions import take_in

    record = {
        "seized_on": "2026-01-01",
        "country": "NG",
        "commodity": "DRG.cocaine",
        "quantity": "1",
        "unit": "KGM",
    }
    taken = take_in([{**record, "source_reference": f"R-{at}"} for at in range(501)], source="client:test")
    return len(taken)


@pytest.mark.django_db(databases=["default", "cen"])
def test_filters_are_bounded(group: ClosedUserGroup, fatou: Officer, token_for: Token) -> None:
    client, room = with_token(token_for(fatou)), f"/api/v1/groups/{group.pk}"
    path = f"{room}/messages"
    assert client.get(f"{path}?{'&'.join(['kind=note'] * 51)}").status_code == 422
    for filters in ({"text": "a" * 201}, {"commodity": ["DRG"] * 51}):
        assert client.post(f"{room}/search", filters, "application/json").status_code == 422
    assert client.get(f"{path}?kind={'a' * 65}").status_code == 422
    codes = ",".join(f"S{at}" for at in range(51))
    assert client.get(f"/api/v1/cen/seizures?source={codes}").status_code == 422
    assert client.get(f"/api/v1/cen/seizures?text={'a' * 101}").status_code == 422


@pytest.mark.django_db
def test_a_message_takes_so_many_files(group: ClosedUserGroup, fatou: Officer, token_for: Token) -> None:
    create_starting_templates(group)
    for count in (11, 51):
        body = wire(attachments=[str(uuid4()) for _ in range(count)])
        answer = with_token(token_for(fatou)).post(
            f"/api/v1/groups/{group.pk}/messages", body, content_type="application/json"
        )
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "attachments"), answer.content


def test_a_form_has_so_many_fields() -> None:
    spec = {"fields": [{"name": "text"}] * (MAX_FIELDS + 1)}
    with pytest.raises(BadTemplate) as refused:
        checked_spec(spec, kind="note", nominal_allowed=False, complete=False)
    assert refused.value.errors[0].code == "too_many_fields"


@pytest.mark.django_db(databases=["default", "cen"])
@pytest.mark.parametrize("alias", ["default", "cen"])
def test_no_statement_runs_without_an_end(alias: str) -> None:
    """What PostgreSQL holds the application's connections to; a statement that is too long for it is ended."""
    limits = {"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min"}
    with connections[alias].cursor() as cursor:
        for name, limit in limits.items():
            cursor.execute("SELECT current_setting(%s)", [name])
            assert cursor.fetchone() == (limit,), name
        cursor.execute("SET LOCAL statement_timeout = '50ms'")
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(600)")


@pytest.fixture
def server(group: ClosedUserGroup, tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path) as one:
        yield one


def talk(server: Server, *pieces: bytes) -> bytes:
    """Send pieces to the port until the server ends the connection; return what it said."""
    told = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
            while more := line.recv(65536):
                told += more
        except (ConnectionResetError, BrokenPipeError):
            pass
    return told


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_head_without_an_end_ends_the_connection(server: Server) -> None:
    begun = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
    before = server.rss_kib
    for head in (begun + b"X: ", b"GET /", begun + b"X-Many: 1\r\n"):
        filler = b"X-Many: 1\r\n" * 10_000 if head.endswith(b"\n") else b"a" * 100_000
        told = talk(server, head, *[filler] * 200)  # 20 MB, and there is no end to it
        assert told == b"" or told.startswith(b"HTTP/1.1 400 "), told[:100]
    assert server.rss_kib - before < 10 * 1024
    ample = begun + b"X: " + b"a" * (MAX_HEAD // 2) + b"\r\nConnection: close\r\n\r\n"
    assert talk(server, ample).startswith(b"HTTP/1.1 200 ")
    nonsense = talk(server, b"NONSENSE\r\n\r\n")
    assert nonsense.startswith(b"HTTP/1.1 400 ")
    for header in (b"x-content-type-options: nosniff", b"cache-control: no-store", b"application/problem+json"):
        assert header in nonsense


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_body_in_one_piece_with_its_head_is_no_long_head(
    server: Server, fatou: Officer, token_for: Token
) -> None:
    for _ in range(3):
        assert server.request("POST", "/groups/x/messages", token_for(fatou), {"id": "a" * 200_000})[0] == 422


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "cen"])
def test_a_frame_is_bounded_in_bytes_and_items(server: Server, fatou: Officer, token_for: Token) -> None:
    with pytest.raises(BadFrame):
        items_of(f"[{','.join(['{}'] * (MAX_ITEMS + 1))}]")
    with Talker(server.ws, token=token_for(fatou)) as client:
        groups = {f"00000000-0000-4000-8000-{at:012}": {} for at in range(201)}
        client.say(op="follow", groups=groups)
        client.until(lambda told: told["op"] == "refused" and told["problem"]["code"] == "too_many_groups")
        client.say(op="ping", more="a" * 130_000)
        client.until(lambda told: told["op"] == "pong")
        client.say(op="ping", more="a" * 132_000)
        assert client.closed() == 1009
