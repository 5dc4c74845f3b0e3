"""The sentences that explain roles, phases and moves on the pages of groups. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from groups.models import Phase, Role

ROLE_TEXT: Mapping[Role, Promise] = {
    Role.COORDINATOR: _("Leads the unit: members, phases, forms, validation and the transfer to CEN."),
    Role.ANALYST: _("On the unit's watch: reads all, validates all, writes situation reports."),
    Role.CONTACT_POINT: _("Answers for a country and checks the reports of its officers."),
    Role.OFFICER: _("Sends and answers messages, reports seizures."),
    Role.OBSERVER: _("Reads everything, writes nothing."),
    Role.AUDITOR: _("Reads the audit trail, no messages."),
}

PHASE_TEXT: Mapping[Phase, Promise] = {
    Phase.PLANNING: _("Invite countries and officers, choose forms. Nothing can be sent yet."),
    Phase.PREOPERATIONAL: _("Test messages only: each is marked EXERCISE and is never transferred to CEN."),
    Phase.OPERATIONAL: _("The watch: all messages, seizures, transfer to CEN."),
    Phase.POSTOPERATIONAL: _("Late reports, validation and debrief. No new warnings or movements."),
    Phase.CLOSED: _("Read-only. Nothing can be sent or changed."),
    Phase.ARCHIVED: _("The group's key is destroyed: its messages can never be read again."),
}
STANDING_TEXT: Mapping[Phase, Promise] = {
    **PHASE_TEXT,
    Phase.OPERATIONAL: _("A standing group works without days until it is closed."),
}

MOVE_TEXT: Mapping[tuple[Phase, Phase], Promise] = {
    (Phase.PLANNING, Phase.PREOPERATIONAL): _("Members can send test messages from now on."),
    (Phase.PREOPERATIONAL, Phase.OPERATIONAL): _("The watch begins: what is sent from now on is real."),
    (Phase.OPERATIONAL, Phase.POSTOPERATIONAL): _("The watch ends: only late reports and answers are taken."),
    (Phase.OPERATIONAL, Phase.CLOSED): _("Nobody can send, answer or validate any more."),
    (Phase.POSTOPERATIONAL, Phase.CLOSED): _("Nobody can send, answer, validate or transfer any more."),
    (Phase.POSTOPERATIONAL, Phase.OPERATIONAL): _("The watch begins again."),
    (Phase.CLOSED, Phase.POSTOPERATIONAL): _("Late reports, validation and transfer are possible again."),
    (Phase.CLOSED, Phase.OPERATIONAL): _("The group works again."),
    (Phase.CLOSED, Phase.ARCHIVED): _("This cannot be undone: the key is destroyed, every message is lost."),
}
