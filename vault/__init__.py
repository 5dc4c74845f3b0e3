"""Keys and sealing: the one door to encryption, and the only package that imports `cryptography`.

A root key (a file) wraps one key per group (files in a key store outside the database); a group's key wraps its
epoch keys (rows of `groups.EpochKey`, wrapped); of an epoch key HKDF derives what seals and what makes digests.
No models, no ORM. Views, APIs, consumers and tasks never import this package: they call actions and queries.
"""

from vault.errors import KeyDestroyed, KeyStoreUnavailable, SealBroken
from vault.keystore import KeyStore, keystore
from vault.notes import NoteBroken, NoteSigner, VerifierKey, opened_note, signers_of
from vault.sealing import Place, Sealer

__all__ = [
    "KeyDestroyed", "KeyStore", "KeyStoreUnavailable", "NoteBroken", "NoteSigner", "Place", "SealBroken", "Sealer",
    "VerifierKey", "keystore", "opened_note", "signers_of",
]  # fmt: skip
