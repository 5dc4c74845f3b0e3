"""How a check says no. Nothing else lives here, and nothing of Django: what runs behind the walls imports it."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a file was refused, as its row keeps it; the sentences are in `wording`."""

    NOT_ALLOWED = "not_allowed"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    BOMB = "bomb"
    ACTIVE_CONTENT = "active_content"
    ENCRYPTED = "encrypted"
    MALWARE = "malware"
    CHECK_FAILED = "check_failed"


class Refused(Exception):
    """A file does not pass: `reason` is why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Undecided(Exception):
    """A file was looked at and no answer came of it: it is tried again a few times, then refused."""


class Later(Exception):
    """A file cannot be checked at the moment, and not by its own fault: it is tried again."""
