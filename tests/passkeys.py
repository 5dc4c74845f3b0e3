"""An authenticator in software, with real keys and real signatures: what a security key would say to the browser.

It says what it is told to say, also what no honest one would: another origin, no user verification, an old counter.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://testserver"
USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftPasskey:
    """One passkey: a P-256 key, its id, the user handle that it was made for, a counter."""

    origin: str = ORIGIN
    verifies: bool = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""
    counter: int = 0

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create` with these options (as JSON)."""
        self.user_handle = decoded(options["user"]["id"])
        client = self._client("webauthn.create", options["challenge"])
        data = self._data(options["rp"]["id"], USER_PRESENT | ATTESTED)
        data += bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            **self._named(),
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": encoded(client),
                "attestationObject": encoded(attestation),
                "transports": ["internal"],
            },
        }

    def get(self, options: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get` with these options (as JSON)."""
        self.counter += 1
        client = self._client("webauthn.get", changed.get("challenge", options["challenge"]))
        data = self._data(options["rpId"], USER_PRESENT)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            **self._named(),
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encoded(client),
                "authenticatorData": encoded(data),
                "signature": encoded(signature),
                "userHandle": encoded(changed.get("user_handle", self.user_handle)),
            },
        }

    def public_key(self) -> bytes:
        """The key as COSE (RFC 9053): EC2, ES256, P-256."""
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _named(self) -> dict[str, Any]:
        name = encoded(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "authenticatorAttachment": "platform"}

    def _client(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= USER_VERIFIED if self.verifies else 0
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")


def header(proof: Mapping[str, Any]) -> str:
    """Return a proof as the header `Step-Up` brings it."""
    return encoded(json.dumps(proof).encode())
