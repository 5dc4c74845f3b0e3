"""The kinds of message: THE table of reference code, right, phase, answers and status. Data, no database.

What must not live here: what the fields of a kind are (`simplified_forms.catalogue`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from groups.access import Right
from groups.phases import PhaseAct
from simplified_forms.fields import Kind


class Priority(TextChoices):
    """How urgent the sender holds a message to be."""

    ROUTINE = "routine", _("Routine")
    PRIORITY = "priority", _("Priority")
    IMMEDIATE = "immediate", _("Immediate")


class Handling(TextChoices):
    """Traffic Light Protocol 2.0: how far a message may be passed on."""

    RED = "RED", "TLP:RED"
    AMBER_STRICT = "AMBER+STRICT", "TLP:AMBER+STRICT"
    AMBER = "AMBER", "TLP:AMBER"
    GREEN = "GREEN", "TLP:GREEN"
    CLEAR = "CLEAR", "TLP:CLEAR"


class Status(TextChoices):
    """Where a message stands. A draft lies with its writer's client until it is sent, and never here."""

    SENT = "sent", _("Sent")
    SUBMITTED = "submitted", _("Submitted")
    RETURNED = "returned", _("Returned")
    VALIDATED_NCP = "validated_ncp", _("Validated by the contact point")
    VALIDATED_OCU = "validated_ocu", _("Validated by the coordination unit")
    TRANSFERRED = "transferred", _("Transferred to CEN")
    CORRECTED = "corrected", _("Corrected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


@dataclass(frozen=True, slots=True)
class KindRule:
    """What holds for every message of a kind.

    `code` stands in references. `act`: what the group's phase must permit. `answers`: the kind that
    `in_reply_to` must name, None when a reply is optional. `answered_by`: the kind that settles it.
    """

    code: str
    right: Right = Right.POST
    act: PhaseAct = PhaseAct.POST
    answers: Kind | None = None
    answered_by: Kind | None = None
    acknowledge: bool = False
    first_status: Status = Status.SENT


RULES: Mapping[Kind, KindRule] = MappingProxyType(
    {
        Kind.NOTE: KindRule("MSG"),
        Kind.WARNING: KindRule("WRN", act=PhaseAct.POST_LIVE, answered_by=Kind.FEEDBACK),
        Kind.FEEDBACK: KindRule("FBK", answers=Kind.WARNING),
        Kind.SEIZURE: KindRule("SZR", right=Right.POST_SEIZURE, first_status=Status.SUBMITTED),
        Kind.REQUEST: KindRule("RFI", answered_by=Kind.REPLY),
        Kind.REPLY: KindRule("RSP", answers=Kind.REQUEST),
        Kind.MOVEMENT: KindRule("MOV", act=PhaseAct.POST_LIVE),
        Kind.NIL: KindRule("NIL"),
        Kind.SITREP: KindRule("SIT", right=Right.POST_COORDINATION, acknowledge=True),
        Kind.BULLETIN: KindRule("ALR", right=Right.POST_COORDINATION, acknowledge=True),
        Kind.ADMINISTRATIVE: KindRule("ADM", right=Right.POST_COORDINATION),
    }
)
WANT_ANSWER = tuple(kind.value for kind, rule in RULES.items() if rule.answered_by is not None)
ANSWERS = tuple(kind.value for kind, rule in RULES.items() if rule.answers is not None)


def reference(group_code: str, country: str, kind: str, number: int) -> str:
    """Return `OPCODE-CC-KND-00001`: gapless per group and kind, readable over the telephone."""
    return f"{group_code}-{country}-{RULES[Kind(kind)].code}-{number:05d}"
