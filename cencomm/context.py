"""What every page needs to say where the reader is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from cencomm import __version__


def place(request: HttpRequest) -> dict[str, Any]:
    """Return the version, whether invented demo people are loaded, whether everybody may do without a passkey."""
    return {
        "cencomm_version": __version__,
        "demo_loaded": settings.CENCOMM_DEMO,
        "passkeys_offered": settings.CENCOMM_PASSKEYS == "offered",
    }
