"""Members, by country: who is in, in which role; invite, change, remove, leave."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import step_up
from accounts.errors import StepUpRequired
from accounts.forms import tell_refusal
from accounts.models import Officer
from accounts.step_up import Act
from groups import actions, phases, presentation, queries
from groups.access import Right
from groups.errors import NoSuchMember, NotAllowed, Stranger
from groups.forms import AddMemberForm, ConfirmForm, NewOfficerForm, RoleForm
from groups.gates import member_view
from groups.models import Membership, Role
from groups.phases import PhaseAct
from groups.wording import ROLE_TEXT
from problems import Refusal


@member_view(Right.SEE_GROUP)
@require_safe
def members(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the members by country, with roles, contact points and who has not accepted yet."""
    manages = membership.has(Right.MANAGE_MEMBERS)
    context = {
        "membership": membership,
        "countries": presentation.members_by_country(membership),
        "manages": manages,
        "recovers": membership.has(Right.RECOVER),
        "may_add": manages and phases.allows(membership.group, PhaseAct.MANAGE),
    }
    return render(request, "groups/members.html", context)


@member_view(Right.MANAGE_MEMBERS)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Add an officer by e-mail address; for an address that is unknown, invite a new officer."""
    phases.permits(membership.group, PhaseAct.MANAGE)
    form = AddMemberForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        officer = Officer.objects.select_related("administration").filter(email__iexact=form.cleaned_data["email"])
        known = officer.first()
        try:
            if known is not None:
                return _add_known(request, membership, known, form)
            form = NewOfficerForm(
                request.POST if "administration" in request.POST else None, initial=form.cleaned_data
            )
            if form.is_valid():
                return _add_new(request, membership, form)
        except (Stranger, NotAllowed, StepUpRequired):
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
    context = {
        "membership": membership,
        "form": form,
        "is_new": isinstance(form, NewOfficerForm),
        "roles": [(role.label, text) for role, text in ROLE_TEXT.items()],
    }
    return render(request, "groups/add_member.html", context, status=status)


def _step_up_for(request: HttpRequest, membership: Membership, *roles: str) -> None:
    """Who coordinates is decided with a second factor of its own: `roles` are what somebody was, is or becomes."""
    if Role.COORDINATOR in roles:
        step_up.require(request, Act.NAME_COORDINATOR, back=_members_url(membership))


def _add_known(request: HttpRequest, membership: Membership, officer: Officer, form: AddMemberForm) -> HttpResponse:
    _step_up_for(request, membership, form.cleaned_data["role"])
    actions.add_member(membership, officer=officer, role=form.cleaned_data["role"])
    messages.success(request, _("%(name)s is a member now.") % {"name": officer.name})
    return redirect("groups:members", group_id=membership.group_id)


def _add_new(request: HttpRequest, membership: Membership, form: NewOfficerForm) -> HttpResponse:
    _step_up_for(request, membership, form.cleaned_data["role"])
    joined, secret = actions.invite_member(membership, **form.cleaned_data)
    return _show_link(request, membership, joined.officer, secret)


def _show_link(request: HttpRequest, membership: Membership, officer: Officer, secret: str) -> HttpResponse:
    """The link is shown in this one answer; only a hash of its secret is stored."""
    context = {
        "membership": membership,
        "invited": officer,
        "link": request.build_absolute_uri(reverse("accounts:accept_invitation", kwargs={"secret": secret})),
    }
    return render(request, "groups/invited.html", context)


@member_view(Right.MANAGE_MEMBERS)
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: HttpRequest, membership: Membership, member_id: UUID) -> HttpResponse:
    """Show one member; a post changes the role."""
    chosen = _member(membership, member_id)
    form = RoleForm(request.POST or None, initial={"role": chosen.role})
    status = 200
    if request.method == "POST" and form.is_valid():
        _step_up_for(request, membership, chosen.role, form.cleaned_data["role"])
        try:
            actions.change_role(membership, member_id=member_id, role=form.cleaned_data["role"])
        except (Stranger, NotAllowed):
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            messages.success(request, _("The role was changed."))
            return redirect("groups:members", group_id=membership.group_id)
    return _member_page(request, membership, chosen, form=form, status=status)


@member_view(Right.MANAGE_MEMBERS)
@require_POST
def remove(request: HttpRequest, membership: Membership, member_id: UUID) -> HttpResponse:
    """End a membership, once confirmed."""
    chosen = _member(membership, member_id)
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _member_page(request, membership, chosen, removal=form)
    _step_up_for(request, membership, chosen.role)
    try:
        actions.remove_member(membership, member_id=member_id)
    except (Stranger, NotAllowed):
        raise
    except Refusal as refusal:
        status = tell_refusal(form, refusal)
        return _member_page(request, membership, chosen, removal=form, status=status)
    messages.success(request, _("%(name)s is no member any more.") % {"name": chosen.officer.name})
    return redirect("groups:mine" if chosen.pk == membership.pk else _members_url(membership))


@member_view(Right.MANAGE_MEMBERS)
@require_POST
def invite_again(request: HttpRequest, membership: Membership, member_id: UUID) -> HttpResponse:
    """Make a new link for a member who has not accepted the first one; the old one ends."""
    chosen = _member(membership, member_id)
    _step_up_for(request, membership, chosen.role)  # whoever opens the link is a coordinator
    _invitation, secret = actions.invite_again(membership, member_id=member_id)
    return _show_link(request, membership, chosen.officer, secret)


@member_view(Right.SEE_GROUP)
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, membership: Membership) -> HttpResponse:
    """End one's own membership, once confirmed."""
    form = ConfirmForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        _step_up_for(request, membership, membership.role)
        try:
            actions.leave_group(membership)
        except Stranger:
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            messages.success(request, _("You have left %(group)s.") % {"group": membership.group.name})
            return redirect("groups:mine")
    return render(request, "groups/leave.html", {"membership": membership, "form": form}, status=status)


def _member(membership: Membership, member_id: UUID) -> Membership:
    found = queries.member_in(membership, member_id)
    if found is None:
        raise NoSuchMember
    return found


def _members_url(membership: Membership) -> str:
    return reverse("groups:members", kwargs={"group_id": membership.group_id})


def _member_page(
    request: HttpRequest,
    membership: Membership,
    chosen: Membership,
    *,
    form: RoleForm | None = None,
    removal: ConfirmForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "membership": membership,
        "member": chosen,
        "line": presentation.member_line(chosen),
        "form": form or RoleForm(initial={"role": chosen.role}),
        "removal": removal or ConfirmForm(),
        "may_change": phases.allows(membership.group, PhaseAct.MANAGE),
        "roles": [(role.label, text) for role, text in ROLE_TEXT.items()],
    }
    return render(request, "groups/member.html", context, status=status)
