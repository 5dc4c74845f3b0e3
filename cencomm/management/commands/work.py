"""The worker: runs the queue's jobs, and seals the audit trail beside them."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from cencomm.audit_trail import Sealer
from cencomm.logs import hold_back
from cencomm.metrics.slots import share_figures


class Command(BaseCommand):
    """Runs until it is told to stop; a job that runs then may end within the grace."""

    help = "Run jobs and seal the audit trail, until SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="how many jobs at once")
        parser.add_argument("--grace", type=int, default=10, help="seconds that running jobs get at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        hold_back()
        sealer = Sealer()
        sealer.start()
        share_figures("worker")
        try:
            call_command(
                "procrastinate", "worker",
                f"--concurrency={options['concurrency']}", f"--shutdown-graceful-timeout={options['grace']}",
            )  # fmt: skip
        finally:
            sealer.stop()
