"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tests.examples  # noqa: F401  (its profile holds for all)

pytest_plugins = ["tests.cast"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    from django.conf import settings

    for values in settings.DATABASES.values():
        values["OPTIONS"].pop("pool", None)


@pytest.fixture(scope="session", autouse=True)
def _empty_past_triggers() -> Iterator[None]:
    """Between transactional tests tables are emptied; the audit trail's triggers refuse that to everybody.

    Only a superuser (these tests, never the application's role) can switch triggers off for a session. Django would
    truncate every table and make its content types anew each time: most are empty, and nobody asks for those.
    """
    from django.db import connections
    from django.test import TransactionTestCase

    statements: dict[str, str] = {}

    def empty(alias: str) -> None:
        connection = connections[alias]
        with connection.cursor() as cursor:
            if alias not in statements:
                names = connection.introspection.django_table_names(only_existing=True, include_views=False)
                asked = [f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in names]  # noqa: S608
                statements[alias] = " UNION ALL ".join(asked)
            cursor.execute(statements[alias])
            filled = [name for (name,) in cursor.fetchall() if name != "django_migrations"]
            cursor.execute("SET session_replication_role = replica")
            for name in filled:
                cursor.execute(f'DELETE FROM "{name}"')  # noqa: S608
            cursor.execute("SET session_replication_role = DEFAULT")

    def teardown(self: TransactionTestCase) -> None:
        for alias in self._databases_names(include_mirrors=False):
            empty(alias)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture(autouse=True)
def _no_wrong_tokens() -> None:
    """All tests come from one address: wrong tokens of one do not count in another."""
    from accounts.tries import wrong_tokens

    wrong_tokens._wrong.clear()


@pytest.fixture(autouse=True)
def _nobody_speaks_yet() -> Iterator[None]:
    """A request leaves its officer's language and time zone with the thread: no test inherits them."""
    from django.utils import timezone, translation

    translation.activate("en")
    timezone.deactivate()
    yield
    translation.activate("en")
    timezone.deactivate()
