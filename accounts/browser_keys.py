"""The key under which an officer's browser seals what it keeps until it is sent: drafts, unsent messages.

It is derived, so it is stored nowhere, and it is the same on every device and in every session of the officer. Only
a page of whoever is signed in gets it; the page holds it in memory. A stolen device holds what nobody opens.
"""

from __future__ import annotations

import base64
from uuid import UUID

from vault import keystore

_PURPOSE = b"cencomm/browser-storage/1:"


def browser_key(officer_id: UUID) -> str:
    """Return the officer's key of 256 bits in base64. Raises KeyStoreUnavailable."""
    return base64.b64encode(keystore().platform_sealer(make=True).digest(_PURPOSE + officer_id.bytes)).decode()
