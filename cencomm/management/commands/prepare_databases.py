"""Bring both databases to this program's schema: migrations, rights of the application roles, stamp."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from cencomm.schema import stamp_statement


class Command(BaseCommand):
    """Run by the owners of the databases, at the first start and after each update."""

    help = "Apply the migrations of both databases, grant the application roles their rights, record it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        verbosity = options["verbosity"]
        for alias in connections:
            call_command("migrate", database=alias, interactive=False, verbosity=verbosity, skip_checks=True)
        call_command("grant_application_roles", stdout=self.stdout)
        for alias in connections:
            with connections[alias].cursor() as cursor:
                cursor.execute(stamp_statement())
