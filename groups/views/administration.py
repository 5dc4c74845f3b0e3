"""Groups as platform administrators see them: that they exist, and making new ones. No content, no membership."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import step_up
from accounts.forms import tell_refusal
from accounts.gates import administrator_view
from accounts.models import Officer
from accounts.step_up import Act
from groups import actions, queries
from groups.forms import CreateGroupForm
from problems import Refusal


@administrator_view
@require_safe
def groups(request: HttpRequest, officer: Officer) -> HttpResponse:
    """List all groups with phase, days, countries, coordinators."""
    return render(request, "groups/administration.html", {"groups": queries.all_groups(officer)})


@administrator_view
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Make a group with its first coordinator and countries."""
    form = CreateGroupForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        step_up.require(request, Act.NAME_COORDINATOR, back=reverse("groups:administration"))
        try:
            group = actions.create_group(officer, **form.cleaned_data)
        except Refusal as refusal:
            status = tell_refusal(form, refusal)
        else:
            messages.success(request, _("%(name)s was created.") % {"name": group.name})
            return redirect("groups:administration")
    return render(request, "groups/create.html", {"form": form}, status=status)
