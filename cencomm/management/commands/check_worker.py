"""Whether a worker is alive, as an exit code: the health check of the worker's container."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cencomm.health import worker_alive


class Command(BaseCommand):
    """Exit code 0 when a worker's heart beat in the last minute."""

    help = "Succeed when a worker is alive."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not worker_alive():
            message = "No worker's heart beat in the last minute."
            raise CommandError(message)
        self.stdout.write("A worker is alive.")
