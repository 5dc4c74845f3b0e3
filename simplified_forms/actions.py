"""Writes of templates: save and discard a draft, publish a version, choose the form mode, start a new group.

Every act locks the group's row, so that two coordinators cannot publish past each other and a group that was just
closed takes nothing more.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

import audit
from audit import Action
from groups import announcements, phases
from groups.access import Right
from groups.gates import hold_group
from groups.models import ClosedUserGroup, Membership
from groups.phases import PhaseAct
from simplified_forms.errors import DraftMoved, NothingToPublish, TemplateUnknown
from simplified_forms.fields import Kind, Mode
from simplified_forms.models import FormTemplate
from simplified_forms.specification import checked_spec
from simplified_forms.starting import starting_spec

State = FormTemplate.State


def modes_of(kind: str) -> tuple[str, ...]:
    """Return the modes in which a kind has forms: both for a seizure, the empty one for the others."""
    return tuple(Mode.values) if kind == Kind.SEIZURE else ("",)


def _locked_group(membership: Membership) -> ClosedUserGroup:
    """Return the group's row, locked, once the right and the phase were checked."""
    group = hold_group(membership, Right.EDIT_TEMPLATES)
    phases.permits(group, PhaseAct.EDIT_TEMPLATES)
    return group


def _tell(group: ClosedUserGroup, membership: Membership, setting: str) -> None:
    """Let those who watch the group know that its forms are not what they were."""
    announcements.announce(group, type="settings", actor=membership.officer_id, data={"fields": [setting]})


def _require_form(kind: str, mode: str) -> None:
    if kind not in Kind.values or mode not in modes_of(kind):
        raise TemplateUnknown


@transaction.atomic
def save_draft(
    membership: Membership,
    *,
    kind: str,
    mode: str,
    name: str,
    spec: Mapping[str, Any],
    seen_at: datetime | None,
) -> FormTemplate:
    """Create or change the draft of a kind and mode.

    `seen_at` is the `saved_at` of the draft that the editor started from, None if there was none. Raises
    DraftMoved if it is not that one any more, BadTemplate, NotAllowed, OperationClosed, TemplateUnknown.
    """
    _require_form(kind, mode)
    group = _locked_group(membership)
    checked = checked_spec(spec, kind=kind, nominal_allowed=group.nominal_allowed, complete=False)
    draft = FormTemplate.objects.filter(group=group, kind=kind, mode=mode, state=State.DRAFT).first()
    if (draft.saved_at if draft else None) != seen_at:
        raise DraftMoved
    if draft is None:
        draft = FormTemplate(group=group, kind=kind, mode=mode)
    draft.name = name.replace("\0", "").strip()[:120] or default_name(kind, mode)
    draft.spec = checked
    draft.saved_at = timezone.now()
    draft.saved_by_id = membership.officer_id
    draft.save()
    audit.record(
        Action.FORM_DRAFT_SAVED,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"template:{draft.pk}",
        kind=kind,
        mode=mode,
    )
    return draft


@transaction.atomic
def discard_draft(membership: Membership, *, kind: str, mode: str) -> None:
    """Delete the draft of a kind and mode; nothing happens if there is none."""
    _require_form(kind, mode)
    group = _locked_group(membership)
    draft = FormTemplate.objects.filter(group=group, kind=kind, mode=mode, state=State.DRAFT).first()
    if draft is None:
        return
    subject = f"template:{draft.pk}"
    draft.delete()
    audit.record(
        Action.FORM_DRAFT_DISCARDED,
        actor=membership.officer_id,
        group=group.pk,
        subject=subject,
        kind=kind,
        mode=mode,
    )


