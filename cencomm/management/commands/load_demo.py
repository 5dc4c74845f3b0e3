"""`manage load_demo`: load the invented operation HARMATTAN III into an empty installation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import canary
from accounts.models import Officer
from cencomm.demo.loading import load
from cencomm.demo.people import PASSWORD

SHOWN = (
    ("amina", "coordinator of HARMATTAN III"),
    ("chloe", "analyst"),
    ("fatou", "officer, Côte d’Ivoire (in French)"),
    ("padma", "platform administrator"),
)


class Command(BaseCommand):
    """Load the demo and print who may sign in; refuse where real people are, or where it was not asked for."""

    help = "Load an invented operation with invented people (CENCOMM_DEMO=1, empty installation only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CENCOMM_DEMO:
            message = "The demo is not switched on here: start with `bin/cencomm up`, without --no-demo."
            raise CommandError(message)
        if Officer.objects.exclude(pk=canary.OFFICER).exists():
            message = "There are officers here already: the demo goes into an empty installation only."
            raise CommandError(message)
        load()
        for key, what in SHOWN:
            self.stdout.write(f"  {key}@demo.invalid".ljust(26) + what)
        self.stdout.write(f"  password of all of them   {PASSWORD}")
