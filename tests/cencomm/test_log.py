"""Logs hold identifiers and kinds of failure: not what an exception quotes, not the secret of a link."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.test import Client
from django.utils.module_loading import import_string

from accounts.models import Officer
from tests.cast import sign_in, token_for

WORDS = "the lantern is lit"


@pytest.fixture
def formatter() -> logging.Formatter:
    """The formatter that the settings put before every handler."""
    named = dict(settings.LOGGING["formatters"]["line"])
    made = import_string(named.pop("()"))(named.pop("format"))
    assert isinstance(made, logging.Formatter)
    return made


def test_settings_give_it_to_every_handler() -> None:
    assert {handler["formatter"] for handler in settings.LOGGING["handlers"].values()} == {"line"}


def written(formatter: logging.Formatter, message: str = "failed") -> str:
    record = logging.LogRecord("cencomm", logging.ERROR, __file__, 1, message, (), sys.exc_info())
    return formatter.format(record)


def test_an_exception_is_named_with_its_place_and_not_quoted(formatter: logging.Formatter) -> None:
    try:
        try:
            int(WORDS)
        except ValueError as error:
            raise RuntimeError(WORDS) from error
    except RuntimeError:
        line = written(formatter)
    assert WORDS not in line
    assert line.index("builtins.ValueError") < line.index("builtins.RuntimeError")
    assert "test_log.py:" in line
    assert "in test_an_exception_is_named" in line


@pytest.mark.django_db(transaction=True)
def test_a_refused_row_is_named_by_its_constraint_and_not_quoted(formatter: logging.Formatter) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE lamp (word text CONSTRAINT lamp_word CHECK (word = ''))")
        try:
            cursor.execute("INSERT INTO lamp VALUES (%s)", [WORDS])
        except IntegrityError:
            line = written(formatter)
    assert WORDS not in line
    assert "psycopg.errors.CheckViolation 23514 lamp_word" in line


@pytest.mark.django_db
def test_the_secret_of_an_invitation_is_not_written(
    formatter: logging.Formatter, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "q" * 43
    Client().post(f"/invitation/{secret}/")  # not allowed: Django logs the path of such a request
    lines = [formatter.format(record) for record in caplog.records]
    assert any("/invitation/" in line for line in lines)
    assert secret not in "\n".join(lines)


def test_a_line_tells_its_time_in_utc(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("cencomm", logging.INFO, __file__, 1, "lit", (), None)
    record.created = 1_767_225_599.25
    assert formatter.format(record) == "2025-12-31T23:59:59.250Z INFO cencomm lit"


@pytest.mark.django_db
def test_a_refused_page_or_call_is_written_with_its_officer(
    formatter: logging.Formatter, caplog: pytest.LogCaptureFixture, fatou: Officer, padma: Officer
) -> None:
    """Which route, how it ended, who it was: of a page with a session, of the API with a token."""
    sign_in(Client(), fatou).get("/administration/officers/")
    Client(headers={"Authorization": f"Bearer {token_for(padma)}"}).get(f"/api/v1/groups/{padma.pk}")
    Client(headers={"Authorization": "Bearer cen_nonsense"}).get("/api/v1/me")
    lines = [formatter.format(record).split(" django.request ")[-1] for record in caplog.records]
    assert f"403 GET /administration/officers/ officer={fatou.pk}" in lines
    assert f"404 GET /api/v1/groups/{padma.pk} officer={padma.pk}" in lines
    assert "401 GET /api/v1/me" in lines


WALK = """
import logging, django
django.setup()
loggers = [logging.root, *map(logging.getLogger, list(logging.root.manager.loggerDict))]
for one in loggers:
    for handler in one.handlers:
        print(type(handler).__name__, getattr(getattr(handler, "stream", None), "name", ""))
"""


@pytest.mark.parametrize(
    ("variables", "handlers"),
    [
        ({}, {"StreamHandler <stderr>"}),
        ({"CENCOMM_AUDIT_SYSLOG": "127.0.0.1:514"}, {"StreamHandler <stderr>", "SysLogHandler"}),
    ],
)
def test_lines_go_to_standard_error_and_where_an_operator_says(
    variables: dict[str, str], handlers: set[str]
) -> None:
    """No package opens a file, a socket or a mail of its own for what happens here."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cencomm.settings", **variables}
    done = subprocess.run([sys.executable, "-c", WALK], env=environment, capture_output=True, text=True, check=True)
    assert {line.strip() for line in done.stdout.splitlines()} - {"NullHandler"} == handlers


def test_the_manual_names_every_logger() -> None:
    """The inventory of logs, held against the code; and what a line looks like, against a line."""
    root = Path(settings.BASE_DIR)
    packages = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    used = {
        name
        for package in packages
        for file in (root / package).rglob("*.py")
        for name in re.findall(r"getLogger\(\"([a-z.]+)\"\)", file.read_text())
    }
    _, _, section = (root / "docs" / "operations.md").read_text().partition("\n## Logs\n")
    section = section.partition("\n## ")[0]
    told = set(re.findall(r"`((?:cencomm|django)\.[a-z.]+)`", section))
    assert len(used) > 8
    assert told == used | {"django.request"}
    assert "2026-11-22T08:15:00.250Z WARNING django.request" in section
