"""Logs hold identifiers and kinds of failure: not what an exception quotes, not the secret of a link."""

from __future__ import annotations

import logging
import sys

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.test import Client
from django.utils.module_loading import import_string

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