@transaction.atomic
def publish_template(
    membership: Membership, *, kind: str, mode: str, seen_at: datetime | None = None
) -> FormTemplate:
    """Turn the draft into the next version, in force from now on; the version before it is retired.

    Raises NothingToPublish, DraftMoved (when `seen_at` is given and the draft is newer), BadTemplate if a field
    that every form of this kind needs is missing, NotAllowed, OperationClosed, TemplateUnknown.
    """
    _require_form(kind, mode)
    group = _locked_group(membership)
    draft = FormTemplate.objects.filter(group=group, kind=kind, mode=mode, state=State.DRAFT).first()
    if draft is None:
        raise NothingToPublish
    if seen_at is not None and draft.saved_at != seen_at:
        raise DraftMoved
    draft.spec = checked_spec(draft.spec, kind=kind, nominal_allowed=group.nominal_allowed, complete=True)
    now = timezone.now()
    FormTemplate.objects.filter(group=group, kind=kind, mode=mode, state=State.PUBLISHED).update(
        state=State.RETIRED, retired_at=now
    )
    draft.version = _next_version(group, kind)
    draft.state = State.PUBLISHED
    draft.published_at = now
    draft.save()
    audit.record(
        Action.FORM_TEMPLATE_PUBLISHED,
        actor=membership.officer_id,
        group=group.pk,
        subject=f"template:{draft.pk}",
        kind=kind,
        mode=mode,
        version=draft.version,
    )
    _tell(group, membership, "form_templates")
    return draft


def _next_version(group: ClosedUserGroup, kind: str) -> int:
    highest = FormTemplate.objects.filter(group=group, kind=kind).aggregate(highest=Max("version"))["highest"]
    return (highest or 0) + 1


@transaction.atomic
def choose_form_mode(membership: Membership, *, mode: str) -> None:
    """Put the simplified or the full seizure form in force for the group.

    Raises TemplateUnknown if the group has no published form of that mode, NotAllowed, OperationClosed.
    """
    _require_form(Kind.SEIZURE, mode)
    group = _locked_group(membership)
    published = FormTemplate.objects.filter(
        group=group, kind=Kind.SEIZURE, mode=mode, state=State.PUBLISHED
    ).exists()
    if not published:
        raise TemplateUnknown
    if group.form_mode == mode:
        return
    group.form_mode = mode
    group.save(update_fields=["form_mode"])
    membership.group.form_mode = mode
    _tell(group, membership, "form_mode")
    audit.record(
        Action.FORM_MODE_CHOSEN, actor=membership.officer_id, group=group.pk, subject=f"group:{group.pk}", mode=mode
    )


@transaction.atomic
def create_starting_templates(
    group: ClosedUserGroup, *, mode: str | None = None, actor: UUID | None = None
) -> list[FormTemplate]:
    """Publish the first version of every form of a new group, both seizure forms among them.

    `mode` picks the seizure form in force (None: as the group says). A group that has templates keeps them: nothing
    happens then, and the list is empty.
    """
    ClosedUserGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    if FormTemplate.objects.filter(group=group).exists():
        return []
    if mode is not None and mode != group.form_mode:
        group.form_mode = Mode(mode).value
        group.save(update_fields=["form_mode"])
    now = timezone.now()
    made = [
        FormTemplate(
            group=group,
            kind=kind,
            mode=form_mode,
            version=number,
            state=State.PUBLISHED,
            name=default_name(kind, form_mode),
            spec=starting_spec(Kind(kind), Mode(form_mode) if form_mode else None),
            saved_by_id=actor,
            published_at=now,
        )
        for kind in Kind.values
        for number, form_mode in enumerate(modes_of(kind), start=1)
    ]
    FormTemplate.objects.bulk_create(made)
    audit.record(
        Action.FORM_TEMPLATE_PUBLISHED,
        actor=actor,
        group=group.pk,
        subject=f"group:{group.pk}",
        starting=len(made),
        mode=group.form_mode,
    )
    return made


def start_group(group: ClosedUserGroup, actor: UUID) -> None:
    """Give a group that was just made its forms; called inside that very transaction."""
    create_starting_templates(group, actor=actor)


def default_name(kind: str, mode: str) -> str:
    """Return the name of a form that nobody named."""
    label = str(Kind(kind).label)
    return f"{label}: {Mode(mode).label}" if mode else label
