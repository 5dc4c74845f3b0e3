"""Give the application's roles what they need, and nothing more. Run by the owners of the databases."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections, transaction
from psycopg import sql

INSERT_ONLY_APPS = ("audit",)
READ_ONLY_TABLES = ("django_migrations",)


class Command(BaseCommand):
    """Idempotent: grants on every table that is there now, so it runs after each migration."""

    help = "Grant the application roles their rights on every table; audit tables may only be read and added to."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for alias, role in settings.CENCOMM_APPLICATION_ROLES.items():
            grant_role(alias, role)
            self.stdout.write(f"Granted {role} its rights on the database {alias}.")


def grant_role(alias: str, role: str) -> None:
    """Grant `role` reading and writing of rows on every table of the database, less on those that record."""
    connection = connections[alias]
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        if cursor.fetchone()[0] == role:
            message = f"This runs as {role} itself: give the address of the owner role of the database {alias}."
            raise CommandError(message)
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            message = f"The role {role} does not exist: make it (CREATE ROLE {role} LOGIN) and run this again."
            raise CommandError(message)
        for statement in statements(connection.introspection.table_names(cursor)):
            cursor.execute(sql.SQL(statement).format(role=sql.Identifier(role)).as_string())
        cursor.execute("SELECT matviewname FROM pg_matviews WHERE schemaname = 'public'")
        for (view,) in cursor.fetchall():
            name = sql.Identifier(view)
            grant = sql.SQL("GRANT MAINTAIN ON {view} TO {role}").format(view=name, role=sql.Identifier(role))
            if connection.pg_version >= 170000:  # type: ignore[attr-defined]
                cursor.execute(grant.as_string())


def statements(tables: list[str]) -> list[str]:
    """Return the grants as templates with the place {role}."""
    found = set(tables)
    recording = {
        model._meta.db_table
        for label in INSERT_ONLY_APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    }
    lines = [
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
    ]
    for table in sorted(recording & found):
        lines += [f'REVOKE ALL ON "{table}" FROM {{role}}', f'GRANT SELECT, INSERT ON "{table}" TO {{role}}']
    for table in READ_ONLY_TABLES:
        if table in found:
            lines += [f'REVOKE ALL ON "{table}" FROM {{role}}', f'GRANT SELECT ON "{table}" TO {{role}}']
    return lines
