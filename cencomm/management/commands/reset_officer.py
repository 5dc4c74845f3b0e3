"""Let an officer in anew from the machine itself: where no two people are left who could agree to it."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from accounts import actions
from accounts.models import Officer
from cencomm.management.commands.invite_administrator import usual_site


class Command(BaseCommand):
    """Take password and factors of an officer away, and print a one-time link. Audited; the officer is told."""

    help = "Let in anew an officer for whom no two people can agree to it, such as the last administrator."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--site", default="", help="the address that officers type, when it is another")

    def handle(self, *args: Any, **options: Any) -> None:
        officer = Officer.objects.filter(email__iexact=options["email"], is_active=True).first()
        if officer is None:
            message = f"No officer signs in as {options['email']}."
            raise CommandError(message)
        invitation, secret = actions.reset_from_the_machine(officer.pk)
        path = reverse("accounts:accept_invitation", args=[secret])
        self.stdout.write(
            f"{officer.name} can open this link once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC:"
        )
        self.stdout.write(f"{(options['site'] or usual_site()).rstrip('/')}{path}")
