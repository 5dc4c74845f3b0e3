"""Invite a platform administrator from the machine itself: the way in to an installation without the demo."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse

from accounts import actions
from accounts.errors import OfficerExists
from accounts.models import Administration
from cencomm.checks import outside_hosts


class Command(BaseCommand):
    """Make the officer and the administration where they are missing, and print the one-time link."""

    help = "Invite a platform administrator, who can then invite everybody else; prints a link for one use."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True, help="the person's name")
        parser.add_argument("--country", required=True, help="the administration's country, two letters")
        parser.add_argument("--administration", required=True, help="the administration's name")
        parser.add_argument("--site", default="", help="the address that officers type, when it is another")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            administration = Administration.objects.filter(
                country=options["country"].upper(), name=options["administration"].strip()
            ).first() or actions.create_administration(country=options["country"], name=options["administration"])
            try:
                invitation, secret = actions.invite_officer(
                    email=options["email"],
                    name=options["name"],
                    administration=administration,
                    is_platform_administrator=True,
                    actor=None,
                )
            except OfficerExists as error:
                message = f"{options['email']} has an account already: another administrator renews its invitation."
                raise CommandError(message) from error
        path = reverse("accounts:accept_invitation", args=[secret])
        self.stdout.write(
            f"{options['name']} can open this link once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC:"
        )
        self.stdout.write(f"{(options['site'] or usual_site()).rstrip('/')}{path}")


def usual_site() -> str:
    """Return the address of this installation as far as its settings tell."""
    if settings.CSRF_TRUSTED_ORIGINS:
        return str(settings.CSRF_TRUSTED_ORIGINS[0])
    outside = outside_hosts()
    return f"https://{outside[0]}" if outside else "http://127.0.0.1:8000"
