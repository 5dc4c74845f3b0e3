"""Officers, their administrations, and everything that proves who they are.

What must not live here: what an officer may do inside a group (groups.access says that).
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin


class Region(models.Model):
    """A region of the world as RILOs share it out."""

    code = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class Administration(models.Model):
    """A customs administration or another agency that takes part in operations."""

    class Kind(models.TextChoices):
        CUSTOMS = "customs", _("Customs administration")
        POLICE = "police", _("Police")
        INTERNATIONAL = "international", _("International organisation")
        PORT_CONTROL = "port_control", _("Port control unit")
        OTHER = "other", _("Other agency")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    country = models.CharField(max_length=2, db_index=True)
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.CUSTOMS)
    region = models.ForeignKey(
        Region, null=True, blank=True, on_delete=models.PROTECT, related_name="administrations"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("country", Lower("name"), name="administration_name_once_per_country"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["customs", "police", "international", "port_control", "other"]),
                name="administration_kind",
            ),
        ]
        ordering = ["country", "name"]

    def __str__(self) -> str:
        return self.name


class OfficerManager(BaseUserManager["Officer"]):
    """Reads by e-mail without regard to case. Officers are made by `actions.create_officer` only."""

    def get_by_natural_key(self, username: str | None) -> Officer:
        return self.get(email__iexact=username or "")


class Officer(AbstractBaseUser):
    """A person who signs in. Platform administrators manage accounts and groups; they read no content."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=5, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    administration = models.ForeignKey(Administration, on_delete=models.PROTECT, related_name="officers")
    is_active = models.BooleanField(default=True)
    is_platform_administrator = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[OfficerManager] = OfficerManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="officer_email_once")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2 of the officer's administration."""
        return self.administration.country


class Invitation(models.Model):
    """A one-time way in: the link carries a secret of which only a hash is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    officer = models.ForeignKey(Officer, on_delete=models.CASCADE, related_name="invitations")
    secret_hash = models.BinaryField(unique=True)
    invited_by = models.ForeignKey(Officer, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)


class OfficerSession(models.Model):
    """A server-side session as its owner sees it: listed, revocable. The session key itself is kept as a hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    officer = models.ForeignKey(Officer, on_delete=models.CASCADE, related_name="officer_sessions")
    key_hash = models.BinaryField(unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(db_default=Now())
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True)
    verified = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True)


class Token(models.Model):
    """A programme's key: of one officer, or of one client system of CEN. Only its hash is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    officer = models.ForeignKey(Officer, null=True, on_delete=models.CASCADE, related_name="tokens")
    client_system = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=80)
    secret_hash = models.BinaryField(unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(officer__isnull=False, client_system="")
                | (models.Q(officer__isnull=True) & ~models.Q(client_system="")),
                name="token_of_one_owner",
            )
        ]


class AuthenticatorDevice(ThrottlingMixin, Device):  # type: ignore[misc]
    """A TOTP authenticator (RFC 6238) whose key is sealed; a code works once, because `last_counter` only grows."""

    sealed_key = models.BinaryField()
    drift = models.SmallIntegerField(default=0)
    last_counter = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(confirmed=True), name="authenticator_one_confirmed"
            )
        ]

    def get_throttle_factor(self) -> Any:
        return 1
