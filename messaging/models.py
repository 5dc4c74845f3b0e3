"""Messages and everything that happens to them, one numbered stream of events per group.

What must not live here: content. Subject, body and the folded search text of a message are one sealed value; the
columns beside it are what addressing, ordering and counting need. Every table leads with its group.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Administration
from groups.models import ClosedUserGroup
from messaging.attachments.refusing import Reason
from messaging.kinds import Handling, Priority, Status
from simplified_forms.fields import Kind
from simplified_forms.models import FormTemplate


class Message(models.Model):
    """One message. Nothing of it is overwritten but its status, that a correction superseded it, and whether it is
    a question that stands and lacks an answer (`unanswered`).

    `id` is minted by the sender's client: a retry is the same id. `digest` (keyed) tells a retry from a conflict.
    `number` is gapless per group and kind, `seq` that of its event. `thread` is the first message of its thread.
    """

    id = models.UUIDField(primary_key=True)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=40)
    template = models.ForeignKey(FormTemplate, on_delete=models.PROTECT, related_name="+", db_index=False)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    administration = models.ForeignKey(Administration, on_delete=models.PROTECT, related_name="+", db_index=False)
    country = models.CharField(max_length=2)
    language = models.CharField(max_length=8)
    priority = models.CharField(max_length=12, choices=Priority, default=Priority.ROUTINE)
    handling = models.CharField(max_length=12, choices=Handling, default=Handling.AMBER)
    grading_source = models.CharField(max_length=1, blank=True)
    grading_information = models.CharField(max_length=1, blank=True)
    addressed_to = models.JSONField(default=dict)
    acknowledge = models.BooleanField(default=False)
    exercise = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=Status)
    in_reply_to = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="replies", db_index=False
    )
    thread = models.UUIDField()
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    superseded_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    unanswered = models.BooleanField(default=False, db_default=False)
    sent_at = models.DateTimeField()
    key_epoch = models.PositiveIntegerField()
    sealed = models.BinaryField()
    digest = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["group", "kind", "number"], name="message_number_once"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="message_kind"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="message_status"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="message_priority"),
            models.CheckConstraint(condition=Q(handling__in=Handling.values), name="message_handling"),
            models.CheckConstraint(condition=Q(seq__gte=1) & Q(number__gte=1), name="message_numbers_start_at_1"),
        ]
        indexes = [
            models.Index(fields=["group", "kind", "-seq"], name="message_of_kind"),
            # What began its thread is found by its own identifier, which is random: here it would land anywhere.
            models.Index(fields=["group", "thread", "seq"], condition=~Q(thread=F("id")), name="message_in_thread"),
            models.Index(fields=["group", "country", "-seq"], name="message_of_country"),
            models.Index(fields=["group", "status", "-seq"], name="message_of_status"),
            models.Index(fields=["group", "sender", "-seq"], name="message_of_sender"),
            models.Index(fields=["group", "sent_at"], name="message_sent"),
            models.Index(fields=["group", "seq"], condition=Q(acknowledge=True), name="message_to_acknowledge"),
            models.Index(fields=["in_reply_to"], condition=Q(in_reply_to__isnull=False), name="message_answers"),
            # What the console counts is few, however long the history: questions that wait, what stands no more,
            # seizures to validate, what is urgent.
            models.Index(fields=["group", "seq"], condition=Q(unanswered=True), name="message_unanswered"),
            models.Index(
                fields=["group", "kind"],
                condition=Q(superseded_at__isnull=False) | Q(status="withdrawn") | Q(exercise=True),
                name="message_gone",
            ),
            models.Index(
                fields=["group", "country", "status"],
                condition=Q(kind="seizure", status__in=["submitted", "validated_ncp"], superseded_at__isnull=True),
                name="message_to_validate",
            ),
            models.Index(
                fields=["group", "priority", "-seq"], condition=~Q(priority="routine"), name="message_of_priority"
            ),
            models.Index(
                fields=["group", "kind", "country", "status", "sent_at"],
                condition=Q(kind__in=["seizure", "nil"], superseded_at__isnull=True, exercise=False),
                name="message_reports",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class Event(models.Model):
    """One entry of a group's stream: gapless numbers, in the order of commits. Identifiers only, never content."""

    class Type(models.TextChoices):
        MESSAGE = "message"
        ACKNOWLEDGED = "acknowledged"
        STATUS = "status"
        MEMBER = "member"
        PHASE = "phase"
        COUNTRY = "country"
        SETTINGS = "settings"
        ATTACHMENT = "attachment"

    pk = models.CompositePrimaryKey("group_id", "seq")
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=16, choices=Type)
    at = models.DateTimeField()
    actor = models.UUIDField(null=True)
    message = models.ForeignKey(Message, null=True, on_delete=models.PROTECT, related_name="events", db_index=False)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    type__in=[
                        "message",
                        "acknowledged",
                        "status",
                        "member",
                        "phase",
                        "country",
                        "settings",
                        "attachment",
                    ]
                ),
                name="event_type",
            ),
            models.CheckConstraint(condition=Q(seq__gte=1), name="event_seq_starts_at_1"),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} {self.seq}"


