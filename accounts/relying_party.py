"""CENcomm as WebAuthn's relying party: django-otp-webauthn with this product's rules.

User verification is always required, a passkey is always one that the browser finds by itself, and the challenge is
the digest of a signed state (`accounts.challenges`). What must not live here: rows, and who may do what.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.challenges import challenge_bytes
from accounts.models import Officer

Answer = dict[str, Any]  # what the browser's `PublicKeyCredential.toJSON()` gives


class RelyingParty(WebAuthnHelper):
    """One ceremony: the site as the browser sees it, and the state whose digest is the challenge."""

    def __init__(self, *, origin: str, state: str, seconds: int) -> None:
        super().__init__(request=HttpRequest())  # it would be asked for settings that are none here
        self.origin = origin
        self.state = state
        self.milliseconds = seconds * 1000

    def generate_challenge(self) -> bytes:
        return challenge_bytes(self.state)

    def get_allowed_origins(self) -> list[str]:
        """This site's own origin, and those that Django trusts for the same reason."""
        return [self.origin, *settings.CSRF_TRUSTED_ORIGINS]

    def get_credential_display_name(self, user: AbstractBaseUser) -> str:
        return str(user)

    def get_generate_registration_options_kwargs(self, *, user: AbstractBaseUser) -> dict[str, Any]:
        """As the library's, with user verification and a discoverable passkey required."""
        options: dict[str, Any] = super().get_generate_registration_options_kwargs(user=user)
        return {
            **options,
            "timeout": self.milliseconds,
            "authenticator_selection": AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        }

    def get_generate_authentication_options_kwargs(
        self, *, user: AbstractBaseUser | None = None, require_user_verification: bool
    ) -> dict[str, Any]:
        """As the library's, with this state's challenge."""
        options: dict[str, Any] = super().get_generate_authentication_options_kwargs(
            user=user, require_user_verification=require_user_verification
        )
        return {**options, "challenge": self.generate_challenge(), "timeout": self.milliseconds}

    def creation_options(self, officer: Officer) -> dict[str, Any]:
        """Return what `navigator.credentials.create` takes, as JSON."""
        options, _state = self.register_begin(officer)
        return dict(options)

    def request_options(self, officer: Officer | None) -> dict[str, Any]:
        """Return what `navigator.credentials.get` takes, as JSON; without an officer it names no passkey."""
        options, _state = self.authenticate_begin(user=officer, require_user_verification=True)
        return dict(options)

    def register(self, officer: Officer, answer: Answer) -> WebAuthnCredential:
        """Verify a new passkey and keep it. Raises what the library raises."""
        registered: WebAuthnCredential = self.register_complete(officer, self._expected(), answer)
        return registered

    def authenticate(self, officer: Officer, answer: Answer) -> WebAuthnCredential:
        """Verify an answer and note its use. Raises what the library raises."""
        proven: WebAuthnCredential = self.authenticate_complete(officer, self._expected(), answer)
        return proven

    def _expected(self) -> dict[str, Any]:
        return {"challenge": bytes_to_base64url(self.generate_challenge()), "require_user_verification": True}


def credential_id_of(answer: Answer) -> bytes:
    """Return the id of the passkey that an answer names. Raises ValueError where it names none."""
    raw = answer.get("rawId")
    if not isinstance(raw, str) or not 1 <= len(raw) <= 2000:
        raise ValueError
    return base64url_to_bytes(raw)


def user_handle_of(answer: Answer) -> bytes | None:
    """Return the user handle that an answer carries, if any. Raises ValueError for one that is none."""
    response = answer.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    if handle is None:
        return None
    if not isinstance(handle, str) or len(handle) > 200:
        raise ValueError
    return base64url_to_bytes(handle)
