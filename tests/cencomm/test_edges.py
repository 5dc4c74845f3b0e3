"""Headers of every answer: each address of the URL map, each kind of refusal, static files, before Django.

A real web process with the settings of a data centre, seen as a proxy with TLS sees it.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.hashers import OfficerArgon2PasswordHasher
from accounts.models import Officer
from cencomm.asgi import MAX_BODY
from groups.models import ClosedUserGroup
from messaging.models import Message
from tests.cast import PASSWORD, sign_in
from tests.cencomm.ports import PATIENCE
from tests.messaging.conftest import wire
from tests.messaging.server import Server, running_server
from tests.robustness.addresses import addresses

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
SESSION, CSRF = "__Host-cencomm_session", "__Host-cencomm_csrf"
METRICS = "m" * 40


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: list[str]


def ask(
    server: Server, method: str, path: str, *, cookies: str = "", body: bytes | None = None, **headers: str
) -> Answer:
    """Ask as the proxy does: over its own connection, having ended TLS."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    sent = {"X-Forwarded-Proto": "https", "Accept": "text/html", "Cookie": cookies}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        line.request(method, path, body=body, headers=sent)
        answer = line.getresponse()
        found = {k.lower(): v for k, v in answer.getheaders()}
        return Answer(answer.status, found, answer.read(), answer.headers.get_all("Set-Cookie") or [])
    finally:
        line.close()


@pytest.fixture
def server(group: ClosedUserGroup, tmp_path: Path) -> Iterator[Server]:
    with running_server(
        tmp_path, CENCOMM_PLAIN_HTTP="0", CENCOMM_METRICS_TOKEN=METRICS, CENCOMM_POSTS_PER_MINUTE="60"
    ) as one:
        yield one


@pytest.fixture
def cookies_of() -> Callable[[Officer], str]:
    """The cookies of an officer's session, under the names that they have behind TLS."""

    def cookies(officer: Officer) -> str:
        client = sign_in(Client(), officer)
        return f"{SESSION}={client.session.session_key}; {CSRF}={'c' * 32}"

    return cookies


def faults_of(path: str, answer: Answer) -> list[str]:
    """Return what the headers of one answer lack."""
    found = answer.headers
    exact = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    faults = [f"{name}: {found.get(name)}" for name, value in exact.items() if found.get(name) != value]
    faults += policy_faults(found.get("content-security-policy", ""))
    permissions = found.get("permissions-policy", "")
    if "microphone=()" not in permissions or "geolocation=()" not in permissions or "*" in permissions:
        faults.append(f"permissions-policy: {permissions}")
    if not found.get("strict-transport-security", "").startswith("max-age=63072000"):
        faults.append(f"strict-transport-security: {found.get('strict-transport-security')}")
    cache = found.get("cache-control", "")
    static = path.startswith("/static/") and answer.status < 400
    if cache != "no-cache" if static else "no-store" not in cache.split(", "):
        faults.append(f"cache-control: {cache}")
    if "server" in found or "x-powered-by" in found:
        faults.append("it says what it runs on")
    if (
        path.startswith("/api/")
        and answer.status >= 400
        and found.get("content-type") != "application/problem+json"
    ):
        faults.append(f"content-type: {found.get('content-type')}")
    kind = found.get("content-type", "")
    if answer.body and not kind:
        faults.append("no content-type")
    if re.match(r"text/|[^;]*[+/]xml", kind) and "charset=utf-8" not in kind.replace('"', ""):
        faults.append(f"no character set: {kind}")
    return faults


def policy_faults(policy: str) -> list[str]:
    """Return where a content policy lets through what none of our pages needs."""
    parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part.strip())
    faults = [
        f"{name} {parts.get(name)}"
        for name in ("default-src", "base-uri", "frame-ancestors")
        if parts.get(name) != "'none'"
    ]
    for name, sources in parts.items():
        wide = [
            one for one in sources.split() if not re.fullmatch(r"'none'|'self'|'nonce-[\w+/=-]{16,}'|'script'", one)
        ]
        allowed = {"img-src": {"data:", "blob:"}, "trusted-types": {"default"}}.get(name, set())
        faults += [f"{name} {one}" for one in wide if one not in allowed]
    if parts.get("form-action") not in ("'none'", "'self'"):
        faults.append(f"form-action {parts.get('form-action')}")
    if "script-src" in parts:  # a page: text becomes markup by the one policy of static/cencomm/trusted.js
        trusted = {"require-trusted-types-for": "'script'", "trusted-types": "default"}
        faults += [f"{name} {parts.get(name)}" for name, value in trusted.items() if parts.get(name) != value]
    return faults


