"""Who needs a passkey: those who watch over others, everywhere but on an installation that says otherwise.

What must not live here: how a passkey is registered or proven (`accounts.actions.passkeys`).
"""

from __future__ import annotations

from django.conf import settings

from accounts import idleness
from accounts.models import Officer

REQUIRED = "required"
OFFERED = "offered"


def is_required_here() -> bool:
    """Whether this installation asks coordinators and administrators for a passkey (CENCOMM_PASSKEYS)."""
    return bool(settings.CENCOMM_PASSKEYS != OFFERED)


def needs_passkey(officer: Officer) -> bool:
    """Whether this officer's role asks for a passkey: then no other second factor is enough."""
    return is_required_here() and idleness.watches(officer)
