"""What every HTTP answer carries, whoever gives it: a page, the API, a refusal before Django, a scrape of figures.

What must not live here: the content policy, whose nonce is made anew for each answer (settings.SECURE_CSP and
Django's own middleware); when a header is set (`cencomm.middleware`).
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from django.conf import settings

from problems import Refusal

# What a page of ours may ask a browser for: a camera for pictures of a find, a passkey, the whole screen, a screen
# that stays on. All else that browsers know and could give to a script is given to none.
_ALLOWED = ("camera", "fullscreen", "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock")
_DENIED = (
    "accelerometer", "autoplay", "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid",
    "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS = ", ".join([*(f"{name}=(self)" for name in _ALLOWED), *(f"{name}=()" for name in _DENIED)])

ALWAYS: Mapping[str, str] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store"}
# The policy of an answer that is no page: it loads, runs, sends and embeds nothing.
NOTHING: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}


def raw_headers(**more: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that is given before Django, as ASGI wants them; `_` stands for `-`."""
    named = {**ALWAYS, **NO_STORE, **NOTHING}
    if settings.SECURE_HSTS_SECONDS:
        named["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
    named |= {name.replace("_", "-"): value for name, value in more.items()}
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]


def raw_problem(refusal: Refusal, **more: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers and body of a refusal that is given before Django."""
    body = orjson.dumps(refusal.as_problem())
    if refusal.retry_after is not None:
        more["Retry_After"] = str(refusal.retry_after)
    return raw_headers(Content_Type="application/problem+json", Content_Length=str(len(body)), **more), body
