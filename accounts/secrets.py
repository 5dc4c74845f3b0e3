"""What is stored in place of a secret that is told once: its SHA-256. All of them carry 256 random bits."""

from __future__ import annotations

from hashlib import sha256


def session_hash(session_key: str) -> bytes:
    """Return what is stored in place of a session key."""
    return sha256(session_key.encode()).digest()


def token_hash(secret: str) -> bytes:
    """Return what is stored in place of a token."""
    return sha256(secret.encode()).digest()


def invitation_hash(secret: str) -> bytes:
    """Return what is stored in place of an invitation's secret."""
    return sha256(secret.encode()).digest()
