"""Which migrations the databases hold, told by a stamp on their schema: a start need not load Django to know.

`prepare_databases` records the stamp as the comment of the schema `public`, so that a restored backup carries the
stamp of its own tables. What must not live here: migrations themselves.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
MARK = "cencomm schema "


def wanted_stamp() -> str:
    """Return what the schema's comment says when every migration of this program was applied and granted."""
    digest = hashlib.sha256()
    files = [
        *ROOT.glob("*/migrations/*.py"),
        ROOT / "requirements" / "base.txt",  # migrations of the packages
        *ROOT.glob("cencomm/management/commands/*_application_roles.py"),
    ]
    for file in sorted(files):
        digest.update(f"{file.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return MARK + digest.hexdigest()[:24]


def is_current(*addresses: str) -> bool:
    """Whether the databases at these addresses hold the schema of this program."""
    wanted = wanted_stamp()
    for address in addresses:
        with psycopg.connect(address, connect_timeout=10) as connection:
            row = connection.execute("SELECT obj_description('public'::regnamespace, 'pg_namespace')").fetchone()
            if row is None or row[0] != wanted:
                return False
    return True


def stamp_statement() -> str:
    """Return the statement by which the owner of a database records the stamp."""
    return sql.SQL("COMMENT ON SCHEMA public IS {}").format(sql.Literal(wanted_stamp())).as_string()
