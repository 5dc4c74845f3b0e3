"""What every page needs to say where the reader is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from cencomm import __version__


def place(request: HttpRequest) -> dict[str, Any]:
    """Return the version, and whether invented demo people and data are loaded here."""
    return {"cencomm_version": __version__, "demo_loaded": settings.CENCOMM_DEMO}
