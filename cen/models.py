"""The tables of CEN: sources, intakes, seizures, the versions that corrections replaced, sums.

They live in their own database. What must not be added here: any column for a person or a company (CEN is
non-nominal), any relation to a table of another app.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

NOT_WITHDRAWN = Q(withdrawn_at__isnull=True)
# What a facet, a chart or a filter can ask for: held in the indexes, so that the wide rows are not read.
ASKED_FOR = [
    "country",
    "commodity",
    "commodity_group",
    "cases",
    "quantity_normalised",
    "unit_normalised",
    "conveyance",
    "location_type",
    "direction",
    "departure_country",
    "destination_country",
    "concealment",
    "operation_code",
    "source",
    "detection",
    "transit_countries",
]
SEARCH_VECTOR = SearchVector("search_text", config="simple")
OURS = "cencomm"  # the source of what comes from this product: its operations are told to their members alone


class Source(models.Model):
    """A system that feeds CEN: `cencomm`, or a client system."""

    name = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class Intake(models.Model):
    """One delivery of records: who sent it, what became of its records, which were refused and why."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="intakes")
    client = models.CharField(max_length=120, blank=True)
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    accepted = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    # [[index, source_reference, reason_code], …] of the refused records: never their content.
    refusals = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["source", "-id"], name="cen_intake_source")]


class Seizure(models.Model):
    """A seizure as it stands now: the highest version that its source sent.

    Empty text means "not stated". `quantity` is as reported in `unit`; `quantity_normalised` is what sums use.
    """

    cen_reference = models.CharField(max_length=24, unique=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="seizures")
    source_reference = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    content_digest = models.BinaryField(max_length=32)
    received_at = models.DateTimeField(help_text=_("When CEN first received it."))
    version_received_at = models.DateTimeField(help_text=_("When CEN received this version."))
    withdrawn_at = models.DateTimeField(null=True)

    operation_code = models.CharField(max_length=40, blank=True)
    seized_on = models.DateField()
    country = models.CharField(max_length=2)
    place_code = models.CharField(max_length=12, blank=True)
    place_text = models.CharField(max_length=200, blank=True)
    location_type = models.CharField(max_length=8, blank=True)
    direction = models.CharField(max_length=8, blank=True)
    conveyance = models.CharField(max_length=8, blank=True)
    commodity = models.CharField(max_length=80)
    commodity_group = models.CharField(max_length=8)
    description = models.CharField(max_length=500, blank=True)
    quantity = models.DecimalField(null=True)
    unit = models.CharField(max_length=8, blank=True)
    quantity_normalised = models.DecimalField(null=True)
    unit_normalised = models.CharField(max_length=8, blank=True)
    departure_country = models.CharField(max_length=2, blank=True)
    transit_countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    destination_country = models.CharField(max_length=2, blank=True)
    origin_country = models.CharField(max_length=2, blank=True)
    detection = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    selection = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    concealment = models.CharField(max_length=8, blank=True)
    offence = models.CharField(max_length=40, blank=True)
    cases = models.PositiveIntegerField(default=1)
    hs = models.CharField(max_length=6, blank=True)
    value = models.DecimalField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    warning_reference = models.CharField(max_length=120, blank=True)
    reported_at = models.DateTimeField(null=True)
    entered_at = models.DateTimeField(null=True)
    transport = models.JSONField(default=dict, blank=True)
    # Folded (case, accents) description, place and references: what the text filter looks into.
    search_text = models.CharField(max_length=1200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_reference"], name="cen_seizure_source_reference_unique"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="cen_seizure_version_from_one"),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="cen_seizure_country"),
            models.CheckConstraint(
                condition=Q(commodity__startswith=models.F("commodity_group")),
                name="cen_seizure_commodity_of_group",
            ),
            models.CheckConstraint(
                condition=Q(quantity__isnull=True) | Q(quantity__gt=0) & ~Q(unit=""),
                name="cen_seizure_quantity_with_unit",
            ),
            models.CheckConstraint(
                condition=Q(quantity_normalised__isnull=True) | ~Q(unit_normalised=""),
                name="cen_seizure_normalised_with_unit",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=True) | Q(value__gte=0) & ~Q(currency=""),
                name="cen_seizure_value_with_currency",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-seized_on", "-id"],
                include=ASKED_FOR,
                condition=NOT_WITHDRAWN,
                name="cen_seizure_by_day",
            ),
            models.Index(
                fields=["country", "-seized_on", "-id"],
                include=["commodity", "commodity_group", "cases", "quantity_normalised", "unit_normalised"],
                condition=NOT_WITHDRAWN,
                name="cen_seizure_by_country",
            ),
            models.Index(
                fields=["commodity", "-seized_on", "-id"],
                include=["country", "commodity_group", "cases", "quantity_normalised", "unit_normalised"],
                condition=NOT_WITHDRAWN,
                name="cen_seizure_by_commodity",
            ),
            models.Index(
                fields=["operation_code", "-seized_on", "-id"],
                condition=NOT_WITHDRAWN & ~Q(operation_code=""),
                name="cen_seizure_by_operation",
            ),
            GinIndex(SEARCH_VECTOR, name="cen_seizure_text"),
        ]

    def __str__(self) -> str:
        return self.cen_reference


class SeizureVersion(models.Model):
    """A version that a correction or a withdrawal replaced, whole, as it stood."""

    seizure = models.ForeignKey(Seizure, on_delete=models.PROTECT, related_name="versions", db_index=False)
    version = models.PositiveIntegerField()
    content_digest = models.BinaryField(max_length=32)
    content = models.JSONField()
    received_at = models.DateTimeField()
    superseded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seizure", "version"], name="cen_seizure_version_unique")]


class Tally(models.Model):
    """Sums over all seizures by one dimension's key and unit, and additions to them: see `cen.tally`."""

    dimension = models.CharField(max_length=20)
    key_0 = models.CharField(max_length=80)
    key_1 = models.CharField(max_length=80)
    unit = models.CharField(max_length=8)
    seizures = models.BigIntegerField()
    cases = models.BigIntegerField()
    quantity = models.DecimalField()

    class Meta:
        indexes = [models.Index(fields=["dimension"], name="cen_tally_dimension")]
