"""The keys of authenticators, sealed at their own row. Actions and queries come here; pages never do."""

from __future__ import annotations

from uuid import UUID

from accounts.models import AuthenticatorDevice
from vault import Place, keystore


def _place(key_id: UUID, officer_id: UUID) -> Place:
    # Bound to the officer too: a row that a database owner points at another officer does not open.
    return Place(
        table="accounts_authenticatordevice",
        field="sealed_key",
        record=str(key_id),
        sender=str(officer_id),
    )


def seal_key(key: bytes, *, key_id: UUID, officer_id: UUID) -> bytes:
    """Return the authenticator's key, sealed for its row and its officer."""
    return keystore().platform_sealer(make=True).seal(key, _place(key_id, officer_id))


def open_key(device: AuthenticatorDevice) -> bytes:
    """Return the authenticator's key. Raises SealBroken where the row was changed or moved."""
    return keystore().platform_sealer().open(bytes(device.sealed_key), _place(device.key_id, device.user_id))
