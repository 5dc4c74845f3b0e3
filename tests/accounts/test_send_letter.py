"""Letters through a real mail server: encrypted or not at all, without content; one that is away delays nobody."""

from __future__ import annotations

import json
import os
import shutil
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from procrastinate.jobs import Job

from accounts import actions
from accounts.letters import News, send_letter
from accounts.models import Officer
from cencomm.cli_doctor import BAD, GOOD, NOTE, check_mail
from groups.models import ClosedUserGroup
from tests.accounts.post_office import PostOffice, make_certificate
from tests.cast import PASSWORD, sign_in
from tests.cencomm.ports import wait_until

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine"),
]
ROOT = Path(__file__).resolve().parents[2]
NEW = "another lantern over the water"
NEVER_ANSWERED = 0.3  # seconds that a test waits for a server that says nothing; the product's own are below
Configured = Callable[[PostOffice], None]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """A mail server whose certificate this machine trusts."""
    office = PostOffice(make_certificate(tmp_path))
    assert office.certificate is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(office.certificate.file))
    with office.opened():
        yield office


@pytest.fixture
def configured(settings: Any) -> Configured:
    """Let the product send by a server, with what its settings make of the operator's variables."""

    def configure(office: PostOffice, **changed: Any) -> None:
        mailers = mailers_of(CENCOMM_EMAIL_HOST="127.0.0.1", CENCOMM_EMAIL_PORT=str(office.port))
        mailers["default"]["OPTIONS"] |= changed
        settings.MAILERS = mailers

    return configure


def mailers_of(**variables: str) -> dict[str, Any]:
    """Return what an installation with these variables sends mail by."""
    code = "import json; from cencomm import settings; print(json.dumps(settings.MAILERS))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | variables, capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.fixture
def real(fatou: Officer) -> Officer:
    """Fatou at an address that exists."""
    Officer.objects.filter(pk=fatou.pk).update(email="fatou@customs.example")
    fatou.refresh_from_db()
    return fatou


