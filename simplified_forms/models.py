"""Templates: which fields of the catalogue a group's form has, in immutable versions.

What must not live here: what a field is (`fields`, `catalogue`), and any rule about bodies (`validation`).
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from groups.models import ClosedUserGroup
from simplified_forms.fields import Kind, Mode


class FormTemplate(models.Model):
    """One version of the form of a kind in a group; a seizure has one line of versions per form mode.

    A draft may change. Once published, a row never changes again but for its retirement, and is never deleted:
    sealed messages name the version that they were written on. A trigger holds this against the owner of the table
    too.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("In force")
        RETIRED = "retired", _("Retired")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="form_templates")
    kind = models.CharField(max_length=16, choices=Kind)
    mode = models.CharField(max_length=12, choices=Mode, blank=True, default="")
    version = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    name = models.CharField(max_length=120)
    spec = models.JSONField()
    saved_at = models.DateTimeField(db_default=Now())
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="form_kind"),
            models.CheckConstraint(
                condition=Q(kind=Kind.SEIZURE, mode__in=Mode.values) | (~Q(kind=Kind.SEIZURE) & Q(mode="")),
                name="form_mode_of_seizures_only",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", version__isnull=True, published_at__isnull=True)
                | Q(state__in=["published", "retired"], version__gte=1, published_at__isnull=False),
                name="form_published_has_version",
            ),
            models.CheckConstraint(
                condition=Q(state="retired", retired_at__isnull=False)
                | (~Q(state="retired") & Q(retired_at__isnull=True)),
                name="form_retired_has_time",
            ),
            models.UniqueConstraint(fields=["group", "kind", "version"], name="form_version_once"),
            models.UniqueConstraint(
                fields=["group", "kind", "mode"], condition=Q(state="draft"), name="form_one_draft"
            ),
            models.UniqueConstraint(
                fields=["group", "kind", "mode"], condition=Q(state="published"), name="form_one_in_force"
            ),
        ]
        ordering = ["kind", "mode", "-version"]

    def __str__(self) -> str:
        return self.name
