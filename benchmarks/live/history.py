"""Groups with long histories: sealed by the product's own sealer, put in by COPY, 5,000 messages a transaction.

What a watch leaves behind: notes, seizures in every status, warnings of which most were answered, requests, sitreps
with receipts, nil returns, corrections. What must not live here: what is measured.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

CHUNK = 5000
DAYS = 10  # over which the history spreads, the newest part of it today
COUNTRIES = ("NG", "GH", "TG", "BJ", "CI", "SN", "FR", "BE")
# Of a hundred messages in a row. Answers take the question that waits longest; one in fifty never gets one.
MIX = (
    ["note"] * 58 + ["seizure"] * 15 + ["warning"] * 8 + ["feedback"] * 8 + ["request"] * 3 + ["reply"] * 3
    + ["nil"] * 3 + ["sitrep", "bulletin"]
)  # fmt: skip
STATUSES = ("transferred",) * 7 + ("validated_ocu", "validated_ncp", "submitted", "returned", "withdrawn")
ANSWERS = {"feedback": "warning", "reply": "request"}
WORDS = [
    "container", "seal", "quay", "lantern", "manifest", "trawler", "pallet", "declaration", "weighbridge",
    "warehouse", "courier", "tramadol", "cigarettes", "rosewood", "ivory", "scanner", "consignee", "reefer",
    "dhow", "checkpoint", "lorry", "cashew", "cement", "tyres",
]  # fmt: skip
RARE = "zanzibar-7731"  # stands in one message of ten thousand


@dataclass(frozen=True, slots=True)
class People:
    """Who writes: memberships of one group with officer and administration, one of each country."""

    members: Sequence[Any]
    coordinator: Any


def make_group(number: int = 0) -> tuple[Any, People]:
    """Return a new operation, and those who take part: an officer of each country, and a coordinator."""
    from django.utils import timezone

    from accounts.actions import create_administration, create_officer
    from groups.models import ClosedUserGroup, EpochKey, GroupCountry, Membership
    from simplified_forms.actions import create_starting_templates
    from vault import keystore

    today = timezone.now().date()
    group = ClosedUserGroup.objects.create(
        code=f"LONG{number}", name="Long watch", phase="operational",
        starts_on=today - timedelta(days=DAYS), ends_on=today + timedelta(days=20),
    )  # fmt: skip
    keystore().create_group_key(group.pk)
    EpochKey.objects.create(group=group, epoch=1, wrapped=keystore().new_epoch_key(group.pk, 1))
    create_starting_templates(group)
    for country in COUNTRIES:
        GroupCountry.objects.create(group=group, country=country)

    def join(name: str, country: str, role: str) -> Any:
        administration = create_administration(country=country, name=f"Customs of {country}, {name} {number}")
        officer = create_officer(
            email=f"{name}{number}@bench.invalid",
            name=name.capitalize(),
            administration=administration,
            password=None,
        )
        made = Membership.objects.create(group=group, officer=officer, role=role, country=country)
        return Membership.objects.select_related("group", "officer__administration").get(pk=made.pk)

    members = [join(f"o-{country.lower()}", country, "officer") for country in COUNTRIES]
    return group, People(members, join("coordinator", "NG", "coordinator"))


class Filler:
    """Fills one group, of so many messages in the end; it goes on where it stopped."""

    def __init__(self, group: Any, people: People, *, size: int) -> None:
        from django.utils import timezone

        from simplified_forms.models import FormTemplate

        self.group_id = group.pk
        self.people = people
        self.random = random.Random(group.code)
        self.numbers: Counter[str] = Counter()
        self.sent = 0
        self.size = size
        self.began = timezone.now() - timedelta(days=DAYS)
        self.answered: list[uuid.UUID] = []  # questions of earlier chunks that have got their answer
        self.waiting: dict[str, list[Any]] = {"warning": [], "request": []}
        published = FormTemplate.objects.filter(group=group, state="published").order_by("version")
        self.templates = {form.kind: form for form in reversed(list(published))}

    def fill(self, upto: int) -> None:
        """Add messages until there are so many."""
        while self.sent < upto:
            self._chunk(min(CHUNK, upto - self.sent))

    def went_on(self, notes: int) -> None:
        """Know that so many notes were posted to the group meanwhile."""
        self.numbers["note"] += notes

    def _chunk(self, size: int) -> None:
        from django.db import transaction
        from django.utils import timezone

        from groups.models import ClosedUserGroup
        from groups.queries import current_sealer
        from messaging.models import Acknowledgement
        from messaging.rows import EventRow, insert_events, insert_messages

        with transaction.atomic():
            group = ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=self.group_id)
            sealer, now = current_sealer(group), timezone.now()
            messages: list[Any] = []
            events: list[Any] = []
            receipts: list[Any] = []
            for _ in range(size):
                message = self._message(group, sealer, group.head + len(events) + 1)
                self.sent += 1
                messages.append(message)
                events.append(EventRow(group.pk, message.seq, "message", now, message.sender_id, message.pk, {}))
                if message.acknowledge:
                    for member in self.people.members[:6]:
                        seq = group.head + len(events) + 1
                        data = {"country": member.country}
                        events.append(
                            EventRow(group.pk, seq, "acknowledged", now, member.officer_id, message.pk, data)
                        )
                        receipts.append(
                            Acknowledgement(
                                group=group, message=message, officer_id=member.officer_id, country=member.country,
                                seq=seq, at=now,
                            )
                        )  # fmt: skip
            self._settle()
            insert_messages(messages)
            insert_events(group.pk, events, head=group.head + len(events))
            Acknowledgement.objects.bulk_create(receipts, batch_size=1000)

    def _message(self, group: Any, sealer: Any, seq: int) -> Any:
        from messaging.content import Content, seal_content
        from messaging.kinds import RULES, reference
        from messaging.models import Message
        from simplified_forms.fields import Kind

        kind = MIX[self.random.randrange(len(MIX))]
        question = self._oldest(ANSWERS[kind]) if kind in ANSWERS else None
        if kind in ANSWERS and question is None:
            kind = "note"
        member = self.random.choice(self.people.members)
        if kind in ("sitrep", "bulletin"):
            member = self.people.coordinator
        self.numbers[kind] += 1
        message_id = uuid.UUID(int=self.random.getrandbits(128), version=4)
        status = self.random.choice(STATUSES) if kind == "seizure" else "sent"
        sent_at = self.began + timedelta(days=DAYS) * (self.sent / self.size)
        message = Message(
            id=message_id, group_id=group.pk, seq=seq, kind=kind, number=self.numbers[kind],
            template=self.templates[kind], sender=member.officer, administration=member.officer.administration,
            country=member.country, language="en", priority="immediate" if kind == "warning" else "routine",
            handling="AMBER", addressed_to={"all": True}, acknowledge=RULES[Kind(kind)].acknowledge, status=status,
            in_reply_to=question, thread=question.thread if question else message_id,
            due_at=sent_at + timedelta(hours=6) if kind in self.waiting else None,
            sent_at=sent_at, key_epoch=group.key_epoch, digest=b"-" * 32,
        )  # fmt: skip
        message.reference = reference(group.code, message.country, kind, message.number)
        body = self._body(kind)
        subject = " ".join(self.random.choices(WORDS, k=5))
        message.sealed = seal_content(
            sealer, Content(subject, body), message_id=message.pk, sender_id=message.sender_id
        )
        if kind in self.waiting:
            message.unanswered = True
            if self.numbers[kind] % 50:
                self.waiting[kind].append(message)
        if question is not None:
            question.unanswered = False
            if not question._state.adding:
                self.answered.append(question.pk)
        return message

    def _oldest(self, kind: str) -> Any:
        waiting = self.waiting[kind]
        return waiting.pop(0) if waiting else None

    def _settle(self) -> None:
        """Mark the answered questions of earlier chunks as the product does."""
        from messaging.conditions import OneOf
        from messaging.models import Message

        Message.objects.filter(OneOf("pk", self.answered)).update(unanswered=False)
        self.answered = []

    def _body(self, kind: str) -> dict[str, Any]:
        text = " ".join(self.random.choices(WORDS, k=40))
        if self.random.randrange(10_000) == 0:
            text += f" {RARE}"
        if kind == "seizure":
            return {
                "date": "2026-11-20", "country": "GH", "conveyance": "SEA", "commodity": "DRG.tramadol",
                "quantity": {"value": str(self.random.randrange(1, 5000)), "unit": "H87"},
                "departure_country": "IN", "destination_country": "NE", "cases": 1, "text": text,
            }  # fmt: skip
        return {"text": text}
