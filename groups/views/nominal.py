"""The page on which a coordinator lets a group take data about persons, or no more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import tell_refusal
from groups import actions
from groups import phases as rules
from groups.access import Right
from groups.errors import NotAllowed, Stranger
from groups.forms import NominalForm
from groups.gates import member_view
from groups.models import Membership
from groups.phases import PhaseAct
from problems import Refusal


@member_view(Right.MANAGE_GROUP)
@require_http_methods(["GET", "HEAD", "POST"])
def nominal(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Say what follows; a post, confirmed by the group's code, switches."""
    form = NominalForm(request.POST or None, group=membership.group)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            group = actions.set_nominal(membership, allowed=form.cleaned_data["allowed"])
        except (Stranger, NotAllowed):
            raise
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            on, off = _("The group takes data about persons from now on."), _("No data about persons from now on.")
            messages.success(request, on if group.nominal_allowed else off)
            return redirect("groups:settings", group_id=membership.group_id)
    context = {
        "membership": membership,
        "form": form,
        "may_change": rules.allows(membership.group, PhaseAct.MANAGE),
    }
    return render(request, "groups/nominal.html", context, status=status)
