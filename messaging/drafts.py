"""A message as it arrives: what a client may say about it, and the check of its envelope. No database.

What must not live here: the rules of a body (`simplified_forms.validation`), and rules that need other rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.utils.translation import gettext as _

from groups.models import Role
from messaging.errors import InvalidMessage
from messaging.kinds import RULES, Handling, KindRule, Priority
from problems import FieldProblem

MAX_SUBJECT = 160
MAX_ADDRESSEES = 300
MAX_ATTACHMENTS = 10
DUE_BEHIND = timedelta(days=31)  # a message written offline may be sent after its due time
DUE_AHEAD = timedelta(days=366)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,4})?")
# Plain sets and mappings: these are asked for every row of an import.
_RULES: Mapping[str, KindRule] = {kind.value: rule for kind, rule in RULES.items()}
_PRIORITIES = frozenset(Priority.values)
_HANDLINGS = frozenset(Handling.values)
_EVERYBODY: dict[str, Any] = {"all": True}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Draft:
    """A message before it is sent; the fields are those of the protocol.

    `addressed_to`: {"all": true}, or any of {"countries": [...], "roles": [...], "officers": [...]}; empty is all.
    `grading`: {"source": "A".."F", "information": "1".."6"}. `acknowledge` None: as the kind usually does.
    `confirmed`: what the sender was asked and says is right: field, code, passage, reason; sealed with the content.
    """

    id: UUID
    kind: str
    body: Mapping[str, Any]
    subject: str = ""
    language: str = ""
    priority: str = Priority.ROUTINE.value
    addressed_to: Mapping[str, Any] = field(default_factory=dict)
    in_reply_to: UUID | None = None
    due_at: datetime | None = None
    acknowledge: bool | None = None
    handling: str = Handling.AMBER.value
    grading: Mapping[str, str] | None = None
    supersedes: UUID | None = None
    attachments: Sequence[UUID] = ()
    confirmed: Sequence[dict[str, str]] = ()
    template: UUID | None = None

    @property
    def rule(self) -> KindRule:
        """What holds for this kind. Raises InvalidMessage for a kind that there is not."""
        rule = _RULES.get(self.kind)
        if rule is None:
            raise InvalidMessage(errors=[_problem("kind", "unknown", _("There is no such kind of message."))])
        return rule

    def canonical(self) -> bytes:
        """Return everything the client said, always in the same spelling: what a replay is compared by."""
        said: dict[str, Any] = {
            "id": str(self.id),
            "kind": self.kind,
            "body": self.body,
            "subject": self.subject,
            "language": self.language,
            "priority": self.priority,
            "addressed_to": self.addressed_to,
            "in_reply_to": self.in_reply_to,
            "due_at": self.due_at,
            "acknowledge": self.acknowledge,
            "handling": self.handling,
            "grading": self.grading,
            "supersedes": self.supersedes,
            "attachments": list(self.attachments),
        }
        if self.confirmed:
            said["confirmed"] = list(self.confirmed)
        try:
            return orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
        except TypeError:
            raise InvalidMessage(
                errors=[_problem("body", "not_json", _("This is not valid JSON content."))]
            ) from None


def checked_envelope(draft: Draft, *, now: datetime, language: str) -> Draft:
    """Return the draft with its envelope in canonical spelling. Raises InvalidMessage with every field at fault."""
    errors: list[FieldProblem] = []
    rule = draft.rule
    subject = " ".join(draft.subject.split())
    if len(subject) > MAX_SUBJECT:
        errors.append(_problem("subject", "too_long", _("At most 160 characters.")))
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in subject):
        errors.append(
            _problem("subject", "control_character", _("This contains a character that cannot be shown."))
        )
    spoken = draft.language or language
    if not _LANGUAGE.fullmatch(spoken):
        errors.append(_problem("language", "unknown", _("This is no language code.")))
    if draft.priority not in _PRIORITIES:
        errors.append(_problem("priority", "unknown", _("There is no such priority.")))
    if draft.handling not in _HANDLINGS:
        errors.append(_problem("handling", "unknown", _("There is no such handling.")))
    errors += _attachment_problems(draft.attachments)
    errors += _grading_problems(draft.grading)
    errors += _due_problems(draft.due_at, now)
    errors += _relation_problems(draft, rule)
    addressed_to = _addressees(draft.addressed_to, errors)
    if errors:
        raise InvalidMessage(errors=errors)
    acknowledge = rule.acknowledge if draft.acknowledge is None else draft.acknowledge
    return replace(draft, subject=subject, language=spoken, addressed_to=addressed_to, acknowledge=acknowledge)


def _attachment_problems(attachments: Sequence[UUID]) -> list[FieldProblem]:
    """Whose they are and how they stand is asked under the lock."""
    if len(attachments) > MAX_ATTACHMENTS:
        return [_problem("attachments", "too_many", _("At most 10 files go with a message."))]
    if len(set(attachments)) != len(attachments):
        return [_problem("attachments", "twice", _("The same file is named twice."))]
    return []


def _grading_problems(grading: Mapping[str, str] | None) -> list[FieldProblem]:
    if not grading:
        return []
    problems = []
    if set(grading) - {"source", "information"}:
        problems.append(_problem("grading", "unknown", _("A grading has a source and an information.")))
    for part, codes in (("source", "ABCDEF"), ("information", "123456")):
        value = grading.get(part)
        if not isinstance(value, str) or len(value) != 1 or value not in codes:
            problems.append(_problem(f"grading.{part}", "unknown", _("There is no such grade.")))
    return problems


def _due_problems(due_at: datetime | None, now: datetime) -> list[FieldProblem]:
    if due_at is None:
        return []
    if due_at.tzinfo is None:
        return [_problem("due_at", "no_zone", _("Say the time zone: times are in UTC."))]
    if not now - DUE_BEHIND <= due_at <= now + DUE_AHEAD:
        return [_problem("due_at", "out_of_range", _("This time is too far away."))]
    return []


def _relation_problems(draft: Draft, rule: KindRule) -> list[FieldProblem]:
    problems = []
    if rule.answers is not None and draft.in_reply_to is None and draft.supersedes is None:
        problems.append(_problem("in_reply_to", "required", _("Say which message this answers.")))
    if draft.id in (draft.in_reply_to, draft.supersedes):
        problems.append(_problem("id", "refers_to_itself", _("A message cannot refer to itself.")))
    return problems


def _addressees(given: Mapping[str, Any], errors: list[FieldProblem]) -> dict[str, Any]:
    """Return the addressees in canonical spelling; whether they are in the group is asked under the lock."""
    if not given or dict(given) == _EVERYBODY:
        return dict(_EVERYBODY)
    clean: dict[str, Any] = {}
    unknown = set(given) - {"countries", "roles", "officers"}
    if unknown:
        errors.append(
            _problem("addressed_to", "unknown", _("Address everybody, or countries, roles and officers."))
        )
    for part in ("countries", "roles", "officers"):
        values = given.get(part) or []
        if not isinstance(values, list | tuple) or not all(isinstance(v, str | UUID) for v in values):
            errors.append(_problem(f"addressed_to.{part}", "not_a_list", _("This is a list of codes.")))
            continue
        if len(values) > MAX_ADDRESSEES:
            errors.append(_problem(f"addressed_to.{part}", "too_many", _("These are too many.")))
            continue
        texts = sorted({str(value) for value in values})
        if part == "roles" and set(texts) - set(Role.values):
            errors.append(_problem("addressed_to.roles", "unknown", _("There is no such role.")))
        if texts:
            clean[part] = texts
    return clean or dict(_EVERYBODY)


def _problem(name: str, code: str, message: str) -> FieldProblem:
    return FieldProblem(field=name, code=code, message=message)
