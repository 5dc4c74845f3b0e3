"""Rows about proofs: what guards a passkey, which challenges were answered, and recoveries that two people make.

What must not live here: the officer, sessions, authenticators (`accounts.models`), and who may do any of it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class PasskeySeal(models.Model):
    """What binds a passkey to its officer: a digest of its public key, sealed under the platform's key.

    django-otp-webauthn keeps the passkey itself. Whoever can write to the database but does not hold the key store
    can change or move that row, but cannot make it count: without its seal a passkey proves nothing.
    """

    credential = models.OneToOneField(
        "django_otp_webauthn.WebAuthnCredential", primary_key=True, on_delete=models.CASCADE, related_name="seal"
    )
    key_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    seal = models.BinaryField()


class SpentChallenge(models.Model):
    """A challenge that was answered: it is not answered twice. Rows go when the challenge is too old anyway."""

    challenge_hash = models.BinaryField(primary_key=True)
    spent_at = models.DateTimeField(db_default=Now(), editable=False)


class Recovery(models.Model):
    """An officer who lost every second factor is let in anew by two people: a contact point and a coordinator.

    A platform administrator may stand in for the contact point: such a recovery belongs to no group (a reset).
    Accounts knows no roles: `groups.actions.recovery` says who of a group may open, confirm and draw.
    """

    OPEN_FOR_HOURS: ClassVar[int] = 24

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    officer = models.ForeignKey("accounts.Officer", on_delete=models.CASCADE, related_name="recoveries")
    group = models.UUIDField(null=True)  # where both hold their roles; none for a reset
    opened_by = models.ForeignKey("accounts.Officer", on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    confirmed_by = models.ForeignKey("accounts.Officer", null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    drawn_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["officer"],
                condition=models.Q(confirmed_at__isnull=True, withdrawn_at__isnull=True),
                name="recovery_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True) | ~models.Q(confirmed_by=models.F("opened_by")),
                name="recovery_by_two_people",
            ),
            models.CheckConstraint(
                condition=~models.Q(opened_by=models.F("officer")),
                name="recovery_not_by_oneself",
            ),
        ]
        ordering = ["-opened_at"]

    def is_open(self, now: datetime) -> bool:
        """Whether somebody else can still confirm it."""
        return self.confirmed_at is None and self.withdrawn_at is None and now < self.expires_at

    def is_to_be_drawn(self, now: datetime) -> bool:
        """Whether both have agreed and the link was not drawn yet."""
        return self.confirmed_at is not None and self.drawn_at is None and now < self.expires_at
