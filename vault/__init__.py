"""Keys and sealing: the one door to encryption, and the only package that imports `cryptography`.

A root key (in a file, a token, a key service) wraps one key per group (files in a key store outside the database),
which wraps its epoch keys (rows of `groups.EpochKey`, wrapped); of an epoch key HKDF derives what seals and what
makes digests.
No models, no ORM. Views, APIs, consumers and tasks never import this package: they call actions and queries.
"""

from vault.agent.client import AgentKeyStore
from vault.at_hand import KeyNotAtHand, keys_at_hand
from vault.chunks import FileKey, Stream, new_file_key, opened_file_key
from vault.configured import keystore
from vault.errors import (
    KeyAgentAway,
    KeyDestroyed,
    KeyServiceAway,
    KeyStoreUnavailable,
    SealBroken,
    TooManyOpenings,
)
from vault.keystore import KeyStore
from vault.notes import NoteBroken, NoteSigner, VerifierKey, opened_note, signers_of
from vault.sealers import on_key_forgotten
from vault.sealing import Place, Sealer

__all__ = [
    "AgentKeyStore", "FileKey", "KeyAgentAway", "KeyDestroyed", "KeyNotAtHand", "KeyServiceAway", "KeyStore",
    "KeyStoreUnavailable", "NoteBroken", "NoteSigner", "Place", "SealBroken", "Sealer", "Stream", "TooManyOpenings",
    "VerifierKey", "keys_at_hand", "keystore", "new_file_key", "on_key_forgotten", "opened_file_key", "opened_note",
    "signers_of",
]  # fmt: skip
