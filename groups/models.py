"""Closed user groups: who is in, in which role, in which phase, under which keys.

What must not live here: rights (access.py), messages, or anything that opens content.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a member is in one group."""

    COORDINATOR = "coordinator", _("Coordinator")
    ANALYST = "analyst", _("Analyst")
    CONTACT_POINT = "contact_point", _("National contact point")
    OFFICER = "officer", _("Officer")
    OBSERVER = "observer", _("Observer")
    AUDITOR = "auditor", _("Auditor")


class Phase(models.TextChoices):
    """The life of an operation, in order; a standing group stays operational."""

    PLANNING = "planning", _("Planning")
    PREOPERATIONAL = "preoperational", _("Pre-operational")
    OPERATIONAL = "operational", _("Operational")
    POSTOPERATIONAL = "postoperational", _("Post-operational")
    CLOSED = "closed", _("Closed")
    ARCHIVED = "archived", _("Archived")


class ClosedUserGroup(models.Model):
    """The members-only room: of an operation (with days), or standing (a project, a theme).

    `head` is the number of the newest event; it moves only under this row's lock, so that number order is commit
    order. `stream_epoch` changes when history was restored from a backup. `key_epoch` names the sealing key in use.
    """

    class Kind(models.TextChoices):
        OPERATION = "operation", _("Operation")
        STANDING = "standing", _("Standing group")

    class FormMode(models.TextChoices):
        SIMPLIFIED = "simplified", _("Simplified form")
        FULL = "full", _("Full form")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.OPERATION)
    phase = models.CharField(max_length=16, choices=Phase, default=Phase.PLANNING)
    form_mode = models.CharField(max_length=12, choices=FormMode, default=FormMode.SIMPLIFIED)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    cut_off_hour = models.PositiveSmallIntegerField(default=6)
    late_limit_days = models.PositiveIntegerField(default=30)
    nominal_allowed = models.BooleanField(default=False)
    retention_days = models.PositiveIntegerField(default=365)
    stream_epoch = models.UUIDField(default=uuid.uuid4)
    head = models.BigIntegerField(default=0)
    key_epoch = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(phase__in=Phase.values), name="group_phase"),
            models.CheckConstraint(condition=models.Q(kind__in=["operation", "standing"]), name="group_kind"),
            models.CheckConstraint(condition=models.Q(cut_off_hour__lte=23), name="group_cut_off_hour"),
            models.CheckConstraint(
                condition=models.Q(kind="standing")
                | models.Q(starts_on__isnull=False, ends_on__gte=models.F("starts_on")),
                name="group_operation_has_days",
            ),
            models.CheckConstraint(condition=models.Q(code__regex=r"^[A-Z0-9]{2,12}$"), name="group_code"),
        ]
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class GroupCountry(models.Model):
    """A country that takes part in a group."""

    group = models.ForeignKey(ClosedUserGroup, on_delete=models.CASCADE, related_name="countries")
    country = models.CharField(max_length=2)
    contact_point = models.ForeignKey(
        "Membership", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "country"], name="group_country_once")]
        ordering = ["country"]


class Membership(models.Model):
    """An officer in a group, with one role: the proof of access that actions and queries take first."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.CASCADE, related_name="memberships")
    officer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    country = models.CharField(max_length=2)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role"),
            models.UniqueConstraint(
                fields=["group", "officer"], condition=models.Q(left_at__isnull=True), name="membership_once"
            ),
        ]
        indexes = [models.Index(fields=["officer", "left_at"], name="membership_of_officer")]

    def has(self, right: str) -> bool:
        """Whether this member's role carries `right` (a groups.access.Right)."""
        from groups.access import RIGHTS

        return right in RIGHTS[Role(self.role)]


class EpochKey(models.Model):
    """One sealing key of a group, wrapped by the group key, which lies outside this database."""

    group = models.ForeignKey(ClosedUserGroup, on_delete=models.CASCADE, related_name="epoch_keys")
    epoch = models.PositiveIntegerField()
    wrapped = models.BinaryField()
    head = models.BigIntegerField(db_default=0)  # the group's head when the epoch began
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "epoch"], name="epoch_key_once")]
