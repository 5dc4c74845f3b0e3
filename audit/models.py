"""The append-only log. One row is one leaf; a later sealer takes leaves in the order of their transactions.

What must not live here: content, names, addresses. An entry holds identifiers and words of fixed lists only.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.expressions import RawSQL


class Xid8Field(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction id: tells the sealer which leaves can no longer be overtaken."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class Entry(models.Model):
    """One act of one actor. Insert-only: triggers refuse UPDATE, DELETE and TRUNCATE, also by the owner."""

    id = models.BigAutoField(primary_key=True)
    transaction = Xid8Field(db_default=RawSQL("pg_current_xact_id()", ()), editable=False)
    at = models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()), editable=False)
    action = models.CharField(max_length=64)  # an audit.Action; no choices, or each new one would need a migration
    actor = models.UUIDField(null=True)
    group = models.UUIDField(null=True)
    subject = models.CharField(max_length=120, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["group", "-id"], name="audit_entry_group"),
            models.Index(fields=["actor", "-id"], name="audit_entry_actor"),
            models.Index(fields=["action", "-id"], name="audit_entry_action"),
        ]
