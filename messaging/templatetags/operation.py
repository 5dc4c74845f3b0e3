"""What the frame of a group's pages shows: where in the operation we are, and which pages there are.

Template tags only. They read the membership that the view already has; each page gates itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from groups import phases
from groups.access import Right
from groups.models import Membership
from groups.queries import today_utc

register = template.Library()

# URL name, label, the right that its gate asks for; in the order of the navigation.
PAGES = [
    ("messaging:console", _("Console"), Right.READ),
    ("messaging:situation", _("Situation"), Right.READ),
    ("messaging:seizure", _("Report a seizure"), Right.POST_SEIZURE),
    ("groups:members", _("Members"), Right.SEE_GROUP),
    ("groups:phases", _("Phases"), Right.SEE_GROUP),
    ("simplified_forms:templates", _("Forms"), Right.EDIT_TEMPLATES),
    ("exports:transfer", _("Transfer to CEN"), Right.SEE_TRANSFERS),
    ("groups:settings", _("Settings"), Right.MANAGE_GROUP),
    ("groups:trail", _("Audit trail"), Right.READ_AUDIT),
]
# What these show is sealed: once the group's key is destroyed, there is nothing behind them.
SEALED = frozenset({Right.READ, Right.POST_SEIZURE, Right.SEE_TRANSFERS})


class Page(NamedTuple):
    """One entry of the group's navigation."""

    label: str
    url: str
    current: bool


@register.simple_tag(takes_context=True)
def group_pages(context: template.Context, membership: Membership) -> list[Page]:
    """Return the pages of the group, the one being shown marked."""
    path = context["request"].path if "request" in context else ""
    pages = []
    for name, label, right in PAGES:
        if not membership.has(right) or (right in SEALED and not phases.can_be_read(membership)):
            continue
        if right == Right.POST_SEIZURE and not phases.allows(membership.group, phases.PhaseAct.POST):
            continue
        try:
            url = reverse(name, kwargs={"group_id": membership.group_id})
        except NoReverseMatch:
            continue
        console = name == "messaging:console"
        pages.append(Page(str(label), url, path == url if console else path.startswith(url)))
    return pages


@register.simple_tag
def operation_place(membership: Membership) -> dict[str, Any]:
    """Return where the group's name leads, and day n of m while the operation runs (else None).

    That is the console, or the members for those who can read no messages.
    """
    day = phases.day_of(membership.group, today_utc())
    n, of = day or (None, None)
    name = "messaging:console" if phases.can_be_read(membership) else "groups:members"
    return {"url": reverse(name, args=[membership.group_id]), "day": n, "days": of}
