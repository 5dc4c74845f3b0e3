"""Which message gets which file, decided under the group's lock, in the transaction that inserts the message.

A file belongs to one message; a correction takes over those of the message that it corrects. What must not live
here: uploading, and which kinds of message there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from groups.models import ClosedUserGroup, Membership
from messaging.attachments.facts import opened_facts
from messaging.drafts import Draft
from messaging.errors import InvalidMessage
from messaging.models import Attachment, Message
from problems import FieldProblem

State = Attachment.State


class Claims:
    """The files of some drafts on their way into one group's stream. Nothing is written before `write`."""

    def __init__(self, group: ClosedUserGroup, drafts: Iterable[Draft]) -> None:
        self._group = group
        self._taken: dict[UUID, UUID] = {}
        ids = {one for draft in drafts for one in draft.attachments}
        held = Attachment.objects.select_for_update(no_key=True).filter(group_id=group.pk, pk__in=ids)
        self._found = {row.pk: row for row in held.order_by("pk")} if ids else {}

    def claim(self, draft: Draft, membership: Membership, old: Message | None) -> Sequence[str]:
        """Give a draft its files; return their names and captions, for its search text. Raises InvalidMessage."""
        problems = [
            problem
            for place, one in enumerate(draft.attachments)
            if (problem := self._problem(f"attachments.{place}", one, membership, old)) is not None
        ]
        if problems:
            raise InvalidMessage(errors=problems)
        words = []
        for one in draft.attachments:
            self._taken[one] = draft.id
            facts = opened_facts(self._group, self._found[one])
            words += [facts.name, facts.caption]
        return words

    def write(self) -> None:
        """Note in the rows which message they are part of now."""
        for one, message_id in self._taken.items():
            Attachment.objects.filter(pk=one).update(message_id=message_id)

    def _problem(
        self, place: str, wanted: UUID, membership: Membership, old: Message | None
    ) -> FieldProblem | None:
        row = self._found.get(wanted)
        corrected = old is not None and row is not None and row.message_id == old.pk
        if row is None or not (corrected or (row.message_id is None and row.uploader_id == membership.officer_id)):
            if row is not None and row.uploader_id == membership.officer_id:
                return FieldProblem(place, "used", _("This file is part of another message."))
            return FieldProblem(place, "not_found", _("There is no such file of yours in this group."))
        if wanted in self._taken:
            return FieldProblem(place, "used", _("This file is part of another message."))
        if row.state == State.UPLOADING:
            return FieldProblem(place, "uploading", _("This file has not arrived whole yet."))
        if row.state == State.REFUSED and not corrected:
            return FieldProblem(place, "refused", _("This file did not pass the check and is not kept."))
        return None
