"""A PostgreSQL of a benchmark's own, with fsync, the product's tables in it and Django set up on it.

Every benchmark that needs a database takes it from here. Peers that cannot use the product's Unix socket reach the
same server at an address of 127.0.0.0/8 that is drawn for the run, with a password that is drawn for the run.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEER_ROLE = "bench_peer"


@dataclass(frozen=True)
class Databases:
    """One running PostgreSQL: its folder, the addresses of the product's databases, the way for peers."""

    folder: Path
    cluster: Path
    addresses: Any
    peer_host: str = ""
    peer_password: str = ""

    def process_id(self) -> int:
        """Return the number of the server's first process."""
        return int((self.cluster / "postmaster.pid").read_text().split()[0])


@contextmanager
def own_databases(*, for_peers: bool = False) -> Iterator[Databases]:
    """Start a PostgreSQL, make the tables, set Django up on it; take all of it away afterwards."""
    from cencomm.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="cencomm-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = EmbeddedPostgres(folder)
        try:
            found = Databases(folder, cluster.cluster, cluster.start(attached=True))
            if for_peers:
                found = _opened(found, cluster)
            _set_up(found)
            yield found
        finally:
            _leave()
            cluster.remove()


def _set_up(databases: Databases) -> None:
    """Make the tables as the owner, and let the application's roles use them."""
    os.environ |= {
        "CENCOMM_DATA": str(databases.folder),
        "CENCOMM_SECRET_KEY": "benchmark-" + "x" * 50,
        "CENCOMM_PLAIN_HTTP": "1",
        "CENCOMM_POSTS_PER_MINUTE": "100000000",
        "CENCOMM_API_CALLS_PER_MINUTE": "100000000",
        "CENCOMM_QUESTIONS_PER_MINUTE": "100000000",
        "CENCOMM_SOCKET_ITEMS_PER_SECOND": "1000000",
        "DJANGO_SETTINGS_MODULE": "cencomm.settings",
        "DATABASE_URL": databases.addresses.url("cencomm", "postgres"),
        "CEN_DATABASE_URL": databases.addresses.url("cen", "postgres"),
    }
    import django
    from django.core.management import call_command

    django.setup()
    with open(os.devnull, "w") as nowhere:
        call_command("prepare_databases", verbosity=0, stdout=nowhere)


def _leave() -> None:
    from django.db import connections

    with contextlib.suppress(Exception):
        for connection in connections.all(initialized_only=True):
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()


def _opened(databases: Databases, cluster: Any) -> Databases:
    """Start the server again with a door for peers: loopback only, with a password."""
    import psycopg

    host = "127." + ".".join(str(secrets.randbelow(200) + 20) for _ in range(3))
    password = secrets.token_hex(16)
    rules = databases.folder / "peers_hba.conf"
    rules.write_text(
        "local all all peer map=cencomm\nlocal replication all peer map=cencomm\n"
        f"host all {PEER_ROLE} 127.0.0.0/8 scram-sha-256\n"
    )
    rules.chmod(0o644)
    with psycopg.connect(databases.addresses.superuser, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {PEER_ROLE} LOGIN CREATEDB PASSWORD '{password}'")
        connection.execute(f"ALTER SYSTEM SET listen_addresses = '{host}'")
        connection.execute(f"ALTER SYSTEM SET hba_file = '{rules}'")
    cluster.stop()
    return Databases(databases.folder, databases.cluster, cluster.start(attached=True), host, password)


def commit_milliseconds(databases: Databases, *, count: int = 200) -> dict[str, float]:
    """Return how long a bare durable insert of one row of 300 bytes takes here and now, one after the other."""
    import psycopg

    took = []
    with psycopg.connect(databases.addresses.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_commit (id bigserial PRIMARY KEY, text text)")
        for _ in range(count):
            at = time.perf_counter()
            connection.execute("INSERT INTO bench_commit (text) VALUES (%s)", ["x" * 300], prepare=True)
            took.append((time.perf_counter() - at) * 1000)
    ordered = sorted(took)
    return {"median": round(statistics.median(took), 2), "p95": round(ordered[int(count * 0.95)], 2)}
