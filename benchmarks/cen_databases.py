"""Databases of their own for the benchmarks of CEN: with fsync, reached with the application's roles."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_databases() -> Iterator[None]:
    """Start a PostgreSQL, make the tables, set Django up on it; take all of it away afterwards."""
    from cencomm.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="cencomm-bench-") as folder:
        cluster = EmbeddedPostgres(Path(folder))
        try:
            addresses = cluster.start()
            os.environ |= {
                "CENCOMM_DATA": folder,
                "CENCOMM_SECRET_KEY": "benchmark-" + "x" * 50,
                "CENCOMM_PLAIN_HTTP": "1",
                "DJANGO_SETTINGS_MODULE": "cencomm.settings",
                "DATABASE_URL": addresses.url("cencomm", "postgres"),
                "CEN_DATABASE_URL": addresses.url("cen", "postgres"),
            }
            import django
            from django.core.management import call_command
            from django.db import connections

            django.setup()
            for database in ("default", "cen"):
                call_command("migrate", database=database, verbosity=0)
            yield
            for connection in connections.all(initialized_only=True):
                connection.close()
                if hasattr(connection, "close_pool"):
                    connection.close_pool()
        finally:
            cluster.remove()
