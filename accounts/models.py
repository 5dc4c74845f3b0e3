"""Officers, their administrations, and everything that proves who they are.

What must not live here: what an officer may do inside a group (groups.access says that).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin

from accounts import agents
from accounts.proof_models import PasskeySeal, Recovery, SpentChallenge

__all__ = [
    "DEMO_DOMAIN", "REGION_NAMES", "Administration", "AuthenticatorDevice", "Invitation", "Officer",
    "OfficerManager", "OfficerSession", "PasskeySeal", "PatientThrottle", "Recovery", "RecoveryCode",
    "RecoveryDevice", "Region", "SignInThrottle", "SpentChallenge", "Token",
]  # fmt: skip

DEMO_DOMAIN = "@demo.invalid"  # invented people; no mail reaches it (RFC 6761)


REGION_NAMES = {
    "AP": _("Asia and the Pacific"),
    "CAF": _("Central Africa"),
    "CAR": _("Caribbean"),
    "CIS": _("Commonwealth of Independent States"),
    "ECE": _("Eastern and Central Europe"),
    "ESA": _("Eastern and Southern Africa"),
    "ME": _("Middle East"),
    "NA": _("North Africa"),
    "NAM": _("North America"),
    "SAM": _("South America"),
    "WA": _("West Africa"),
    "WE": _("Western Europe"),
}


class Region(models.Model):
    """A region of the world as RILOs share it out. Those of REGION_NAMES come with the product, translated."""

    code = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return str(REGION_NAMES.get(self.code, self.name))


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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["officer"],
                condition=models.Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_one_open",
            )
        ]
        ordering = ["-created_at"]


class OfficerSession(models.Model):
    """A server-side session as its owner sees it: listed, revocable. The session key itself is kept as a hash.

    `factor` is the second factor that was shown. It alone opens nothing: `verified` says that it is enough for the
    officer's role.
    """

    class Factor(models.TextChoices):
        NONE = "", _("password only")
        AUTHENTICATOR = "authenticator", _("authenticator")
        RECOVERY_CODE = "recovery_code", _("recovery code")
        PASSKEY = "passkey", _("passkey")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    officer = models.ForeignKey(Officer, on_delete=models.CASCADE, related_name="officer_sessions")
    key_hash = models.BinaryField(unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    idle_seconds = models.PositiveIntegerField(default=30 * 60)
    ends_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True)
    verified = models.BooleanField(default=False)
    factor = models.CharField(max_length=16, choices=Factor, default=Factor.NONE, db_default="", blank=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(factor__in=["", "authenticator", "recovery_code", "passkey"]),
                name="session_factor",
            )
        ]
        indexes = [models.Index(fields=["officer", "revoked_at"], name="session_of_officer")]
        ordering = ["-last_seen_at"]

    @property
    def browser(self) -> str:
        """The browser, as its owner knows it."""
        return agents.browser(self.agent)

    @property
    def system(self) -> str:
        """The system that the browser runs on."""
        return agents.system(self.agent)

    def is_live(self, now: datetime) -> bool:
        """Whether this session still opens anything: not revoked, not idle too long, not past its end."""
        idle = now - self.last_seen_at
        return self.revoked_at is None and now < self.ends_at and idle < timedelta(seconds=self.idle_seconds)


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


class PatientThrottle(ThrottlingMixin):
    """Doubling waits after wrong codes, but never long: the owner of a phone is not locked out by a stranger."""

    LONGEST_WAIT_FAILURES: ClassVar[int] = 7  # 1, 2, 4 … 64 seconds

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        return 1

    def throttle_increment(self, commit: bool = True) -> None:
        """Count one more wrong code; the wait stops doubling at 64 seconds."""
        super().throttle_increment(commit=False)  # type: ignore[no-untyped-call]
        self.throttling_failure_count = min(self.throttling_failure_count, self.LONGEST_WAIT_FAILURES)
        if commit:
            self.save(update_fields=["throttling_failure_count", "throttling_failure_timestamp"])


class AuthenticatorDevice(PatientThrottle, Device):
    """A TOTP authenticator (RFC 6238) whose key is sealed; a code works once, because `last_counter` only grows.

    `key_id` names the key in its seal: a sealed key that was moved to another row does not open.
    """

    key_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sealed_key = models.BinaryField()
    last_counter = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(confirmed=True), name="authenticator_one_confirmed"
            )
        ]


class RecoveryDevice(PatientThrottle, Device):
    """The officer's printed sheet of codes, for the day when the authenticator is lost."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user"], name="recovery_device_once")]


class RecoveryCode(models.Model):
    """One code of that sheet. Only its hash is stored (a code carries 136 random bits); used once."""

    device = models.ForeignKey(RecoveryDevice, on_delete=models.CASCADE, related_name="codes")
    code_hash = models.BinaryField(unique=True)
    used_at = models.DateTimeField(null=True)


class SignInThrottle(models.Model):
    """Failed sign-ins of one name or one address, under a keyed hash: the table names nobody."""

    key_hash = models.BinaryField(primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_failed_at = models.DateTimeField()
