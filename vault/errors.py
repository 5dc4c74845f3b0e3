"""The refusals of the vault. They carry no key, no place and no byte of what was sealed."""

from __future__ import annotations

from problems import Refusal


class SealBroken(Refusal):
    """This content cannot be opened: it was changed, moved, or sealed under another key."""

    code = "seal_broken"
    status = 500


class KeyDestroyed(Refusal):
    """The key of this group was destroyed: its content can never be read again."""

    code = "key_destroyed"
    status = 410


class KeyStoreUnavailable(Refusal):
    """The key store cannot be read at the moment: nothing can be opened or sealed. Tell the operator."""

    code = "key_store_unavailable"
    status = 503
