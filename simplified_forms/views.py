"""The template builder of a coordinator: the list of forms, the draft of one, its versions.

What must not live here: what may be in a form (`specification`), or how a page shows it (`builder`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from groups import phases
from groups.access import Right
from groups.gates import member_view
from groups.models import Membership
from problems import FieldProblem
from simplified_forms import actions, builder, comparison, queries
from simplified_forms.errors import BadTemplate, DraftMoved, TemplateUnknown
from simplified_forms.fields import Kind, Mode
from simplified_forms.models import FormTemplate
from simplified_forms.specification import checked_spec
from simplified_forms.starting import starting_spec


def _language() -> str:
    return get_language() or "en"


@require_GET
@member_view(Right.EDIT_TEMPLATES)
def templates(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the forms of the group: which version of each is in force, and what is being drafted."""
    by_kind = queries.versions_by_kind(membership)
    forms = [
        _form_line(membership, kind, mode, [one for one in by_kind[kind] if one.mode == mode])
        for kind in Kind.values
        for mode in actions.modes_of(kind)
    ]
    return render(request, "simplified_forms/templates.html", {"membership": membership, "forms": forms})


def _form_line(membership: Membership, kind: str, mode: str, versions: Sequence[FormTemplate]) -> dict[str, Any]:
    published = next((one for one in versions if one.state == FormTemplate.State.PUBLISHED), None)
    return {
        "kind": kind,
        "label": Kind(kind).label,
        "mode": mode,
        "mode_label": Mode(mode).label if mode else "",
        "in_use": not mode or membership.group.form_mode == mode,
        "published": published,
        "fields": len(published.spec["fields"]) if published else 0,
        "draft": next((one for one in versions if one.state == FormTemplate.State.DRAFT), None),
        "url": _draft_url(membership, kind, mode),
    }


def _draft_url(membership: Membership, kind: str, mode: str) -> str:
    url = reverse("simplified_forms:template_draft", args=[membership.group_id, kind])
    return f"{url}?mode={mode}" if mode else url


def _form_named(request: HttpRequest, membership: Membership, kind: str) -> str:
    """Return the mode of the form that the address names. Raises TemplateUnknown."""
    if kind not in Kind.values:
        raise TemplateUnknown
    mode = request.GET.get("mode") or (membership.group.form_mode if kind == Kind.SEIZURE else "")
    if mode not in actions.modes_of(kind):
        raise TemplateUnknown
    return mode


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Right.EDIT_TEMPLATES)
def template_draft(request: HttpRequest, membership: Membership, kind: str) -> HttpResponse:
    """Show the draft of a form, or the version in force to start from; save, publish or discard it."""
    mode = _form_named(request, membership, kind)
    draft = queries.draft_of(membership, kind=kind, mode=mode)
    spec = _spec_to_edit(membership, kind, mode, draft)
    if request.method != "POST":
        return _draft_page(request, membership, kind=kind, mode=mode, spec=spec, name=draft.name if draft else None)
    act = request.POST.get("act", "save")
    if act == "discard":
        actions.discard_draft(membership, kind=kind, mode=mode)
        messages.success(request, _("The draft was discarded."))
        return redirect(_draft_url(membership, kind, mode))
    posted = builder.moved(builder.spec_from_post(request.POST, kind, spec), act, kind)
    try:
        _keep(request, membership, kind=kind, mode=mode, act=act, spec=posted)
    except (BadTemplate, DraftMoved) as refusal:
        return _draft_page(
            request,
            membership,
            kind=kind,
            mode=mode,
            spec=posted,
            name=request.POST.get("name"),
            refusal=refusal,
        )
    return redirect(_draft_url(membership, kind, mode))


def _keep(
    request: HttpRequest, membership: Membership, *, kind: str, mode: str, act: str, spec: Mapping[str, Any]
) -> None:
    seen_at = parse_datetime(request.POST.get("seen_at", "")[:40])
    name = request.POST.get("name", "")
    # One transaction: what cannot be published leaves the draft as it was, and the page its own.
    with transaction.atomic():
        draft = actions.save_draft(membership, kind=kind, mode=mode, name=name, spec=spec, seen_at=seen_at)
        if act != "publish":
            messages.success(request, _("The draft was saved."))
            return
        published = actions.publish_template(membership, kind=kind, mode=mode, seen_at=draft.saved_at)
    text = _("Version %(version)s is in force: every form opened from now on uses it.")
    messages.success(request, text % {"version": published.version})


