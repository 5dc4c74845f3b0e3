"""The append-only log, and the tree that is grown over it: one entry is one leaf, in the order of its transaction.

What must not live here: content, names, addresses. An entry holds identifiers and words of fixed lists only.
Triggers refuse UPDATE, DELETE and TRUNCATE on every table here, also to the owner.
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
    """One act of one actor."""

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
            models.Index(fields=["transaction"], name="audit_entry_transaction"),
        ]


class Leaf(models.Model):
    """An entry's place in the tree, with the hash that it had when it was sealed."""

    position = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField(unique=True)  # no foreign key: a leaf must outlive an entry that was removed
    hash = models.BinaryField(max_length=32)


class Node(models.Model):
    """The hash of one complete subtree of 2^level leaves, level 1 and up. See `audit.merkle`."""

    pk = models.CompositePrimaryKey("level", "position")
    level = models.SmallIntegerField()
    position = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)


class Checkpoint(models.Model):
    """A signed state of the tree, and how far the sealer had got when it signed."""

    size = models.BigIntegerField(primary_key=True)
    note = models.TextField()  # the signed note, as others get it
    at = models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()), editable=False)
    # Every transaction below this one had ended: an entry of theirs that has no leaf was put in afterwards.
    horizon = Xid8Field()
    cluster = models.BigIntegerField()  # PostgreSQL's system identifier: transactions are counted anew in another
