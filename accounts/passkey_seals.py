"""The seal that binds a passkey to its officer. Actions come here; pages never do."""

from __future__ import annotations

import uuid
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING
from uuid import UUID

from accounts.models import PasskeySeal
from vault import Place, SealBroken, keystore

if TYPE_CHECKING:
    from django_otp_webauthn.models import WebAuthnCredential


def seal_passkey(credential: WebAuthnCredential) -> None:
    """Bind this passkey, as it is now, to its officer."""
    key_id = uuid.uuid4()
    sealer = keystore().platform_sealer(make=True)
    sealed = sealer.seal(_digest(credential), _place(key_id, credential.user_id))
    PasskeySeal.objects.create(credential=credential, key_id=key_id, seal=sealed)


def check_seal(credential: WebAuthnCredential) -> None:
    """Raise SealBroken for a passkey whose row was made, changed or moved by somebody without the keys."""
    row = PasskeySeal.objects.filter(credential_id=credential.pk).first()
    if row is None:
        raise SealBroken
    opened = keystore().platform_sealer().open(bytes(row.seal), _place(row.key_id, credential.user_id))
    if not compare_digest(opened, _digest(credential)):
        raise SealBroken


def _digest(credential: WebAuthnCredential) -> bytes:
    identity = bytes(credential.credential_id)
    return sha256(len(identity).to_bytes(4, "big") + identity + bytes(credential.public_key)).digest()


def _place(key_id: UUID, officer_id: UUID) -> Place:
    return Place(table="accounts_passkeyseal", field="seal", record=str(key_id), sender=str(officer_id))
