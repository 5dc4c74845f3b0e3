"""Refuses unsafe starts: each check says what is wrong and what to do. Django runs them; so does `cencomm serve`.

What must not live here: checks of rules of an app; those live in that app.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1", ".localhost"}
# What tests' clients name themselves.
INTERNAL = {"testserver"}
Configs = Sequence[AppConfig] | None


def outside_hosts() -> list[str]:
    """Return the allowed host names by which others than this machine can reach the product."""
    return [host for host in settings.ALLOWED_HOSTS if host.lower() not in LOOPBACK | INTERNAL]


@register(Tags.security)
def check_secret_key(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """The key that signs sessions is there and long."""
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:
        key = ""
    hint = "Set CENCOMM_SECRET_KEY_FILE to a file with 64 random characters; `bin/cencomm up` makes one by itself."
    if not key:
        return [Error("There is no secret key.", hint=hint, id="cencomm.E001")]
    if len(key) < 50:
        return [Error("The secret key is shorter than 50 characters.", hint=hint, id="cencomm.E002")]
    return []


@register(Tags.security)
def check_metrics_token(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """The token of /metrics cannot be guessed."""
    if 0 < len(settings.CENCOMM_METRICS_TOKEN) < 32:
        hint = "Let CENCOMM_METRICS_TOKEN_FILE name a file with 32 random characters or more."
        return [Error("The token of /metrics is shorter than 32 characters.", hint=hint, id="cencomm.E013")]
    return []


@register(Tags.security)
def check_hosts(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """What is meant for one machine alone is not shown to others."""
    found: list[CheckMessage] = []
    outside = outside_hosts()
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the host names in CENCOMM_HOSTS, separated by commas."
        found.append(Error("Any host name is allowed.", hint=hint, id="cencomm.E003"))
    if not outside:
        return found
    names = ", ".join(outside)
    if settings.DEBUG:
        hint = "Unset CENCOMM_DEBUG: error pages show content and settings."
        found.append(Error(f"Debugging is on while {names} may be asked for.", hint=hint, id="cencomm.E004"))
    if settings.PLAIN_HTTP:
        hint = "Unset CENCOMM_PLAIN_HTTP and put a proxy with TLS in front (docs/operations.md)."
        found.append(Error(f"Plain HTTP is on while {names} may be asked for.", hint=hint, id="cencomm.E005"))
    if settings.CENCOMM_DEMO:
        hint = "Unset CENCOMM_DEMO and start on a data folder without the demo: its passwords are public."
        found.append(Error(f"Demo people are loaded while {names} may be asked for.", hint=hint, id="cencomm.E006"))
    return found


def readable_by_others(path: Path) -> bool:
    """Whether anybody but the owner may read, write or enter it. Mounted secrets may be read by their group."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return bool(mode & 0o077)


@register(Tags.security)
def check_keys(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """Keys are files that only their owner can read."""
    found: list[CheckMessage] = []
    places = {
        settings.CENCOMM_ROOT_KEY_FILE: ("root key", "600", "cencomm.E007"),
        settings.CENCOMM_KEY_STORE: ("key store", "700", "cencomm.E008"),
        settings.DATA_DIR / "secret-key": ("secret key", "600", "cencomm.E009"),
    }
    for path, (name, mode, number) in places.items():
        try:
            exposed = path.exists() and readable_by_others(path)
        except OSError:
            hint = f"Let the user that runs CENcomm (number {os.geteuid()}) read {path}."
            found.append(Error(f"The {name} cannot be reached.", hint=hint, id=number))
            continue
        if exposed:
            hint = f"chmod {mode} {path} — and replace the key if others may have read it."
            found.append(Error(f"The {name} can be read by others than its owner.", hint=hint, id=number))
    return found


@register
def check_redis(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """The address of Redis has a form that is known."""
    from messaging.redis_places import BadRedisUrl, place_of

    try:
        if settings.REDIS_URL:
            place_of(settings.REDIS_URL)
    except BadRedisUrl as error:
        return [Error(str(error), hint="docs/operations.md tells the forms.", id="cencomm.E012")]
    return []


ROLE_QUERY = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relowner = r.oid AND n.nspname NOT IN ('pg_toast', 'information_schema')
                     AND n.nspname NOT LIKE 'pg\\_temp%%'),
       pg_has_role(r.oid, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER'),
       has_schema_privilege(r.oid, 'public', 'CREATE')
FROM pg_roles r WHERE rolname = current_user
"""


@register(Tags.database)
def check_roles(app_configs: Configs, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The application's role can neither change tables nor switch off the triggers that guard the audit log."""
    if settings.AS_OWNER:
        return []
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(ROLE_QUERY)
            powerful, owner, member, creator = cursor.fetchone()
        role = settings.CENCOMM_APPLICATION_ROLES[alias]
        hint = f"Connect as {role}, a role that owns nothing; keep the owner for `manage prepare_databases`."
        if powerful:
            text = f"The role that the application uses on the database {alias} has rights over the server."
            found.append(Error(text, hint=hint, id="cencomm.E010"))
        if owner or member or creator:
            text = f"The role that the application uses on the database {alias} owns or can make tables."
            found.append(Error(text, hint=hint, id="cencomm.E011"))
    return found
