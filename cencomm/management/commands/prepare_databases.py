"""Bring both databases to this program's schema: migrations, rights of the application roles, stamp."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from cencomm.schema import stamp_statement

ATTEMPTS = 12
PAUSE_SECONDS = 5.0


class Command(BaseCommand):
    """Run by the owners of the databases, at the first start and after each update."""

    help = "Apply the migrations of both databases, grant the application roles their rights, record it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        verbosity = options["verbosity"]
        for alias in connections:
            self._migrate(alias, verbosity)
        call_command("grant_application_roles", stdout=self.stdout)
        for alias in connections:
            with connections[alias].cursor() as cursor:
                cursor.execute(stamp_statement())

    def _migrate(self, alias: str, verbosity: int) -> None:
        """Apply the migrations; where somebody uses a table, try again, and let everybody else work in between."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                call_command("migrate", database=alias, interactive=False, verbosity=verbosity, skip_checks=True)
            except OperationalError as failure:
                if attempt == ATTEMPTS or not isinstance(failure.__cause__, LockNotAvailable):
                    raise
                with connections[alias].cursor() as cursor:
                    cursor.execute("RESET lock_timeout")  # one that is more patient may have ended in its middle
                self.stderr.write(f"A table is in use; trying again in {PAUSE_SECONDS:g} seconds.")
                time.sleep(PAUSE_SECONDS)
            else:
                return
