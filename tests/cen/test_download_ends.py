"""A list from CEN that somebody is downloading when the sign-in ends: the rest is not given.

A real server, and officers who read slowly: each has read the beginning, and reads on afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts import actions
from accounts.models import Officer, OfficerSession
from cen.actions import take_in
from tests.cast import PASSWORD, passkey_of, sign_in
from tests.cen.records import a_record
from tests.messaging.server import Server, running_server
from tests.messaging.test_download_ends import Reader, until_cut
from tests.passkeys import header

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "cen"])]
ROWS = 9_000  # more than the buffers of both ends take

ENDINGS: dict[str, Callable[[Officer, Officer], object]] = {
    "signed out": lambda officer, padma: actions.end_session(OfficerSession.objects.get(officer=officer)),
    "session revoked": lambda officer, padma: actions.revoke_session(
        officer, OfficerSession.objects.get(officer=officer).pk
    ),
    "password changed": lambda officer, padma: actions.change_password(
        officer, present=PASSWORD, new="another lantern over the water", keep=None, address=None
    ),
    "account shut": lambda officer, padma: actions.deactivate_officer(officer.pk, actor=padma),
    "nothing": lambda officer, padma: None,
}


def downloading(server: Server, officer: Officer) -> Reader:
    """Return an officer who has shown the passkey for a download and has read its beginning."""
    client = sign_in(Client(), officer, answers=False)
    cookie = f"{django_settings.SESSION_COOKIE_NAME}={client.session.session_key}"
    passkey = passkey_of(officer)
    passkey.origin = server.http
    asked = Reader.of(server, "/cen/download/csv", status=403, Cookie=cookie, Accept="application/json")
    told: dict[str, Any] = orjson.loads(asked.answer.read())["step_up"]
    asked.line.close()
    proof = header({"state": told["state"], "passkey": passkey.get(told["passkey"])})
    reader = Reader.of(server, "/cen/download/csv", Cookie=cookie, Accept="application/json", Step_Up=proof)
    return reader.begin()


def test_begun_list_ends_with_the_sign_in(
    tmp_path: Path, make_officer: Callable[..., Officer], padma: Officer
) -> None:
    text = "x" * 500
    take_in([a_record(f"R-{at}", description=text, place_text=text[:200]) for at in range(ROWS)], source="cencomm")
    with ExitStack() as stack:
        server = stack.enter_context(running_server(tmp_path))
        readers = {}
        for number, name in enumerate(ENDINGS):
            officer = make_officer(f"officer{number}")
            readers[name] = (officer, downloading(server, officer))
            stack.callback(readers[name][1].line.close)
        for name, (officer, _reader) in readers.items():
            ENDINGS[name](officer, padma)
        until_cut(server, len(ENDINGS) - 1)
        rests = {name: reader.rest() for name, (_officer, reader) in readers.items()}
        assert [name for name, (_got, whole) in rests.items() if whole] == ["nothing"]
        whole = rests["nothing"][0]
        assert whole > ROWS * 700
        assert [name for name, (got, _whole) in rests.items() if name != "nothing" and got > whole * 3 // 4] == []
        assert "Traceback" not in server.log.read_text()