@contextmanager
def taken_away(table: str) -> Iterator[None]:
    """While this lasts, whoever reads the table fails: a fault inside that nobody foresaw."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" RENAME TO gone_for_a_test')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE gone_for_a_test RENAME TO "{table}"')


def test_every_address_carries_every_header(
    server: Server, group: ClosedUserGroup, amina: Officer, padma: Officer, eve: Officer,
    cookies_of: Callable[[Officer], str], token_for: Callable[..., str],
) -> None:  # fmt: skip
    """Signed in or not, with the right or without, read or written, there or not."""
    status, message = server.request("POST", f"/groups/{group.pk}/messages", token_for(amina), wire())
    assert status == 201, message
    known = {"group_id": group.pk, "message_id": message["id"]}
    wrong, statuses = [], set()
    for person in (None, amina, padma, eve):
        cookies = cookies_of(person) if person else ""
        for path in addresses(known):
            for method in ("GET", "POST"):
                if path == "/sign-out/" and method == "POST" and person:
                    continue
                body = b"" if method == "POST" else None
                extra = {"X_CSRFToken": "c" * 32, "Origin": "https://localhost", "Host": "localhost"}
                answer = ask(server, method, path, cookies=cookies, body=body, **extra)
                statuses.add(answer.status)
                wrong += [(method, path, answer.status, fault) for fault in faults_of(path, answer)]
    assert not wrong, wrong[:20]
    assert statuses >= {200, 302, 401, 403, 404, 405, 410, 422}, statuses
    assert {status for status in statuses if status >= 500} <= {503}  # /health/worker: no worker runs here
    assert Message.objects.count() == 1


def test_every_cookie_is_bound_to_host_and_tls(server: Server, amina: Officer, cookies_of: Any) -> None:
    """Session, forms, language; notices have none of their own. What is set under a name is read under it."""
    cookies, token = cookies_of(amina), "c" * 32
    form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": "https://localhost", "Host": "localhost"}
    asked = [
        ask(server, "GET", "/sign-in/"),
        ask(
            server,
            "POST",
            "/language/",
            cookies=cookies,
            body=f"language=fr&csrfmiddlewaretoken={token}".encode(),
            **form,
        ),
        ask(
            server,
            "POST",
            "/account/",
            cookies=cookies,
            body=f"language=en&time_zone=UTC&csrfmiddlewaretoken={token}".encode(),
            **form,
        ),
    ]
    assert [answer.status for answer in asked] == [200, 302, 302]
    told = [one for answer in asked for one in answer.cookies]
    assert {one.partition("=")[0] for one in told} >= {CSRF, "__Host-cencomm_language"}
    for one in told:
        assert one.startswith("__Host-"), one
        for part in ("Secure", "SameSite=Strict", "Path=/"):
            assert part in one, one
    assert b'lang="fr"' in ask(server, "GET", "/sign-in/", cookies="__Host-cencomm_language=fr").body


def refusals(server: Server, group: ClosedUserGroup, cookies: str, token: str) -> Iterator[tuple[str, int, Answer]]:
    """Provoke every kind of refusal that comes from the edges; yield (path, the status that is due, the answer)."""
    bearer = {"Authorization": f"Bearer {token}"}
    huge = str(MAX_BODY + 1)
    page, api = f"/groups/{group.pk}/settings/", f"/api/v1/groups/{group.pk}/messages"
    for path in ("/nowhere/", "/api/v1/nowhere", "/static/nowhere.js", "/static/"):
        yield path, 404, ask(server, "GET", path, cookies=cookies, **bearer)
    for path in (
        "/static/../cencomm/settings.py",
        "/groups/?x=%00",
        "/groups/%00/",
        "/static/%00",
        "/api/v1/me?x=%00",
    ):
        yield path, 400, ask(server, "GET", path, cookies=cookies)
    for path in ("/groups/", "/api/v1/me"):
        yield path, 400, ask(server, "GET", path, Host="elsewhere.invalid")
    yield page, 403, ask(server, "POST", page, cookies=cookies, body=b"a=b", Origin="https://evil.invalid")
    yield page, 403, ask(server, "POST", page, cookies=cookies, body=b"a=b")
    yield api, 403, ask(server, "POST", api, cookies=cookies, body=b"{}", Content_Type="application/json")
    yield api, 401, ask(server, "GET", api, Authorization="Bearer cen_nonsense")
    yield api, 400, ask(server, "POST", api, body=b"{", Content_Type="application/json", **bearer)
    yield api, 413, ask(server, "POST", api, body=b" " * (3 * 2**20), Content_Type="application/json", **bearer)
    yield api, 405, ask(server, "DELETE", api, **bearer)
    for path in (page, api, "/sign-in/", "/static/cencomm/shell.js"):
        yield path, 413, ask(server, "POST", path, Content_Length=huge)
    form = "application/x-www-form-urlencoded"
    many = "&".join(f"a{i}=1" for i in range(3000)).encode()
    cookie = {"cookies": f"{CSRF}={'c' * 32}", "Origin": "https://localhost", "Host": "localhost"}
    yield "/sign-in/", 400, ask(server, "POST", "/sign-in/", body=many, Content_Type=form, **cookie)
    with taken_away("groups_groupcountry"):
        for path in (f"/groups/{group.pk}/settings/", f"/api/v1/groups/{group.pk}"):
            extra = bearer if path.startswith("/api/") else {}
            yield path, 500, ask(server, "GET", path, cookies=cookies, **extra)


def test_every_refusal_carries_every_header(
    server: Server, group: ClosedUserGroup, amina: Officer, cookies_of: Callable[[Officer], str], token_for: Any
) -> None:
    wrong = []
    for path, status, answer in refusals(server, group, cookies_of(amina), token_for(amina)):
        wrong += [(path, answer.status, fault) for fault in faults_of(path, answer)]
        if answer.status != status:
            wrong.append((path, answer.status, f"{status} was due: {answer.body[:200]!r}"))
        if b"Traceback" in answer.body or b"<style" in answer.body:
            wrong.append((path, answer.status, "a page that is not ours"))
    assert not wrong, wrong


def test_lines_of_one_request_bear_its_number(
    server: Server, group: ClosedUserGroup, amina: Officer, token_for: Callable[..., str]
) -> None:
    """Those of Django, of the API and of what failed inside; another request has another number."""
    with taken_away("groups_groupcountry"):
        for _ in range(2):
            ask(server, "GET", f"/api/v1/groups/{group.pk}", Authorization=f"Bearer {token_for(amina)}")
    lines = [line for line in server.log.read_text().splitlines() if "request=" in line]
    loggers: dict[str, set[str]] = {}
    for line in lines:
        head, _, number = line.rpartition(" request=")
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ \S+ ", head), line
        loggers.setdefault(number, set()).add(head.split()[2])
    failed = [names for names in loggers.values() if "cencomm.api" in names]
    assert len(failed) == 2
    assert all("django.request" in names for names in failed)


def test_only_what_a_page_loads_is_served_of_the_static_folders(server: Server) -> None:
    """Whatever else lies there: what is needed to build, what explains, what an editor or a package left."""
    root = Path(settings.BASE_DIR) / "static"
    served, kept = {}, set()
    left = [root / "cencomm" / f"left{end}" for end in (".bak", ".js.map", ".py", ".env", ".html", ".css~", "")]
    for file in left:
        file.write_text("left here")
    try:
        for file in sorted(file for file in root.rglob("*") if file.is_file()):
            name = file.relative_to(root).as_posix()
            answer = ask(server, "HEAD", f"/static/{name}")
            if answer.status == 200:
                served[file.suffix] = answer.headers["content-type"]
            else:
                assert answer.status == 404
                kept.add(file)
    finally:
        for file in left:
            file.unlink()
    assert served == {
        ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
        ".svg": "image/svg+xml; charset=utf-8",
    }  # fmt: skip
    assert kept >= set(left)
    for name in ("django_otp_webauthn/otp_webauthn_auth.js", "django_otp_webauthn/otp_webauthn_auth.js.map"):
        assert ask(server, "GET", f"/static/{name}").status == 404  # a package's own, which no page of ours loads


def test_static_files_and_redirects_carry_every_header(server: Server) -> None:
    wrong = []
    for path in ("/static/cencomm/shell.js", "/static/cencomm/cencomm.css", "/static/cencomm/icon.svg",
                 "/static/cencomm/countries.json", "/static/vendor/tabler/icons.svg",
                 "/static/vendor/htmx/htmx.min.js", "/", "/groups/", "/language/catalog.js"):  # fmt: skip
        answer = ask(server, "GET", path)
        wrong += [(path, answer.status, fault) for fault in faults_of(path, answer)]
        if etag := answer.headers.get("etag"):
            again = ask(server, "GET", path, If_None_Match=etag)
            assert again.status == 304
            wrong += [(path, 304, fault) for fault in faults_of(path, again)]
    assert not wrong, wrong


def test_figures_and_health_carry_every_header_but_that_of_tls(server: Server) -> None:
    """They are asked for from inside, where there is no TLS to be strict about."""
    cases = [("/metrics", {"Authorization": f"Bearer {METRICS}"}), ("/metrics", {})]
    wrong = []
    for path, headers in [*cases, ("/health/live", {}), ("/health/ready", {}), ("/health/worker", {})]:
        answer = ask(server, "GET", path, **headers)
        wrong += [(path, f) for f in faults_of(path, answer) if not f.startswith("strict-transport-security")]
    assert not wrong, wrong
    assert ask(server, "POST", "/metrics", Authorization=f"Bearer {METRICS}").status == 405


def test_the_nonce_is_another_one_each_time(server: Server) -> None:
    nonces = set()
    for _ in range(3):
        answer = ask(server, "GET", "/sign-in/")
        [nonce] = set(re.findall(r"nonce-([^']+)'", answer.headers["content-security-policy"]))
        assert f'nonce="{nonce}"'.encode() in answer.body
        nonces.add(nonce)
    assert len(nonces) == 3


class Jar:
    """A browser's cookies, and every line that set one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.held: dict[str, str] = {}
        self.lines: list[str] = []

    def ask(self, method: str, path: str, **form: str) -> Answer:
        """Ask as a page does, and keep the cookies of the answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        token = self.held.get(CSRF, "")
        body = urlencode({**form, "csrfmiddlewaretoken": token}).encode() if method == "POST" else None
        sent = {
            "X-Forwarded-Proto": "https", "Host": "localhost", "Origin": "https://localhost", "Accept": "text/html",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.held.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        try:
            line.request(method, path, body=body, headers=sent)
            answer = line.getresponse()
            cookies = answer.headers.get_all("Set-Cookie") or []
            for cookie in cookies:
                self.lines.append(cookie)
                name, _, value = cookie.partition(";")[0].partition("=")
                self.held[name] = value
            headers = {k.lower(): v for k, v in answer.getheaders()}
            return Answer(answer.status, headers, answer.read(), cookies)
        finally:
            line.close()


def test_cookies_are_for_this_host_and_for_no_script(server: Server, amina: Officer) -> None:
    """Every cookie that the product sets: at the door, for a session, for a language, for a short notice."""
    hasher = OfficerArgon2PasswordHasher()  # the server's; tests have one of their own, which is quick
    Officer.objects.filter(pk=amina.pk).update(password=hasher.encode(PASSWORD, hasher.salt()))
    amina.refresh_from_db()
    jar = Jar(server)
    jar.ask("GET", "/sign-in/")
    assert jar.ask("POST", "/sign-in/", email=amina.email, password="wrong").status == 422
    assert jar.ask("POST", "/language/", language="fr").status == 302
    assert jar.ask("POST", "/sign-in/", email=amina.email, password=PASSWORD).status == 302
    jar.held[SESSION] = str(sign_in(Client(), amina).session.session_key)  # the second factor is another test's
    assert jar.ask("POST", "/account/", language="en", time_zone="UTC").status == 302
    assert b'class="notices"' in jar.ask("GET", "/account/").body
    jar.ask("POST", "/sign-out/")
    names = {line.partition("=")[0] for line in jar.lines}
    assert names == {SESSION, CSRF, "__Host-cencomm_language", "__Host-cencomm_notices"}
    for line in jar.lines:
        for word in ("Secure", "SameSite=Strict", "Path=/"):
            assert word in line, line
        assert "Domain" not in line
        assert len(line) < 4096
        if not line.startswith(CSRF) and "Max-Age=0" not in line:  # scripts send that one back in a header
            assert "HttpOnly" in line, line


def test_a_policy_with_a_hole_would_be_found() -> None:
    closed = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    trusted = "require-trusted-types-for 'script'; trusted-types default"
    good = f"{closed}; script-src 'self' 'nonce-abcdefghijklmnop'; {trusted}"
    assert policy_faults(good) == []
    for hole in ("'allow-duplicates'", "*", "another"):
        assert policy_faults(good.replace("trusted-types default", f"trusted-types default {hole}")), hole
    assert policy_faults(good.replace("; require-trusted-types-for 'script'", ""))
    for hole in ("'unsafe-inline'", "https:", "*", "'unsafe-eval'", "data:"):
        assert policy_faults(good.replace("script-src 'self'", f"script-src 'self' {hole}")), hole
    assert policy_faults(good.replace("default-src 'none'", "default-src 'self'"))
    assert policy_faults("")
