"""What is done to a draft before the group's row is locked: size, envelope, body against the form in force.

What must not live here: writes, and rules that need the lock (`inserting`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from groups.errors import NotAllowed
from groups.models import ClosedUserGroup, GroupCountry, Membership
from groups.phases import permits
from messaging.content import Content
from messaging.drafts import Draft, checked_envelope
from messaging.errors import FormChanged, InvalidMessage, MessageTooLarge
from messaging.kinds import KindRule
from problems import FieldProblem
from simplified_forms.models import FormTemplate
from simplified_forms.presentation import summary
from simplified_forms.queries import template_in_force, validation_context
from simplified_forms.validation import validate


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Prepared:
    """A draft that may be sent, as far as can be told without the lock. `said` is what a replay is compared by."""

    membership: Membership
    draft: Draft
    rule: KindRule
    said: bytes
    template: FormTemplate
    content: Content


class Preparation:
    """Prepares the drafts of one member; forms and addressees are read once for all of them."""

    def __init__(
        self,
        membership: Membership,
        *,
        now: datetime,
        form: Callable[[ClosedUserGroup, str], FormTemplate] = template_in_force,
    ) -> None:
        self._form = form
        self._membership = membership
        self._now = now
        self._language = membership.officer.language
        self._templates: dict[str, FormTemplate] = {}
        self._countries: set[str] | None = None
        self._officers: set[str] | None = None

    def prepare(self, draft: Draft, said: bytes) -> Prepared:
        """Return the draft ready to be numbered and sealed. Raises NotAllowed, OperationClosed, PhaseForbids,
        NoTemplate, FormChanged, InvalidMessage.
        """
        rule = draft.rule
        if not self._membership.has(rule.right):
            raise NotAllowed
        permits(self._membership.group, rule.act)
        checked = checked_envelope(draft, now=self._now, language=self._language)
        self.check_addressees(checked.addressed_to)
        template = self._template(draft)
        context = validation_context(self._membership, kind=draft.kind, now=self._now, language=self._language)
        outcome = validate(template.spec, draft.body, context)
        if outcome.errors:
            raise InvalidMessage(errors=[_in_body(problem) for problem in outcome.errors])
        subject = checked.subject or summary(draft.kind, outcome.cleaned, checked.language)
        return Prepared(
            membership=self._membership,
            draft=checked,
            rule=rule,
            said=said,
            template=template,
            content=Content(subject, outcome.cleaned, [str(one) for one in checked.attachments], checked.confirmed),
        )

    def _template(self, draft: Draft) -> FormTemplate:
        template = self._templates.get(draft.kind)
        if template is None:
            template = self._templates[draft.kind] = self._form(self._membership.group, draft.kind)
        if draft.template is not None and draft.template != template.pk:
            raise FormChanged
        return template

    def check_addressees(self, addressed_to: Any) -> None:
        """Raise InvalidMessage for countries and officers who are named and not in the group now."""
        group_id = self._membership.group_id
        problems = []
        if "countries" in addressed_to:
            if self._countries is None:
                self._countries = set(
                    GroupCountry.objects.filter(group_id=group_id).values_list("country", flat=True)
                )
            if set(addressed_to["countries"]) - self._countries:
                message = _("A country that is addressed does not take part.")
                problems.append(FieldProblem("addressed_to.countries", "not_in_group", message))
        if "officers" in addressed_to:
            if self._officers is None:
                present = Membership.objects.filter(group_id=group_id, left_at__isnull=True)
                self._officers = {str(pk) for pk in present.values_list("officer_id", flat=True)}
            if set(addressed_to["officers"]) - self._officers:
                message = _("An officer who is addressed is not a member.")
                problems.append(FieldProblem("addressed_to.officers", "not_in_group", message))
        if problems:
            raise InvalidMessage(errors=problems)


def said_by(draft: Draft) -> bytes:
    """Return what the client said, in one spelling. Raises MessageTooLarge, InvalidMessage."""
    said = draft.canonical()
    if len(said) > settings.CENCOMM_LIMITS["message_bytes"]:
        raise MessageTooLarge
    return said


def _in_body(problem: FieldProblem) -> FieldProblem:
    return FieldProblem(f"body.{problem.field}" if problem.field else "body", problem.code, problem.message)