def _spec_to_edit(membership: Membership, kind: str, mode: str, draft: FormTemplate | None) -> Mapping[str, Any]:
    source = draft or queries.published_of(membership, kind=kind, mode=mode)
    return source.spec if source else starting_spec(Kind(kind), Mode(mode) if mode else None)


def _draft_page(
    request: HttpRequest,
    membership: Membership,
    *,
    kind: str,
    mode: str,
    spec: Mapping[str, Any],
    name: str | None,
    refusal: BadTemplate | DraftMoved | None = None,
) -> HttpResponse:
    published = queries.published_of(membership, kind=kind, mode=mode)
    draft = queries.draft_of(membership, kind=kind, mode=mode)
    errors: Sequence[FieldProblem] = refusal.errors if refusal else ()
    seen_at: str | None = draft.saved_at.isoformat() if draft else ""
    nominal = membership.group.nominal_allowed
    known = {"fields": [entry for entry in spec["fields"] if "required" in entry]}
    context = {
        "membership": membership,
        "kind": kind,
        "kind_label": Kind(kind).label,
        "mode": mode,
        "modes": _mode_links(membership, kind),
        "name": name or (published.name if published else actions.default_name(kind, mode)),
        "rows": builder.rows(known, kind, errors),
        "sections": builder.offers(known, kind, nominal_allowed=nominal),
        "general_errors": [one.message for one in errors if one.field in ("", *_missing(known, errors))],
        "refusal": refusal,
        "seen_at": request.POST.get("seen_at", "") if refusal else seen_at,
        "draft": draft,
        "published": published,
        "changes": comparison.changes(published.spec, known) if published and draft else [],
        "versions": [one for one in queries.versions(membership, kind=kind) if one.version and one.mode == mode],
        "preview": _description(membership, kind, mode, known),
        "editable": phases.allows(membership.group, phases.PhaseAct.EDIT_TEMPLATES),
        "action": _draft_url(membership, kind, mode),
    }
    status = refusal.status if refusal else 200
    return render(request, "simplified_forms/template_draft.html", context, status=status)


def _mode_links(membership: Membership, kind: str) -> list[tuple[str, Any, str]]:
    return [(one, Mode(one).label, _draft_url(membership, kind, one)) for one in actions.modes_of(kind) if one]


def _missing(spec: Mapping[str, Any], errors: Sequence[FieldProblem]) -> set[str]:
    """Return the names at fault that the page has no row for."""
    return {one.field for one in errors} - {entry["name"] for entry in spec["fields"]}


def _description(membership: Membership, kind: str, mode: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    allowed = membership.group.nominal_allowed
    return {
        "description": queries.spec_description(
            spec, kind=kind, mode=mode, language=_language(), nominal_allowed=allowed
        ),
        "country": membership.country,
    }


@require_POST
@member_view(Right.EDIT_TEMPLATES)
def preview(request: HttpRequest, membership: Membership, kind: str) -> HttpResponse:
    """Answer the description of the form as the page has it now. Nothing is kept."""
    mode = _form_named(request, membership, kind)
    draft = queries.draft_of(membership, kind=kind, mode=mode)
    posted = builder.spec_from_post(request.POST, kind, _spec_to_edit(membership, kind, mode, draft))
    spec = checked_spec(posted, kind=kind, nominal_allowed=membership.group.nominal_allowed, complete=False)
    published = queries.published_of(membership, kind=kind, mode=mode)
    answer = _description(membership, kind, mode, spec)
    answer["changes"] = comparison.changes(published.spec, spec) if published else []
    return JsonResponse(answer)


@require_GET
@member_view(Right.EDIT_TEMPLATES)
def template_version(request: HttpRequest, membership: Membership, template_id: Any) -> HttpResponse:
    """Show one version, read only."""
    template = queries.template_in(membership, template_id)
    context = {
        "membership": membership,
        "template": template,
        "kind_label": Kind(template.kind).label,
        "mode_label": Mode(template.mode).label if template.mode else "",
        "rows": builder.rows(template.spec, template.kind),
        "preview": _description(membership, template.kind, template.mode, template.spec),
        "draft_url": _draft_url(membership, template.kind, template.mode),
    }
    return render(request, "simplified_forms/template_version.html", context)


@require_POST
@member_view(Right.EDIT_TEMPLATES)
def form_mode(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Put the simplified or the full seizure form in force."""
    actions.choose_form_mode(membership, mode=request.POST.get("mode", ""))
    messages.success(request, _("The seizure form in force was changed."))
    return redirect("simplified_forms:templates", membership.group_id)
