"""Phases and settings of a group."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import step_up
from accounts.errors import StepUpRequired
from accounts.forms import tell_refusal
from accounts.step_up import Act
from groups import actions, presentation
from groups import phases as rules
from groups.access import Right
from groups.errors import NotAllowed, Stranger
from groups.forms import ContactPointForm, CountryForm, PhaseForm, SettingsForm
from groups.gates import member_view
from groups.models import Membership, Phase
from groups.phases import PhaseAct
from problems import FieldProblem, Refusal


class UnknownMember(Refusal):
    """Choose one of the members offered."""

    code = "invalid"
    status = 422


@member_view(Right.SEE_GROUP)
@require_safe
def phases(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the life of the group and what each phase permits; coordinators see the moves."""
    return _phases_page(request, membership, PhaseForm(group=membership.group))


@member_view(Right.MANAGE_GROUP)
@require_POST
def move(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Move to another phase, confirmed by the group's code."""
    form = PhaseForm(request.POST, group=membership.group)
    if not form.is_valid():
        return _phases_page(request, membership, form)
    try:
        if form.phase() == Phase.ARCHIVED:
            actions.check_archive(membership)
            step_up.require(request, Act.DESTROY_KEY, back=_phases_url(membership))
        group = actions.change_phase(membership, to=form.phase())
    except (Stranger, NotAllowed, StepUpRequired):
        raise
    except Refusal as refusal:
        status = tell_refusal(form, refusal)
        return _phases_page(request, membership, form, status=status)
    messages.success(request, _("The phase is now: %(phase)s.") % {"phase": group.get_phase_display()})
    return redirect("groups:phases", group_id=membership.group_id)


def _phases_url(membership: Membership) -> str:
    return reverse("groups:phases", kwargs={"group_id": membership.group_id})


def _phases_page(
    request: HttpRequest, membership: Membership, form: PhaseForm, *, status: int = 200
) -> HttpResponse:
    moves = presentation.possible_moves(membership.group) if membership.has(Right.MANAGE_GROUP) else []
    context = {
        "membership": membership,
        "steps": presentation.timeline(membership.group),
        "moves": moves,
        "form": form,
        "chosen": form["to"].value(),
        "now": timezone.now(),
    }
    return render(request, "groups/phases.html", context, status=status)


@member_view(Right.MANAGE_GROUP)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the settings; a post changes them."""
    form = SettingsForm(request.POST or None, group=membership.group)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_settings(membership, settings=form.settings())
        except (Stranger, NotAllowed):
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            messages.success(request, _("The settings were saved."))
            return redirect("groups:settings", group_id=membership.group_id)
    return _settings_page(request, membership, form=form, status=status)


@member_view(Right.MANAGE_GROUP)
@require_POST
def add_country(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Let a country take part."""
    form = CountryForm(request.POST, present=set())
    status = 200
    if form.is_valid():
        try:
            actions.add_country(membership, country=form.cleaned_data["country"])
        except (Stranger, NotAllowed):
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            return redirect("groups:settings", group_id=membership.group_id)
    return _settings_page(request, membership, country_form=form, status=status)


@member_view(Right.MANAGE_GROUP)
@require_POST
def remove_country(request: HttpRequest, membership: Membership, country: str) -> HttpResponse:
    """End a country's part."""
    actions.remove_country(membership, country=country)
    return redirect("groups:settings", group_id=membership.group_id)


@member_view(Right.MANAGE_GROUP)
@require_POST
def contact_point(request: HttpRequest, membership: Membership, country: str) -> HttpResponse:
    """Name who answers for a country, or nobody."""
    form = ContactPointForm(request.POST)
    if not form.is_valid():
        raise UnknownMember(errors=[FieldProblem("member", "invalid", UnknownMember().title)])
    actions.set_contact_point(membership, country=country, member_id=form.cleaned_data["member"])
    messages.success(request, _("The contact point was set."))
    return redirect("groups:settings", group_id=membership.group_id)


def _settings_page(
    request: HttpRequest,
    membership: Membership,
    *,
    form: SettingsForm | None = None,
    country_form: CountryForm | None = None,
    status: int = 200,
) -> HttpResponse:
    lines = presentation.country_lines(membership)
    context = {
        "membership": membership,
        "form": form or SettingsForm(group=membership.group),
        "lines": lines,
        "country_form": country_form or CountryForm(present={line.country for line in lines}),
        "may_change": rules.allows(membership.group, PhaseAct.MANAGE),
    }
    return render(request, "groups/settings.html", context, status=status)
