"""My groups: a card per group."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.models import Officer
from groups import announcements, phases, queries
from groups.access import Right
from groups.models import Membership
from problems import Refusal


class NotSignedIn(Refusal):
    """Sign in first."""

    code = "not_signed_in"
    status = 401


def mine(request: HttpRequest) -> HttpResponse:
    """Show the officer's groups: phase, day, unread, warnings waiting for the country, last event."""
    officer = request.user
    if not isinstance(officer, Officer):
        raise NotSignedIn
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
            "reads": membership.has(Right.READ),
            "facts": facts[membership.group_id],
        }
        for membership in memberships
    ]
    # The console comes here when its officer has left the group, or was removed from it.
    context = {"cards": cards, "officer": officer, "left": "left" in request.GET}
    return render(request, "groups/mine.html", context)


def _entrance(membership: Membership) -> str:
    """The console for those who read messages, the members for those who do not."""
    members = reverse("groups:members", kwargs={"group_id": membership.group_id})
    return f"/groups/{membership.group_id}/" if membership.has(Right.READ) else members
