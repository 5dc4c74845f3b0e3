"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.cast"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    from django.conf import settings

    for values in settings.DATABASES.values():
        values["OPTIONS"].pop("pool", None)


@pytest.fixture(scope="session", autouse=True)
def _truncate_past_triggers() -> Iterator[None]:
    """Between transactional tests tables are truncated; the audit trail's triggers refuse that to everybody.

    Only a superuser (these tests, never the application's role) can switch triggers off for a session.
    """
    from django.db import connections
    from django.test import TransactionTestCase

    original = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            original(self)
            cursor.execute("SET session_replication_role = DEFAULT")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture(autouse=True)
def _nobody_speaks_yet() -> Iterator[None]:
    """A request leaves its officer's language and time zone with the thread: no test inherits them."""
    from django.utils import timezone, translation

    translation.activate("en")
    timezone.deactivate()
    yield
    translation.activate("en")
    timezone.deactivate()
