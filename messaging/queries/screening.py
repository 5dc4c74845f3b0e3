"""What a message asks of its sender: passages that may point at a person, values that are odd. Nothing is stored.

Screening is done before sending when the client asks (`advice_on`), and whenever the sender or a coordinator looks
at a message (`findings_in`): what was written without a network is never held up by it. What must not live here:
the rules (`simplified_forms.screening`), any decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from groups.access import Right
from groups.models import Membership
from messaging.amending import is_sender
from messaging.kinds import Status
from messaging.queries.opening import Opened
from problems import FieldProblem
from simplified_forms.catalogue import CATALOGUE
from simplified_forms.queries import template_in_force, validation_context
from simplified_forms.screening import LABELS
from simplified_forms.screening.bodies import FieldFinding, screen_field, screen_file_name, screen_message
from simplified_forms.validation import validate


@dataclass(frozen=True, slots=True, repr=False)
class Advice:
    """What to ask of the sender before sending. `nominal_allowed`: the group takes data about persons."""

    nominal_allowed: bool
    findings: Sequence[FieldFinding]
    questions: Sequence[FieldProblem]


@dataclass(frozen=True, slots=True, repr=False)
class Told:
    """A finding as the record of a message shows it. `reason`: why its sender let it stand, empty without one."""

    passage: str
    label: str
    field_label: str
    reason: str


def advice_on(
    membership: Membership,
    *,
    kind: str,
    subject: str,
    body: Mapping[str, Any],
    files: Sequence[tuple[str, str]] = (),
) -> Advice:
    """Return what to ask about a draft of this member; `files` are pairs of name and caption. Raises NoTemplate."""
    group = membership.group
    language = get_language() or membership.officer.language
    template = template_in_force(group, kind)
    context = validation_context(membership, kind=kind, now=timezone.now(), language=language)
    outcome = validate(template.spec, body, context)
    findings = [] if group.nominal_allowed else _findings(membership.country, subject, body, files)
    return Advice(group.nominal_allowed, findings, outcome.questions)


def findings_in(membership: Membership, opened: Opened) -> list[Told]:
    """Return what a message's sender and the group's coordinators are shown of it: what may point at a person."""
    message, group = opened.message, membership.group
    looks = is_sender(membership, message) or membership.has(Right.MANAGE_GROUP)
    stands = message.superseded_at is None and message.status != Status.WITHDRAWN
    if group.nominal_allowed or not looks or not stands or opened.unreadable:
        return []
    files = [(str(one.get("name", "")), str(one.get("caption", ""))) for one in opened.attachments]
    confirmed = {(one["field"], one["code"], one["passage"]): one["reason"] for one in opened.confirmed}
    return [
        Told(
            one.passage,
            str(LABELS[one.finding.kind]),
            _field_label(one.field),
            _reason(confirmed.get((one.field, one.finding.kind.value, one.passage), "")),
        )
        for one in _findings(message.country, opened.subject, opened.body, files)
    ]


def _findings(
    country: str, subject: str, body: Mapping[str, Any], files: Sequence[tuple[str, str]]
) -> list[FieldFinding]:
    countries = (country,) if country else ()
    found = screen_message(subject=subject, body=body, countries=countries)
    for at, (name, caption) in enumerate(files):
        for part, text, findings in (
            ("name", name, screen_file_name(name, countries)),
            ("caption", caption, screen_field("caption", caption, countries)),
        ):
            found += [FieldFinding(f"files.{at}.{part}", one, text[one.start : one.end]) for one in findings]
    # A subject that was left empty is made of the body: what stands there is told once.
    told = {(one.finding.kind, one.passage) for one in found if one.field != "subject"}
    return [one for one in found if one.field != "subject" or (one.finding.kind, one.passage) not in told]


def _field_label(path: str) -> str:
    first = path.partition(".")[0]
    if first == "subject":
        return _("Subject")
    if first == "files":
        return _("Caption of a file") if path.endswith(".caption") else _("Name of a file")
    return str(CATALOGUE[first].label) if first in CATALOGUE else ""


def _reason(code: str) -> str:
    return {
        "thing": _("It names a thing, a ship or a company."),
        "place": _("It names a place."),
        "number": _("It is the number of a thing."),
        "official": _("It names an official in office."),
        "right": pgettext("answer to a question", "It is right."),
    }.get(code, "")
