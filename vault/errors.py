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


class KeyAgentAway(KeyStoreUnavailable):
    """The key agent does not answer: groups that are open go on, no other can be opened until it is back."""

    code = "key_agent_away"
    retry_after = 5


class KeyServiceAway(KeyStoreUnavailable):
    """The service of the root key is away: groups that are open go on, no other can be opened until it is back."""

    code = "key_service_away"
    retry_after = 5


class RootKeyFixed(KeyStoreUnavailable):
    """The root key lies where it cannot be written: it stays as it is until its place can be."""

    code = "root_key_fixed"


class TooManyOpenings(KeyStoreUnavailable):
    """The key agent was asked for too much in a short time: it goes on in a moment."""

    code = "too_many_openings"
    retry_after = 10
