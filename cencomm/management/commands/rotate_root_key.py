"""Replaces the root key while everybody works, and records that it was done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

import audit
from problems import Refusal
from vault import keystore


class Command(BaseCommand):
    """Every key of the store is wrapped anew; nothing that was sealed changes. May be interrupted and run again."""

    help = "Make a new root key, wrap every group's key under it, forget the old one. Back up the old one first."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            new, count = keystore().rotate_root_key()
        except Refusal as refusal:
            message = f"The root key was not replaced to the end: {refusal.detail} Run it again."
            raise CommandError(message) from refusal
        audit.record_now(audit.Action.ROOT_KEY_ROTATED, actor=None, subject=f"root-key:{new.hex()}", keys=count)
        self.stdout.write(f"Root key {new.hex()} is in force; {count} keys were wrapped anew.")
