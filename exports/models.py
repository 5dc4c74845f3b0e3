"""Transfers from a group into CEN: the rows are the queue, and the receipt of what became of each.

What must not live here: content. A row holds references, states and reason codes; the record itself is made from
the sealed message each time it is needed.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from groups.models import ClosedUserGroup, Membership


class MappingVersion(models.Model):
    """The allow-list of what leaves a group: form field -> CEN column. The newest version is in force.

    `rules` is a list of `{"field": <catalogue name>, "column": <CEN column>}`; `exports.mapping` checks it.
    """

    rules = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)


class Batch(models.Model):
    """One confirmation by one coordinator: the transfers that it put into the queue."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.CASCADE, related_name="transfer_batches")
    started_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    automatic = models.BooleanField(default=False)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["group", "-started_at"], name="transfer_batch_of_group")]


class Transfer(models.Model):
    """One record of one seizure on its way to CEN.

    A seizure with further goods lines gives one record a line, each with a source reference of its own, which stays
    the same through corrections; a correction raises `source_version`, and so does a withdrawal.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        ACCEPTED = "accepted", _("Received by CEN")
        REFUSED = "refused", _("Refused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.CASCADE, related_name="transfers")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="transfers")
    message = models.UUIDField()
    source_reference = models.CharField(max_length=60)
    source_version = models.PositiveIntegerField(default=1)
    withdrawal = models.BooleanField(default=False)
    confirmed_digest = models.BinaryField(help_text=_("Keyed digest of the record that was shown and confirmed."))
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    cen_reference = models.CharField(max_length=40, blank=True)
    cen_version = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=12, blank=True)
    reason_code = models.CharField(max_length=60, blank=True)
    reason_fields = models.JSONField(default=list)
    queued_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "source_reference", "source_version"], name="transfer_once_per_record"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "accepted", "refused"]), name="transfer_state"
            ),
        ]
        indexes = [
            models.Index(
                fields=["batch", "message", "source_reference"],
                condition=models.Q(state="queued"),
                name="transfer_waiting",
            ),
            models.Index(fields=["batch", "state"], name="transfer_of_batch"),
            models.Index(fields=["group", "message"], name="transfer_of_message"),
            models.Index(fields=["group", "-queued_at", "source_reference"], name="transfer_newest"),
        ]


class Resolution(models.Model):
    """A coordinator's decision on something that blocked a row; `about` names the finding without its content.

    For screening, `about` is the keyed digest of the whole screened text (a changed text must be looked at again);
    for a duplicate, the other record's reference.
    """

    class Kind(models.TextChoices):
        NOT_NOMINAL = "not_nominal", _("Not nominal")
        NOT_DUPLICATE = "not_duplicate", _("Not a duplicate")
        DUPLICATE = "duplicate", _("Duplicate: not sent")

    group = models.ForeignKey(ClosedUserGroup, on_delete=models.CASCADE, related_name="+")
    message = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind)
    about = models.CharField(max_length=80)
    decided_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "message", "kind", "about"], name="resolution_once")
        ]


class AutomaticTransfer(models.Model):
    """The daily transfer of one group, in the name of the coordinator who switched it on."""

    group = models.OneToOneField(
        ClosedUserGroup, on_delete=models.CASCADE, primary_key=True, related_name="automatic"
    )
    enabled_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    enabled_at = models.DateTimeField(db_default=Now(), editable=False)
    last_run_on = models.DateField(null=True)
