"""My groups: a card per group."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.web_session import officer_of
from groups import announcements, phases, queries
from groups.models import Membership


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Show the officer's groups: phase, day, unread, warnings waiting for the country, last event."""
    officer = officer_of(request)
    memberships = queries.groups_of(officer)
    facts = announcements.card_facts(memberships)
    today = queries.today_utc()
    cards = [
        {
            "membership": membership,
            "group": membership.group,
            "url": _entrance(membership),
            "day": phases.day_of(membership.group, today),
            "over": membership.group.phase in phases.READ_ONLY,
            "reads": phases.can_be_read(membership),
            "facts": facts[membership.group_id],
        }
        for membership in memberships
    ]
    # The console comes here when its officer has left the group, or was removed from it.
    context = {"cards": cards, "officer": officer, "left": "left" in request.GET}
    return render(request, "groups/mine.html", context)


def _entrance(membership: Membership) -> str:
    """The console for those who can read messages, the members for those who cannot."""
    members = reverse("groups:members", kwargs={"group_id": membership.group_id})
    return f"/groups/{membership.group_id}/" if phases.can_be_read(membership) else members
