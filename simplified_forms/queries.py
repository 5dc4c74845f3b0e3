"""Reads: which form is in force, and its description for page and API. No writes, no rules about bodies.

The exact shape of a description, and of the values of every field type, is in `simplified_forms.shapes`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from groups.models import ClosedUserGroup, Membership
from simplified_forms.description import described_fields, sections_of
from simplified_forms.errors import NoTemplate, TemplateUnknown
from simplified_forms.fields import Kind
from simplified_forms.models import FormTemplate
from simplified_forms.run import Context
from simplified_forms.shapes import FormDescription

State = FormTemplate.State


def _in_force(group: ClosedUserGroup) -> QuerySet[FormTemplate]:
    # Of the two seizure forms the one of the group's form mode counts.
    return FormTemplate.objects.filter(
        Q(mode="") | Q(mode=group.form_mode), group=group, state=State.PUBLISHED
    ).order_by("kind")


def template_in_force(group: ClosedUserGroup, kind: str) -> FormTemplate:
    """Return the published form of a kind; of a seizure, that of the group's form mode. Raises NoTemplate."""
    template = _in_force(group).filter(kind=kind).first() if kind in Kind.values else None
    if template is None:
        raise NoTemplate
    template.group = group
    return template


def templates_in_force(group: ClosedUserGroup) -> list[FormTemplate]:
    """Return the published form of every kind, in the order of `Kind`."""
    order = {kind: at for at, kind in enumerate(Kind.values)}
    templates = sorted(_in_force(group), key=lambda template: order[template.kind])
    for template in templates:
        template.group = group
    return templates


def versions(membership: Membership, *, kind: str) -> list[FormTemplate]:
    """Return every version of a kind, newest first, and drafts before them."""
    order = {State.DRAFT: 0, State.PUBLISHED: 1, State.RETIRED: 1}
    found = FormTemplate.objects.filter(group=membership.group, kind=kind)
    return sorted(found, key=lambda t: (order[State(t.state)], -(t.version or 0)))


def versions_by_kind(membership: Membership) -> Mapping[str, list[FormTemplate]]:
    """Return every version of every kind, newest first; kinds in the order of `Kind`."""
    found: dict[str, list[FormTemplate]] = {kind: [] for kind in Kind.values}
    for template in FormTemplate.objects.filter(group=membership.group).order_by("-version"):
        found[template.kind].append(template)
    return found


def template_in(membership: Membership, template_id: UUID) -> FormTemplate:
    """Return one version of the member's group. Raises TemplateUnknown."""
    template = FormTemplate.objects.filter(group=membership.group, pk=template_id).first()
    if template is None:
        raise TemplateUnknown
    template.group = membership.group
    return template


def draft_of(membership: Membership, *, kind: str, mode: str) -> FormTemplate | None:
    """Return the draft of a kind and mode, if there is one."""
    return FormTemplate.objects.filter(group=membership.group, kind=kind, mode=mode, state=State.DRAFT).first()


def published_of(membership: Membership, *, kind: str, mode: str) -> FormTemplate | None:
    """Return the published version of a kind and mode, whichever form mode the group uses now."""
    return FormTemplate.objects.filter(group=membership.group, kind=kind, mode=mode, state=State.PUBLISHED).first()


def form_description(template: FormTemplate, language: str) -> FormDescription:
    """Return the form ready to draw, in a language. Shape and values: `simplified_forms.shapes.FormDescription`.

    `template.group` must be loaded: whether nominal fields show depends on it.
    """
    described = spec_description(
        template.spec,
        kind=template.kind,
        mode=template.mode,
        language=language,
        nominal_allowed=template.group.nominal_allowed,
    )
    described["name"] = template.name
    if template.version is not None:
        described["template"] = str(template.pk)
        described["version"] = template.version
    return described


def spec_description(
    spec: Mapping[str, Any], *, kind: str, mode: str, language: str, nominal_allowed: bool
) -> FormDescription:
    """Return the form of a specification that is not stored (a preview): without template, version and name."""
    fields = described_fields(spec, language=language, nominal_allowed=nominal_allowed)
    return {
        "template": None,
        "kind": kind,
        "version": None,
        "mode": mode,
        "name": "",
        "language": language,
        "sections": sections_of(fields, language=language),
        "fields": fields,
    }


def validation_context(membership: Membership, *, kind: str, now: datetime, language: str) -> Context:
    """Return what `validation.validate` must know when this member sends a body of a kind at `now` (aware, UTC).

    The last day that is not in the future is UTC's or the officer's own, whichever is later: east of Greenwich the
    new day has begun before UTC's.
    """
    group = membership.group
    local_day = now.astimezone(ZoneInfo(membership.officer.time_zone)).date()
    return Context(
        kind=kind,
        today=max(now.date(), local_day),
        now=now,
        sender_country=membership.country or None,
        operation_starts_on=group.starts_on,
        late_limit_days=group.late_limit_days,
        language=language,
        nominal_allowed=group.nominal_allowed,
    )