class Acknowledgement(models.Model):
    """A member's receipt of a message, once."""

    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="acknowledgements", db_index=False)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    country = models.CharField(max_length=2)
    seq = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "officer"], name="acknowledgement_once"),
        ]
        indexes = [models.Index(fields=["group", "officer"], name="acknowledgement_of_officer")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.officer_id}"


class StatusMove(models.Model):
    """One change of a message's status: who, when, from where to where, and a sealed reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="moves")
    from_status = models.CharField(max_length=16, choices=Status)
    to_status = models.CharField(max_length=16, choices=Status)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    country = models.CharField(max_length=2, blank=True)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    key_epoch = models.PositiveIntegerField(null=True)
    sealed_reason = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "seq"], name="status_move_seq_once"),
            models.CheckConstraint(condition=~Q(from_status=F("to_status")), name="status_move_moves"),
            models.CheckConstraint(
                condition=Q(sealed_reason__isnull=True, key_epoch__isnull=True)
                | Q(sealed_reason__isnull=False, key_epoch__isnull=False),
                name="status_move_reason_has_epoch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.from_status} {self.to_status}"


class LastSeen(models.Model):
    """How far an officer has read in a group; it only grows."""

    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="+", db_index=False)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    seq = models.BigIntegerField(default=0)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "officer"], name="last_seen_once")]

    def __str__(self) -> str:
        return f"{self.group_id} {self.officer_id}"


class Attachment(models.Model):
    """A file on its way into a message, or in one. Its bytes lie sealed in `attachments.storage`, never here.

    `id` is minted by the uploader's client. `message`: the newest version of the message that it is part of; which
    files a message has, and in which order, its own sealed content says. `sealed_facts`: name, caption, type, size,
    hash (`attachments.facts`); `sealed_key`: the file's random key. `size` is the original's, `offset` how much has
    arrived. `content` and `preview` name stored streams.
    """

    class State(models.TextChoices):
        UPLOADING = "uploading"
        CHECKING = "checking"
        READY = "ready"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True)
    group = models.ForeignKey(ClosedUserGroup, on_delete=models.PROTECT, related_name="+", db_index=False)
    uploader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    message = models.ForeignKey(Message, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=State, default=State.UPLOADING)
    reason = models.CharField(
        max_length=16, choices=[(one.value, one.name.replace("_", " ").title()) for one in Reason], blank=True
    )
    size = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    key_epoch = models.PositiveIntegerField()
    sealed_key = models.BinaryField()
    sealed_facts = models.BinaryField()
    content = models.UUIDField(null=True)
    preview = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["uploading", "checking", "ready", "refused"]), name="attachment_state"
            ),
            models.CheckConstraint(
                condition=Q(state="refused", reason__gt="") | (~Q(state="refused") & Q(reason="")),
                name="attachment_refused_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(state="uploading", offset__lt=F("size")) | Q(offset=F("size")),
                name="attachment_whole_or_uploading",
            ),
            models.CheckConstraint(condition=Q(state="ready") | Q(content__isnull=True), name="attachment_content"),
            models.CheckConstraint(
                condition=Q(message__isnull=True) | ~Q(state="uploading"), name="attachment_sent_when_whole"
            ),
        ]
        indexes = [
            models.Index(fields=["uploader", "created_at"], name="attachment_of_uploader"),
            models.Index(fields=["group"], include=["size"], name="attachment_of_group"),
            models.Index(fields=["touched_at"], condition=Q(state="checking"), name="attachment_to_check"),
            models.Index(fields=["created_at"], condition=Q(message__isnull=True), name="attachment_unsent"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AttachmentPiece(models.Model):
    """A piece of an upload: its own sealed stream, stored under this row's id, until the whole was checked."""

    id = models.UUIDField(primary_key=True)
    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="+", db_index=False)
    offset = models.BigIntegerField()
    size = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attachment", "offset"], name="attachment_piece_once")]

    def __str__(self) -> str:
        return f"{self.attachment_id} {self.offset}"
