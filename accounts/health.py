"""What the health page shows. Whoever knows how the parts are registers the questions at start."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import django
from django.db import DatabaseError, connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What a person reads for the names that programs read; a part without a label shows its name.
_LABELS: dict[str, Promise] = {
    "database": _("Database"),
    "cen-database": _("Database of CEN"),
    "migrations": _("Tables are up to date"),
    "keys": _("Keys"),
    "redis": _("Wake-ups (Redis)"),
    "key-agent": _("Key agent"),
    "key-service": _("Key service (OpenBao, Vault)"),
    "key-limit": _("Key agent keeps up"),
    "worker": _("Worker"),
    "worker-behind": _("Worker keeps up"),
    "canary": _("Canary: a message each minute arrives"),
    "file-storage": _("Store of files"),
    "disk": _("Room on the disks"),
    "clock": _("Clock agrees with the database"),
}
_checks: dict[str, Callable[[], bool]] = {}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the installation and whether it answers."""

    name: str
    well: bool

    @property
    def label(self) -> str | Promise:
        """The translated name."""
        return _LABELS.get(self.name, self.name)


def provide(checks: Mapping[str, Callable[[], bool]]) -> None:
    """Register questions by the names that operators read."""
    _checks.update(checks)


def parts() -> list[Part]:
    """Ask every registered question now."""
    return [Part(name, check()) for name, check in _checks.items()]


def jobs() -> dict[str, int]:
    """Return how many background jobs wait, run, and have failed."""
    counts = {"todo": 0, "doing": 0, "failed": 0}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status")
            counts.update({status: number for status, number in cursor.fetchall() if status in counts})
    except DatabaseError:
        return {}
    return counts


def versions() -> dict[str, str]:
    """Return the versions that matter when something is reported."""
    found = {"Python": platform.python_version(), "Django": django.get_version()}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            found["PostgreSQL"] = str(cursor.fetchone()[0])
    except (DatabaseError, OSError):
        pass
    return found