def asked_for() -> dict[str, str]:
    """Return the one letter that the worker has to send."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'accounts.send_letter'")
        [(args,)] = cursor.fetchall()
    found: dict[str, str] = json.loads(args)
    return found


def send(officer: Officer) -> None:
    send_letter(officer=str(officer.pk), news=News.PASSWORD_CHANGED.value, at=datetime.now(tz=UTC).isoformat())


def test_a_letter_goes_over_tls_and_tells_nothing(
    trusted: PostOffice, configured: Configured, client: Client, real: Officer, group: ClosedUserGroup
) -> None:
    configured(trusted)
    sign_in(client, real)
    session = str(client.session.session_key)
    _token, secret = actions.create_token(officer=real, name="Harmattan feed", scopes=["messages:read"])
    answer = client.post("/account/password/", {"present": PASSWORD, "password": NEW, "again": NEW})
    assert answer.status_code == 302
    send_letter(**asked_for())
    [letter] = trusted.letters
    assert letter.over_tls
    assert letter.recipients == ["to:<fatou@customs.example>"]
    told = message_from_bytes(letter.data, policy=policy.default)
    assert set(told.keys()) == {
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID",
    }  # fmt: skip
    assert told["Subject"] == "CENcomm\u00a0: votre compte"
    text = str(told["Subject"]) + told.get_content()
    assert "mot de passe" in text
    planted = [PASSWORD, NEW, session, str(client.session.session_key), secret, "Harmattan", "HARMATTAN"]
    planted += [str(group.pk), str(real.pk), real.name, "http", "customs.example"]
    assert [word for word in planted if word in text] == []
    assert [word for word in planted[:-4] if word.encode() in letter.data] == []


def test_a_server_that_nobody_vouches_for_gets_no_letter(
    tmp_path: Path, configured: Configured, real: Officer
) -> None:
    with PostOffice(make_certificate(tmp_path)).opened() as office:
        configured(office)
        with pytest.raises(ssl.SSLCertVerificationError):
            send(real)
        assert check_mail().grade == BAD
    assert (office.connections, office.letters) == (2, [])


def test_a_server_of_another_name_gets_no_letter(
    tmp_path: Path, configured: Configured, real: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "DNS:mail.customs.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with PostOffice(certificate).opened() as office:
        configured(office)
        with pytest.raises(ssl.SSLCertVerificationError):
            send(real)
    assert (office.connections, office.letters) == (1, [])


def test_a_server_without_tls_gets_no_letter(configured: Configured, real: Officer) -> None:
    """Somebody in between may take STARTTLS out of what the server offers."""
    with PostOffice(plain=True).opened() as office:
        configured(office)
        with pytest.raises(smtplib.SMTPNotSupportedError):
            send(real)
    assert (office.connections, office.letters) == (1, [])


def test_a_server_that_hangs_holds_up_no_request(configured: Configured, client: Client, real: Officer) -> None:
    """Only the worker ever speaks with it, and gives up; the times are those of the manual."""
    with PostOffice(hangs=True).opened() as office:
        configured(office, timeout=NEVER_ANSWERED)  # type: ignore[call-arg]
        sign_in(client, real)
        answer = client.post("/account/password/", {"present": PASSWORD, "password": NEW, "again": NEW})
        assert answer.status_code == 302
        assert office.connections == 0
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            send_letter(**asked_for())
        wait_until(lambda: office.connections == 1, what="somebody at the door")
    waits = mailers_of(CENCOMM_EMAIL_HOST="mail.customs.example")["default"]["OPTIONS"]["timeout"]
    assert f"for {waits} seconds" in manual()


def test_a_server_that_is_away_gets_the_letter_later(configured: Configured, real: Officer) -> None:
    with PostOffice().opened() as office:
        configured(office)
    with pytest.raises(ConnectionRefusedError) as refused:
        send(real)
    waits, attempts = [], 0
    while (seconds := _wait_after(refused.value, attempts)) is not None:
        waits.append(seconds)
        attempts += 1
    assert waits[:3] == [5, 25, 125]
    assert timedelta(days=1) < timedelta(seconds=sum(waits)) < timedelta(days=2)
    assert "seven more times within a day and a bit" in manual()


def _wait_after(failure: Exception, attempts: int) -> float | None:
    """Return the seconds until a letter is tried again that failed so often before; None when it never is."""
    job = Job(
        id=1, queue="letters", lock=None, queueing_lock=None, task_name="accounts.send_letter", attempts=attempts
    )
    assert send_letter.retry_strategy is not None
    decision = send_letter.retry_strategy.get_retry_decision(exception=failure, job=job)
    if decision is None or decision.retry_at is None:
        return None
    return round((decision.retry_at - datetime.now(tz=UTC)).total_seconds())


def test_nobody_writes_lines_into_a_letter(trusted: PostOffice, configured: Configured, real: Officer) -> None:
    """No form lets such an address through; were one in the table, nothing would be sent to anybody."""
    configured(trusted)
    for address in ("fatou@customs.example\r\nBcc: eve@example.org", "fatou@customs.example\nX: y", "a@b.c, d@e.f"):
        Officer.objects.filter(pk=real.pk).update(email=address)
        with pytest.raises(ValueError, match=r"."):
            send(real)
    assert trusted.letters == []


def test_doctor_speaks_with_the_server(trusted: PostOffice, configured: Configured, settings: Any) -> None:
    configured(trusted)
    assert check_mail().grade == GOOD
    assert trusted.connections == 1
    with PostOffice(plain=True).opened() as plain:
        configured(plain)
        assert check_mail().grade == BAD
    assert check_mail().grade == BAD  # away by now
    settings.MAILERS = mailers_of()
    assert check_mail().grade == NOTE


def manual() -> str:
    text = (ROOT / "docs" / "operations.md").read_text().partition("\n## Mail\n")[2].partition("\n## ")[0]
    return " ".join(text.split())
