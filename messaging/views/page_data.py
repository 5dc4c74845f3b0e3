"""What the scripts of messaging's pages need to start: words for codes, addresses, what this member may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.browser_keys import browser_key
from groups import phases
from groups.access import RIGHTS, Right
from groups.models import Membership, Role
from groups.queries import members_by_right
from messaging.attachments.names import ENDINGS
from messaging.attachments.wording import REASON_TEXT, reason_text
from messaging.drafts import MAX_ATTACHMENTS
from messaging.kinds import RULES, Handling, Priority, Status
from nomenclature.names import country_name
from simplified_forms.fields import Kind

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"
# Pictures that are taken and become JPEG or PNG when they are checked.
REDRAWN = ("image/gif", "image/heic", "image/heif", ".gif", ".heic", ".heif")


def view_filters(membership: Membership) -> dict[str, dict[str, Any]]:
    """Return what each view of the console shows, in the words of static/messaging/feed.js."""
    validate: dict[str, Any] = {
        "kinds": [Kind.SEIZURE.value],
        "statuses": [Status.SUBMITTED.value],
        "standing": True,
    }
    if membership.has(Right.VALIDATE_ALL):
        validate["statuses"].append(Status.VALIDATED_NCP.value)
    else:
        validate["country"] = membership.country
    return {
        "all": {},
        "waiting": {"waiting": True},
        "open_warnings": {"kinds": [Kind.WARNING.value], "open": True},
        "overdue": {"overdue": True},
        "seizures": {"kinds": [Kind.SEIZURE.value]},
        "validate": validate,
        "requests": {"kinds": [Kind.REQUEST.value], "open": True},
        "coordination": {"kinds": [Kind.SITREP.value, Kind.BULLETIN.value, Kind.ADMINISTRATIVE.value]},
    }


def kinds_for(membership: Membership) -> list[dict[str, Any]]:
    """Return every kind with its rule, and whether this member may send it in the present phase."""
    return [
        {
            "code": kind.value,
            "label": str(kind.label),
            "answers": rule.answers.value if rule.answers else None,
            "answered_by": rule.answered_by.value if rule.answered_by else None,
            "acknowledge": rule.acknowledge,
            "allowed": membership.has(rule.right) and phases.allows(membership.group, rule.act),
        }
        for kind, rule in RULES.items()
    ]


def labels(membership: Membership, language: str) -> dict[str, Any]:
    """Return the words for codes, in the language of the page."""
    return {
        "language": language,
        "kinds": dict(_texts(Kind)),
        "statuses": dict(_texts(Status)),
        "statusesShort": {
            Status.SUBMITTED.value: _("submitted"),
            Status.RETURNED.value: _("returned"),
            Status.VALIDATED_NCP.value: _("validated (CP)"),
            Status.VALIDATED_OCU.value: _("validated"),
            Status.TRANSFERRED.value: _("in CEN"),
        },
        "priorities": dict(_texts(Priority)),
        "handlings": dict(_texts(Handling)),
        "sources": _sources(),
        "information": _information(),
        "roles": dict(_texts(Role)),
        "attachmentReasons": {str(reason): str(text) for reason, text in REASON_TEXT.items()},
        "notePlaceholder": _("Write to everybody in %(group)s") % {"group": membership.group.name},
    }


def attachments() -> dict[str, Any]:
    """Return what may be attached, as a file picker takes it, and how much; what a file is its check finds."""
    endings = [ending for each in ENDINGS.values() for ending in each]
    return {
        "accept": [*ENDINGS, *endings, *REDRAWN],
        "most": MAX_ATTACHMENTS,
        "largest": settings.CENCOMM_LIMITS["attachment_bytes"],
    }


def files(states: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a message's files as its record draws them: pictures that can be looked at first, then the others."""
    told = {"ready": "", "uploading": _("being checked"), "checking": _("being checked")}
    found = [
        {
            **state,
            "url": f"/api/v1/attachments/{state['id']}",
            "picture": state["kind"] == "image" and state["state"] == "ready" and state["preview"],
            "reason_text": reason_text(state["reason"] or ""),
            "state_text": told.get(state["state"], _("refused")),
        }
        for state in states
    ]
    return sorted(found, key=lambda file: not file["picture"])


def _sources() -> dict[str, str]:
    """Return the grades of a source (the "Admiralty" system, STANAG 2511)."""
    return {
        "A": _("A reliable"),
        "B": _("B usually reliable"),
        "C": _("C fairly reliable"),
        "D": _("D not usually reliable"),
        "E": _("E unreliable"),
        "F": _("F cannot be judged"),
    }


def _information() -> dict[str, str]:
    """Return the grades of an information, in the same system."""
    return {
        "1": _("1 confirmed"),
        "2": _("2 probably true"),
        "3": _("3 possibly true"),
        "4": _("4 doubtful"),
        "5": _("5 improbable"),
        "6": _("6 cannot be judged"),
    }


def _texts(choices: Any) -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in choices.choices]


def urls(membership: Membership) -> dict[str, str]:
    """Return the addresses that the scripts use; PLACEHOLDER stands for a message's id."""
    group_id = membership.group_id
    return {
        "console": reverse("messaging:console", args=[group_id]),
        "record": reverse("messaging:record", args=[group_id, PLACEHOLDER]),
        "placeholder": PLACEHOLDER,
        "board": reverse("messaging:figures", args=[group_id]),
        "seizure": reverse("messaging:seizure", args=[group_id]),
    }


def place(
    membership: Membership, *, countries: list[str], today: tuple[int, int] | None, language: str
) -> dict[str, Any]:
    """Return where we are: the group, its phase and day, its countries by name."""
    group = membership.group
    return {
        "id": str(group.pk),
        "code": group.code,
        "name": group.name,
        "phase": group.phase,
        "epoch": str(group.stream_epoch),
        "head": group.head,
        "role": membership.role,
        "rights": sorted(RIGHTS[Role(membership.role)]),
        "countries": [{"code": code, "name": country_name(code, language)} for code in countries],
        "operation_day": today[0] if today else None,
        "operation_days": today[1] if today else None,
    }


def people(membership: Membership) -> dict[str, Any]:
    """Return who is in the group, and the rights of each role: of whom receipts are expected follows from them."""
    present = members_by_right(membership.group, Right.SEE_GROUP).order_by("joined_at", "pk")
    return {
        "roles": {role.value: sorted(rights) for role, rights in RIGHTS.items()},
        "members": [
            {"officer": str(officer), "role": role, "country": country}
            for officer, role, country in present.values_list("officer_id", "role", "country")
        ],
    }


def me(membership: Membership, *, language: str, last_seen: int) -> dict[str, Any]:
    """Return who reads, and the key for what their browser keeps of them."""
    officer = membership.officer
    return {
        "id": str(officer.pk),
        "key": browser_key(officer.pk),
        "name": officer.name,
        "country": membership.country,
        "role": membership.role,
        "language": language,
        "last_seen": last_seen,
    }


def validates(membership: Membership) -> bool:
    """Whether this member validates anybody's seizures."""
    return membership.has(Right.VALIDATE_ALL) or membership.has(Right.VALIDATE_OWN_COUNTRY)
