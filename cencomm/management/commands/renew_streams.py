"""Tells every client that history went back, where nothing on this machine could notice it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from messaging.history import read_standing, watch


class Command(BaseCommand):
    """For a machine that was put back whole, marks and all. A restored database is noticed without it."""

    help = "Give every group's stream a new epoch: its clients start afresh. After a machine was put back whole."

    def handle(self, *args: Any, **options: Any) -> None:
        with connections["default"].cursor() as cursor:
            raw = cursor.connection
            epochs = {group_id: now.epoch for group_id, now in read_standing(raw).items() if now.head > 0}
            count = watch().renew(raw, epochs)
        self.stdout.write(f"{count} groups begin anew; their clients read them afresh.")
