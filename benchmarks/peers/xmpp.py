"""Starts ejabberd and prosody: rooms (MUC) whose archive (MAM) is a table of the benchmark's PostgreSQL.

Both store a message in the archive, by a commit of its own, before they send it on to the room. Neither writes
history into rooms, logs, or tells occupants of each other's coming: that would only cost them.
"""

from __future__ import annotations

import base64
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.databases import PEER_ROLE, Databases
from benchmarks.live.protocols import XMPP_HOST, XMPP_PASSWORD, XMPP_ROOMS
from benchmarks.live.site import Site, running, wait_for_port
from benchmarks.peers.programs import Missing, Started, debian_version, program
from tests.cencomm.ports import free_port

SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")
EJABBERD = """
hosts: [{host}]
loglevel: none
acme: {{auto: false}}
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, shaper: none,
     access: all, backlog: 2048}}
default_db: sql
sql_type: pgsql
sql_server: "{sql_host}"
sql_port: 5432
sql_database: {database}
sql_username: {role}
sql_password: "{password}"
auth_method: sql
auth_password_format: plain
disable_sasl_mechanisms: []
modules:
  mod_disco: {{}}
  mod_mam: {{db_type: sql, default: never}}
  mod_muc:
    host: {rooms}
    db_type: sql
    history_size: 0
    max_users: 2000
    max_user_conferences: 100
    default_room_options:
      mam: true
      persistent: true
      max_users: 2000
      presence_broadcast: []
"""
PROSODY = """
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
run_as_root = true
daemonize = false
certificates = "{folder}"
log = {{ error = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
network_settings = {{ tcp_backlog = 2048 }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}}
s2s_ports = {{}}
modules_enabled = {{ "saslauth", "disco" }}
modules_disabled = {{ "s2s", "tls", "offline", "http" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "sql"
sql = {{ driver = "PostgreSQL", database = "{database}", username = "{role}", password = "{password}",
        host = "{sql_host}", port = 5432 }}
VirtualHost "{host}"
Component "{rooms}" "muc"
  modules_enabled = {{ "muc_mam" }}
  muc_log_by_default = true
  muc_log_presences = false
  muc_log_expires_after = "never"
  muc_room_locking = false
  muc_room_default_persistent = true
  muc_room_default_history_length = 0
  muc_room_default_presence_broadcast = {{ visitor = false; participant = false; moderator = false }}
"""


def _own_database(databases: Databases, name: str) -> psycopg.Connection[tuple[object, ...]]:
    """Make a database that belongs to the peer, and connect to it as the peer."""
    asked = {"host": databases.peer_host, "user": PEER_ROLE, "password": databases.peer_password}
    with psycopg.connect(**asked, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return psycopg.connect(**asked, dbname=name, autocommit=True)


def _names(site: Site) -> list[str]:
    return [
        f"u{group}-{number}" for group, (_id, members) in enumerate(site.groups) for number in range(len(members))
    ]


def _filled_in(text: str, site: Site, name: str, port: int) -> str:
    databases = site.databases
    return text.format(
        host=XMPP_HOST, rooms=XMPP_ROOMS, port=port, folder=site.folder / name, database=name, role=PEER_ROLE,
        password=databases.peer_password, sql_host=databases.peer_host,
    )  # fmt: skip


@contextmanager
def ejabberd(site: Site) -> Iterator[Started]:
    """Run ejabberd without its control script, which insists on a system user and a name service."""
    erlang = program("", "erl")
    program("", "ejabberdctl")
    code = next(iter(sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin"))), None)
    driver = next(Path("/usr/lib/erlang/lib").glob("p1_pgsql-*/ebin"), None)
    if code is None or driver is None or not SCHEMA.exists():
        message = "ejabberd's code, its driver or its schema for PostgreSQL is not where Debian puts it"
        raise Missing(message)
    folder, port = site.folder / "ejabberd", free_port()
    folder.mkdir()
    with _own_database(site.databases, "ejabberd") as connection:
        connection.execute(re.sub(r"(?m)^\s*--.*$", "", SCHEMA.read_text()))
        with connection.cursor().copy("COPY users (username, password) FROM STDIN") as copy:
            for name in _names(site):
                copy.write_row((name, XMPP_PASSWORD))
    config = folder / "ejabberd.yml"
    config.write_text(_filled_in(EJABBERD, site, "ejabberd", port))
    environment = {
        **os.environ,
        "HOME": str(folder),
        "EJABBERD_CONFIG_PATH": str(config),
        "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
        "ERL_LIBS": str(code.parent.parent),
        "ERL_CRASH_DUMP_SECONDS": "0",
    }
    command = [
        erlang, "+K", "true", "+P", "250000", "-noinput", "-noshell", "-mnesia", "dir", f'"{folder}/mnesia"',
        "-s", "ejabberd",
    ]  # fmt: skip
    with (folder / "out.log").open("wb") as log, running(command, env=environment, log=log, cwd=folder) as process:
        wait_for_port(port, process)
        yield Started(port, process.pid, debian_version("ejabberd"))


def _wake_storage(port: int, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Make prosody make its tables, which it does when it is first asked for somebody."""
    header = (
        f"<stream:stream to='{XMPP_HOST}' version='1.0' xmlns='jabber:client'"
        " xmlns:stream='http://etherx.jabber.org/streams'>"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall(header.encode())
        told = b""
        while b"</stream:features>" not in told:
            told += wire.recv(65536)
        secret = base64.b64encode(b"\0nobody\0x").decode()
        name = "urn:ietf:params:xml:ns:xmpp-sasl"
        wire.sendall(f"<auth xmlns='{name}' mechanism='PLAIN'>{secret}</auth>".encode())
        wire.recv(65536)
    if connection.execute("SELECT to_regclass('prosodyarchive')").fetchone() == (None,):
        message = "prosody made no tables"
        raise RuntimeError(message)


@contextmanager
def prosody(site: Site) -> Iterator[Started]:
    """Run prosody in the foreground."""
    command = program("", "prosody")
    folder, port = site.folder / "prosody", free_port()
    (folder / "data").mkdir(parents=True)
    config = folder / "prosody.cfg.lua"
    config.write_text(_filled_in(PROSODY, site, "prosody", port))
    connection = _own_database(site.databases, "prosody")
    with (
        connection,
        (folder / "out.log").open("wb") as log,
        running([command, "-F", "--config", str(config)], log=log, cwd=folder) as process,
    ):
        wait_for_port(port, process)
        _wake_storage(port, connection)
        columns = '(host, "user", store, key, type, value)'
        with connection.cursor().copy(f"COPY prosody {columns} FROM STDIN") as copy:
            for name in _names(site):
                copy.write_row((XMPP_HOST, name, "accounts", "password", "string", XMPP_PASSWORD))
        yield Started(port, process.pid, debian_version("prosody"))
