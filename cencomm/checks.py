"""Refuses unsafe starts: each check says what is wrong and what to do. Django runs them; so does `cencomm serve`.

What must not live here: checks of rules of an app; those live in that app.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from cencomm.privileges import capabilities_of
from messaging.attachments.bucket import BadPlace, access_keys, configured
from messaging.attachments.confinement import missing_walls

DAC_OVERRIDE = 1 << 1  # the capability to read whatever others own
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


@register(Tags.security)
def check_passkeys(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """Passkeys belong to a domain that officers type, over TLS; those who watch over others must have one."""
    found: list[CheckMessage] = []
    domain, outside = settings.OTP_WEBAUTHN_RP_ID, outside_hosts()
    if settings.CENCOMM_PASSKEYS not in {"required", "offered"}:
        hint = "Set CENCOMM_PASSKEYS to required, or leave it out."
        found.append(Error("Nobody knows whether passkeys are required.", hint=hint, id="cencomm.E018"))
    elif settings.CENCOMM_PASSKEYS == "offered" and outside:
        hint = "Unset CENCOMM_PASSKEYS: a code can be phished, and coordinators hold the keys of everybody."
        names = ", ".join(outside)
        text = f"Coordinators and administrators may do without a passkey while {names} may be asked for."
        found.append(Error(text, hint=hint, id="cencomm.E019"))
    hint = "Set CENCOMM_PASSKEY_DOMAIN to the name in CENCOMM_HOSTS that officers type, or to the domain above it."
    strangers = [host for host in outside if not is_of_domain(host.lstrip("."), domain)]
    if outside and (strangers or "." not in domain):
        text = f"Passkeys of {domain} cannot be used at {', '.join(strangers or outside)}."
        found.append(Error(text, hint=hint, id="cencomm.E020"))
    unsafe = [one for one in settings.CSRF_TRUSTED_ORIGINS if not one.startswith("https://")]
    if unsafe and not settings.PLAIN_HTTP:
        text = f"{', '.join(unsafe)} in CENCOMM_ORIGINS is not reached over TLS."
        found.append(Error(text, hint="Write https:// before each.", id="cencomm.E021"))
    return found


def is_of_domain(host: str, domain: str) -> bool:
    """Whether a host name is the domain or lies below it."""
    return host.lower() == domain.lower() or host.lower().endswith(f".{domain.lower()}")


def readable_by_others(path: Path) -> bool:
    """Whether anybody but the owner may read, write or enter it. Mounted secrets may be read by their group."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return bool(mode & 0o077)


@register(Tags.security)
def check_keys(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """Keys are files that only their owner can read; with a key agent, that only the agent can."""
    found: list[CheckMessage] = []
    places = {settings.DATA_DIR / "secret-key": ("secret key", "600", "cencomm.E009")}
    if settings.CENCOMM_KEY_AGENT:
        found += _agent_undone()
    else:
        places |= {
            settings.CENCOMM_ROOT_KEY_FILE: ("root key", "600", "cencomm.E007"),
            settings.CENCOMM_KEY_STORE: ("key store", "700", "cencomm.E008"),
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


def _agent_undone() -> list[CheckMessage]:
    """Return what lets this process use the root key beside its agent, where others can reach it."""
    if not outside_hosts() or capabilities_of() & DAC_OVERRIDE:  # an operator's command as root reads everything
        return []
    file, hint = settings.CENCOMM_ROOT_KEY_FILE, "Let the key agent run as a user of its own, which alone has them."
    found: list[CheckMessage] = []
    if settings.CENCOMM_ROOT_KEY_URI:
        text = "This process is told where the root key is, beside its key agent: unset CENCOMM_ROOT_KEY_URI here."
        found.append(Error(text, hint=hint, id="cencomm.E014"))
    if os.access(file, os.R_OK) or os.access(settings.CENCOMM_KEY_STORE, os.R_OK):
        text = "This process can read the root key or the key store, beside its key agent."
        found.append(Error(text, hint=hint, id="cencomm.E015"))
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


@register(Tags.security)
def check_drawing(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """The kernel gives the walls that files of strangers are looked at behind."""
    missing = missing_walls()
    found: list[CheckMessage] = []
    if "seccomp" in missing:
        text = "This kernel filters no system calls (seccomp): the worker looks at no file, they wait."
        hint = "Run the worker on Linux 4.14 or newer, x86_64 or aarch64, where a process may use seccomp."
        found.append(Warning(text, hint=hint, id="cencomm.W001"))
    if "landlock" in missing:
        text = "This kernel has no Landlock: what decodes files has one wall, not two."
        hint = "Run the worker on Linux 5.13 or newer with landlock among CONFIG_LSM or lsm=."
        found.append(Warning(text, hint=hint, id="cencomm.W002"))
    return found


@register(Tags.security)
def check_file_storage(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """A bucket for files is named as it should be, its access key is nobody else's to read."""
    if not settings.CENCOMM_S3_URL:
        return []
    try:
        place = configured()
    except BadPlace as failure:
        return [Error(str(failure), hint="docs/operations.md, Files.", id="cencomm.E022")]
    found: list[CheckMessage] = []
    try:
        access_keys(place.credentials)
    except BadPlace as failure:
        hint = "Let CENCOMM_S3_CREDENTIALS name a file of mode 600, for the user that web and worker run as."
        found.append(Error(str(failure), hint=hint, id="cencomm.E023"))
    address = urlsplit(place.endpoint)
    if address.scheme == "http" and (address.hostname or "") not in LOOPBACK | {"::1"}:
        text = "Files go to their store without TLS: who listens sees when and how much, and can cut it."
        found.append(Warning(text, hint="Let CENCOMM_S3_URL begin with https://.", id="cencomm.W003"))
    return found


@register(Tags.database)
def check_pooler(app_configs: Configs, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Nothing between this program and a database hands its connections to others.

    Limits of statements, what is prepared, and that a server was met (`messaging.history`) belong to a connection.
    A pooler tells a client a process number of its own.
    """
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            served_by = cursor.fetchone()[0]
            told = cursor.connection.info.backend_pid
        if served_by != told:
            hint = "Give the address of PostgreSQL itself: each process keeps a pool of its own (CENCOMM_POOL)."
            text = f"Between this program and the database {alias} a pooler lends connections out."
            found.append(Error(text, hint=hint, id="cencomm.E024"))
    return found
