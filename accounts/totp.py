"""Time-based one-time codes (RFC 6238: SHA-1, 30 seconds, six digits), as pure functions of key and time."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from hmac import compare_digest
from urllib.parse import quote, urlencode

from django_otp.oath import hotp

STEP_SECONDS = 30
DIGITS = 6
DRIFT = 1  # steps before and after the present one that are accepted: clocks differ


def new_key() -> bytes:
    """Return a fresh 160-bit key, as RFC 4226 recommends."""
    return secrets.token_bytes(20)


def step_at(now: datetime) -> int:
    """Return the number of the 30-second step that `now` lies in."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(key: bytes, step: int) -> str:
    """Return the six digits of one step."""
    code: int = hotp(key, step, digits=DIGITS)  # type: ignore[no-untyped-call]
    return f"{code:0{DIGITS}d}"


def matching_step(key: bytes, code: str, *, now: datetime, after: int) -> int | None:
    """Return the step whose code this is, within the drift and later than `after`; else None.

    Every candidate is compared in constant time, also after a match.
    """
    present = step_at(now)
    found: int | None = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        same = compare_digest(code_at(key, step).encode(), code.encode())
        if same and step > after and found is None:
            found = step
    return found


def secret_text(key: bytes) -> str:
    """Return the key as people type it into an authenticator: base32 in groups of four."""
    plain = base64.b32encode(key).decode().rstrip("=")
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def provisioning_uri(key: bytes, *, account: str, issuer: str) -> str:
    """Return the otpauth: address that a QR code carries (the key URI format of authenticator apps)."""
    query = urlencode(
        {
            "secret": base64.b32encode(key).decode().rstrip("="),
            "issuer": issuer,
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period": STEP_SECONDS,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{query}"
