"""A PostgreSQL of the suite's own: with fsync, over TCP on the loopback address with passwords, on its own disk.

The programs are those of the embedded one. What must not live here: what is done to it.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from pathlib import Path

import psycopg
from psycopg import sql

from cencomm.embedded import DATABASES, ROLES, EmbeddedPostgres
from tests.cencomm.ports import free_port
from tests.faults.program import Program

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "120",
    "superuser_reserved_connections": "5",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


class Postgres:
    """One cluster in `place`; `program` is its postmaster."""

    def __init__(self, folder: Path, place: Path) -> None:
        self._programs = EmbeddedPostgres(folder / "embedded")
        self._user = self._programs._user
        self.cluster = place / "cluster"
        self.sockets = folder / "sockets"
        self.port = free_port()
        self.password = secrets.token_hex(12)
        numbers = {} if self._user is None else {"user": self._user.pw_uid, "group": self._user.pw_gid}
        self.program = Program(
            "postgres",
            [str(self._programs.binaries / "postgres"), "-D", str(self.cluster)],
            self._programs._environment,
            folder / "postgres.log",
            stop_signal=signal.SIGINT,
            **numbers,
        )

    def make(self) -> None:
        """Make the cluster, start it, make roles and databases."""
        for folder in (self.cluster, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            if self._user is not None:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
            folder.chmod(0o700)
        self._programs.run_binary(
            "initdb", "-D", str(self.cluster), "-U", "postgres", "--auth-local=trust",
            "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
        )  # fmt: skip
        settings = {
            **SETTINGS,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
        }
        with (self.cluster / "postgresql.conf").open("a") as file:
            file.write("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
            file.flush()
            os.fsync(file.fileno())  # the power of this disk is cut later
        self.program.start()
        self.wait()
        with self.connect("postgres") as connection:
            for role in ROLES:
                statement = "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
                connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(self.password)))
            for database, (owner, application) in DATABASES.items():
                named = {
                    "d": sql.Identifier(database),
                    "o": sql.Identifier(owner),
                    "a": sql.Identifier(application),
                }
                connection.execute(sql.SQL("CREATE DATABASE {d} OWNER {o}").format(**named))
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {d} FROM PUBLIC").format(**named))
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {d} TO {a}").format(**named))

    def wait(self, *, seconds: float = 90) -> None:
        """Return once it answers; somebody else sees to it that it runs."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        message = f"PostgreSQL does not answer: {self.program.last_words()}"
        raise RuntimeError(message)

    def connect(self, database: str = "cencomm") -> psycopg.Connection[tuple[object, ...]]:
        """Return the superuser's own connection, past every proxy."""
        address = f"host={self.sockets} port={self.port} user=postgres dbname={database} connect_timeout=5"
        return psycopg.connect(address, autocommit=True)

    def address(self, database: str, role: str, *, port: int | None = None) -> str:
        """Return a role's address over TCP, through the proxy at `port` or past it."""
        return f"postgresql://{role}:{self.password}@127.0.0.1:{port or self.port}/{database}?connect_timeout=3"

    def backends(self) -> list[int]:
        """Return the processes that serve the application's connections now."""
        with self.connect() as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'cencomm_app'").fetchall()
        return [int(str(pid)) for (pid,) in rows]

    def end_backends(self) -> None:
        """End every connection of the application."""
        with self.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cencomm_app'"
            )
