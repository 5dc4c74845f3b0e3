"""`code` and `token create`: what a person at the machine asks about the people in the database."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from cencomm.attachment import attached
from cencomm.cli_errors import CommandRefused
from cencomm.data_folder import DataFolder


def print_code(options: argparse.Namespace) -> int:
    """Print the current second-factor code of a demo identity; real officers' codes are never told."""
    folder = DataFolder(options.data)
    if not folder.demo_file.exists():
        message = f"The demo is not loaded in {folder.path}: codes are told for its invented people only."
        raise CommandRefused(message)
    with attached(folder):
        import django

        django.setup()
        from accounts.queries import current_demo_code
        from problems import Refusal

        try:
            code = current_demo_code(options.email)
        except Refusal as refusal:
            message = f"No demo identity signs in as {options.email}."
            raise CommandRefused(message) from refusal
    if code.used:
        sys.stderr.write(
            f"This code was used already, and works once: the next one comes in {code.seconds_left} s.\n"
        )
    print(code.code)
    return 0


def create_token(options: argparse.Namespace) -> int:
    """Make an access token and print it as the last word of the output; it is never shown again."""
    if options.days < 1:
        message = "A token works for at least one day: --days 1 or more."
        raise CommandRefused(message)
    with attached(DataFolder(options.data)):
        import django

        django.setup()
        from django.utils import timezone

        from accounts import actions
        from accounts.models import Officer
        from problems import Refusal

        officer = Officer.objects.filter(email__iexact=options.officer).first() if options.officer else None
        if options.officer and officer is None:
            message = f"No officer signs in as {options.officer}."
            raise CommandRefused(message)
        usual = ["messages:read", "messages:write"] if officer else ["cen:read", "cen:write"]
        try:
            _token, secret = actions.create_token(
                officer=officer,
                client_system=options.system or "",
                name=options.name,
                scopes=options.scope or usual,
                expires_at=timezone.now() + timedelta(days=options.days),
            )
        except Refusal as refusal:
            raise CommandRefused(refusal.detail) from refusal
    print(f"Token “{options.name}” of {options.officer or options.system}, shown this once:\n{secret}")
    return 0
