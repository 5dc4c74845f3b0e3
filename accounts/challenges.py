"""Challenges that a passkey signs: each for one purpose, one officer, one session and one act, for a short time.

A challenge is told as a signed text, its `state`; nothing is stored before it is answered, so nobody fills a table
by asking. What the passkey signs is a digest of all of that text: a signature made for one act is none for another.
Once answered it is spent (`accounts.actions.passkeys`). What must not live here: rows, keys, WebAuthn itself.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from django.core import signing

from accounts.errors import ChallengeExpired

SALT = "accounts.challenges"
KEPT_SECONDS = 60 * 60  # how long rows of spent ones are kept: longer than any of them lives


class Purpose(StrEnum):
    """What the answer is for. An answer for one is none for another."""

    SIGN_IN = "sign-in"  # nobody has said who it is
    SECOND_FACTOR = "second-factor"  # after the password
    REGISTER = "register"  # a new passkey of a signed-in officer
    INVITATION = "invitation"  # the first passkey of an invited officer
    STEP_UP = "step-up"  # one act


LIFE_SECONDS = {
    Purpose.SIGN_IN: 300,
    Purpose.SECOND_FACTOR: 300,
    Purpose.REGISTER: 300,
    Purpose.INVITATION: 900,
    Purpose.STEP_UP: 60,
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """Who is asked, in which session (its row), for which act (`about`, a digest in hex)."""

    purpose: Purpose
    officer: UUID | None = None
    session: UUID | None = None
    about: str = ""


def begin(challenge: Challenge) -> str:
    """Return the state of a fresh challenge, to be told to the browser and to come back with the answer."""
    return signing.dumps({**_bound(challenge), "n": secrets.token_hex(16)}, salt=SALT)


def challenge_bytes(state: str) -> bytes:
    """Return what the passkey signs for this state: 32 bytes that depend on every part of it."""
    return sha256(b"cencomm challenge\n" + state.encode()).digest()


def check(state: str, challenge: Challenge) -> None:
    """Refuse (ChallengeExpired) a state that was not told for exactly this, or that is too old."""
    content = _content_of(state, LIFE_SECONDS[challenge.purpose])
    if any(content.get(name) != value for name, value in _bound(challenge).items()):
        raise ChallengeExpired


def renewed(state: str, *, officer: UUID, session: UUID) -> str:
    """Return a fresh state for the same act of the same officer and session; the old one may be an hour old.

    A person reads a page for longer than a step-up lives: the minute begins when the button is pressed.
    """
    content = _content_of(state, KEPT_SECONDS)
    same = content.get("o") == str(officer) and content.get("s") == str(session)
    if not same or content.get("p") != Purpose.STEP_UP:
        raise ChallengeExpired
    return begin(Challenge(Purpose.STEP_UP, officer, session, str(content.get("a", ""))))


def _bound(challenge: Challenge) -> dict[str, str]:
    return {
        "p": challenge.purpose.value,
        "o": str(challenge.officer or ""),
        "s": str(challenge.session or ""),
        "a": challenge.about,
    }


def _content_of(state: str, seconds: int) -> dict[str, str]:
    try:
        content = signing.loads(state, salt=SALT, max_age=seconds)
    except signing.BadSignature:
        raise ChallengeExpired from None
    if not isinstance(content, dict):
        raise ChallengeExpired
    return content
